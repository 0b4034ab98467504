"""Intervals for a mean over two crossed samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from biorat_al.efficiency.statistics.intervals import CrossedMean, crossed_mean
from biorat_al.errors import UsageError

TABLES = arrays(float, st.tuples(st.integers(2, 6), st.integers(2, 9)), elements=st.floats(-1, 1, width=16))


def test_without_variance_of_documents_it_is_students_interval():
    values = np.array([0.61, 0.64, 0.58, 0.66, 0.63])
    found = crossed_mean(np.repeat(values[:, None], 30, axis=1))
    expected = stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values))
    estimate = found.estimate(0.95, null=0.6)
    assert (estimate.low, estimate.high) == pytest.approx(expected)
    assert estimate.p_value == pytest.approx(stats.ttest_1samp(values, 0.6).pvalue)
    assert estimate.degrees == pytest.approx(4)
    assert estimate.standard_error == pytest.approx(stats.sem(values))


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.9975])
def test_next_to_no_variance_of_documents_gives_next_to_students_interval(seeds, level):
    found = CrossedMean(0.0, seeds, 50, (1.0, 1e-7, 1e-7))
    expected = stats.t.ppf((1 + level) / 2, seeds - 1) / np.sqrt(seeds * 50)
    assert found.half_width(level) == pytest.approx(expected, rel=2e-3)


def test_one_seed_gives_students_interval_over_documents():
    row = np.random.default_rng(1).normal(0.5, 0.1, 25)
    estimate = crossed_mean(row[None, :]).estimate(0.95)
    assert (estimate.low, estimate.high) == pytest.approx(stats.t.interval(0.95, 24, row.mean(), stats.sem(row)))
    assert estimate.components is None
    assert estimate.seeds == 1


@pytest.mark.parametrize(("seeds", "documents"), [(4, 30), (3, 3)])
def test_agrees_with_drawing_the_generalised_pivot(seeds, documents):
    table = np.random.default_rng(2).normal(size=(seeds, documents))
    found = crossed_mean(table + np.random.default_rng(3).normal(size=(seeds, 1)))
    generator = np.random.default_rng(4)
    dfs = (seeds - 1, documents - 1, (seeds - 1) * (documents - 1))
    parts = [square * df / generator.chisquare(df, 400_000) for square, df in zip(found.squares, dfs, strict=True)]
    variance = np.maximum(parts[0] + parts[1] - parts[2], 0) / (seeds * documents)
    drawn = np.abs(generator.normal(size=400_000)) * np.sqrt(variance)
    assert found.half_width(0.95) == pytest.approx(np.quantile(drawn, 0.95), rel=0.01)


def test_components_are_those_that_the_table_was_drawn_from():
    generator = np.random.default_rng(5)
    seeds, documents = generator.normal(0, 0.3, (400, 1)), generator.normal(0, 0.5, (1, 500))
    found = crossed_mean(seeds + documents + generator.normal(0, 0.2, (400, 500))).components
    assert found is not None
    assert np.sqrt([found.seed, found.document, found.residual]) == pytest.approx([0.3, 0.5, 0.2], rel=0.1)
    # documents do not shrink with seeds
    assert found.variance(10**9) == pytest.approx(found.document / 500, rel=1e-3)
    assert found.variance() == pytest.approx(crossed_mean(seeds + documents).variance, rel=0.05)


def test_nothing_varies():
    found = crossed_mean(np.full((3, 4), 0.5))
    assert found.half_width(0.95) == 0
    assert found.p_value(0.5) == 1
    assert found.p_value(0.4) == 0


def test_one_document_is_refused():
    with pytest.raises(UsageError, match="two test documents"):
        crossed_mean(np.zeros((3, 1)))


@given(TABLES, st.randoms(use_true_random=False))
def test_the_order_of_seeds_and_documents_does_not_matter(table, random):
    rows, columns = list(range(table.shape[0])), list(range(table.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    one, other = crossed_mean(table), crossed_mean(table[rows][:, columns])
    assert one.mean == pytest.approx(other.mean, abs=1e-12)
    assert one.squares == pytest.approx(other.squares, abs=1e-12)


@given(TABLES, st.floats(0.1, 100), st.floats(-10, 10))
def test_moves_and_scales_with_what_is_measured(table, factor, shift):
    one, other = crossed_mean(table), crossed_mean(table * factor + shift)
    assert other.mean == pytest.approx(one.mean * factor + shift, abs=1e-9)
    assert np.sqrt(other.variance) == pytest.approx(np.sqrt(one.variance) * factor, abs=1e-6 * factor)


@given(TABLES)
def test_a_p_value_below_five_percent_is_an_interval_without_the_value(table):
    found = crossed_mean(table)
    half, distance = found.half_width(0.95), abs(found.mean)
    if abs(distance - half) > 1e-4 * (half + 1e-9):
        assert (found.p_value() < 0.05) == (distance > half)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize(("seeds", "most"), [(2, 0.99), (3, 0.98), (5, 0.97), (10, 0.965)])
def test_holds_its_level_whatever_varies(seeds, most, share):
    """With mean squares drawn as under normality. It never holds less often than it says; with few seeds, of which the
    documents make up most of the variance, more often. Three standard errors of 4000 draws are about 1 %.

    :param share: of the seeds in the variance of the mean; the rest is of documents and residual.
    :param most: share of the draws that the interval may hold.
    """
    generator, documents, number = np.random.default_rng(6), 50, 4000
    seed, document, residual = share * seeds, (1 - share) * 0.6 * documents, (1 - share) * 0.4 * seeds * documents
    expected = (residual + documents * seed, residual + seeds * document, residual)
    dfs = (seeds - 1, documents - 1, (seeds - 1) * (documents - 1))
    squares = [mean * generator.chisquare(df, number) / df for mean, df in zip(expected, dfs, strict=True)]
    means = generator.normal(0, 1, number)  # the variance of the mean is 1 by construction
    p_values = [
        CrossedMean(mean, seeds, documents, tuple(row)).p_value()
        for mean, row in zip(means, np.transpose(squares), strict=True)
    ]
    assert 0.94 < np.mean(np.array(p_values) >= 0.05) < most + 0.01
