"""Selection of a batch: what it asks of the model, from how many documents, and the same result every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biorat_al.acquisition.registry import STRATEGIES
from biorat_al.errors import UsageError
from biorat_al.learner.entities.probe import Probe
from biorat_al.project import Project
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.runner import RunOptions, run_round
from biorat_al.rounds.steps import select as step
from biorat_al.store import pool_arrays
from biorat_al.store.models import models_of, predictions
from biorat_al.store.picks import never_asked_documents, picks_of
from biorat_al.store.tables import DocumentRow
from tests.support.rounds import make_project, settings_for

NUMBER = 1
POOL = 34  # 40 documents, of which the first round has asked for 6

WITH_MODEL = [name for name, kind in STRATEGIES.items() if kind.needs_model]


class _Undo(Exception):
    pass


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Project]:
    """Return a project whose second round is about to select."""
    folder = tmp_path_factory.mktemp("select") / "trial"
    with make_project(folder, settings_for(tiny_encoder)) as project:
        project.round()
        run_round(
            folder,
            project.settings,
            project.store,
            project.desk,
            RoundRequest(),
            options=RunOptions(("pull", "train", "evaluate", "predict")),
        )
        yield project


def context_of(project: Project, strategy: str | None = None, size: int = 5, **selection: Any) -> Context:
    settings = project.settings
    settings = settings.model_copy(update={"selection": settings.selection.model_copy(update=selection)})
    request = RoundRequest(size=size, strategy=strategy)
    return Context(project.folder, settings, project.store, project.desk, NUMBER, request)


def chosen(context: Context) -> tuple[list[tuple[str, float, str]], dict[str, Any]]:
    """Return what the step would pick (id, score, reason) and count, without writing anything."""
    finish = step.run(context)
    with suppress(_Undo), context.store.write() as session:
        result = finish(session)
        session.flush()
        rows = picks_of(session, NUMBER)
        assert {row.strategy for row in rows} <= {result.counts.get("strategy")}
        found = [(session.get_one(DocumentRow, row.document_id).key, row.score, row.reason) for row in rows]
        raise _Undo
    return found, {"reason": result.skipped} if result.skipped else result.counts


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_strategy_chooses_a_batch_and_the_same_one_again(project: Project, name: str) -> None:
    picks, counts = chosen(context_of(project, name, mc_passes=2))
    assert len({document_id for document_id, _, _ in picks}) == 5
    # a random draw notes what it was drawn from
    assert (counts.pop("frame", None) is not None) == (name in ("random", "stratified"))
    assert counts | {"tokens": 0} == {"documents": 5, "tokens": 0, "of": POOL, "strategy": name}
    assert all(np.isfinite(score) and reason for _, score, reason in picks)
    assert chosen(context_of(project, name, mc_passes=2))[0] == picks


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WITH_MODEL if STRATEGIES[name].needs])
def test_the_model_is_asked_of_the_candidates_alone(
    project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    means = Probe.means

    def watched(self: Probe, documents: list[Any], *rest: Any) -> Any:
        asked.append([document.id for document in documents])
        return means(self, documents, *rest)

    monkeypatch.setattr(Probe, "means", watched)
    # fewer than the documents that are labelled, all of which count nevertheless
    picks, counts = chosen(context_of(project, name, size=1, mc_passes=2, subsample=4))
    assert (counts["drawn"], counts["of"]) == (4, POOL)
    assert len(asked[0]) == 4
    assert asked[0] == sorted(asked[0])
    assert {document_id for document_id, _, _ in picks} <= set(asked[0])
    if STRATEGIES[name].needs_labelled:
        with project.store.read() as session:
            labelled = {session.get_one(DocumentRow, row.document_id).key for row in picks_of(session, 0)}
        assert set(asked.pop()) == labelled
    assert len(asked) == 1


def test_the_passes_with_dropout_are_the_settings(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        Probe, "disagreement", lambda self, documents, **options: seen.append(options) or _ones(documents)
    )
    context = context_of(project, "bald", mc_passes=7)
    chosen(context)
    assert (seen[0]["passes"], seen[0]["seed"]) == (7, context.seed("dropout"))


def test_the_perturbation_is_that_of_the_settings(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        Probe, "sensitivity", lambda self, documents, **options: seen.append(options) or _ones(documents)
    )
    context = context_of(project, "adversarial")
    chosen(context)
    assert seen[0]["settings"] is context.settings.adversarial


def _ones(documents: list[Any]) -> Any:
    return np.ones(len(documents), dtype=np.float32)


class TestSubsample:
    @pytest.fixture
    def drawn(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
        """Return document id → score as last passed to the strategy ``adversarial``, with made-up scores."""
        given: dict[str, float] = {}

        def sensitivity(self: Probe, documents: list[Any], **options: Any) -> Any:
            given.clear()
            given.update((document.id, float(len(document.text))) for document in documents)
            return np.array(list(given.values()), dtype=np.float32)

        monkeypatch.setattr(Probe, "sensitivity", sensitivity)
        return given

    def test_a_pool_that_is_not_larger_is_looked_at_as_a_whole(self, project: Project, drawn: dict[str, float]) -> None:
        assert "drawn" not in chosen(context_of(project, "adversarial", subsample=POOL))[1]
        assert len(drawn) == POOL
        assert chosen(context_of(project, "adversarial", subsample=POOL - 1))[1]["drawn"] == POOL - 1
        assert len(drawn) == POOL - 1

    def test_the_best_of_those_drawn(self, project: Project, drawn: dict[str, float]) -> None:
        picks, counts = chosen(context_of(project, "adversarial", size=5, subsample=20, diverse=False))
        assert len(drawn) == counts["drawn"] == 20
        assert [score for _, score, _ in picks] == sorted(drawn.values(), reverse=True)[:5]
        assert {document_id for document_id, _, _ in picks} <= drawn.keys()

    def test_the_seed_of_the_round_draws(self, project: Project, drawn: dict[str, float]) -> None:
        draws = []
        for seed in (1, 1, 2):
            context = context_of(project, "adversarial", subsample=15)
            context.settings = context.settings.model_copy(update={"seed": seed})
            chosen(context)
            draws.append(set(drawn))
        assert draws[0] == draws[1] != draws[2]

    @pytest.mark.parametrize("name", ["adversarial", "diverse"])
    def test_it_leaves_a_choice_to_a_larger_budget(self, project: Project, name: str) -> None:
        picks, counts = chosen(context_of(project, name, size=6, subsample=4))
        assert (len(picks), counts["drawn"]) == (6, 18)
        assert not any("no other candidate was left" in reason for _, _, reason in picks)

    def test_it_leaves_a_choice_to_a_larger_budget_in_word_pieces(
        self, project: Project, drawn: dict[str, float]
    ) -> None:
        with project.store.read() as session:
            [model] = [model for model in models_of(session, NUMBER).values() if model.selecting]
            rows = predictions(session, model.version, never_asked_documents(session, without_gold=False))
            costs = {session.get_one(DocumentRow, row_id).key: row.tokens for row_id, row in rows.items()}
        budget = 4 * max(costs.values())
        context = context_of(project, "adversarial", subsample=1)
        context.request = RoundRequest(tokens=budget, strategy="adversarial")
        picks, counts = chosen(context)
        assert budget - max(costs.values()) < counts["tokens"] <= budget
        assert len(picks) < counts["drawn"] == len(drawn) < POOL
        assert sum(costs[document_id] for document_id in drawn) >= 3 * budget

    @pytest.mark.parametrize(
        "name", ["random", "least-confidence", "margin", "entropy", "mnlp", "density", "entity-entropy", "fluctuation"]
    )
    def test_what_costs_no_pass_of_the_model_needs_none(self, project: Project, name: str) -> None:
        whole = chosen(context_of(project, name, size=3))
        assert chosen(context_of(project, name, size=3, subsample=5)) == whole
        assert "drawn" not in whole[1]

    def test_what_asks_the_model_again_is_given_no_more(self) -> None:
        assert all(kind.subsampled for kind in STRATEGIES.values() if kind.needs)


@pytest.mark.parametrize("name", WITH_MODEL)
def test_without_a_model_they_give_way(tmp_path: Path, project: Project, name: str) -> None:
    context = replace(context_of(project, name), number=0)  # whose models there are none of
    with project.store.read() as session:
        assert models_of(session, 0) == {}
    finish = step.run(context)
    with suppress(_Undo), project.store.write() as session:
        for row in picks_of(session, 0):
            session.delete(row)
        session.flush()
        counts = finish(session).counts
        raise _Undo
    assert (counts["strategy"], counts["instead_of"]) == ("diverse", name)


def test_picks_are_counted_from_one(project: Project) -> None:
    with project.store.read() as session:
        assert [pick.rank for pick in picks_of(session, 0)] == [1, 2, 3, 4, 5, 6]


class TestNamed:
    def named(self, project: Project, *names: str) -> tuple[list[tuple[str, float, str]], dict[str, Any]]:
        context = context_of(project)
        context.request = RoundRequest(documents=names)
        return chosen(context)

    def test_they_are_picked_in_the_order_named(self, project: Project) -> None:
        ids = [one[0] for one in chosen(context_of(project, "random", size=4))[0]]
        with project.store.read() as session:
            asked = session.get_one(DocumentRow, picks_of(session, 0)[0].document_id).key
        picks, counts = self.named(project, ids[2], asked, ids[0], "nobody", ids[3])
        assert [one[0] for one in picks] == [ids[2], ids[0], ids[3]]
        assert {one[2] for one in picks} == {"named by the caller"}
        assert (counts["documents"], counts["strategy"], counts["of"]) == (3, "named", POOL)

    def test_nothing_is_left_of_them(self, project: Project) -> None:
        assert self.named(project, "nobody") == ([], {"reason": "every document that was named has been asked for"})


@pytest.mark.parametrize("strategy", ["random", "mnlp"])
@pytest.mark.parametrize("tokens", [None, 900])
def test_a_large_pool_is_not_held_in_memory_and_the_same_documents_are_chosen(
    project: Project, monkeypatch: pytest.MonkeyPatch, strategy: str, tokens: int | None
) -> None:
    def context() -> Context:
        made = context_of(project, strategy)
        return made if tokens is None else replace(made, request=RoundRequest(tokens=tokens, strategy=strategy))

    at_once = chosen(context())
    most = 0
    read = step.texts_by_id

    def counted(session: Any, row_ids: Any) -> Any:
        nonlocal most
        most = max(most, len(row_ids))
        return read(session, row_ids)

    monkeypatch.setattr(step, "texts_by_id", counted)
    monkeypatch.setattr(step, "IN_MEMORY", 5)
    monkeypatch.setattr(step, "CHUNK", 7)
    assert chosen(context()) == at_once
    assert 0 < most <= 7


def test_a_pool_that_an_older_program_predicted_has_a_measure_less_and_the_other_strategies_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures = pool_arrays.measures

    def older(*arguments: Any) -> dict[int, Any]:
        rows = measures(*arguments)
        return {row_id: tuple((row._asdict() | {"entity_entropy": None}).values()) for row_id, row in rows.items()}

    before = chosen(context_of(project, "mnlp"))
    monkeypatch.setattr(pool_arrays, "measures", older)
    assert chosen(context_of(project, "mnlp")) == before
    with pytest.raises(UsageError, match="needs the measure entity_entropy"):
        step.run(context_of(project, "entity-entropy"))


def test_per_hour_divides_scores_by_the_seconds_that_documents_take_and_repeats_itself(project: Project) -> None:
    every = {key: (score, reason) for key, score, reason in chosen(context_of(project, "mnlp", POOL - 1))[0]}
    picked, counts = chosen(context_of(project, "mnlp", per="hour", diverse=False))
    assert counts["per"] == "hour"
    scores = [score for _, score, _ in picked]
    assert scores == sorted(scores, reverse=True)
    for key, score, reason in picked:
        seconds = float(reason.partition("about ")[2].partition(" s to annotate")[0].replace(",", ""))
        if key in every:
            assert score == pytest.approx(3600 * every[key][0] / seconds, rel=0.51 / seconds + 1e-6)
    # what a round does that goes on after it was killed
    again, _ = chosen(context_of(project, "mnlp", per="hour", diverse=False))
    assert again == picked
