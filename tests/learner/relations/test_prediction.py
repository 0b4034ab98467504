from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Document
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.relations.prediction import RelationExtractor, has_relations
from biorat_al.learner.relations.training import relation_folders, train_relations
from biorat_al.learner.scaling import Scaling
from biorat_al.learner.training.job import TrainingJob
from biorat_al.settings import AdversarialSettings, RelationType, TrainingSettings
from tests.learner.relations.factories import SETTINGS, TYPES, related_examples

CPU = Device("cpu", bf16=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    from biorat_al.learner.encoder.encoder import resolve_encoder

    place = tmp_path_factory.mktemp("model")
    train_relations(
        related_examples(60),
        TrainingJob(
            encoder=resolve_encoder(str(encoder_folder)),
            arm="none",
            training=TrainingSettings(dev_share=0.25),
            adversarial=AdversarialSettings(),
            seed=5,
            device=CPU,
        ),
        types=TYPES,
        relations=SETTINGS.model_copy(update={"epochs": 12}),
        folder=place,
    )
    return place


@pytest.mark.slow
def test_relations_join_the_entities_that_were_given(folder: Path) -> None:
    extractor = RelationExtractor.load(folder, CPU)
    assert extractor.types == TYPES
    assert extractor.settings.max_length == SETTINGS.max_length
    unseen = related_examples(10, seed=99)
    found = list(extractor.predict((example.document, example.entities) for example in unseen))
    assert [one.document_id for one in found] == [example.document.id for example in unseen]
    said = [{(r.label, r.head, r.tail) for r in one.relations} for one in found]
    true = [{(r.label, r.head, r.tail) for r in example.relations} for example in unseen]
    right = sum(len(ours & theirs) for ours, theirs in zip(said, true, strict=True))
    assert right >= 0.8 * sum(map(len, true))
    assert right >= 0.8 * sum(map(len, said))
    for one in found:
        assert one.uncertainty.candidates == 3
        assert 0 <= one.expected <= 3
        assert all(0 <= relation.extras["score"] <= 1 and relation.directed for relation in one.relations)


@pytest.mark.slow
def test_documents_without_candidates_have_no_relations(folder: Path) -> None:
    extractor = RelationExtractor.load(folder, CPU)
    example = related_examples(1)[0]
    items = [
        (Document("empty", ""), ()),
        (example.document, example.entities[:1]),
        (example.document, example.entities),
    ]
    found = list(extractor.predict(items))
    assert [len(one.relations) for one in found[:2]] == [0, 0]
    assert [one.uncertainty.candidates for one in found] == [0, 0, 3]
    assert (found[0].expected, found[0].uncertainty.log_best) == (0, 0)


def test_it_does_not_matter_what_else_is_predicted(folder: Path) -> None:
    extractor = RelationExtractor.load(folder, CPU)
    items = [(example.document, example.entities) for example in related_examples(8, seed=4)]
    together = list(extractor.predict(items))
    for alone, one in zip([next(extractor.predict([item])) for item in items], together, strict=True):
        assert [(r.label, r.head, r.tail) for r in alone.relations] == [
            (r.label, r.head, r.tail) for r in one.relations
        ]
        assert alone.expected == pytest.approx(one.expected, abs=1e-4)


def test_confidences_are_calibrated(folder: Path) -> None:
    extractor = RelationExtractor.load(folder, CPU)
    items = [(example.document, example.entities) for example in related_examples(6, seed=4)]

    def scores(temperature: float) -> list[float]:
        extractor.behaviour = replace(extractor.behaviour, temperature=temperature)
        return [relation.extras["score"] for one in extractor.predict(items) for relation in one.relations]

    assert len(scores(1.0)) > 3
    assert scores(3.0) == pytest.approx(Scaling(3.0).apply(scores(1.0)))
    assert scores(3.0) != pytest.approx(scores(1.0))


def test_a_symmetric_relation_has_no_direction(tmp_path: Path, encoder: Encoder) -> None:
    kind = RelationType(name="treats", head="Chemical", tail="Disease", symmetric=True)
    train_relations(
        related_examples(12),
        TrainingJob(
            encoder=encoder,
            arm="none",
            training=TrainingSettings(min_steps=5),
            adversarial=AdversarialSettings(),
            seed=5,
            device=CPU,
        ),
        types=[kind],
        relations=SETTINGS,
        folder=tmp_path,
    )
    extractor = RelationExtractor.load(tmp_path, CPU)
    extractor.behaviour = replace(extractor.behaviour, threshold=0.0)
    example = related_examples(1)[0]
    found = next(extractor.predict([(example.document, example.entities)]))
    assert len(found.relations) == 3
    assert not any(relation.directed for relation in found.relations)


def test_a_folder_without_relations_is_told_from_a_damaged_one(folder: Path, tmp_path: Path) -> None:
    assert has_relations(folder)
    assert not has_relations(tmp_path)
    with pytest.raises(LearnerError, match="has no part for relations"):
        RelationExtractor.load(tmp_path, CPU)
    shutil.copytree(folder, tmp_path / "copy")
    place = relation_folders(tmp_path / "copy")[0]
    (place / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(LearnerError, match="is damaged"):
        RelationExtractor.load(tmp_path / "copy", CPU)
