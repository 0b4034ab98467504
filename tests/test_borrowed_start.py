"""A project that borrows, from the command line and against a real Label Studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.project import Project
from tests.support.commands import be_quick, call, nowhere
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import demo_files

__all__ = ["nowhere"]


@pytest.mark.slow
@pytest.mark.labelstudio
def test_the_first_batch_in_label_studio_has_the_pre_labels_of_a_borrowed_corpus(
    label_studio: RunningLabelStudio,
    tmp_path: Path,
    nowhere: Path,
    tiny_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    records = list(read_demo_corpus())
    pool, test = demo_files(tmp_path / "files", pool=12, test=3, gold=False)
    others = tmp_path / "others.jsonl"
    write_jsonl(others, records[15:75])
    made = call(
        *("init", nowhere / "trial", "--documents", pool, "--test-documents", test, "--size", "4"),
        *("--entity", "Disease", "--entity", "Chemical", "--encoder", tiny_encoder, "--borrow", others),
    )
    assert made.code == 0, made.err
    be_quick(nowhere / "trial")
    file = nowhere / "trial" / "biorat.toml"
    before = "epochs = 1\n# learning_rate = 3e-5  # if unset: as for [training]\n"
    text = file.read_text("utf-8")
    assert before in text
    # the very small encoder begins with random weights
    file.write_text(text.replace(before, "epochs = 4\nlearning_rate = 5e-3\n"), encoding="utf-8")
    first = call("round", "--project", nowhere / "trial")
    assert first.code == 0, first.err
    said = " ".join(first.out.split())
    assert "pre-labels come from a model trained on borrowed documents: others.jsonl (60 documents" in said
    assert "4 tasks, 4 with pre-labels" in said
    with Project.open(nowhere / "trial") as project:
        address = project.status(ask_desk=False).urls["pool"].rstrip("/")
        reference = address.rsplit("/", 1)[1]
        connection = Connection(label_studio.url, label_studio.token)
        (version,) = {path.name for path in (project.folder / "models").glob("trial-borrowed-*")}
        fields = "id,data,predictions,model_version,created_at,result"
        tasks = list(connection.tasks(reference, fields="all", include=fields))
        assert len(tasks) == 4
        marked = 0
        for task in tasks:
            (prediction,) = task["predictions"]
            assert prediction["model_version"] == version
            for region in prediction["result"]:
                value = region["value"]
                assert task["data"]["text"][value["start"] : value["end"]] == value["text"]
                marked += 1
        # what was borrowed finds some of what these documents are about
        assert marked > 0
        gold = {record.document.id: record.annotation or Annotation() for record in records}
        assert annotate_open_tasks(connection, reference, gold.__getitem__) == 4
        second = call("round", "--project", nowhere / "trial")
        assert second.code == 0, second.err
        assert "begun from: the borrowed start" in " ".join(second.out.split())
        # nothing of others is in the export
        assert call("export", tmp_path / "corpus.jsonl", "--format", "jsonl", "--project", nowhere / "trial").code == 0
        exported = (tmp_path / "corpus.jsonl").read_text("utf-8").splitlines()
        assert len(exported) == 4 + 3
        assert call("export", tmp_path / "corpus", "--project", nowhere / "trial").code == 0
        card = (tmp_path / "corpus" / "README.md").read_text("utf-8")
        assert "others.jsonl (licence: not stated)" in card
