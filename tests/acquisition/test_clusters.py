"""Strategies that spread a batch over clusters: turns, and what each of them clusters, against cases worked by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from biorat_al.acquisition import clusters
from biorat_al.acquisition.base import Budget, Candidates
from biorat_al.acquisition.clusters import (
    NOT_CLUSTERED,
    ClusterEntityEntropy,
    ClusterFluctuation,
    ClusterMargin,
    ClusterStrategy,
    turns,
)
from biorat_al.acquisition.registry import STRATEGIES
from biorat_al.acquisition.selection import select
from tests.acquisition.factories import make

EVERY = pytest.mark.parametrize("kind", [kind for kind in STRATEGIES.values() if issubclass(kind, ClusterStrategy)])


def _generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _pool(embedding: Sequence[Sequence[float]], scores: Sequence[float] | None = None) -> Candidates:
    """Return candidates whose texts have nothing to do with each other."""
    pool = make([f"word{number}" for number in range(len(embedding))], scores)
    return replace(pool, features={"embedding": np.array(embedding, dtype=np.float32)})


def _clustered(strategy: ClusterStrategy, pool: Candidates) -> list[int]:
    return np.flatnonzero(strategy.scores(pool, _generator()) != NOT_CLUSTERED).tolist()


class TestTurns:
    def test_worked_by_hand(self) -> None:
        # the cluster of one, then that of two, then that of three: places 0, 1/3 and 2/3
        scores = turns(np.array([2, 2, 2, 1, 1, 0]), _generator())
        assert scores[5] == 1.0
        assert sorted(scores[3:5], reverse=True) == pytest.approx([1 / (4 / 3), 1 / (7 / 3)])
        assert sorted(scores[:3], reverse=True) == pytest.approx([1 / (5 / 3), 1 / (8 / 3), 1 / (11 / 3)])

    def test_the_member_is_drawn(self) -> None:
        first = Counter(int(turns(np.array([0, 0, 0]), _generator(seed)).argmax()) for seed in range(300))
        assert min(first.values()) > 60
        assert len(first) == 3

    def test_the_reason_names_the_turn(self) -> None:
        for turn in range(1, 200):
            for place in (0, 0.9):
                assert f"(turn {turn} over the clusters)" in ClusterMargin().reason(1 / (turn + place))


class TestClusterMargin:
    def test_an_outlier_is_not_chosen_for_being_one(self) -> None:
        # five documents close together, and one far away: by linkage, the outlier would be the second cluster
        pool = _pool([[0, number / 10] for number in range(5)] + [[90, 90]], [1] * 6)
        chosen = Counter(
            pick.document_id
            for seed in range(60)
            for pick in select(pool, ClusterMargin(), Budget(documents=2), seed=seed)
        )
        assert chosen["d0005"] < 40

    def test_a_long_document_is_not_chosen_for_its_length(self) -> None:
        pool = _pool([[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]], [9, 2, 2, 2, 1])
        pool = replace(pool, tokens=np.array([900, 10, 10, 10, 10]))
        scores = ClusterMargin().scores(replace(pool, wanted=1), _generator())
        assert np.flatnonzero(scores != NOT_CLUSTERED).tolist() == [1, 2, 3]

    def test_so_many_are_clustered_at_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clusters, "CLUSTERED", 5)
        pool = _pool([[number, 0] for number in range(20)], list(range(20)))
        for wanted, expected in ((2, 5), (4, 5), (8, 8)):
            scores = ClusterMargin().scores(replace(pool, wanted=wanted), _generator())
            assert np.flatnonzero(scores != NOT_CLUSTERED).tolist() == list(range(20 - expected, 20))


class TestEvery:
    """What holds for each measure; in these pools all measures are the same."""

    @EVERY
    def test_one_of_each_cluster_of_those_with_a_high_measure(
        self, kind: type[ClusterStrategy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clusters, "PER_PICK", 2)
        pool = _pool([[0, 0], [0, 1], [9, 8], [9, 9], [50, 50]], [4, 3, 2, 1, 0.5])
        for seed in range(10):
            picks = select(pool, kind(), Budget(documents=2), seed=seed)
            assert {int(pick.document_id[1:]) // 2 for pick in picks} == {0, 1}
            assert [pick.score for pick in picks] == pytest.approx([1.0, 1 / 1.5])
            assert "the pick of its cluster (turn 1 over the clusters)" in picks[0].reason
        assert _clustered(kind(), replace(pool, wanted=2)) == [0, 1, 2, 3]

    @EVERY
    def test_per_hour_those_are_clustered_that_are_worth_most_for_their_time(
        self, kind: type[ClusterStrategy], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clusters, "PER_PICK", 2)
        pool = _pool([[0, 0], [0, 1], [9, 8], [9, 9], [50, 50], [50, 51]], [8, 7, 6, 5, 4, 3])
        timed = replace(pool, seconds=np.array([900.0, 900.0, 60.0, 60.0, 60.0, 60.0]))
        assert _clustered(kind(), replace(timed, wanted=2)) == [2, 3, 4, 5]
        for seed in range(10):
            picks = select(timed, kind(), Budget(documents=2), seed=seed)
            assert {int(pick.document_id[1:]) // 2 for pick in picks} == {1, 2}

    @EVERY
    def test_per_hour_a_cluster_is_not_left_out_because_its_turn_comes_late(self, kind: type[ClusterStrategy]) -> None:
        """Divided by seconds, the random order of the clusters would weigh as much as twice the time."""
        pool = _pool([[place, number / 10] for place in (0, 50, 100) for number in range(3)], [1.0] * 9)
        timed = replace(pool, seconds=np.array([100.0] * 6 + [110.0] * 3))
        for seed in range(10):
            picks = select(timed, kind(), Budget(documents=3), seed=seed)
            assert {int(pick.document_id[1:]) // 3 for pick in picks} == {0, 1, 2}
            assert [pick.score for pick in picks] == pytest.approx([1.0, 3 / 4, 3 / 5])


class TestClusterEntityEntropy:
    def test_it_clusters_by_the_score_of_entity_entropy(self) -> None:
        # the first has the highest sum, in a length that no other has
        pool = replace(
            _pool([[number, 0] for number in range(5)], [1.2, 1.0, 0.9, 0.8, 0.1]),
            tokens=np.array([900, 100, 100, 100, 100]),
        )
        density = STRATEGIES["entity-entropy"]().scores(pool, _generator())
        assert density[0] < 0.8 < density[1]
        assert _clustered(ClusterEntityEntropy(), replace(pool, wanted=1)) == [1, 2, 3]


class TestClusterFluctuation:
    def test_it_clusters_by_the_score_of_fluctuation(self) -> None:
        pool = _pool([[number, 0] for number in range(5)], [0.5, 0.5, 0.4, 0.4, 0.4])
        steady, changing = [0.5, 0.5], [0.1, 0.9]
        pool = replace(pool, history=np.array([steady, steady, changing, changing, changing]), wanted=1)
        assert _clustered(ClusterFluctuation(), pool) == [2, 3, 4]
        assert _clustered(ClusterFluctuation(), replace(pool, history=np.zeros((0, 0))))[:2] == [0, 1]

    def test_the_reason_says_over_how_many_rounds(self) -> None:
        pool = replace(_pool([[0, 0], [1, 0]], [0.5, 0.5]), history=np.array([[0.5], [0.4]]))
        picks = select(pool, ClusterFluctuation(), Budget(documents=2), seed=0)
        assert all(", over 2 rounds, rank" in pick.reason for pick in picks)
