"""A database of an earlier version of the program: what it holds is there after the upgrade, and can be added to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import URL, Connection, Engine, MetaData, Table, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from biorat_al.errors import SchemaVersionError, StoreError
from biorat_al.store.answers import answers
from biorat_al.store.database import migration
from biorat_al.store.database.engine import open_engine
from biorat_al.store.database.integrity import add_missing_checksums, check_rows
from biorat_al.store.documents import count_documents
from biorat_al.store.evaluations import (
    Measure,
    document_counts_of,
    relation_counts_of,
    replace_relation_evaluation,
    replace_robustness,
    robustness_of,
)
from biorat_al.store.findings import findings
from biorat_al.store.models import mnlp_history, predictions
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.store import Store, now
from biorat_al.store.tables import AnnotationRow, Base, DocumentRow, SegmentRow, TaskRow
from tests.support.databases import differences

VERSION = "demo-r1-rat-0123456789"

PROPOSED = {"id": "T1", "score": 0.5, "value": {"start": 0, "end": 4, "labels": ["Disease"]}}
DRAWN = {**PROPOSED, "origin": "manual"}
TAKEN_FOR_AN_ANSWER = [
    {"lead_time": None, "parent_prediction": 5, "result": [PROPOSED]},
    {"lead_time": None, "parent_prediction": 5, "result": []},
    {"lead_time": None, "parent_prediction": None, "parent_annotation": None, "result": [PROPOSED]},
]
ANSWERS = [
    {"lead_time": 3.5, "parent_prediction": 5, "result": [{**PROPOSED, "origin": "prediction"}]},
    {"lead_time": None, "parent_prediction": 5, "result": [DRAWN]},
    {"lead_time": None, "parent_prediction": None, "result": []},
    {"oracle": {"manual": 1}},
]
SKIP = {"lead_time": None, "parent_prediction": 5, "result": [PROPOSED], "was_cancelled": True}
ANSWERED = [
    # the state of a task after the upgrade and before it, and its answers
    *(("open", "answered", [made]) for made in TAKEN_FOR_AN_ANSWER),
    *(("answered", "answered", [answer]) for answer in ANSWERS),
    ("answered", "answered", [TAKEN_FOR_AN_ANSWER[0], ANSWERS[0]]),
    ("skipped", "answered", [TAKEN_FOR_AN_ANSWER[0], SKIP]),
    ("deleted", "deleted", [TAKEN_FOR_AN_ANSWER[0]]),
    ("open", "open", []),
]
"""Tasks of test documents with what Label Studio had sent of their answers."""


@pytest.fixture(params=["0001", "0002", "0003"])
def revision(request: pytest.FixtureRequest) -> str:
    """Return an earlier revision of the tables."""
    return str(request.param)


@pytest.fixture
def engine(empty_database: URL, revision: str) -> Iterator[Engine]:
    """A database with the tables of an earlier version, and something in those that later ones refer to or change."""
    engine = _older(empty_database, revision)
    yield engine
    engine.dispose()


def _older(url: URL, revision: str) -> Engine:
    engine = open_engine(url)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        configuration = migration._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)
        _fill(connection, revision)
    return engine


def _fill(connection: Connection, revision: str) -> None:
    rows: dict[str, dict[str, object]] = {
        "project": {"id": 1, "uid": "u", "name": "demo", "program_version": "1", "created_at": now()},
        "document": {
            "id": 7,
            "key": "d7",
            "split": "test",
            "text": "Gout.",
            "text_sha256": "0",
            "passages": [],
            "details": {},
        },
        "round": {
            "number": 1,
            "state": "done",
            "request": {},
            "settings": {},
            "program_version": "1",
            "started_at": now(),
        },
        "model": {
            "version": VERSION,
            "round_number": 1,
            "arm": "rat",
            "selecting": True,
            "sha256": "0",
            "summary": {"steps": 3},
            "created_at": now(),
        },
        "evaluation": {
            "model_version": VERSION,
            "document_id": 7,
            "label": "Disease",
            "true_positives": 1,
            "false_positives": 2,
            "false_negatives": 3,
        },
        "prediction": {
            "model_version": VERSION,
            "document_id": 7,
            "confidence": 0.5,
            "tokens": 3,
            "least_confidence": 0.1,
            "margin": 0.2,
            "entropy": 0.3,
            "mnlp": 0.4,
            "entities": [{"id": "1", "label": "Disease", "spans": [[0, 4]], "score": 0.25}],
        },
    }
    rows["desk_project"] = {"role": "test", "kind": "label-studio", "reference": "3", "url": "u", "cursor": "far"}
    if revision >= "0002":
        rows["robustness"] = {
            "model_version": VERSION,
            "condition": "swap",
            "document_id": 7,
            "true_positives": 3,
            "false_positives": 0,
            "false_negatives": 0,
        }
    # as the tables are there, not as the program has them now
    metadata = MetaData()
    for name, values in rows.items():
        connection.execute(insert(Table(name, metadata, autoload_with=connection)), values)
    document, task, annotation = (
        Table(name, metadata, autoload_with=connection) for name in ("document", "task", "annotation")
    )
    for number, (_, state, given) in enumerate(ANSWERED, start=11):
        values = {"id": number, "key": f"d{number}", "split": "test", "text": "Gout.", "text_sha256": "0"}
        connection.execute(insert(document), values | {"passages": [], "details": {}})
        asked = {"id": number, "document_id": number, "role": "test", "state": state, "desk_task_id": str(number)}
        connection.execute(insert(task), asked | {"round_number": 1, "intent_at": now(), "drafts": 0})
        for place, raw in enumerate(given):
            connection.execute(insert(annotation), _answer(number, place, raw))


def _answer(number: int, place: int, raw: dict[str, object]) -> dict[str, object]:
    return {
        "id": 10 * number + place,
        "document_id": number,
        "task_id": number,
        "source": "person",
        "current": True,
        "skipped": bool(raw.get("was_cancelled")),
        "usable": True,
        "desk_annotation_id": f"a{number}-{place}",
        "annotator": "ann@example.org",
        "ground_truth": False,
        "lead_time": raw.get("lead_time"),
        "updated_at": now(),
        "concept_relations": [],
        "extras": {},
        "raw": raw,
        "problems": [],
    }


def _content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    metadata = MetaData()
    found = {}
    with engine.connect() as connection:
        for name in inspect(connection).get_table_names():
            if name != "alembic_version":
                table = Table(name, metadata, autoload_with=connection)
                # none has a checksum yet
                columns = [column for column in table.columns if column.name != "checksum"]
                found[name] = [tuple(row) for row in connection.execute(select(*columns).order_by(*table.primary_key))]
    return found


@pytest.mark.slow
def test_an_upgrade_keeps_what_is_there_and_makes_the_new_tables(
    engine: Engine, empty_database: URL, revision: str
) -> None:
    before = _content(engine)
    assert before["evaluation"] == [(VERSION, 7, "Disease", 1, 2, 3)]
    assert migration.upgrade(engine) == (revision, migration.NEWEST)
    (predicted,) = before["prediction"]
    new: dict[str, list[tuple[object, ...]]] = {
        "reliability": [],
        "robustness": [],
        "relation_evaluation": [],
        "segment": [],
        "member": [],
        "member_project": [],
        "seat": [],
        "settlement": [],
    }
    after = _content(engine)
    # relations, the entity entropy, and what earlier models measured
    added = [[], None, []][len(predicted) - len(after["prediction"][0]) :]
    before["prediction"] = [(*predicted, *added)]
    for name, number in {"annotation": 5, "task": 1}.items():
        changing = {"task": "state"}.get(name)
        assert [_without(row, name, changing, number) for row in after[name]] == [
            _without(row, name, changing, 0) for row in before[name]
        ]
    # the desk is asked for everything once more
    before["desk_project"] = [(*row[:-1], None) for row in before["desk_project"]]
    same = after.keys() - {"annotation", "task"}
    assert {name: after[name] for name in same} == {name: (new | before)[name] for name in same}
    with engine.connect() as connection:
        assert differences(connection) == []
    store = Store(empty_database)
    counts = {"true_positives": 1, "false_positives": 0, "false_negatives": 2}
    of_relation = {"document_id": 7, "label": "treats", "entities": "gold", "level": "mention", **counts}
    with store.write() as session:
        replace_robustness(session, VERSION, [{"condition": "typos", "document_id": 7, **counts}])
        replace_relation_evaluation(session, VERSION, [of_relation])
        predictions(session, VERSION, [7])[7].relations = [{"id": "R1"}]
    with store.read() as session:
        assert robustness_of(session, VERSION) == {"typos": {"d7": (1, 0, 2)}}
        assert document_counts_of(session, VERSION) == {"d7": (1, 2, 3)}
        assert relation_counts_of(session, VERSION) == {Measure("gold", "mention"): {"treats": {"d7": (1, 0, 2)}}}
        assert predictions(session, VERSION, [7])[7].relations == [{"id": "R1"}]
    store.close()


@pytest.mark.slow
def test_rows_of_an_earlier_version_have_no_checksum_until_the_next_round(engine: Engine, empty_database: URL) -> None:
    migration.upgrade(engine)
    store = Store(empty_database)
    with store.write() as session:
        missing = check_rows(session)
        assert session.scalars(select(AnnotationRow.checksum).distinct()).all() == [None]
        assert add_missing_checksums(session) == missing > len(ANSWERED)
    with store.write() as session:
        assert check_rows(session) == 0
        session.execute(update(AnnotationRow).where(AnnotationRow.id == 140).values(annotator="bob@example.org"))
    with store.read() as session, pytest.raises(StoreError, match=r"annotation \(id 140, of document d14\)"):
        check_rows(session)
    store.close()


def test_a_prediction_whose_checksum_did_not_cover_the_new_columns_is_not_taken_for_changed_from_outside(
    empty_database: URL,
) -> None:
    engine = _older(empty_database, "0005")
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(text("UPDATE prediction SET checksum = 17"))
    migration.upgrade(engine)
    engine.dispose()
    store = Store(empty_database)
    with store.write() as session:
        row = predictions(session, VERSION, [7])[7]
        assert (row.checksum, row.entity_entropy, row.earlier_mnlp) == (None, None, [])
        assert mnlp_history(session, VERSION, [7, 11]) == {7: [0.4]}
        assert add_missing_checksums(session) > 0
    with store.read() as session:
        assert check_rows(session) == 0
    store.close()


@pytest.mark.parametrize("earlier", ["0001", "0006"])
def test_after_the_upgrade_documents_may_be_segments_and_nothing_else_that_is_new(
    empty_database: URL, earlier: str
) -> None:
    engine = _older(empty_database, earlier)
    # as the table is there, not as the program has it now
    with engine.connect().execution_options(writing=True) as connection:
        document = Table("document", MetaData(), autoload_with=connection)
        with pytest.raises(IntegrityError):
            connection.execute(insert(document), _document_row(500, "segment"))
    before = _content(engine)["document"]
    migration.upgrade(engine)
    assert _content(engine)["document"] == before
    for again in (engine, open_engine(empty_database)):
        with pytest.raises(IntegrityError), again.connect().execution_options(writing=True) as connection:
            connection.execute(insert(document), _document_row(500, "sentence"))
        if again.dialect.name == "sqlite":
            with again.connect() as connection:
                assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        again.dispose()
    store = Store(empty_database)
    with store.write() as session:
        session.add(DocumentRow(**_document_row(500, "segment")))
        session.add(DocumentRow(**_document_row(501, "pool")))
        session.flush()
        session.add(SegmentRow(document_id=500, parent_id=501, start=0, end=5, context_words=0))
    with store.read() as session:
        assert parents_of(session, [7, 500, 501]) == {500: 501}
        assert count_documents(session) == {"pool": 1, "segment": 1, "test": len(before)}
    store.close()


def _document_row(number: int, split: str) -> dict[str, Any]:
    return {
        "id": number, "key": f"d{number}", "split": split, "text": "Gout.", "text_sha256": "0", "passages": [],
        "details": {},
    }  # fmt: skip


def _without(row: tuple[object, ...], table: str, changing: str | None, added: int) -> tuple[object, ...]:
    """Return a row without the columns that an upgrade adds or changes."""
    columns = list(Base.metadata.tables[table].columns.keys())
    kept = row[: len(row) - added] if added else row
    place = columns.index(changing) if changing else None
    return tuple(value for number, value in enumerate(kept) if number != place)


@pytest.mark.slow
def test_model_output_that_an_older_program_took_for_answers_counts_no_more(
    engine: Engine, empty_database: URL
) -> None:
    migration.upgrade(engine)
    store = Store(empty_database)
    with store.read() as session:
        tasks = session.scalars(select(TaskRow).order_by(TaskRow.id)).all()
        assert [task.state for task in tasks] == [state for state, _, _ in ANSWERED]
        assert [task.seats for task in tasks] == [int(state == "open") for state, _, _ in ANSWERED]
        made = session.scalars(select(AnnotationRow.id).where(AnnotationRow.made_from == "prediction"))
        assert set(made) == {110, 120, 130, 180, 190, 200}
        counting = {answer.document_id for answer in answers(session, "test", with_gold=False)}
        assert counting == {14, 15, 16, 17, 18}
        assert len(findings(session).unattended) == 5
    store.close()


@pytest.mark.slow
def test_a_database_of_an_older_program_is_refused_until_it_is_upgraded(engine: Engine) -> None:
    with engine.connect() as connection:
        assert migration.is_older(connection)
        with pytest.raises(SchemaVersionError, match="biorat-al db upgrade"):
            migration.check_revision(connection)
    migration.upgrade(engine)
    with engine.connect() as connection:
        assert not migration.is_older(connection)
        migration.check_revision(connection)


def test_after_the_upgrade_the_same_answers_are_found_by_their_source(empty_database: URL) -> None:
    engine = _older(empty_database, "0008")
    before = _content(engine)
    assert migration.upgrade(engine) == ("0008", migration.NEWEST)
    assert _content(engine) == before
    with engine.connect() as connection:
        assert differences(connection) == []
        indexes = {index["name"]: index["column_names"] for index in inspect(connection).get_indexes("annotation")}
    assert indexes["ix_annotation_source_document"] == ["source", "document_id"]
    store = Store(empty_database)
    with store.read() as session:
        assert {answer.document_id for answer in answers(session, "test", with_gold=False)} >= {14, 15, 16}
    store.close()
    engine.dispose()
