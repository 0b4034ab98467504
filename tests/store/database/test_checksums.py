"""A row has the checksum of its values, however it was written and whichever database gives it back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from sqlalchemy import insert, inspect, select

from biorat_al.store.annotations import add_annotations
from biorat_al.store.database.checksums import Checked, checksum_of, covered_columns
from biorat_al.store.database.engine import database_url
from biorat_al.store.database.integrity import check_rows
from biorat_al.store.models import add_predictions
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow, DeskProjectRow, DocumentRow, EntityRow, ModelRow, RoundRow, TaskRow
from biorat_al.store.tasks import confirm_push, intend_push
from tests.store.conftest import Fill, record
from tests.store.test_tasks import T0, answer

NUMBERS = [0.0, -0.0, 1, 1.0, 0.1, 1e300, 5e-324, -2.5]


def test_rows_have_their_checksums_whichever_way_they_were_written_and_changed(store: Store, fill: Fill) -> None:
    fill([record("d1", "Asthma and 🫁."), record("d2", "Asthma é.")], gold=False)
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    with store.write() as session:
        session.add(RoundRow(number=0, state="running", request={"size": None}, settings={"é": [1, 2.0, {"a": None}]},
                             program_version="1", started_at=datetime(2026, 1, 1, 5, tzinfo=elsewhere)))  # fmt: skip
        session.flush()
        session.add(DeskProjectRow(role="pool", kind="oracle", reference="1", url="u", cursor=None))
        session.add(ModelRow(version="m", round_number=0, arm="rat", selecting=True, sha256="0", summary={"f": -0.0},
                             created_at=T0))  # fmt: skip
        session.flush()
        intend_push(session, "pool", [1, 2], 0, T0)
        measures = {"confidence": 1, "tokens": 3, "least_confidence": -0.0, "margin": 0.1, "entropy": 5e-324, "mnlp": 2}
        add_predictions(session, [{"model_version": "m", "document_id": number, "entities": [{"score": 1e300}],
                                   "relations": [], **measures} for number in (1, 2)])  # fmt: skip
        add_annotations(session, [answer("a1", 1).new, answer("a2", 2, None, lead_time=7).new])
    with store.write() as session:
        # a second time, and changed afterwards
        intend_push(session, "pool", [1, 2], 0, T0 + timedelta(hours=1))
        confirm_push(session, {1: "11", 2: "12"}, "m", T0)
        session.get_one(RoundRow, 0).state = "done"
        session.get_one(AnnotationRow, 1).current = False
    with store.read() as session:
        assert check_rows(session) == 0
        for kind in Checked.__subclasses__():
            assert all(row.checksum is not None for row in session.scalars(select(kind)))


def test_a_checksum_covers_every_column_but_those_that_are_checked_otherwise() -> None:
    left_out = {DocumentRow: {"id", "text", "split"}, TaskRow: {"id", "intent_at"}}
    for kind in Checked.__subclasses__():
        columns = {column.key for column in inspect(kind).columns} - {"checksum"}
        missing = columns - set(covered_columns(kind.__table__))
        assert missing == left_out.get(kind, {"id"} & columns), kind


values_of_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store to which each example adds a row."""
    store = Store.create(database_url("sqlite", tmp_path_factory.mktemp("growing")))
    yield store
    store.close()


@pytest.mark.slow
@settings_of_hypothesis(max_examples=50)
@given(
    label=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    score=st.none() | st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False),
    concepts=st.lists(values_of_json, max_size=3),
    extras=st.dictionaries(st.text(), values_of_json, max_size=3),
    at=st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2199, 1, 1)),  # noqa: DTZ001
)
def test_any_values_come_back_with_the_same_checksum(
    growing: Store, label: str, score: float | None, concepts: list[Any], extras: dict[str, Any], at: datetime
) -> None:
    row = {"key": "T1", "label": label, "spans": [[0, 6]], "concepts": concepts, "score": score, "origin": None}
    empty: dict[str, Any] = {"concept_relations": [], "problems": [], "slips": {}}
    with growing.write() as session:
        document = DocumentRow(key=uuid4().hex, split="pool", text="t", text_sha256="0", passages=[], details=extras)
        session.add(document)
        session.flush()
        given_at = {"document_id": document.id, "source": "gold", "updated_at": at, "lead_time": score}
        (number,) = session.scalars(
            insert(AnnotationRow).returning(AnnotationRow.id), [{**empty, **given_at, "extras": extras}]
        )
        session.execute(insert(EntityRow), [{**row, "annotation_id": number, "extras": extras}])
    with growing.read() as session:
        assert check_rows(session) == 0


def test_two_values_that_differ_in_any_column_have_two_checksums() -> None:
    table = EntityRow.__table__
    plain: dict[str, Any] = {"annotation_id": 1, "key": "T1", "label": "Drug", "spans": [[0, 6]], "concepts": []}
    changes: list[dict[str, Any]] = [
        {"annotation_id": 2}, {"key": "T2"}, {"label": "Drub"}, {"spans": [[0, 7]]}, {"concepts": [["MESH", "D1"]]},
        {"score": 0.5}, {"score": math.nextafter(0.5, 1)}, {"origin": "manual"}, {"extras": {"note": "x"}},
    ]  # fmt: skip
    found = {checksum_of(table, plain | change) for change in ({}, *changes)}
    assert len(found) == len(changes) + 1
