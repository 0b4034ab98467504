"""Projects made with the command line, for its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from biorat_al.corpus.model.document import Annotation
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.project import Project
from tests.support.commands import VARIABLES, be_quick, call
from tests.support.labelstudio import RunningLabelStudio
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


def made_in_label_studio(label_studio: RunningLabelStudio, folder: Path, encoder: Path, *options: str | Path) -> Path:
    """Make a project for Label Studio with ``init``, with a pool of 12 documents that nobody has annotated.

    :param folder: where the project and its documents are put.
    :param options: what `init` is given besides documents, labels, encoder and a size of 4.
    """
    pool, test = demo_files(folder / "files", pool=12, test=3, gold=False)
    made = call(
        *("init", folder / "trial", "--documents", pool, "--test-documents", test, "--size", "4"),
        *("--entity", "Disease", "--entity", "Chemical", "--encoder", encoder, *options),
    )
    assert made.code == 0, made.err
    be_quick(folder / "trial")
    return folder / "trial"


class FirstBatch(NamedTuple):
    """The first batch of a project in Label Studio.

    :param said: what ``round`` printed, on one line.
    :param reference: id of the pool's project in Label Studio.
    :param versions: of the model of each task's pre-labels.
    :param regions: all pre-labels.
    """

    said: str
    connection: Connection
    reference: str
    versions: list[str]
    regions: list[dict[str, Any]]

    def annotate(self) -> int:
        """Answer its tasks as the demo corpus does; return how many there were."""
        gold = {record.document.id: record.annotation or Annotation() for record in read_demo_corpus()}
        return annotate_open_tasks(self.connection, self.reference, gold.__getitem__)


def first_batch(label_studio: RunningLabelStudio, folder: Path) -> FirstBatch:
    """Run the first round of a project; check that each task has one pre-annotation, whose regions have their texts."""
    first = call("round", "--project", folder)
    assert first.code == 0, first.err
    with Project.open(folder) as project:
        reference = project.status(ask_desk=False).urls["pool"].rstrip("/").rsplit("/", 1)[1]
    connection = Connection(label_studio.url, label_studio.token)
    fields = "id,data,predictions,model_version,created_at,result"
    versions, regions = [], []
    for task in connection.tasks(reference, fields="all", include=fields):
        (prediction,) = task["predictions"]
        versions.append(prediction["model_version"])
        regions += prediction["result"]
        for region in prediction["result"]:
            value = region["value"]
            assert task["data"]["text"][value["start"] : value["end"]] == value["text"]
    return FirstBatch(" ".join(first.out.split()), connection, reference, versions, regions)


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
