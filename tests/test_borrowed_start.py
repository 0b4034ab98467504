"""A project that borrows, from the command line and against a real Label Studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.demo.corpus import read_demo_corpus
from tests.support.commands import call, nowhere
from tests.support.labelstudio import RunningLabelStudio
from tests.support.trials import first_batch, made_in_label_studio

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
    others = tmp_path / "others.jsonl"
    write_jsonl(others, list(read_demo_corpus())[15:75])
    project = made_in_label_studio(label_studio, nowhere, tiny_encoder, "--borrow", others)
    file = project / "biorat.toml"
    before = "epochs = 1\n# learning_rate = 3e-5  # if unset: as for [training]\n"
    text = file.read_text("utf-8")
    assert before in text
    # the very small encoder begins with random weights
    file.write_text(text.replace(before, "epochs = 4\nlearning_rate = 5e-3\n"), encoding="utf-8")
    batch = first_batch(label_studio, project)
    assert "pre-labels come from a model trained on borrowed documents: others.jsonl (60 documents" in batch.said
    assert "4 tasks, 4 with pre-labels" in batch.said
    (version,) = {path.name for path in (project / "models").glob("trial-borrowed-*")}
    assert batch.versions == [version] * 4
    # what was borrowed finds some of what these documents are about
    assert batch.regions
    assert batch.annotate() == 4
    second = call("round", "--project", project)
    assert second.code == 0, second.err
    assert "begun from: the borrowed start" in " ".join(second.out.split())
    # nothing of others is in the export
    assert call("export", tmp_path / "corpus.jsonl", "--format", "jsonl", "--project", project).code == 0
    exported = (tmp_path / "corpus.jsonl").read_text("utf-8").splitlines()
    assert len(exported) == 4 + 3
    assert call("export", tmp_path / "corpus", "--project", project).code == 0
    card = (tmp_path / "corpus" / "README.md").read_text("utf-8")
    assert "others.jsonl (licence: not stated)" in card
