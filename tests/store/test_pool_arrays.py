"""What is read into arrays is what is read into dicts, in the same order."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sqlalchemy import select

from biorat_al.store import pool_arrays
from biorat_al.store.documents import document_keys, documents_by_id, texts_by_id
from biorat_al.store.models import add_predictions, measures, mnlp_history
from biorat_al.store.pool_arrays import pool_history, pool_keys, pool_measures
from biorat_al.store.store import Store
from biorat_al.store.tables import DocumentRow
from tests.store.conftest import Fill, record
from tests.store.test_rounds import models

__all__ = ["models"]

POOL = 23
VERSION = "r1-none"


@pytest.fixture
def large(store: Store, models: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A pool that is read in several pieces, with predictions; return its row ids, in no order."""
    monkeypatch.setattr(pool_arrays, "CHUNK", 5)
    generator = random.Random(1)
    with store.write() as session:
        for number in generator.sample(range(100, 999), k=POOL):
            session.add(
                DocumentRow(
                    key=f"k{number}", split="pool", text=f"Text {number}.", text_sha256="0", passages=[], details={}
                )
            )
        session.flush()
        found = list(session.scalars(select(DocumentRow.id).where(DocumentRow.key.like("k%"))))
        values = dict.fromkeys(("confidence", "least_confidence", "margin"), 0.5)
        add_predictions(
            session,
            [
                {
                    "model_version": VERSION, "document_id": row_id, "tokens": row_id, **values, "entities": [],
                    "relations": [], "entropy": row_id / 7, "mnlp": row_id / 3,
                    "entity_entropy": None if row_id == found[-1] else 1.0,
                    "earlier_mnlp": [row_id / 9] * generator.randint(0, 3),
                }
                for row_id in found
            ],
        )  # fmt: skip
    return generator.sample(found, k=len(found))


def test_ids_are_those_of_a_dict_in_the_same_order(store: Store, large: list[int]) -> None:
    with store.read() as session:
        expected, found = document_keys(session, large), pool_keys(session, large)
    assert list(found) == list(found.row_ids) == list(expected)
    assert list(found.values()) == found.keys_in_order == list(expected.values())
    assert list(found.items()) == list(expected.items())
    assert found == expected
    assert len(found) == POOL
    for unknown in (0, min(large) - 1, max(large) + 1):
        assert unknown not in found
    with store.read() as session:
        assert dict(pool_keys(session, [])) == {}
        assert 1 not in pool_keys(session, [])


def test_columns_are_those_of_the_rows_and_one_with_a_gap_is_left_out(store: Store, large: list[int]) -> None:
    names = ("tokens", "entropy", "entity_entropy", "mnlp")
    with store.read() as session:
        keys = pool_keys(session, large)
        found = pool_measures(session, VERSION, keys.row_ids, names)
        rows = measures(session, VERSION, large, names)
    assert list(found) == ["tokens", "entropy", "mnlp"]
    for name, values in found.items():
        assert values.tolist() == [getattr(rows[row_id], name) for row_id in keys]


def test_what_earlier_models_measured_has_gaps_where_they_did_not(store: Store, large: list[int]) -> None:
    with store.read() as session:
        keys = pool_keys(session, large)
        found = pool_history(session, VERSION, keys.row_ids)
        rows = mnlp_history(session, VERSION, large)
        assert pool_history(session, VERSION, keys.row_ids[:0]).shape == (0, 0)
    assert found.shape == (POOL, max(map(len, rows.values())) - 1)
    for row_id, values in zip(keys, found.tolist(), strict=True):
        earlier = rows[row_id][1:]
        assert values[: len(earlier)] == earlier
        assert np.isnan(values[len(earlier) :]).all()


def test_texts_are_those_of_the_documents(store: Store, fill: Fill) -> None:
    fill([record(f"d{number}", f"Asthma {number}.") for number in range(4)])
    with store.read() as session:
        documents = documents_by_id(session, [3, 1, 2])
        assert texts_by_id(session, [3, 1, 2]) == {row_id: one.text for row_id, one in documents.items()}
