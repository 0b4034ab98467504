"""Information density against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from biorat_al.acquisition.base import Budget
from biorat_al.acquisition.density import Density
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
