"""Projects made with the command line, for its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biorat_al.project import Project
from tests.support.commands import VARIABLES, be_quick, call
from tests.support.rounds import PatientDesk, demo_files

Make = Callable[..., Path]


@pytest.fixture
def make(nowhere: Path, tiny_encoder: Path) -> Make:
    """Return a function that makes a project with ``init`` and returns its folder."""

    def make(*words: str | Path, documents: Path | None = None, desk: str = "oracle", size: int = 3) -> Path:
        if documents is None:
            documents, test = demo_files(nowhere.parent / "files", pool=12, test=3)
            words = (*words, "--test-documents", test)
        if desk == "oracle":
            words = (*words, "--gold")
        labels = ["--entity", "Disease", "--entity", "Chemical", "--size", size]
        options = ["--documents", documents, *labels, "--encoder", tiny_encoder, "--desk", desk]
        outcome = call("init", nowhere / "trial", *options, *words)
        assert (outcome.code, outcome.err) == (0, "")
        be_quick(nowhere / "trial")
        return nowhere / "trial"

    return make


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., PatientDesk]]:
    """Let commands use a desk that answers when the test says so."""
    opened: list[Project] = []

    def patient(folder: Path, *, empty: bool = False) -> PatientDesk:
        opened.append(Project.open(folder))
        desk = PatientDesk(opened[-1], empty=empty)
        monkeypatch.setattr(Project, "desk", property(lambda project: desk))
        return desk

    yield patient
    for project in opened:
        project.close()


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Path]:
    """Return a project with two rounds, three test documents and three answers; no test may change it."""
    place = tmp_path_factory.mktemp("old")
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        documents, test = demo_files(place / "files", pool=12, test=3)
        options = ["--documents", documents, "--test-documents", test, "--gold", "--desk", "oracle", "--size", 3]
        labels = ["--entity", "Disease", "--entity", "Chemical"]
        assert call("init", place / "trial", *options, *labels, "--encoder", tiny_encoder).code == 0
        be_quick(place / "trial")
        for _ in range(2):
            outcome = call("round", "--project", place / "trial")
            assert (outcome.code, outcome.err) == (0, "")
    before = (place / "trial" / "biorat.sqlite3").read_bytes()
    yield place / "trial"
    assert (place / "trial" / "biorat.sqlite3").read_bytes() == before
