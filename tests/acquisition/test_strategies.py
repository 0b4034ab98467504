"""What holds for every query strategy, and what each of them asks for first."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.acquisition.base import Budget, Candidates, Feature, QueryStrategy
from biorat_al.acquisition.registry import STRATEGIES, find_strategy
from biorat_al.acquisition.selection import select
from biorat_al.acquisition.uncertainty import UncertaintyStrategy
from biorat_al.cli import cli
from biorat_al.errors import LearnerError, UsageError
from tests.acquisition.factories import candidates, make, reordered

EVERY = pytest.mark.parametrize("name", list(STRATEGIES))
WITH_MODEL = pytest.mark.parametrize("name", [name for name, kind in STRATEGIES.items() if kind.needs_model])
BY_MEASURE = pytest.mark.parametrize(
    "name", [name for name, kind in STRATEGIES.items() if issubclass(kind, UncertaintyStrategy)]
)

POOL = make(
    [
        "gout treated with colchicine",
        "renal failure after aspirin",
        "gout treated with colchicine",
        "asthma in children",
        "",
        "asthma in adult patients",
    ],
    scores=[0.1, 0.9, 0.1, 0.4, 0.0, 0.4],
)


WITHOUT_MODEL = Candidates(ids=["a", "b"], texts=["gout", "asthma"], tokens=np.array([1, 1]))


def _generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


@EVERY
class TestContract:
    def test_it_is_found_by_its_name(self, name: str) -> None:
        assert isinstance(find_strategy(name), QueryStrategy)
        assert find_strategy(name).name == name

    def test_it_cites_its_paper_and_explains_its_score(self, name: str) -> None:
        documentation = STRATEGIES[name].__doc__ or ""
        assert re.search(r"\b(19|20)\d\d\b", documentation)
        assert "score" in documentation

    def test_scores_are_finite_one_for_each(self, name: str) -> None:
        scores = find_strategy(name).scores(POOL, _generator())
        assert scores.shape == (len(POOL),)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()

    def test_an_empty_pool_has_no_scores(self, name: str) -> None:
        assert find_strategy(name).scores(make([]), _generator()).shape == (0,)

    def test_a_pool_of_one(self, name: str) -> None:
        [pick] = select(make(["gout"], [0.5]), find_strategy(name), Budget(documents=3), seed=1)
        assert pick.document_id == "d0000"

    def test_the_same_generator_gives_the_same_scores(self, name: str) -> None:
        first, second = (find_strategy(name).scores(POOL, _generator()) for _ in range(2))
        assert first.tolist() == second.tolist()

    def test_it_leaves_global_random_state_alone(self, name: str) -> None:
        before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
        select(POOL, find_strategy(name), Budget(documents=2), seed=3)
        assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index]

    def test_it_does_not_change_the_candidates(self, name: str) -> None:
        pool = make(POOL.texts, POOL.uncertainty["mnlp"].tolist())
        select(pool, find_strategy(name), Budget(documents=2), seed=3)
        assert (pool.ids, pool.texts, pool.tokens.tolist()) == (POOL.ids, POOL.texts, POOL.tokens.tolist())
        assert pool.uncertainty["mnlp"].tolist() == POOL.uncertainty["mnlp"].tolist()

    @pytest.mark.parametrize("score", [-2.0, -1.0, 0.0, 0.1234, 17.5])
    def test_the_reason_is_one_line_in_words(self, name: str, score: float) -> None:
        reason = find_strategy(name).reason(score)
        assert len(reason.split()) >= 3
        assert "\n" not in reason
        assert reason == reason.strip().rstrip(".")

    def test_before_there_is_a_model_it_works_or_says_what_to_do(self, name: str) -> None:
        pool = WITHOUT_MODEL
        if STRATEGIES[name].needs_model:
            with pytest.raises(UsageError, match=f"'{name}' needs a trained model"):
                select(pool, find_strategy(name), Budget(documents=1), seed=0)
        else:
            assert len(select(pool, find_strategy(name), Budget(documents=1), seed=0)) == 1

    def test_what_it_asks_of_the_model_can_be_had(self, name: str) -> None:
        kind = STRATEGIES[name]
        assert kind.needs <= set(get_args(Feature))
        assert kind.needs_model or not kind.needs

    def test_a_budget_above_the_pool_is_the_whole_pool(self, name: str) -> None:
        for budget in (Budget(documents=99), Budget(tokens=999)):
            for diverse in (True, False):
                picks = select(POOL, find_strategy(name), budget, seed=1, diverse=diverse)
                assert sorted(pick.document_id for pick in picks) == sorted(POOL.ids)

    @pytest.mark.slow
    def test_identical_documents_are_told_apart_by_the_seed_alone(self, name: str) -> None:
        pool = make(["gout in adults"] * 7, [0.5] * 7)
        batches = {
            tuple(pick.document_id for pick in select(pool, find_strategy(name), Budget(documents=3), seed=seed))
            for seed in range(20)
        }
        assert all(len(set(batch)) == 3 for batch in batches)
        assert len(batches) > 10

    def test_texts_without_words(self, name: str) -> None:
        pool = make(["", " ", "", "?!"], [0.0] * 4, tokens=[0, 0, 0, 2])
        picks = select(pool, find_strategy(name), Budget(documents=2), seed=1)
        assert len({pick.document_id for pick in picks}) == 2
        assert all(np.isfinite(pick.score) for pick in picks)

    def test_the_best_of_a_batch_come_first(self, name: str) -> None:
        generator = _generator()
        pool = make([f"word{number} other{number % 3}" for number in range(30)], generator.random(30).tolist())
        picks = select(pool, find_strategy(name), Budget(documents=6), seed=2, diverse=False)
        assert [pick.score for pick in picks] == sorted((pick.score for pick in picks), reverse=True)
        assert picks[0].reason.startswith(find_strategy(name).reason(picks[0].score))


@WITH_MODEL
class TestStrategiesWithModel:
    @pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
    def test_a_broken_value_is_an_error_that_names_the_document(self, name: str, broken: float) -> None:
        pool = make(["gout", "asthma", "fever"], scores=[0.2, broken, 0.3])
        with pytest.raises(LearnerError, match="document d0001"):
            select(pool, find_strategy(name), Budget(documents=1), seed=0)

    def test_a_missing_value_is_an_error(self, name: str) -> None:
        pool = make(["gout"], scores=[0.2])
        pool = replace(pool, ids=["a", "b"], texts=["x", "y"], tokens=np.array([1, 1]))
        with pytest.raises(LearnerError, match=r"1 values of .* for 2 documents"):
            find_strategy(name).scores(pool, _generator())

    def test_what_it_needs_is_what_it_looks_at(self, name: str) -> None:
        kind = STRATEGIES[name]
        pool = make(["gout", "asthma", "fever"], scores=[0.2, 0.1, 0.3])
        enough = replace(pool, features={need: pool.features[need] for need in kind.needs})
        assert (
            find_strategy(name).scores(enough, _generator()).tolist()
            == find_strategy(name).scores(pool, _generator()).tolist()
        )
        if kind.needs:
            with pytest.raises(UsageError, match=f"'{name}' needs a trained model"):
                find_strategy(name).scores(replace(pool, features={}), _generator())


MEASURED_BY = {
    "least-confidence": "least_confidence",
    "margin": "margin",
    "entropy": "entropy",
    "mnlp": "mnlp",
    "bald": "disagreement",
    "adversarial": "sensitivity",
}
"""What the documentation of each strategy says that its score is."""


def test_each_strategy_looks_at_the_measure_that_it_is_named_after() -> None:
    """``mnlp`` that takes the document's probability as a whole asks for the longest documents."""
    found = {name: kind.measure for name, kind in STRATEGIES.items() if issubclass(kind, UncertaintyStrategy)}
    assert found == MEASURED_BY


@BY_MEASURE
class TestStrategiesByMeasure:
    def test_the_score_is_the_measure(self, name: str) -> None:
        measure = STRATEGIES[name].measure  # type: ignore[attr-defined]
        values = np.array([0.25, -3.0, 7.5])
        pool = Candidates(["a", "b", "c"], ["x", "y", "z"], np.array([1, 1, 1]))
        pool = replace(pool, **{"features" if STRATEGIES[name].needs else "uncertainty": {measure: values}})
        assert find_strategy(name).scores(pool, _generator()).tolist() == [0.25, -3.0, 7.5]

    @pytest.mark.parametrize(
        ("score", "text"),
        [
            (0.000371234, "0.000371"),
            (0.0, "0"),
            (0.0512, "0.0512"),
            (0.5, "0.500"),
            (-2.0, "-2.000"),
            (431.25, "431.250"),
        ],
    )
    def test_a_small_score_is_not_read_as_none(self, name: str, score: float, text: str) -> None:
        assert f" {text})" in find_strategy(name).reason(score)

    def test_the_least_sure_come_first(self, name: str) -> None:
        pool = make(["gout", "asthma", "fever", "cough"], scores=[0.25, 0.75, -0.5, 0.5])
        picks = select(pool, find_strategy(name), Budget(documents=4), seed=0)
        assert [pick.document_id for pick in picks] == ["d0001", "d0003", "d0000", "d0002"]
        assert [pick.score for pick in picks] == [0.75, 0.5, 0.25, -0.5]


def test_a_measure_that_an_earlier_version_of_the_program_did_not_take_is_named() -> None:
    pool = make(["gout", "asthma"], scores=[0.2, 0.1])
    old = replace(pool, uncertainty={name: pool.uncertainty[name] for name in ("margin", "mnlp")})
    for name in ("entity-entropy", "cluster-entity-entropy"):
        with pytest.raises(UsageError, match=f"'{name}' needs the measure entity_entropy.*choose another strategy"):
            select(old, find_strategy(name), Budget(documents=1), seed=0)


class TestRandom:
    @pytest.mark.slow
    def test_every_document_is_drawn_equally_often(self) -> None:
        pool = make([f"text{number}" for number in range(5)])
        first = [
            select(pool, find_strategy("random"), Budget(documents=1), seed=seed)[0].document_id for seed in range(1000)
        ]
        counts = [first.count(document_id) for document_id in pool.ids]
        # 200 each, standard deviation 12.6
        assert min(counts) > 150
        assert max(counts) < 250

    def test_it_does_not_look_at_the_model(self) -> None:
        sure, unsure = make(["a", "b", "c"], [0, 0, 0]), make(["a", "b", "c"], [1, 2, 3])
        for seed in range(5):
            picks = [select(pool, find_strategy("random"), Budget(documents=2), seed=seed) for pool in (sure, unsure)]
            assert picks[0] == picks[1]


class TestUnknown:
    def test_an_unknown_name_lists_those_that_there_are(self) -> None:
        with pytest.raises(UsageError, match=r"no query strategy 'mnpl'.*random, stratified, diverse"):
            find_strategy("mnpl")

    def test_the_registry_has_all_of_them(self) -> None:
        assert list(STRATEGIES) == [
            "random", "stratified", "diverse", "least-confidence", "margin", "entropy", "mnlp", "density",
            "entity-entropy", "fluctuation", "bald", "adversarial", "core-set", "badge", "cluster-margin",
            "cluster-entity-entropy", "cluster-fluctuation",
        ]  # fmt: skip
        assert {name for name, kind in STRATEGIES.items() if not kind.needs_model} == {
            "random",
            "stratified",
            "diverse",
        }


def test_the_command_line_lists_them() -> None:
    help_text = " ".join(CliRunner().invoke(cli, ["init", "--help"]).output.split())
    listed = re.search(r"Query strategy once there is a model: (.*?)\.", help_text)
    assert listed is not None
    assert set(re.split(r", | or ", listed[1].replace("- ", "-"))) == set(STRATEGIES)


def test_the_libraries_for_text_are_imported_when_they_are_needed() -> None:
    code = (
        "import sys, biorat_al.acquisition.registry, biorat_al.acquisition.selection; "
        "print([name for name in ('sklearn', 'scipy', 'torch', 'transformers') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.slow
@EVERY
@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), diverse=st.booleans())
def test_the_order_of_the_candidates_changes_nothing(name: str, data: st.DataObject, seed: int, diverse: bool) -> None:
    pool = data.draw(candidates())
    order = data.draw(st.permutations(range(len(pool))))
    budget = data.draw(
        st.builds(Budget, documents=st.integers(1, 6)) | st.builds(Budget, tokens=st.integers(1, 20)), label="budget"
    )
    picks = [
        select(one, find_strategy(name), budget, seed=seed, diverse=diverse) for one in (pool, reordered(pool, order))
    ]
    assert picks[0] == picks[1]


class TestStratified:
    def test_it_takes_a_sentence_of_every_document_before_a_second_one(self) -> None:
        pool = replace(
            make([f"sentence {number}" for number in range(9)]),
            strata=np.array([1, 1, 1, 1, 1, 2, 2, 3, 3]),
            asked=np.array([0, 0, 0, 0, 0, 0, 0, 1, 1]),
        )
        strata = dict(zip(pool.ids, pool.strata.tolist(), strict=True))
        for seed in range(20):
            picks = select(pool, find_strategy("stratified"), Budget(documents=9), seed=seed, diverse=False)
            order = [strata[pick.document_id] for pick in picks]
            # one sentence of document 3 was asked for before
            assert set(order[:2]) == {1, 2}
            assert sorted(order[2:5]) == [1, 2, 3]
            assert sorted(order[5:]) == [1, 1, 1, 3]
            assert picks[0].reason.startswith("drawn at random, as number 1 of its document")
            assert picks[4].reason.startswith("drawn at random, as number 2 of its document")

    def test_every_sentence_of_a_document_is_as_likely(self) -> None:
        pool = replace(make(["a", "b", "c", "d"]), strata=np.array([1, 1, 1, 2]), asked=np.zeros(4, dtype=np.int64))
        strategy = find_strategy("stratified")
        firsts = [int(np.argmax(strategy.scores(pool, _generator(seed))[:3])) for seed in range(600)]
        assert all(150 < firsts.count(place) < 250 for place in range(3))

    def test_of_documents_each_is_a_stratum_by_itself(self) -> None:
        scores = find_strategy("stratified").scores(POOL, _generator())
        assert ((scores >= 0) & (scores < 1)).all()
