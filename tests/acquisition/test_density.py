"""Uncertainty times density, of words and of lengths, against cases worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from biorat_al.acquisition import density
from biorat_al.acquisition.base import Budget
from biorat_al.acquisition.density import Density, EntityEntropy, typical_lengths
from biorat_al.acquisition.selection import select
from biorat_al.acquisition.similarity import cosines, topics
from tests.acquisition.factories import make


def test_worked_by_hand() -> None:
    # the first two have cosine 1 with each other and 0 with the third: densities 2/3, 2/3, 1/3
    pool = make(["gout", "Gout!", "asthma"], [0.3, 0.6, 0.9])
    assert Density().scores(pool, np.random.default_rng(0)) == pytest.approx([0.2, 0.4, 0.3], abs=1e-6)


def test_it_is_the_mean_of_the_cosines() -> None:
    texts = ["gout in adults", "gout and fever", "fever in children", "renal failure in gout", ""]
    vectors = topics(texts, counted_on=texts)
    expected = cosines(vectors, vectors).mean(axis=1)
    assert Density().scores(make(texts, [1.0] * 5), np.random.default_rng(0)) == pytest.approx(expected, abs=1e-6)
    assert expected[4] == 0


def test_the_typical_one_comes_before_an_odd_one_of_the_same_uncertainty() -> None:
    texts = [f"gout colchicine dose{number}" for number in range(5)] + ["zebra"]
    picks = select(make(texts, [0.5] * 6), Density(), Budget(documents=6), seed=0)
    assert picks[-1].document_id == "d0005"
    assert picks[-1].score == pytest.approx(0.5 / 6, abs=1e-6)
    assert "like many others (information density 0." in picks[0].reason


class TestTypicalLengths:
    def test_worked_by_hand(self) -> None:
        # Scott's width: the standard deviation 10 (n − 1) times 3 ** -0.2; the neighbours are 10, 10 and 20 apart
        near, far = np.exp(-((1 / 3**-0.2) ** 2) / 2), np.exp(-((2 / 3**-0.2) ** 2) / 2)
        middle, edge = 1 + 2 * near, 1 + near + far
        assert typical_lengths(np.array([30, 10, 20])) == pytest.approx([(edge / middle) ** 0.5] * 2 + [1.0])

    def test_it_is_the_root_of_a_kernel_density(self) -> None:
        tokens = np.random.default_rng(1).poisson(200, 300)
        expected = gaussian_kde(tokens)(tokens)
        assert typical_lengths(tokens) == pytest.approx(np.sqrt(expected / expected.max()))

    def test_many_lengths_are_compared_in_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tokens = np.random.default_rng(1).integers(1, 900, 50)
        at_once = typical_lengths(tokens).tolist()
        monkeypatch.setattr(density, "_BLOCK", 7)
        assert typical_lengths(tokens) == pytest.approx(at_once)

    def test_one_length_is_typical(self) -> None:
        assert typical_lengths(np.array([7, 7, 7])).tolist() == [1.0, 1.0, 1.0]
        assert typical_lengths(np.array([], dtype=np.int64)).shape == (0,)


class TestEntityEntropy:
    def test_worked_by_hand(self) -> None:
        pool = make(["gout", "asthma", "fever"], [0.6, 0.9, 0.3], tokens=[10, 20, 30])
        edge = typical_lengths(pool.tokens)[0]
        scores = EntityEntropy().scores(pool, np.random.default_rng(0))
        assert scores == pytest.approx([0.6 * edge, 0.9, 0.3 * edge])

    def test_a_long_document_is_not_chosen_for_its_length(self) -> None:
        pool = make([f"word{number}" for number in range(6)], [1.0, 1.0, 1.0, 1.0, 1.0, 2.0])
        pool = replace(pool, tokens=np.array([190, 195, 200, 205, 210, 2000]))
        picks = select(pool, EntityEntropy(), Budget(documents=6), seed=0)
        assert picks[-1].document_id == "d0005"
        assert "in a document of typical length (entity entropy " in picks[0].reason

    def test_a_score_is_divided_by_the_seconds_that_the_document_takes(self) -> None:
        pool = make(["gout", "asthma"], [0.4, 0.2])
        timed = replace(pool, seconds=np.array([400.0, 50.0]))
        picks = select(timed, EntityEntropy(), Budget(documents=2), seed=0)
        assert [pick.document_id for pick in picks] == ["d0001", "d0000"]
        assert [pick.score for pick in picks] == pytest.approx([14.4, 3.6])
