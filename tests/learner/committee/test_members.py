"""A committee gives the mean of its members' probabilities, of tags and of relations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from biorat_al.corpus.model.document import Document
from biorat_al.corpus.sentences import NEWEST_RULES
from biorat_al.errors import LearnerError
from biorat_al.learner.committee.members import CommitteeExtractor, CommitteeTagger, mean_log_probabilities
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.entities.decoding import decode
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.relations.prediction import RelationExtractor
from biorat_al.learner.relations.training import train_relations
from biorat_al.learner.scaling import UNCALIBRATED, Scaling
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings
from tests.learner.relations.factories import SETTINGS, TYPES, related_examples

Examples = Callable[[int], list[Example]]
CPU = Device("cpu", bf16=False)

scores = arrays.arrays(np.float32, (3, 2, 3), elements=st.floats(-8, 8, width=32))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.slow
@given(st.lists(scores, min_size=1, max_size=4))
def test_the_probabilities_are_the_mean_by_hand(members: list[np.ndarray]) -> None:
    by_hand = sum(softmax(one) for one in members) / len(members)
    np.testing.assert_allclose(np.exp(mean_log_probabilities(members)), by_hand, rtol=1e-6)


@given(scores)
def test_a_committee_of_equals_decodes_as_each_of_them(logits: np.ndarray) -> None:
    (alone,), (together,) = decode([logits]), decode([mean_log_probabilities([logits, logits])])
    assert together.log_best == pytest.approx(alone.log_best, abs=1e-5)
    assert together.expected == pytest.approx(alone.expected, abs=1e-5)


@pytest.fixture
def members(run: Any, make_examples: Examples) -> list[Tagger]:
    return [Tagger.load(run(make_examples(12), arm=arm).folder, CPU) for arm in ("none", "at")]


def test_the_taggers_mean_is_that_of_the_members_tags(members: list[Tagger]) -> None:
    committee = CommitteeTagger("c", members, UNCALIBRATED)
    document = Document("1", "The patient took aspirin and heparin for pain.")
    pieces = committee.tokenizer([document.text])
    by_hand = sum(softmax(member.logits(pieces)[0]) for member in members) / 2
    np.testing.assert_allclose(np.exp(committee.logits(pieces)[0]), by_hand, rtol=1e-5)
    (tagged,) = committee.tag([document])
    (decoded,) = decode([np.log(by_hand)])
    assert tagged.prediction.uncertainty.least_confidence == pytest.approx(-decoded.log_best, rel=1e-4)
    assert tagged.prediction.uncertainty.entity_entropy == pytest.approx(decoded.entity_entropy, rel=1e-4)


def test_the_committee_has_a_scaling_and_its_members_have_none_to_say(members: list[Tagger]) -> None:
    document = Document("1", "aspirin and heparin for pain " * 5)
    generator = np.random.default_rng(3)
    for member in members:
        fixed = generator.normal(0, 2, (25, 2, 3)).astype(np.float32)
        member.logits = lambda pieces, fixed=fixed: [fixed]  # type: ignore[method-assign, misc]
    raw = next(CommitteeTagger("c", members, UNCALIBRATED).predict([document]))
    for member in members:
        member.scaling = Scaling(5.0)
    assert next(CommitteeTagger("c", members, UNCALIBRATED).predict([document])) == raw
    cooled = next(CommitteeTagger("c", members, Scaling(3.0)).predict([document]))
    assert [entity.spans for entity in cooled.entities] == [entity.spans for entity in raw.entities]
    assert len(raw.entities) > 3
    for before, after in zip(raw.entities, cooled.entities, strict=True):
        odds = (after.score or 0) / (1 - (after.score or 0))
        assert odds == pytest.approx(((before.score or 0) / (1 - (before.score or 0))) ** (1 / 3), rel=1e-4)


def test_models_of_other_labels_do_not_vote_together(members: list[Tagger]) -> None:
    members[1].labels = ("Gene",)
    with pytest.raises(LearnerError, match="know other entity types"):
        CommitteeTagger("c", members, UNCALIBRATED)


def test_models_that_cut_sentences_by_other_rules_do_not_vote_together(members: list[Tagger]) -> None:
    members[1].sentence_rules = 1
    with pytest.raises(LearnerError, match="were trained with other sentence_rules"):
        CommitteeTagger("c", members, UNCALIBRATED)


def test_the_committee_cuts_sentences_as_its_members_do(members: list[Tagger]) -> None:
    committee = CommitteeTagger("c", members, UNCALIBRATED)
    assert committee.sentence_rules == members[0].sentence_rules == NEWEST_RULES


def test_the_relations_mean_is_that_of_the_members_classes(tmp_path: Path, encoder_folder: Path) -> None:
    encoder = resolve_encoder(str(encoder_folder))
    training = TrainingSettings(min_steps=20, dev_share=0.25)
    settings = SETTINGS.model_copy(update={"epochs": 2, "dev_share": 0.25})
    extractors = []
    for seed in (1, 2):
        job = TrainingJob(
            encoder=encoder, arm="none", training=training, adversarial=AdversarialSettings(), seed=seed, device=CPU
        )
        folder = tmp_path / str(seed)
        train_relations(related_examples(30), job, types=TYPES, relations=settings, folder=folder)
        extractors.append(RelationExtractor.load(folder, CPU))
    committee = CommitteeExtractor(extractors)
    items = [(example.document, example.entities) for example in related_examples(4, seed=3)]
    rows: list[Any] = []
    keep = committee.log_probabilities
    committee.log_probabilities = lambda some: rows.extend(some) or keep(some)  # type: ignore[method-assign]
    found = list(committee.predict(items))
    by_hand = sum(np.exp(extractor.log_probabilities(rows)) for extractor in extractors) / 2
    np.testing.assert_allclose(np.exp(keep(rows)), by_hand, atol=1e-6)
    assert sum(one.expected for one in found) > 0
    first, second = (extractor.behaviour for extractor in extractors)
    assert committee.behaviour.threshold == pytest.approx((first.threshold + second.threshold) / 2)
    assert committee.behaviour.temperature == pytest.approx((first.temperature * second.temperature) ** 0.5)
    extractors[1].settings = replace_window(extractors[1].settings)
    with pytest.raises(LearnerError, match="know other relations"):
        CommitteeExtractor(extractors)


def replace_window(settings: Any) -> Any:
    return settings.model_copy(update={"window": 9})


def test_a_committee_of_one_is_that_one(members: list[Tagger]) -> None:
    document = Document("1", "aspirin and heparin for pain")
    alone = next(members[0].predict([document]))
    together = next(CommitteeTagger("c", members[:1], members[0].scaling).predict([document]))
    assert [entity.spans for entity in together.entities] == [entity.spans for entity in alone.entities]
    assert together.uncertainty.mnlp == pytest.approx(alone.uncertainty.mnlp, rel=1e-4)
    assert together.uncertainty.entity_entropy == pytest.approx(alone.uncertainty.entity_entropy, rel=1e-4)
    assert together.uncertainty.tokens == alone.uncertainty.tokens
