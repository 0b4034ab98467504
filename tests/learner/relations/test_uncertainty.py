from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.learner.entities.decoding import decode
from biorat_al.learner.entities.tagger import uncertainty
from biorat_al.learner.relations.uncertainty import Decisions, combined, summarise_decisions
from biorat_al.learner.types import Uncertainty

NEVER = -math.inf


def test_decisions_of_three_candidates() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.5, 0.5, 0.0]])
    with np.errstate(divide="ignore"):
        found = summarise_decisions(np.log(probabilities))
    assert found.log_best == pytest.approx(math.log(0.7 * 0.6 * 0.5))
    assert found.log_ratio == pytest.approx(0.0)
    entropy = -sum(p * math.log(p) for p in probabilities.flat if p)
    assert found.entropy == pytest.approx(entropy)
    assert found.candidates == 3
    # 0.3, 0.9 and 0.5 that there is a relation
    weights = [0.3, 0.9, 0.5]
    expected = sum(weight * _entropy(row) for weight, row in zip(weights, probabilities.tolist(), strict=True))
    assert found.positive_entropy == pytest.approx(expected)


def test_the_ratio_is_that_of_the_least_sure_candidate() -> None:
    found = summarise_decisions(np.log([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))
    assert found.log_ratio == pytest.approx(math.log(0.4 / 0.6))


def test_a_candidate_without_alternative_has_no_ratio() -> None:
    assert summarise_decisions(np.array([[0.0, NEVER]])) == Decisions(0.0, NEVER, 0.0, 0.0, 1)


def test_no_candidates() -> None:
    assert summarise_decisions(np.zeros((0, 3))) == Decisions(0.0, NEVER, 0.0, 0.0, 0)


def test_without_candidates_the_uncertainty_is_that_of_the_entities() -> None:
    of_tags = Uncertainty(0.7, 1.1, 0.3, 0.1, 0.4, 12)
    assert combined(of_tags, summarise_decisions(np.zeros((0, 3)))) is of_tags


def test_a_document_without_words_has_the_uncertainty_of_its_candidates() -> None:
    of_tags = Uncertainty(0.0, 0.0, 0.0, 0.0, 0.0, 0)
    found = combined(of_tags, summarise_decisions(np.log([[0.75, 0.25]])))
    assert found.least_confidence == pytest.approx(-math.log(0.75))
    assert found.margin == pytest.approx(-math.log(0.75 - 0.25))
    assert found.entropy == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert found.mnlp == pytest.approx(found.least_confidence)


def test_a_tie_is_finite_and_less_sure_than_anything_else() -> None:
    of_tags = Uncertainty(0.1, 0.2, 0.1, 0.05, 0.2, 5)
    tie = combined(of_tags, summarise_decisions(np.log([[0.5, 0.5]])))
    near = combined(of_tags, summarise_decisions(np.log([[0.501, 0.499]])))
    assert math.isfinite(tie.margin)
    assert tie.margin > near.margin > of_tags.margin


def test_sure_relations_do_not_hide_what_the_model_does_not_know_of_the_words() -> None:
    of_tags = Uncertainty(0.6, 0.9, 0.3, 0.2, 1.4, 5)
    sure = np.array([[0.0, NEVER], [NEVER, 0.0]] * 50)
    found = combined(of_tags, summarise_decisions(sure))
    assert found == Uncertainty(
        pytest.approx(0.6), pytest.approx(0.9), pytest.approx(0.3), pytest.approx(0.2), pytest.approx(1.4), 5
    )


def test_words_do_not_hide_what_the_model_does_not_know_of_a_relation() -> None:
    few, many = (Uncertainty(0.0, 0.0, 0.0, 0.0, 0.0, words) for words in (5, 500))
    unsure = summarise_decisions(np.log([[0.6, 0.4]]))
    assert combined(few, unsure).mnlp == combined(many, unsure).mnlp == pytest.approx(-math.log(0.6))
    assert combined(many, unsure).entity_entropy == pytest.approx(0.4 * _entropy([0.6, 0.4]))


logits = st.floats(-4, 4)


@given(st.lists(st.tuples(logits, logits, logits), max_size=3), st.lists(st.tuples(logits, logits), max_size=3))
def test_the_measures_are_those_of_the_joint_distribution(
    tag_logits: list[tuple[float, ...]], pair_logits: list[tuple[float, ...]]
) -> None:
    """All labellings of a few words and candidates, listed one by one."""
    found = decode([np.array(tag_logits, dtype=np.float32).reshape(-1, 1, 3)])[0]
    pairs = np.array(pair_logits, dtype=np.float64).reshape(-1, 2)
    pairs -= np.log(np.exp(pairs).sum(axis=1, keepdims=True))
    # a third label, which the types of these candidates do not permit
    pairs = np.concatenate([pairs, np.full((len(pairs), 1), NEVER)], axis=1)
    whole = combined(uncertainty(found, len(tag_logits)), summarise_decisions(pairs))

    tags = _chain(np.array(tag_logits, dtype=np.float32).astype(np.float64).reshape(-1, 3))
    joint = [p * math.exp(sum(choice)) for p, choice in product(tags.values(), product(*pairs.tolist()))]
    assert sum(joint) == pytest.approx(1.0)
    best, *others = sorted(joint, reverse=True)
    assert whole.least_confidence == pytest.approx(-math.log(best), abs=1e-6)
    if not others:
        assert whole.margin == 0.0
    elif others[0] < best * (1 - 1e-6):
        assert whole.margin == pytest.approx(-math.log(best - others[0]), rel=1e-3, abs=1e-6)
    words, candidates = max(len(tag_logits), 1), max(len(pair_logits), 1)
    of_pairs = math.prod(float(np.exp(row).max()) for row in pairs)
    expected = -math.log(max(tags.values())) / words - math.log(of_pairs) / candidates
    assert whole.mnlp == pytest.approx(expected, abs=1e-6)
    entropy = sum(
        _entropy(sum(p for t, p in tags.items() if t[n] == k) for k in range(3)) for n in range(len(tag_logits))
    )
    entropy = entropy / words + sum(_entropy(np.exp(row)) for row in pairs) / candidates
    assert whole.entropy == pytest.approx(entropy, abs=1e-6)
    marginals = [[sum(p for t, p in tags.items() if t[n] == k) for k in range(3)] for n in range(len(tag_logits))]
    positive = sum((1 - one[0]) * _entropy(one) for one in [*marginals, *np.exp(pairs).tolist()])
    assert whole.entity_entropy == pytest.approx(positive, abs=1e-6)


def _chain(scores: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the probability of each labelling in which I (2) follows B (1) or I."""
    weights = {
        tags: math.exp(sum(scores[n, tag] for n, tag in enumerate(tags)))
        for tags in product(range(3), repeat=len(scores))
        if all(tag != 2 or (n and tags[n - 1] != 0) for n, tag in enumerate(tags))
    }
    total = sum(weights.values())
    return {tags: weight / total for tags, weight in weights.items()}


def _entropy(probabilities: Iterable[float]) -> float:
    return -sum(p * math.log(p) for p in probabilities if p > 0)
