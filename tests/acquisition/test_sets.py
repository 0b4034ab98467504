"""Strategies that choose a set: k-centres and k-means++, against cases worked by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from biorat_al.acquisition import sets
from biorat_al.acquisition.base import Budget, Candidates
from biorat_al.acquisition.selection import select
from biorat_al.acquisition.sets import (
    NOT_DRAWN,
    Badge,
    CoreSet,
    farthest_first,
    plus_plus,
)
from tests.acquisition.factories import make

points = st.tuples(st.integers(1, 9), st.integers(1, 3)).flatmap(
    lambda shape: arrays.arrays(np.float64, shape, elements=st.integers(-4, 4).map(float))
)


def _generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _column(*values: float) -> NDArray[np.float64]:
    return np.array(values)[:, None]


def _pool(embedding: Sequence[Sequence[float]], margins: Sequence[float] | None = None) -> Candidates:
    """Return candidates whose texts have nothing to do with each other."""
    pool = make([f"word{number}" for number in range(len(embedding))], margins)
    values = np.array(embedding, dtype=np.float32)
    return replace(pool, features={**pool.features, "embedding": values, "gradient": values})


class TestFarthestFirst:
    def test_worked_by_hand(self) -> None:
        # from the centre 0: 10 is farthest; then 4, at 4 from 0; then 7, at 3 from 4 and from 10; then 1 at 1
        scores = farthest_first(_column(1, 4, 7, 10), _column(0), 4, _generator())
        assert scores.tolist() == [1, 4, 3, 10]

    def test_those_not_taken_have_their_distance_at_the_end(self) -> None:
        # after 10 alone, 4 and 4.5 are nearest to the centre
        assert farthest_first(_column(4, 4.5, 10), _column(0), 1, _generator()).tolist() == [4, 4.5, 10]
        # after 10 and 4.5, 4 is at 0.5 from 4.5
        assert farthest_first(_column(4, 4.5, 10), _column(0), 2, _generator()).tolist() == [0.5, 4.5, 10]

    def test_every_centre_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sets, "_BLOCK", 2)
        scores = farthest_first(_column(1, 4, 8), _column(0, 3, 5, 9, 9.5), 0, _generator())
        assert scores.tolist() == [1, 1, 1]

    @settings(max_examples=100, deadline=None)
    @given(points, st.integers(0, 9), st.integers(0, 99))
    def test_each_is_the_farthest_from_those_before_it(self, pool: NDArray[np.float64], number: int, seed: int) -> None:
        centres = np.zeros((1, pool.shape[1]))
        number = min(number, len(pool))
        scores = farthest_first(pool, centres, number, _generator(seed))
        order = np.argsort(-scores, kind="stable")
        before = np.concatenate([centres, pool[order]])
        for place, position in enumerate(order[:number].tolist()):
            distance = np.linalg.norm(pool[position] - before[: place + 1], axis=1).min()
            # among equals the order is not to be seen from the scores; then some of them are nearer to each other
            if np.sum(scores == scores[position]) == 1:
                assert scores[position] == pytest.approx(distance)
        radius = np.linalg.norm(pool[:, None] - before[None, : 1 + number], axis=2).min(axis=1).max()
        assert radius <= (scores[order[number - 1]] if number else scores.max()) + 1e-9


class TestCoreSet:
    def test_the_labelled_are_the_centres(self) -> None:
        pool = _pool([[0, 0], [3, 4], [6, 8], [6, 9]])
        first = select(replace(pool, labelled=np.array([[0, 0]], np.float32)), CoreSet(), Budget(documents=2), seed=0)
        # 6, 9 is the farthest from 0, 0; then 3, 4, at 5 from 0, 0, while 6, 8 is at 1
        assert [pick.document_id for pick in first] == ["d0003", "d0001"]
        assert [pick.score for pick in first] == pytest.approx([117**0.5, 5.0])
        labelled = np.array([[0, 0], [6, 9]], np.float32)
        [second] = select(replace(pool, labelled=labelled), CoreSet(), Budget(documents=1), seed=0)
        assert second.document_id == "d0001"
        assert "unlike all that is labelled or picked (distance 5.000)" in second.reason

    def test_with_nothing_labelled_it_begins_at_the_edge(self) -> None:
        [pick] = select(_pool([[0, 0], [1, 0], [0, 1], [9, 9]]), CoreSet(), Budget(documents=1), seed=0)
        assert pick.document_id == "d0003"

    def test_a_copy_of_a_labelled_document_comes_last(self) -> None:
        pool = replace(_pool([[1, 1], [2, 2], [5, 5]]), labelled=np.array([[2, 2]], np.float32))
        picks = select(pool, CoreSet(), Budget(documents=3), seed=0)
        assert (picks[-1].document_id, picks[-1].score) == ("d0001", 0.0)


class TestPlusPlus:
    def test_worked_by_hand(self) -> None:
        # the longest first; the others are at 9 each, and once one of them is drawn, nothing is left
        scores = plus_plus(_column(0, 0, 3), 3, _generator())
        assert sorted(scores.tolist()) == [NOT_DRAWN, 0.0, 1.0]
        assert scores[2] == 1.0

    def test_what_is_left_is_a_share_of_the_potential_after_the_first(self) -> None:
        # after 10: squared distances 100 and 36 for 0 and 4; then either 16 for 4 (0 drawn), or 16 for 0 (4 drawn)
        scores = plus_plus(_column(0, 4, 10), 2, _generator())
        assert scores[2] == 1.0
        assert sorted(scores[:2]) == pytest.approx([NOT_DRAWN, 16 / 136])

    def test_the_draw_is_by_squared_distance(self) -> None:
        drawn = Counter(
            int(np.flatnonzero((scores := plus_plus(_column(0, 4, 10), 2, _generator(seed))) != NOT_DRAWN)[0])
            for seed in range(2000)
        )
        assert scores[2] == 1.0
        # 0 with probability 100 / 136; the standard deviation is 20
        assert drawn[0] == pytest.approx(2000 * 100 / 136, abs=80)
        assert drawn[0] + drawn[1] == 2000

    @settings(max_examples=100, deadline=None)
    @given(points, st.integers(1, 9), st.integers(0, 99))
    def test_as_many_as_there_are_different_ones(self, pool: NDArray[np.float64], number: int, seed: int) -> None:
        scores = plus_plus(pool, number, _generator(seed))
        drawn = np.flatnonzero(scores != NOT_DRAWN)
        assert len(drawn) == min(number, len(np.unique(pool, axis=0)))
        assert len(np.unique(pool[drawn], axis=0)) == len(drawn)
        assert len(np.unique(scores[drawn])) == len(drawn)
        first = np.square(pool[scores.argmax()]).sum()
        assert first == np.square(pool).sum(axis=1).max()


class TestBadge:
    def test_one_of_each_kind_before_a_second(self) -> None:
        pool = _pool([[5, 0], [5, 0], [5, 0], [0, 4], [0, 4], [0, 0]])
        for seed in range(10):
            picks = select(pool, Badge(), Budget(documents=3), seed=seed)
            kinds = [int(pick.document_id[1:]) for pick in picks]
            assert kinds[0] in (0, 1, 2)
            assert sorted(min(kind, 3) if kind < 5 else 5 for kind in kinds[1:]) == [3, 5]
            assert picks[0].score == 1.0
            assert picks[2].score == 0.0
            assert "unlike earlier picks (leaves 0.0% of the gradients' spread)" in picks[2].reason

    def test_the_seed_decides(self) -> None:
        pool = _pool([[number, number % 3] for number in range(12)])
        batches = {
            tuple(pick.document_id for pick in select(pool, Badge(), Budget(documents=4), seed=seed))
            for seed in range(30)
        }
        assert len(batches) > 15
        assert {batch[0] for batch in batches} == {"d0011"}


class TestWanted:
    @pytest.mark.parametrize(
        ("budget", "expected"),
        [
            (Budget(documents=2), 2),
            (Budget(documents=9), 4),
            (Budget(tokens=60), 3),  # 10 + 20 + 30
            (Budget(tokens=59), 2),
            (Budget(tokens=5), 1),
            (Budget(documents=2, tokens=60), 2),
        ],
    )
    def test_what_the_budget_pays_for_at_most(self, budget: Budget, expected: int) -> None:
        seen = []

        class Watching(CoreSet):
            def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
                seen.append(candidates.batch)
                return super().scores(candidates, generator)

        pool = replace(_pool([[0, 0], [1, 0], [2, 0], [3, 0]]), tokens=np.array([40, 10, 30, 20]))
        select(pool, Watching(), budget, seed=0)
        assert seen == [expected]
