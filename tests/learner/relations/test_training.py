from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Disputed, Entity, Relation, Span
from biorat_al.errors import LearnerError, NotEnoughLabelsError
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.relations import candidates
from biorat_al.learner.relations import training as training_of_relations
from biorat_al.learner.relations.batching import CandidateRow, RelationBatch
from biorat_al.learner.relations.prediction import RelationExtractor
from biorat_al.learner.relations.scoring import score_relations
from biorat_al.learner.relations.training import class_weights, relation_folders, train_relations
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.order import development_ids
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, RelationSettings, TrainingSettings
from tests.learner.relations.factories import SETTINGS, TYPES, related_examples

TRAINING = TrainingSettings(min_steps=20, dev_share=0.25)
CPU = Device("cpu", bf16=False)


def train(
    folder: Path,
    examples: list[Example],
    encoder: Encoder,
    arm: str = "none",
    seed: int = 5,
    relations: RelationSettings = SETTINGS,
    training: TrainingSettings = TRAINING,
    **adversarial: Any,
) -> Mapping[str, Any]:
    return train_relations(
        examples,
        TrainingJob(
            encoder=encoder,
            arm=arm,
            training=training,
            adversarial=AdversarialSettings().model_copy(update=adversarial),
            seed=seed,
            device=CPU,
        ),
        types=TYPES,
        relations=relations,
        folder=folder,
    )


@pytest.mark.slow
def test_relations_are_learnt(tmp_path: Path, encoder: Encoder) -> None:
    examples = related_examples(60)
    summary = train(tmp_path, examples, encoder, relations=SETTINGS.model_copy(update={"epochs": 12, "negatives": 0.5}))
    assert summary["dev"]["f1"] > 0.9
    assert summary["dev_relations"] >= 20
    assert summary["not_candidates"] == {}
    assert summary["positives"] == sum(len(example.relations) for example in examples) - summary["dev_relations"]

    # the model that was saved decides as it did when it was measured
    extractor = RelationExtractor.load(tmp_path, CPU)
    behaviour = extractor.behaviour
    assert behaviour.threshold == summary["threshold"] != 0.5
    assert behaviour.temperature == summary["temperature"] != 1
    negatives = summary["candidates"] - summary["positives"]
    assert behaviour.prior == pytest.approx(np.log(negatives / summary["negatives_per_epoch"]))
    assert behaviour.prior > 0
    held_back = development_ids([example.document.id for example in examples], TRAINING.dev_share, 5)
    dev = {example.document.id: example for example in examples if example.document.id in held_back}
    found = extractor.predict((example.document, example.entities) for example in dev.values())
    said = {one.document_id: (dev[one.document_id].entities, one.relations) for one in found}
    assert score_relations(dev, said, TYPES, "mention").overall.as_dict() == summary["dev"]


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["none", "rat"])
def test_the_same_call_makes_the_same_model(tmp_path: Path, encoder: Encoder, arm: str) -> None:
    examples = related_examples(24)
    one = train(tmp_path / "a", examples, encoder, arm, probability=0.5)
    other = train(tmp_path / "b", examples[::-1], encoder, arm, probability=0.5)
    assert one["sha256"] == other["sha256"]
    assert train(tmp_path / "c", examples, encoder, arm, seed=6, probability=0.5)["sha256"] != one["sha256"]
    assert relation_folders(tmp_path / "a")[0].name == f"relations-{one['sha256'][:10]}"
    record = json.loads((relation_folders(tmp_path / "a")[0] / "training.json").read_text())
    assert record["summary"]["steps"] == one["steps"]


@pytest.mark.slow
def test_probability_0_is_bit_for_bit_the_plain_arm(tmp_path: Path, encoder: Encoder) -> None:
    examples = related_examples(12)
    plain = train(tmp_path / "a", examples, encoder, "none")
    assert train(tmp_path / "b", examples, encoder, "rat", probability=0.0)["sha256"] == plain["sha256"]
    assert train(tmp_path / "c", examples, encoder, "at")["sha256"] != plain["sha256"]


@pytest.mark.slow
def test_the_matched_arm_has_the_passes_of_the_random_one(tmp_path: Path, encoder: Encoder) -> None:
    examples = related_examples(12)
    training = TRAINING.model_copy(update={"min_steps": 40})
    random = train(tmp_path / "a", examples, encoder, "rat", probability=0.5, draw="example", training=training)
    matched = train(tmp_path / "b", examples, encoder, "matched", probability=0.5, training=training)
    assert matched["adversarial_steps"] == 0
    assert matched["passes"] == 60
    assert random["steps"] == 40
    assert random["passes"] == pytest.approx(60, rel=0.15)


def test_a_second_model_takes_the_place_of_the_first(tmp_path: Path, encoder: Encoder) -> None:
    train(tmp_path, related_examples(8), encoder)
    second = train(tmp_path, related_examples(9), encoder)
    assert [path.name for path in relation_folders(tmp_path)] == [f"relations-{second['sha256'][:10]}"]


def test_without_a_relation_there_is_nothing_to_learn(tmp_path: Path, encoder: Encoder) -> None:
    bare = [Example(example.document, example.entities) for example in related_examples(5)]
    for examples in ([], bare):
        with pytest.raises(NotEnoughLabelsError, match="no training document has a relation"):
            train(tmp_path, examples, encoder)
    assert not relation_folders(tmp_path)


def test_relations_that_cannot_be_learnt_are_counted_where_there_are_no_others(
    tmp_path: Path, encoder: Encoder
) -> None:
    # from the first drug to the last pain: two sentences between
    apart = [
        Example(e.document, e.entities, (Relation("R1", "treats", e.entities[0].id, e.entities[-1].id),))
        for e in related_examples(5)
    ]
    with pytest.raises(NotEnoughLabelsError) as refused:
        train(tmp_path, apart, encoder)
    assert refused.value.not_candidates == {"outside_window": 5}


def test_training_and_prediction_keep_to_the_nearest_candidates(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = related_examples(8)
    assert train(tmp_path / "all", examples, encoder)["cut_documents"] == 0
    # of three candidates, one in each sentence, two are left
    monkeypatch.setattr(candidates, "MOST_CANDIDATES", 2)
    summary = train(tmp_path / "cut", examples, encoder)
    assert summary["cut_documents"] == 8
    assert summary["candidates"] == 16
    assert summary["relations"] == sum(len(example.relations) for example in examples)
    assert summary["not_candidates"] == {"too_many": summary["relations"] - summary["positives"]}
    assert summary["relations"] > summary["positives"]
    extractor = RelationExtractor.load(tmp_path / "cut", CPU)
    for prediction in extractor.predict((example.document, example.entities) for example in examples):
        assert prediction.uncertainty.candidates == 2


def test_without_a_negative_there_is_something_to_learn(tmp_path: Path, encoder: Encoder) -> None:
    related = [
        Example(e.document, tuple(x for x in e.entities if x.id in {i for r in e.relations for i in (r.head, r.tail)}),
                e.relations)
        for e in related_examples(8)
    ]  # fmt: skip
    summary = train(tmp_path, related, encoder)
    assert summary["negatives_per_epoch"] == 0
    assert summary["candidates"] == summary["positives"] > 0


@pytest.mark.parametrize("weighted", [True, False])
def test_an_epoch_has_so_many_negatives_and_its_labels_weights(
    tmp_path: Path, encoder: Encoder, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[int], NDArray[np.float32]]] = []
    make = training_of_relations.make_relation_batch

    def watched(rows: Sequence[CandidateRow], weights: NDArray[np.float32], *more: Any) -> RelationBatch:
        seen.append(([row.target for row in rows], weights))
        return make(rows, weights, *more)

    monkeypatch.setattr(training_of_relations, "make_relation_batch", watched)
    relations = SETTINGS.model_copy(update={"negatives": 0.5, "class_weights": weighted})
    # of one label there are few
    examples = [
        replace(one, relations=tuple(r for r in one.relations if r.label == "treats" or place < 3))
        for place, one in enumerate(related_examples(12))
    ]
    summary = train(tmp_path, examples, encoder, relations=relations)
    positives = summary["positives"]
    assert summary["negatives_per_epoch"] == round(0.5 * positives)
    per_epoch = -(-(positives + summary["negatives_per_epoch"]) // relations.batch_size)
    targets = [target for some, _ in seen[:per_epoch] for target in some]
    assert targets.count(0) == summary["negatives_per_epoch"]
    assert len(targets) - targets.count(0) == positives
    expected = class_weights(np.array(targets), labels=2) if weighted else np.ones(3)
    assert len(set(expected.tolist())) == (3 if weighted else 1)
    assert all((weights == expected).all() for _, weights in seen)


def test_a_training_that_goes_astray_says_so(tmp_path: Path, encoder: Encoder) -> None:
    training = TRAINING.model_copy(update={"min_steps": 200})
    astray = SETTINGS.model_copy(update={"learning_rate": 0.99})
    with pytest.raises(LearnerError, match="smaller learning_rate"):
        train(tmp_path, related_examples(6), encoder, "at", epsilon=1e30, training=training, relations=astray)
    assert not relation_folders(tmp_path)


def test_rare_labels_weigh_more() -> None:
    weights = class_weights(np.array([0] * 50 + [1] * 16 + [2] * 4), labels=3)
    assert weights[0] == 1
    # by the inverse square root of 16 and 4; a label that does not occur weighs as one that does once
    assert weights[2] / weights[1] == pytest.approx(2)
    assert weights[3] / weights[1] == pytest.approx(4)
    numbers = np.array([16, 4, 1])
    assert (weights[1:] * numbers).sum() == pytest.approx(numbers.sum())


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["none", "rat"])
def test_without_disputes_the_weights_have_the_same_bits(tmp_path: Path, encoder: Encoder, arm: str) -> None:
    examples = related_examples(12)
    plain = train(tmp_path / "a", examples, encoder, arm)
    # a mention that nobody is sure of, and that no candidate has an end at
    end = len(examples[0].document.text) - 2
    other = Disputed((Entity("masked", "Chemical", (Span(end, end + 1),)),))
    masked = train(tmp_path / "b", [replace(one, disputed=other) for one in examples], encoder, arm)
    assert masked["sha256"] == plain["sha256"]
    assert masked["training_data_sha256"] != plain["training_data_sha256"]
    assert "disputed_candidates" not in masked


def test_disputed_relations_are_left_out_of_what_is_learnt(tmp_path: Path, encoder: Encoder) -> None:
    examples = related_examples(12)
    masked = [replace(e, relations=e.relations[1:], disputed=Disputed(relations=e.relations[:1])) for e in examples]
    removed = sum(bool(example.relations) for example in examples)
    whole, left = train(tmp_path / "a", examples, encoder), train(tmp_path / "b", masked, encoder)
    assert left["candidates"] == whole["candidates"] - removed
    assert left["relations"] == whole["relations"] - removed
    assert left["disputed_candidates"] == removed > 0
