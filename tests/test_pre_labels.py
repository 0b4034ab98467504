"""A project with a dictionary, from the command line and against a real Label Studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Annotation
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.project import Project
from tests.rounds.pre_labels.test_first_batch import demo_dictionary
from tests.support.commands import be_quick, call, nowhere
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import demo_files

__all__ = ["nowhere"]


@pytest.mark.slow
@pytest.mark.labelstudio
def test_the_first_batch_in_label_studio_has_the_names_of_a_dictionary_and_their_concepts(
    label_studio: RunningLabelStudio,
    tmp_path: Path,
    nowhere: Path,
    tiny_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    pool, test = demo_files(tmp_path / "files", pool=12, test=3, gold=False)
    option = demo_dictionary(tmp_path / "diseases.tsv")
    made = call(
        *("init", nowhere / "trial", "--documents", pool, "--test-documents", test, "--size", "4"),
        *("--entity", "Disease", "--entity", "Chemical", "--encoder", tiny_encoder, "--dictionary", option),
    )
    assert made.code == 0, made.err
    be_quick(nowhere / "trial")
    first = call("round", "--project", nowhere / "trial")
    assert first.code == 0, first.err
    said = " ".join(first.out.split())
    assert "4 tasks, 4 with pre-labels of the dictionary diseases.tsv" in said
    with Project.open(nowhere / "trial") as project:
        address = project.status(ask_desk=False).urls["pool"].rstrip("/")
    reference = address.rsplit("/", 1)[1]
    connection = Connection(label_studio.url, label_studio.token)
    tasks = list(connection.tasks(reference, fields="all", include="id,data,predictions,model_version,result"))
    assert len(tasks) == 4
    marked = 0
    concepts: list[list[str]] = []
    for task in tasks:
        (prediction,) = task["predictions"]
        assert prediction["model_version"].startswith("trial-dictionary-diseases-")
        for region in prediction["result"]:
            value = region["value"]
            assert task["data"]["text"][value["start"] : value["end"]] == value["text"]
            assert value["labels"] == ["Disease"]
            concepts += region.get("meta", {}).get("concepts", [])
            marked += 1
    assert marked > 0
    assert {database for database, _ in concepts} == {"MESH"}
    gold = {record.document.id: record.annotation or Annotation() for record in read_demo_corpus()}
    assert annotate_open_tasks(connection, reference, gold.__getitem__) == 4
    second = call("round", "--project", nowhere / "trial")
    assert second.code == 0, second.err
    # the few test documents do not suffice to find one better than the other
    assert "The dictionary diseases.tsv: F1" in " ".join(second.out.split())
    # what was proposed and not submitted is in no export
    assert call("export", tmp_path / "corpus.jsonl", "--format", "jsonl", "--project", nowhere / "trial").code == 0
    assert len((tmp_path / "corpus.jsonl").read_text("utf-8").splitlines()) == 4 + 3
    assert call("export", tmp_path / "corpus", "--project", nowhere / "trial").code == 0
    card = (tmp_path / "corpus" / "README.md").read_text("utf-8")
    assert "dictionary diseases.tsv" in card
