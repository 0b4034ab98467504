"""What rounds leave in the store: models, predictions, and who has been asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from biorat_al.errors import StoreError
from biorat_al.store.models import (
    add_predictions,
    forget_predictions,
    mnlp_history,
    newest_model,
    selecting_model_before,
)
from biorat_al.store.picks import never_asked_documents, never_asked_test_documents
from biorat_al.store.rounds import changed_since
from biorat_al.store.store import Store
from biorat_al.store.tables import ModelRow, PredictionRow, RoundRow
from biorat_al.store.tasks import FetchedTask, intend_push, merge
from tests.store.conftest import Fill, record
from tests.store.test_tasks import answer, pull, tasks

__all__ = ["tasks"]

T0 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def models(store: Store, fill: Fill) -> Store:
    """Three documents of the pool and two of the test set; two rounds with two models each, the later one selecting."""
    pool = [record(f"d{number}", f"Asthma {number}.") for number in range(3)]
    fill(pool, [record("t1", "Asthma of the test."), record("t2", "Another asthma.")])
    with store.write() as session:
        for number in range(2):
            session.add(
                RoundRow(number=number, state="done", request={}, settings={}, program_version="0", started_at=T0)
            )
            session.flush()
            session.add_all(
                ModelRow(
                    version=f"r{number}-{arm}",
                    round_number=number,
                    arm=arm,
                    selecting=arm == "none",
                    sha256="",
                    summary={},
                    created_at=T0,
                )
                for arm in ("rat", "none")
            )
    return store


def _predicted(store: Store) -> list[tuple[str, int]]:
    with store.read() as session:
        rows = session.execute(select(PredictionRow.model_version, PredictionRow.document_id))
        return sorted((version, document_id) for version, document_id in rows)


def test_the_newest_model_of_the_selecting_arm_predicts(models: Store) -> None:
    with models.read() as session:
        model = newest_model(session)
    assert model is not None
    assert model.version == "r1-none"


def test_the_model_before_a_round_is_the_newest_that_selected_in_an_earlier_one(models: Store) -> None:
    with models.read() as session:
        found = [selecting_model_before(session, number) for number in range(4)]
    assert [row and row.version for row in found] == [None, "r0-none", "r1-none", "r1-none"]


def test_what_earlier_models_measured_follows_what_the_model_measured(models: Store) -> None:
    with models.read() as session:
        first, second, third = never_asked_documents(session, without_gold=False)
    uncertainty = dict.fromkeys(("least_confidence", "margin", "entropy"), 0.5)
    with models.write() as session:
        add_predictions(
            session,
            [
                {
                    "model_version": "r1-none", "document_id": row_id, "confidence": 0.5, "tokens": 3, "entities": [],
                    "relations": [], "mnlp": 0.25, "earlier_mnlp": earlier, **uncertainty,
                }
                for row_id, earlier in ((first, [0.5, 1]), (second, []))
            ],
        )  # fmt: skip
    with models.read() as session:
        assert mnlp_history(session, "r1-none", [second, first, third]) == {first: [0.25, 0.5, 1.0], second: [0.25]}
    with models.write() as session:
        session.get_one(PredictionRow, ("r1-none", first)).earlier_mnlp = ["much"]
    with models.read() as session, pytest.raises(StoreError, match="the predictions of r1-none have another shape"):
        mnlp_history(session, "r1-none", [first])


def test_what_annotators_were_shown_is_kept(models: Store) -> None:
    with models.read() as session:
        first, *others = never_asked_documents(session, without_gold=False)
    with models.write() as session:
        intend_push(session, "pool", [first], 0, T0)
        uncertainty = dict.fromkeys(("least_confidence", "margin", "entropy", "mnlp"), 0.5)
        add_predictions(
            session,
            [
                {
                    "model_version": version,
                    "document_id": document_id,
                    "confidence": 0.5,
                    "tokens": 3,
                    "entities": [],
                    "relations": [],
                    **uncertainty,
                }
                for version in ("r0-none", "r1-none")
                for document_id in (first, *others)
            ],
        )
        forget_predictions(session, "r1-none")
    assert _predicted(models) == sorted(
        [("r0-none", first), *(("r1-none", document_id) for document_id in (first, *others))]
    )


def test_test_documents_with_gold_need_nobody(models: Store) -> None:
    with models.read() as session:
        assert never_asked_test_documents(session) == []


def test_test_documents_without_gold_are_asked_for_once(store: Store, fill: Fill) -> None:
    fill([record(f"d{number}", f"Asthma {number}.") for number in range(3)], gold=False, test_size=2)
    with store.write() as session:
        session.add(RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=T0))
        session.flush()
        first, second = never_asked_test_documents(session)
        assert not {first, second} & set(never_asked_documents(session, without_gold=False))
        intend_push(session, "test", [first], 0, T0)
        assert never_asked_test_documents(session) == [second]


def test_a_round_has_work_where_answers_were_only_deleted(tasks: Store) -> None:
    """Nothing new had come, so the round said that nothing had changed, and the deleted answers went on teaching."""
    with tasks.write() as session:
        session.add(RoundRow(number=1, state="running", request={}, settings={}, program_version="0", started_at=T0))
    began = T0 + timedelta(hours=1)
    pull(tasks, FetchedTask(1, "11", (answer("a1", 1),), 0))
    with tasks.write() as session:
        assert not changed_since(session, 2, began)
        merge(session, "pool", [FetchedTask(1, "11", (), 0)], frozenset({"11", "12"}), began + timedelta(minutes=1))
        assert changed_since(session, 2, began)
        assert not changed_since(session, 2, began + timedelta(hours=1))
