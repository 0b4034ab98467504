from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.learner.entities.decoding import NOTHING, decode, inside_probabilities
from biorat_al.learner.entities.encoding import B, I, O

LOGITS = st.tuples(st.integers(1, 5), st.integers(1, 2), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 4.0]))


def make(words: int, types: int, seed: int, spread: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, (words, types, 3)).astype(np.float32)


def allowed(words: int) -> list[tuple[int, ...]]:
    return [
        tags
        for tags in product((O, B, I), repeat=words)
        if all(tag != I or (n > 0 and tags[n - 1] != O) for n, tag in enumerate(tags))
    ]


def chain(logits: np.ndarray, number: int) -> dict[tuple[int, ...], float]:
    """Return the probability of every allowed labelling of one type, by enumeration."""
    p = np.exp(logits[:, number].astype(np.float64))
    p /= p.sum(axis=-1, keepdims=True)
    weights = {tags: float(np.prod([p[n, tag] for n, tag in enumerate(tags)])) for tags in allowed(len(logits))}
    total = sum(weights.values())
    return {tags: weight / total for tags, weight in weights.items()}


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(shape=LOGITS)
def test_everything_agrees_with_enumeration(shape: tuple[int, int, int, float]) -> None:
    logits = make(*shape)
    words, types = logits.shape[:2]
    # a longer companion, so that there is padding
    found, _ = decode([logits, make(words + 3, types, 1, 2.0)])
    chains = [chain(logits, number) for number in range(types)]
    joint = sorted((float(np.prod(ps)) for ps in product(*(c.values() for c in chains))), reverse=True)
    assert found.words == words
    assert found.log_best == pytest.approx(np.log(joint[0]), abs=1e-9)
    assert found.log_margin == pytest.approx(np.log(joint[0] - joint[1]), rel=1e-4)
    entropy = entity_entropy = expected = 0.0
    for labellings in chains:
        for n in range(words):
            marginal = [sum(p for tags, p in labellings.items() if tags[n] == tag) for tag in (O, B, I)]
            of_word = -sum(p * np.log(p) for p in marginal if p > 0)
            entropy += of_word
            entity_entropy += (marginal[B] + marginal[I]) * of_word
            expected += marginal[B]
    assert found.entropy == pytest.approx(entropy, abs=1e-9)
    assert found.entity_entropy == pytest.approx(entity_entropy, abs=1e-9)
    assert found.expected == pytest.approx(expected, abs=1e-9)
    best = [max(labellings, key=lambda tags: labellings[tags]) for labellings in chains]
    spans = set()
    for number, tags in enumerate(best):
        for first in (n for n, tag in enumerate(tags) if tag == B):
            last = next((n for n in range(first + 1, words) if tags[n] != I), words)
            spans.add((number, first, last))
    assert {mention[:3] for mention in found.mentions} == spans
    for number, first, last, score in found.mentions:
        there = sum(
            p
            for tags, p in chains[number].items()
            if tags[first] == B and set(tags[first + 1 : last]) <= {I} and (last == words or tags[last] != I)
        )
        assert score == pytest.approx(there, abs=1e-9)


def test_words_that_are_surely_outside_of_mentions_count_for_nothing_in_the_entity_entropy() -> None:
    # the first word is B or O with probability ½ each: half of ln 2; then O for all but certain, a hundred times
    unsure = np.log(np.array([[[0.5, 0.5, 1e-12]]], dtype=np.float32))
    outside = np.log(np.array([[[0.98, 0.02, 1e-12]]] * 100, dtype=np.float32))
    short, long = decode([unsure, np.concatenate([unsure, outside])])
    assert short.entity_entropy == pytest.approx(0.5 * np.log(2), rel=1e-5)
    assert long.entity_entropy < 1.6 * short.entity_entropy
    assert long.entropy > 15 * short.entropy


def test_inside_never_follows_outside() -> None:
    logits = np.zeros((3, 1, 3), dtype=np.float32)
    logits[:, 0] = [[4, 0, 0], [3, 2, 5], [0, 0, 5]]
    (found,) = decode([logits])
    assert [mention[:3] for mention in found.mentions] == [(0, 1, 3)]


def test_a_document_without_words_is_certain() -> None:
    decoded = decode([np.zeros((0, 2, 3), dtype=np.float32), make(2, 2, 0, 1.0)])
    assert decoded[0] == NOTHING
    assert decoded[1].words == 2
    assert decode([]) == []


def test_long_documents_are_told_apart_where_their_probability_is_no_float() -> None:
    # each word is a toss-up, so P(y*) is about 2⁻²⁰⁰⁰ and less
    documents = [np.zeros((words, 1, 3), dtype=np.float32) for words in (2000, 2100, 2200)]
    decoded = decode(documents)
    assert all(np.exp(found.log_best) == 0.0 for found in decoded)
    assert decoded[0].log_best > decoded[1].log_best > decoded[2].log_best
    assert decoded[0].log_margin > decoded[1].log_margin > decoded[2].log_margin
    assert all(np.isfinite([f.log_best, f.log_margin, f.entropy, f.expected]).all() for f in decoded)


def test_extreme_logits_stay_finite() -> None:
    logits = np.array([[[1e4, -1e4, -1e4]], [[-1e4, -1e4, 1e4]], [[-1e4, 1e4, -1e4]]], dtype=np.float32)
    (found,) = decode([logits])
    figures = [found.log_best, found.log_margin, found.entropy, found.entity_entropy, found.expected]
    assert np.isfinite(figures).all()
    assert found.entity_entropy >= 0
    assert all(0 <= score <= 1 for *_, score in found.mentions)


def test_the_result_does_not_depend_on_company_or_memory_bound() -> None:
    documents = [make(words, 2, words, 2.0) for words in (1, 40, 7, 300, 3)]
    alone = [decode([document])[0] for document in documents]
    for together in (decode(documents), decode(documents, batch=50)):
        for one, other in zip(alone, together, strict=True):
            assert [m[:3] for m in one.mentions] == [m[:3] for m in other.mentions]
            assert one.log_best == pytest.approx(other.log_best)
            assert one.entropy == pytest.approx(other.entropy)


@settings(max_examples=40, deadline=None)
@given(shape=LOGITS)
def test_words_are_in_mentions_as_often_as_in_all_labellings_together(shape: tuple[int, int, int, float]) -> None:
    logits = make(*shape)
    words, types = logits.shape[:2]
    found, empty = inside_probabilities([logits, logits[:0]])
    assert empty.shape == (0, types)
    for number in range(types):
        labellings = chain(logits, number)
        for n in range(words):
            expected = sum(p for tags, p in labellings.items() if tags[n] != O)
            assert found[n, number] == pytest.approx(expected, abs=1e-9)
