"""Kappa and alpha, against figures from papers, by hand, and from other libraries."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from biorat_al.people import chance
from biorat_al.people.bootstrap import Array
from tests.people.factories import TEXT, mention, mentions

OUTSIDE = frozenset[str]()
CHEMICAL, DISEASE = frozenset({"Chemical"}), frozenset({"Disease"})

# Krippendorff 2011, section C: four observers, twelve units, five categories; 0 is missing
OBSERVED = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)


def alpha_of(units: list[list[frozenset[str]]]) -> float:
    """Return alpha of units, each with the categories that its annotators gave it."""
    counts = [chance.coincidences([[one] for one in unit]) for unit in units if len(unit) > 1]
    _, cells = chance.table(counts)
    return float(chance.alpha(cells.sum(0)))


def kappa_of(first: list[frozenset[str]], second: list[frozenset[str]]) -> float:
    _, cells = chance.table([chance.contingency(first, second)])
    return float(chance.kappa(cells.sum(0)))


def test_tokens_are_words_and_single_other_characters() -> None:
    text = "COX-2 (β) 5%"
    assert [text[start:end] for start, end in chance.tokens(text)] == ["COX", "-", "2", "(", "β", ")", "5", "%"]
    assert chance.tokens(" \n ") == []


def test_a_token_has_the_labels_of_all_mentions_that_cover_one_of_its_characters() -> None:
    places = chance.tokens(TEXT)
    entities = [mention("Chemical", (0, 3)), mention("Disease", (15, 30)), mention("Chemical", (25, 34), (53, 54))]
    both = CHEMICAL | DISEASE
    assert chance.categories(places, entities) == [
        CHEMICAL, OUTSIDE, DISEASE, both, CHEMICAL, OUTSIDE, OUTSIDE, OUTSIDE, CHEMICAL,
    ]  # fmt: skip
    # a mention of white space covers no token
    assert chance.categories(places, [mention("Disease", (7, 8))]) == [OUTSIDE] * 9
    assert chance.categories([], [mention("Disease", (0, 1))]) == []


@given(mentions(length=len(TEXT)), st.data())
def test_the_order_of_overlapping_mentions_does_not_matter(found: list, data: st.DataObject) -> None:
    places = chance.tokens(TEXT)
    shuffled = data.draw(st.permutations(found))
    assert chance.categories(places, shuffled) == chance.categories(places, found)


def test_kappa_by_hand() -> None:
    # 20 and 15 of 50 agreed; by chance 25 * 30 + 25 * 20 of 2,500
    assert float(chance.kappa(np.array([[20.0, 5.0], [10.0, 15.0]]))) == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert float(chance.kappa(np.array([[0.0, 1.0], [1.0, 0.0]]))) == -1


def test_a_figure_is_undefined_where_every_token_has_the_same_category() -> None:
    one = np.array([[9.0, 0.0], [0.0, 0.0]])
    assert np.isnan(chance.kappa(one))
    assert np.isnan(chance.alpha(one))
    assert np.isnan(chance.kappa(one * 0))
    assert np.isnan(chance.alpha(one * 0))


def test_alpha_is_that_of_the_example_in_krippendorffs_paper() -> None:
    units = [[frozenset({str(value)}) for value in unit if value] for unit in zip(*OBSERVED, strict=True)]
    assert alpha_of(units) == pytest.approx(0.743, abs=0.0005)


def test_alpha_by_hand() -> None:
    # of four tokens one is disputed; of the eight values five are of one category and three of the other
    units = [[OUTSIDE, OUTSIDE], [OUTSIDE, OUTSIDE], [DISEASE, DISEASE], [OUTSIDE, DISEASE]]
    assert alpha_of(units) == pytest.approx(1 - (8 - 1) * 2 / (8 * 8 - 5 * 5 - 3 * 3))


def test_figures_of_one_label_have_two_categories() -> None:
    known, cells = chance.table(
        [Counter({(CHEMICAL, DISEASE): 2, (CHEMICAL | DISEASE, DISEASE): 3, (OUTSIDE, OUTSIDE): 5})]
    )
    assert chance.only("Disease", known, cells).tolist() == [[[5, 2], [0, 3]]]
    assert chance.only("Chemical", known, cells).tolist() == [[[5, 0], [5, 0]]]


@st.composite
def flat(draw: st.DrawFn, annotators: int) -> list[list[frozenset[str]]]:
    """Draw the categories of tokens by several annotators, at most one label each."""
    number = draw(st.integers(2, 40))
    one = st.sampled_from([OUTSIDE, OUTSIDE, CHEMICAL, DISEASE])
    return [draw(st.lists(one, min_size=number, max_size=number)) for _ in range(annotators)]


def named(categories: list[frozenset[str]]) -> list[str]:
    return ["".join(category) or "O" for category in categories]


@given(flat(2))
def test_kappa_is_that_of_scikit_learn_on_flat_spans(given_by: list[list[frozenset[str]]]) -> None:
    first, second = given_by
    found = kappa_of(first, second)
    if len({*first, *second}) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(cohen_kappa_score(named(first), named(second)))
    assert kappa_of(second, first) == pytest.approx(found, nan_ok=True)


@given(flat(3), st.permutations(range(3)))
def test_alpha_is_that_of_nltk_on_flat_spans(given_by: list[list[frozenset[str]]], order: list[int]) -> None:
    agreement = pytest.importorskip("nltk.metrics.agreement", reason="nltk is not installed")
    units = [list(unit) for unit in zip(*given_by, strict=True)]
    found = alpha_of(units)
    if len({one for unit in units for one in unit}) == 1:
        assert np.isnan(found)
    else:
        rows = [(coder, item, name) for coder, side in enumerate(given_by) for item, name in enumerate(named(side))]
        assert found == pytest.approx(agreement.AnnotationTask(data=rows).alpha())
    assert alpha_of([[unit[place] for place in order] for unit in units]) == pytest.approx(found, nan_ok=True)


def test_many_tables_are_computed_at_once() -> None:
    cells: Array = np.random.default_rng(1).integers(0, 9, (5, 3, 3)).astype(np.float64)
    cells += cells.transpose(0, 2, 1)
    for figure in (chance.kappa, chance.alpha):
        assert figure(cells).tolist() == [float(figure(one)) for one in cells]
