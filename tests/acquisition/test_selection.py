"""Budgets, ties, and batches that do not ask the same thing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.acquisition.base import Budget, Candidates, Pick, QueryStrategy
from biorat_al.acquisition.registry import STRATEGIES, find_strategy
from biorat_al.acquisition.selection import select
from biorat_al.errors import LearnerError, UsageError
from tests.acquisition.factories import candidates, make

MNLP = find_strategy("mnlp")

ABSTRACT = (
    "Colchicine is an old drug for acute gout. We report forty patients in whom renal failure followed its use, "
    "compare them with controls of the same age, and discuss how the dose might be lowered in elderly people with "
    "heart disease."
)
NEARLY = ABSTRACT.replace("forty", "fifty")
OTHER = "Asthma in children of smokers: a cohort study of lung function, exercise tolerance and inhaled steroids."

names = st.sampled_from(list(STRATEGIES))


def _ids(picks: Sequence[Pick]) -> list[str]:
    return [pick.document_id for pick in picks]


class TestBudgetOfDocuments:
    def test_so_many_of_the_best(self) -> None:
        pool = make(["gout", "asthma", "fever"], [0.1, 0.3, 0.2])
        assert _ids(select(pool, MNLP, Budget(documents=2), seed=0)) == ["d0001", "d0002"]

    def test_more_than_the_pool_is_the_whole_pool(self) -> None:
        pool = make(["gout", "gout", "fever"], [0.1, 0.3, 0.2])
        assert _ids(select(pool, MNLP, Budget(documents=99), seed=0)) == ["d0001", "d0002", "d0000"]

    def test_an_empty_pool_is_an_empty_batch(self) -> None:
        assert select(make([]), MNLP, Budget(documents=2), seed=0) == []
        assert select(make([]), find_strategy("diverse"), Budget(tokens=2), seed=0) == []


class TestBudgetOfTokens:
    def test_it_is_filled_greedily(self) -> None:
        pool = make(["gout", "asthma", "fever", "cough"], [4, 3, 2, 1], tokens=[50, 40, 30, 20])
        for diverse in (True, False):
            picks = select(pool, MNLP, Budget(tokens=100), seed=0, diverse=diverse)
            assert _ids(picks) == ["d0000", "d0001"]
            picks = select(pool, MNLP, Budget(tokens=110), seed=0, diverse=diverse)
            assert _ids(picks) == ["d0000", "d0001", "d0003"]
            assert [pick.tokens for pick in picks] == [50, 40, 20]

    def test_a_first_document_above_it_comes_alone_and_says_so(self) -> None:
        pool = make(["gout", "asthma"], [2, 1], tokens=[500, 10])
        for diverse in (True, False):
            [pick] = select(pool, MNLP, Budget(tokens=100), seed=0, diverse=diverse)
            assert (pick.document_id, pick.tokens) == ("d0000", 500)
            assert "alone above the budget of 100 word pieces" in pick.reason

    def test_exactly_the_budget_is_within_it(self) -> None:
        [pick] = select(make(["gout", "asthma"], [2, 1], tokens=[100, 10]), MNLP, Budget(tokens=100), seed=0)
        assert "above" not in pick.reason

    def test_duplicates_do_not_fill_what_is_left_while_another_candidate_does_not_fit(self) -> None:
        pool = make(["gout", "gout", "asthma and fever"], [3, 2, 1], tokens=[10, 10, 30])
        assert _ids(select(pool, MNLP, Budget(tokens=25), seed=0)) == ["d0000"]
        assert _ids(select(pool, MNLP, Budget(tokens=25), seed=0, diverse=False)) == ["d0000", "d0001"]

    def test_both_limits_hold_where_both_are_given(self) -> None:
        pool = make(["gout", "asthma", "fever"], [3, 2, 1], tokens=[10, 30, 10])
        assert _ids(select(pool, MNLP, Budget(documents=2, tokens=25), seed=0)) == ["d0000", "d0002"]
        assert _ids(select(pool, MNLP, Budget(documents=1, tokens=25), seed=0)) == ["d0000"]


class TestTies:
    def test_the_seed_breaks_them(self) -> None:
        pool = make([f"word{number}" for number in range(6)])
        batches = {tuple(_ids(select(pool, MNLP, Budget(documents=2), seed=seed))) for seed in range(60)}
        assert len(batches) > 15
        assert {document_id for batch in batches for document_id in batch} == set(pool.ids)

    def test_one_seed_is_one_batch(self) -> None:
        pool = make([f"word{number}" for number in range(6)])
        assert select(pool, MNLP, Budget(documents=3), seed=5) == select(pool, MNLP, Budget(documents=3), seed=5)


class TestDiversity:
    def test_a_near_duplicate_stays_out(self) -> None:
        pool = make([ABSTRACT, NEARLY, ABSTRACT, OTHER], [4, 3, 2, 1])
        assert _ids(select(pool, MNLP, Budget(documents=2), seed=0)) == ["d0000", "d0003"]
        assert _ids(select(pool, MNLP, Budget(documents=2), seed=0, diverse=False)) == ["d0000", "d0001"]

    def test_when_nothing_else_is_left_near_duplicates_come_before_copies(self) -> None:
        pool = make([ABSTRACT, ABSTRACT, NEARLY, OTHER, NEARLY], [5, 4, 3, 2, 1])
        picks = select(pool, MNLP, Budget(documents=4), seed=0)
        assert _ids(picks) == ["d0000", "d0003", "d0002", "d0001"]
        assert "is nearly the same as document d0000, taken since no other candidate was left" in picks[2].reason
        assert "has the same text as document d0000, taken since no other candidate was left" in picks[3].reason

    def test_texts_without_a_word_are_the_same_only_if_they_are(self) -> None:
        pool = make(["", "", "?!", "..."], [4, 3, 2, 1])
        assert _ids(select(pool, MNLP, Budget(documents=3), seed=0)) == ["d0000", "d0002", "d0003"]

    def test_the_least_sure_comes_first_whatever_it_resembles(self) -> None:
        pool = make([OTHER, ABSTRACT, NEARLY], [1, 2, 3])
        assert _ids(select(pool, MNLP, Budget(documents=1), seed=0)) == ["d0002"]

    @pytest.mark.parametrize("name", ["mnlp", "margin"])
    def test_what_is_merely_of_the_same_topic_keeps_its_rank(self, name: str) -> None:
        texts = ["gout colchicine kidney dose", "gout colchicine heart valve", "asthma steroid child lung"]
        picks = select(make(texts, [3, 2, 1]), find_strategy(name), Budget(documents=2), seed=0)
        assert _ids(picks) == ["d0000", "d0001"]

    def test_copies_of_a_form_are_near_duplicates_however_common_it_is(self) -> None:
        form = " ".join(f"line{number}" for number in range(40))
        pool = make([f"{form} patient{number}" for number in range(50)] + [OTHER], list(range(51, 0, -1)))
        assert _ids(select(pool, MNLP, Budget(documents=2), seed=0)) == ["d0000", "d0050"]

    def test_the_rank_tells_what_was_passed_over(self) -> None:
        pool = make([ABSTRACT, NEARLY, OTHER, "fever"], [0.4, 0.3, 0.2, 0.1])
        picks = select(pool, MNLP, Budget(documents=2), seed=0)
        assert picks[1].reason == "least sure per word (MNLP 0.200), rank 3 of 4 before diversity"

    def test_a_batch_of_copies_only_by_necessity(self) -> None:
        texts = [ABSTRACT] * 50 + [f"unlike word{number} other{number}" for number in range(3)]
        pool = make(texts, list(range(53, 0, -1)))
        assert set(_ids(select(pool, MNLP, Budget(documents=4), seed=0))) == {"d0000", "d0050", "d0051", "d0052"}

    def test_an_abstract_with_a_tenth_of_its_words_replaced_is_a_near_duplicate(self) -> None:
        words = ABSTRACT.split()
        replaced = " ".join(f"new{place}" if place % 10 == 3 else word for place, word in enumerate(words))
        pool = make([ABSTRACT, replaced, OTHER], [3, 2, 1])
        assert _ids(select(pool, MNLP, Budget(documents=2), seed=0)) == ["d0000", "d0002"]


class TestReasons:
    def test_without_diversity_the_rank_stands_alone(self) -> None:
        picks = select(make(["gout", "asthma"], [0.1, 0.132]), MNLP, Budget(documents=1), seed=0, diverse=False)
        assert [pick.reason for pick in picks] == ["least sure per word (MNLP 0.132), rank 1 of 2"]


class TestErrors:
    @pytest.mark.parametrize("budget", [Budget(), Budget(documents=0), Budget(tokens=0), Budget(documents=-3)])
    def test_a_budget_that_chooses_nothing(self, budget: Budget) -> None:
        with pytest.raises(UsageError, match="budget"):
            select(make(["gout"]), MNLP, budget, seed=0)

    def test_an_id_twice(self) -> None:
        with pytest.raises(UsageError, match="same id"):
            select(make(["gout", "asthma"], ids=["a", "a"]), MNLP, Budget(documents=1), seed=0)

    def test_candidates_that_do_not_fit_together(self) -> None:
        with pytest.raises(UsageError, match="every candidate"):
            select(make(["gout", "asthma"], ids=["a"]), MNLP, Budget(documents=1), seed=0)

    def test_a_strategy_that_gives_no_number(self) -> None:
        class Broken(QueryStrategy):
            """Divides by zero."""

            name = "broken"
            needs_model = False

            def scores(self, candidates: Candidates, generator: np.random.Generator) -> np.ndarray:
                return np.full(len(candidates), np.nan)

            def reason(self, score: float) -> str:
                return ""

        with pytest.raises(LearnerError, match="'broken'"):
            select(make(["gout"]), Broken(), Budget(documents=1), seed=0)


@pytest.mark.slow
@settings(max_examples=75, deadline=None)
@given(pool=candidates(), name=names, limit=st.integers(1, 6), seed=st.integers(0, 99), diverse=st.booleans())
def test_documents_as_many_as_the_budget_says_each_once(
    pool: Candidates, name: str, limit: int, seed: int, diverse: bool
) -> None:
    picks = select(pool, find_strategy(name), Budget(documents=limit), seed=seed, diverse=diverse)
    assert len(picks) == min(limit, len(pool))
    assert len(set(_ids(picks))) == len(picks)
    assert set(_ids(picks)) <= set(pool.ids)
    tokens = dict(zip(pool.ids, pool.tokens.tolist(), strict=True))
    assert all(pick.tokens == tokens[pick.document_id] and np.isfinite(pick.score) for pick in picks)


@pytest.mark.slow
@settings(max_examples=75, deadline=None)
@given(pool=candidates(), name=names, limit=st.integers(1, 25), seed=st.integers(0, 99), diverse=st.booleans())
def test_tokens_never_above_the_budget_but_for_a_single_document(
    pool: Candidates, name: str, limit: int, seed: int, diverse: bool
) -> None:
    picks = select(pool, find_strategy(name), Budget(tokens=limit), seed=seed, diverse=diverse)
    spent = sum(pick.tokens for pick in picks)
    if spent > limit:
        assert len(picks) == 1
        assert "alone above the budget" in picks[0].reason
    elif not diverse:
        # nothing that is left would have fitted
        left = [tokens for one, tokens in zip(pool.ids, pool.tokens.tolist(), strict=True) if one not in _ids(picks)]
        assert all(tokens > limit - spent for tokens in left)


@pytest.mark.slow
@settings(max_examples=75, deadline=None)
@given(pool=candidates(), name=names, limit=st.integers(1, 8), seed=st.integers(0, 99))
def test_no_text_twice_while_another_is_left(pool: Candidates, name: str, limit: int, seed: int) -> None:
    text = dict(zip(pool.ids, pool.texts, strict=True))
    chosen = [
        text[document_id] for document_id in _ids(select(pool, find_strategy(name), Budget(documents=limit), seed=seed))
    ]
    if len(pool) > limit:
        assert len(set(chosen)) == min(limit, len(set(pool.texts)))


@settings(max_examples=50, deadline=None)
@given(pool=candidates(min_size=1), limit=st.integers(1, 8), seed=st.integers(0, 99))
def test_without_diversity_the_best_scores_in_order(pool: Candidates, limit: int, seed: int) -> None:
    picks = select(pool, MNLP, Budget(documents=limit), seed=seed, diverse=False)
    assert [pick.score for pick in picks] == sorted(pool.uncertainty["mnlp"].tolist(), reverse=True)[:limit]


def test_scores_per_hour_take_the_document_that_is_worth_most_for_its_time() -> None:
    pool = make(["one", "two", "three"], scores=[0.9, 0.5, 0.4], ids=["long", "short", "middle"])
    timed = replace(pool, seconds=np.array([360.0, 60.0, 90.0]))
    by_score = select(pool, find_strategy("mnlp"), Budget(documents=2), seed=1, diverse=False)
    per_hour = select(timed, find_strategy("mnlp"), Budget(documents=2), seed=1, diverse=False)
    assert [pick.document_id for pick in by_score] == ["long", "short"]
    # 0.9 in 6 minutes is 9 an hour; 0.5 in one minute is 30; 0.4 in 90 seconds is 16
    assert [pick.document_id for pick in per_hour] == ["short", "middle"]
    assert [pick.score for pick in per_hour] == pytest.approx([30.0, 16.0])
    assert "about 60 s to annotate" in per_hour[0].reason
    assert "annotate" not in by_score[0].reason


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_with_equal_seconds_every_strategy_fills_its_batch(name: str) -> None:
    pool = make([f"word{n} other{n}" for n in range(12)], scores=[float(n) for n in range(12)])
    timed = replace(pool, seconds=np.full(12, 50.0))
    picks = select(timed, find_strategy(name), Budget(documents=4), seed=3, diverse=False)
    assert len(picks) == 4
    assert [pick.score for pick in picks] == sorted((pick.score for pick in picks), reverse=True)


def test_per_hour_quick_documents_that_are_alike_do_not_displace_the_set() -> None:
    """Their distance is measured to the set, not to each other: by distance per second, the batch was two of a kind."""
    around = [[100 * np.cos(turn * np.pi / 3), 100 * np.sin(turn * np.pi / 3)] for turn in range(6)]
    pool = make([f"word{number}" for number in range(9)])
    points = np.array([*around, [50, 0], [50, 0.1], [50, 0.2]], dtype=np.float32)
    pool = replace(pool, features={"embedding": points}, labelled=np.zeros((1, 2), dtype=np.float32))
    timed = replace(pool, seconds=np.array([100.0] * 6 + [1.0] * 3))
    for seed in range(5):
        picks = select(timed, find_strategy("core-set"), Budget(documents=2), seed=seed, diverse=False)
        assert {pick.document_id for pick in picks} <= {f"d000{number}" for number in range(6)}
        assert [pick.score for pick in picks] == pytest.approx([3600.0, 3600.0], rel=1e-5)


def test_a_strategy_for_sets_leaves_out_what_takes_long_for_what_it_adds() -> None:
    # nine documents unlike each other; to the strategy each adds as much as the others
    pool = make([f"word{n}" for n in range(9)], scores=[1.0] * 9)
    timed = replace(pool, seconds=np.array([500.0, 500.0, 500.0, 20.0, 500.0, 20.0, 500.0, 20.0, 500.0]))
    picks = select(timed, find_strategy("diverse"), Budget(documents=3), seed=5, diverse=False)
    assert {pick.document_id for pick in picks} == {"d0003", "d0005", "d0007"}
