"""A project with a dictionary, from the command line and against a real Label Studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rounds.pre_labels.test_first_batch import demo_dictionary
from tests.support.commands import call, nowhere
from tests.support.labelstudio import RunningLabelStudio
from tests.support.trials import first_batch, made_in_label_studio

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
    option = demo_dictionary(tmp_path / "diseases.tsv")
    project = made_in_label_studio(label_studio, nowhere, tiny_encoder, "--dictionary", option)
    batch = first_batch(label_studio, project)
    assert "4 tasks, 4 with pre-labels of the dictionary diseases.tsv" in batch.said
    assert len(batch.versions) == 4
    assert all(version.startswith("trial-dictionary-diseases-") for version in batch.versions)
    assert batch.regions
    assert all(region["value"]["labels"] == ["Disease"] for region in batch.regions)
    concepts = [concept for region in batch.regions for concept in region.get("meta", {}).get("concepts", [])]
    assert {database for database, _ in concepts} == {"MESH"}
    assert batch.annotate() == 4
    second = call("round", "--project", project)
    assert second.code == 0, second.err
    # the few test documents do not suffice to find one better than the other
    assert "The dictionary diseases.tsv: F1" in " ".join(second.out.split())
    # what was proposed and not submitted is in no export
    assert call("export", tmp_path / "corpus.jsonl", "--format", "jsonl", "--project", project).code == 0
    assert len((tmp_path / "corpus.jsonl").read_text("utf-8").splitlines()) == 4 + 3
    assert call("export", tmp_path / "corpus", "--project", project).code == 0
    card = (tmp_path / "corpus" / "README.md").read_text("utf-8")
    assert "dictionary diseases.tsv" in card
