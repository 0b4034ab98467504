"""The first batch: documents that stand for the pool."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from biorat_al.acquisition import coverage
from biorat_al.acquisition.base import Budget
from biorat_al.acquisition.coverage import NOT_LOOKED_AT, SAME_TEXT, Diverse, greedy_gains
from biorat_al.acquisition.selection import select
from tests.acquisition.factories import make

# multiples of 1/16: sums are exact, so that equal gains are equal
similarities = st.tuples(st.integers(1, 7), st.integers(1, 6)).flatmap(
    lambda shape: arrays.arrays(np.float32, shape, elements=st.integers(0, 16).map(lambda number: number / 16))
)


def _naive(similarity: NDArray[np.float32]) -> list[float]:
    """Return the gains of the plain greedy algorithm, in its order."""
    left, covered, gains = list(range(len(similarity))), np.zeros(similarity.shape[1]), []
    while left:
        gain = {row: float(np.maximum(similarity[row] - covered, 0).mean()) for row in left}
        best = max(left, key=lambda row: (gain[row], -row))
        gains.append(gain[best])
        covered = np.maximum(covered, similarity[best])
        left.remove(best)
    return gains


class TestGreedyGains:
    def test_worked_by_hand(self) -> None:
        similarity = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.5]], dtype=np.float32)
        # the first two add 1.5/3 each; after the first, the second adds 0.5/3 and the third 0.5/3
        assert greedy_gains(similarity) == pytest.approx([0.5, 0.5 / 3, 0.5 / 3])

    @pytest.mark.slow
    @settings(max_examples=200, deadline=None)
    @given(similarities)
    def test_lazy_evaluation_finds_the_gains_of_the_plain_algorithm(self, similarity: NDArray[np.float32]) -> None:
        assert sorted(greedy_gains(similarity), reverse=True) == pytest.approx(_naive(similarity), abs=1e-6)

    @pytest.mark.slow
    @settings(max_examples=100, deadline=None)
    @given(similarities)
    def test_every_beginning_covers_nearly_as_much_as_the_best_choice_of_so_many(
        self, similarity: NDArray[np.float32]
    ) -> None:
        gains = greedy_gains(similarity)
        order = np.lexsort((np.arange(len(gains)), -gains))
        for size in range(1, len(order) + 1):
            reached = similarity[order[:size]].max(axis=0).mean()
            best = max(
                similarity[list(rows)].max(axis=0).mean() for rows in itertools.combinations(range(len(order)), size)
            )
            assert reached >= (1 - 1 / np.e) * best - 1e-6

    @pytest.mark.slow
    @settings(max_examples=100, deadline=None)
    @given(similarities)
    def test_together_the_gains_are_the_coverage_of_all(self, similarity: NDArray[np.float32]) -> None:
        assert greedy_gains(similarity).sum() == pytest.approx(similarity.max(axis=0).mean(), abs=1e-6)


TOPICS = (
    [f"gout colchicine urate joint a{number}" for number in range(6)]
    + [f"asthma steroid lung child b{number}" for number in range(4)]
    + [f"renal failure dialysis kidney c{number}" for number in range(3)]
)


class TestDiverse:
    @pytest.mark.parametrize("seed", range(8))
    def test_one_of_each_topic_the_commonest_first(self, seed: int) -> None:
        picks = select(make(TOPICS), Diverse(), Budget(documents=3), seed=seed)
        chosen = [TOPICS[int(pick.document_id[1:])].split()[0] for pick in picks]
        assert chosen == ["gout", "asthma", "renal"]

    def test_scores_fall_along_the_batch(self) -> None:
        scores = [pick.score for pick in select(make(TOPICS), Diverse(), Budget(documents=13), seed=0)]
        assert scores == sorted(scores, reverse=True)
        assert 0 <= scores[-1] <= scores[0] <= 1

    def test_the_seed_decides_among_equals(self) -> None:
        first = {select(make(TOPICS), Diverse(), Budget(documents=1), seed=seed)[0].document_id for seed in range(30)}
        assert len(first) == 6

    def test_a_second_copy_comes_last_even_without_the_batch_being_spread(self) -> None:
        texts = ["gout colchicine", "gout colchicine", "asthma", "renal failure", "gout colchicine"]
        picks = select(make(texts), Diverse(), Budget(documents=5), seed=0, diverse=False)
        chosen = [texts[int(pick.document_id[1:])] for pick in picks]
        assert set(chosen[:3]) == set(texts)
        assert [pick.score for pick in picks[3:]] == [SAME_TEXT, SAME_TEXT]
        assert "same text as another candidate" in picks[4].reason

    def test_texts_without_words_come_after_those_with(self) -> None:
        picks = select(make(["", "?!", "gout"]), Diverse(), Budget(documents=3), seed=0)
        assert picks[0].document_id == "d0002"
        assert [pick.score for pick in picks[1:]] == [0.0, 0.0]

    def test_a_large_pool_is_drawn_from(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(coverage, "LOOKED_AT", 30)
        monkeypatch.setattr(coverage, "STOOD_FOR", 20)
        monkeypatch.setattr(coverage, "_BLOCK", 7)
        pool = make([f"topic{number % 5} word{number}" for number in range(90)])
        scores = Diverse().scores(pool, np.random.default_rng(3))
        assert (scores == NOT_LOOKED_AT).sum() == 60
        picks = select(pool, Diverse(), Budget(documents=5), seed=3)
        assert len({int(pick.document_id[1:]) % 5 for pick in picks}) == 5
        beyond = select(pool, Diverse(), Budget(documents=89), seed=3)
        assert "too large to compare" in beyond[-1].reason
        assert beyond == select(pool, Diverse(), Budget(documents=89), seed=3)

    @pytest.mark.slow
    def test_a_pool_of_a_hundred_thousand(self) -> None:
        generator = np.random.default_rng(0)
        words = np.array([f"word{number}" for number in range(20_000)])
        texts = [" ".join(words[row]) for row in generator.zipf(1.2, (100_000, 40)) % 20_000]
        texts[50_000:60_000] = texts[:10_000]
        pool = make(texts)
        picks = select(pool, Diverse(), Budget(documents=20), seed=1)
        assert len({texts[int(pick.document_id[1:])] for pick in picks}) == 20
        assert all(pick.score > 0 for pick in picks)
