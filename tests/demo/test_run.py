"""What the demo tells people to do next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from biorat_al.demo.run import STEPS, activation, make_project
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.progress import SILENT
from biorat_al.settings import SETTINGS_FILE


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the ``bin`` folder of a virtual environment that this Python seems to run in."""
    folder = tmp_path / "an environment" / "bin"
    folder.mkdir(parents=True)
    for name in ("activate", "python", "biorat-al"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def test_after_make_demo_the_next_command_is_found(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # make runs .venv/bin/biorat-al, and the environment of the user's shell is another
    monkeypatch.setenv("PATH", "/nonexistent")
    assert activation() == f"source '{environment}/activate' && "


def test_in_an_activated_environment_nothing_is_to_be_activated(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(environment))
    assert activation() == ""


def test_without_a_virtual_environment_nothing_is_to_be_activated(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (environment / "activate").unlink()
    assert activation() == ""


def test_the_models_of_the_demo_are_trained_for_fewer_steps_and_its_settings_say_so(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    desk = LabelStudioDesk("http://127.0.0.1:9", "0" * 40)
    with make_project(tmp_path / "demo", str(tiny_encoder), desk, lambda text: None, SILENT) as project:
        assert project.settings.training.min_steps == STEPS
    assert f"\nmin_steps = {STEPS}" in (tmp_path / "demo" / SETTINGS_FILE).read_text("utf-8")
