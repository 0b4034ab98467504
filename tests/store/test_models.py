"""Predictions of several rounds, where each round predicts only a part of the pool."""

from __future__ import annotations

import numpy as np
from sqlalchemy import select

from biorat_al.store.documents import texts_by_id
from biorat_al.store.models import earlier_measure, forget_replaced_predictions
from biorat_al.store.store import Store, now
from biorat_al.store.tables import DocumentRow, ModelRow, PredictionRow, RoundRow
from tests.store.conftest import Fill, record

POOL = [record(f"d{number}", f"Asthma is disease {number}.") for number in range(5)]


def add_round(store: Store, number: int, mnlp: dict[int, float]) -> str:
    """Add a round with two arms, of which ``rat`` selects and has measured documents, by row id; return its version."""
    version = f"r{number}-rat"
    with store.write() as session:
        session.add(
            RoundRow(number=number, state="done", request={}, settings={}, program_version="0", started_at=now())
        )
        session.flush()
        for arm in ("none", "rat"):
            values = {"round_number": number, "arm": arm, "selecting": arm == "rat", "sha256": "", "summary": {}}
            session.add(ModelRow(version=f"r{number}-{arm}", created_at=now(), **values))
        session.flush()
        others = dict.fromkeys(("least_confidence", "margin", "entropy"), 0.0)
        for document_id, value in mnlp.items():
            for arm, measured in (("rat", value), ("none", 99.0)):
                row = {"document_id": document_id, "confidence": 0.5, "tokens": 9, "entities": [], "mnlp": measured}
                session.add(PredictionRow(model_version=f"r{number}-{arm}", **row, **others))
    return version


def test_the_newest_earlier_measure_of_each_document_counts(store: Store, fill: Fill) -> None:
    fill(POOL)
    with store.read() as session:
        one, two, three, four = session.scalars(select(DocumentRow.id).order_by(DocumentRow.id).limit(4))
    add_round(store, 0, {one: 0.1, two: 0.2})
    add_round(store, 1, {two: 0.3, three: 0.4})
    add_round(store, 2, {one: 0.9, four: 0.9})
    with store.read() as session:
        found = earlier_measure(session, "mnlp", 2, np.array([one, two, four]))
        assert found[:2].tolist() == [0.1, 0.3]
        assert np.isnan(found[2])
        # no model of a version that predicted these had the measure
        assert np.isnan(earlier_measure(session, "entity_entropy", 2, np.array([one, two]))).all()
        assert earlier_measure(session, "mnlp", 2, np.array([], dtype=np.int64)).shape == (0,)


def test_only_what_is_predicted_again_is_forgotten(store: Store, fill: Fill) -> None:
    fill(POOL)
    with store.read() as session:
        one, two, three = session.scalars(select(DocumentRow.id).order_by(DocumentRow.id).limit(3))
    add_round(store, 0, {one: 0.1, two: 0.2})
    version = add_round(store, 1, {two: 0.3, three: 0.4})
    with store.write() as session:
        forget_replaced_predictions(session, version)
    with store.read() as session:
        rows = session.execute(select(PredictionRow.model_version, PredictionRow.document_id))
        kept = {(found, document_id) for found, document_id in rows if found.endswith("rat")}
    assert kept == {("r0-rat", one), ("r1-rat", two), ("r1-rat", three)}


def test_texts_are_in_the_order_that_was_asked_for(store: Store, fill: Fill) -> None:
    fill(POOL)
    with store.read() as session:
        ids = list(session.scalars(select(DocumentRow.id).order_by(DocumentRow.id.desc()).limit(3)))
        texts = texts_by_id(session, ids)
        assert list(texts) == ids
        assert texts[ids[0]] == session.get_one(DocumentRow, ids[0]).text
