"""The whole loop against a real Label Studio, with real weights: rounds, corrections, crashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import load_dataset
from sqlalchemy import URL, func, select

from biorat_al.corpus.model.document import Annotation, Record, Relation, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.efficiency.runs.annotator_work import relation_work
from biorat_al.errors import NothingToDoYet
from biorat_al.project import Project
from biorat_al.store.database.engine import DATABASE_VARIABLE
from biorat_al.store.tables import AnnotationRow, DocumentRow, EntityRow, TaskRow
from tests.support.labelstudio import RunningLabelStudio, drawn
from tests.support.rounds import make_project, moments, picture_of, run_killed, settings_for

pytestmark = pytest.mark.slow(200)

GOLD = {record.document.id: record.annotation or Annotation() for record in read_demo_corpus()}


def with_relations(record: Record) -> Record:
    """The record with relations by rule: a chemical is ``before`` each disease of its sentence that comes after it."""
    assert record.annotation is not None
    text, entities = record.document.text, record.annotation.entities
    pairs = [
        (head, tail)
        for head in entities
        for tail in entities
        if (head.label, tail.label) == ("Chemical", "Disease")
        and head.end <= tail.start
        and not re.search(r"[.?!]\s", text[head.end : tail.start])
    ]
    relations = (Relation(f"R{n}", "before", head.id, tail.id) for n, (head, tail) in enumerate(pairs, start=1))
    return record._replace(annotation=replace(record.annotation, relations=tuple(relations)))


def ends_of(annotation: Annotation) -> set[tuple[str, tuple[Span, ...], tuple[Span, ...]]]:
    """Return the label, head and tail of each relation."""
    spans = {entity.id: entity.spans for entity in annotation.entities}
    return {(one.label, spans[one.head], spans[one.tail]) for one in annotation.relations}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], dict]]:
    """Makes the settings of an empty database, of each kind in turn."""

    def make() -> dict:
        if request.param == "sqlite":
            return {}
        url: URL = request.getfixturevalue("new_postgres_database")()
        monkeypatch.setenv(DATABASE_VARIABLE, url.render_as_string(hide_password=False))
        return {"database": {"url": "environment"}}

    return make


@pytest.fixture
def environment(label_studio: RunningLabelStudio, monkeypatch: pytest.MonkeyPatch) -> RunningLabelStudio:
    """Return the server, named by the environment as a user would."""
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    return label_studio


def reference_of(project: Project) -> str:
    return project.status(ask_desk=False).urls["pool"].rstrip("/").rsplit("/", 1)[1]


def annotate(server: RunningLabelStudio, project: Project, gold: Mapping[str, Annotation] = GOLD) -> int:
    return annotate_open_tasks(Connection(server.url, server.token), reference_of(project), gold.__getitem__)


def tasks_by_document(server: RunningLabelStudio, project: Project) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for task in Connection(server.url, server.token).tasks(reference_of(project), include="id,data"):
        found.setdefault(task["data"]["document_id"], []).append(task["id"])
    return found


def answers_of(project: Project, key: str) -> list[AnnotationRow]:
    with project.store.read() as session:
        return list(
            session.scalars(
                select(AnnotationRow)
                .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
                .where(DocumentRow.key == key, AnnotationRow.source == "person")
                .order_by(AnnotationRow.id)
            )
        )


@pytest.mark.postgres
def test_three_rounds_with_a_real_encoder(
    environment: RunningLabelStudio,
    new_postgres_database: Callable[[], URL],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On Postgres; `tests/test_tutorial.py` has such rounds on SQLite."""
    monkeypatch.setenv(DATABASE_VARIABLE, new_postgres_database().render_as_string(hide_password=False))
    last = 3
    settings = settings_for(
        "minilm",
        desk={"kind": "label-studio"},
        training={"arms": ["rat"], "epochs": 6, "min_steps": 60, "batch_size": 4},
        evaluation={"robustness": False},
        selection={"size": 10},
        relations=[{"name": "before", "head": "Chemical", "tail": "Disease"}],
        relation_extraction={"max_length": 64, "batch_size": 2, "epochs": 1},
        database={"url": "environment"},
    )
    records = [with_relations(record) for record in read_demo_corpus()]
    gold = {record.document.id: record.annotation or Annotation() for record in records}
    with make_project(tmp_path / "trial", settings, gold=False, pool=40, test=12, records=records) as project:
        project.round()
        with pytest.raises(NothingToDoYet, match="10 of 10 tasks are still open"):
            project.round()
        for number in range(1, last + 1):
            assert annotate(environment, project, gold) == 10
            report = project.round()
            assert report.number == number
            assert report.step("pull").counts["new"] == 10
            assert report.step("train").counts["documents"] == 10 * number
            assert report.step("push").counts["pre_labelled"] == 10
        status = project.status()
        assert status.labelled == {"pool": 10 * last, "segment": 0, "test": 12}
        assert status.open_now == {"pool": 10}
        assert status.rounds[last].f1["rat"] is not None
        assert status.rounds[last].f1["rat"] > 0.1 * last  # a guess would be near zero
        assert status.relations["before"] > 6 * last
        related = status.rounds[last].relation_f1["rat"]
        assert (related["gold"]["mention"] or 0) > 0.6
        assert (related["predicted"]["mention"] or 0) > 0.1

        # relations are proposed between regions that are there
        proposed = 0
        for ids in tasks_by_document(environment, project).values():
            for prediction in environment.annotator().open(str(ids[0]))["predictions"]:
                regions = {region["id"] for region in prediction["result"] if region["type"] == "labels"}
                arrows = [region for region in prediction["result"] if region["type"] == "relation"]
                assert all({one["from_id"], one["to_id"]} <= regions and one["labels"] == ["before"] for one in arrows)
                proposed += len(arrows)
        assert proposed > 0
        work = relation_work(project.store)
        assert sum(part.total("accepted") for part in work) > 0
        assert sum(part.total("added") for part in work) > 0

        # every region says where it came from, and the models' versions are all different
        with project.store.read() as session:
            origins = dict(
                session.execute(
                    select(EntityRow.origin, func.count())
                    .join(AnnotationRow, AnnotationRow.id == EntityRow.annotation_id)
                    .where(AnnotationRow.source == "person")
                    .group_by(EntityRow.origin)
                ).all()
            )
            shown = set(session.scalars(select(AnnotationRow.shown_version).where(AnnotationRow.source == "person")))
        assert origins["prediction"] > 0
        assert origins["manual"] > 0
        versions = [row.models["rat"] for row in status.rounds if row.models]
        assert len(set(versions)) == last
        assert shown == {None, *versions[:-1]}

        # the corpus leaves as the annotators made it
        project.export(tmp_path / "corpus.jsonl", format="jsonl")
        for record in read_corpus(tmp_path / "corpus.jsonl"):
            right = gold[record.document.id]
            assert record.annotation is not None
            assert {(e.label, e.spans) for e in record.annotation.entities} == {
                (e.label, e.spans) for e in right.entities
            }
            assert ends_of(record.annotation) == ends_of(right)
        project.export(tmp_path / "corpus")
        loaded = load_dataset(str(tmp_path / "corpus"), "trial_bigbio_kb", cache_dir=str(tmp_path / "cache"))
        assert {split: len(loaded[split]) for split in loaded} == {"train": 10 * last, "test": 12}


def test_what_people_do_comes_back_as_they_meant_it(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    with make_project(tmp_path / "trial", settings, gold=False) as project:
        project.round()
        person = environment.annotator()
        other = environment.new_annotator()
        tasks = {key: str(ids[0]) for key, ids in tasks_by_document(environment, project).items()}
        corrected, empty, skipped, begun, twice, deleted = sorted(tasks)
        texts = {key: person.open(task)["data"]["text"] for key, task in tasks.items()}

        first = person.submit(tasks[corrected], [drawn(texts[corrected], 0, 5, "Disease")])
        person.submit(tasks[empty], [])
        person.skip(tasks[skipped])
        person.draft(tasks[begun], [drawn(texts[begun], 0, 4, "Disease")])
        person.submit(tasks[twice], [drawn(texts[twice], 0, 5, "Disease")])
        other.submit(tasks[twice], [drawn(texts[twice], 0, 6, "Chemical")])
        person.submit(tasks[deleted], [drawn(texts[deleted], 0, 3, "Chemical")])
        with pytest.raises(NothingToDoYet, match="1 of 6 tasks are still open"):
            project.round()
        status = project.status(ask_desk=False)
        assert status.tasks["pool"] | {"pushing": 0} == {
            "pushing": 0, "open": 1, "answered": 4, "skipped": 1, "deleted": 0,
        }  # fmt: skip
        assert status.labelled["pool"] == 4

        # edited after the fact, answer withdrawn, task deleted
        person.edit(first, [drawn(texts[corrected], 0, 7, "Chemical")])
        person.delete_answer(str(answers_of(project, empty)[0].desk_annotation_id))
        person.delete_task(tasks[deleted])
        report = project.round(partial=True)
        counts = report.step("pull").counts
        assert (counts["changed"], counts["deleted"], counts["deleted_tasks"]) == (1, 1, 1)
        assert report.step("train").counts["documents"] == 3

        edits = answers_of(project, corrected)
        assert [row.current for row in edits] == [False, True]
        assert [row.deleted_at is None for row in answers_of(project, empty)] == [False]
        assert [row.current for row in answers_of(project, deleted)] == [True]
        assert {row.annotator for row in answers_of(project, twice)} == {person.email, other.email}
        assert all(row.raw for row in edits)


def test_a_server_that_is_down_half_way(
    restarted_label_studio: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = restarted_label_studio
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    with make_project(tmp_path / "trial", settings, gold=False) as project:
        project.round()
        annotate(server, project)
        port = int(server.url.rsplit(":", 1)[1])
        push = project.desk.push

        def stop_first(*arguments: object) -> object:
            server.server.stop()
            return push(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(project.desk, "push", stop_first)
        from biorat_al.errors import DeskUnreachableError

        with pytest.raises(DeskUnreachableError, match=r"127\.0\.0\.1"):
            project.round()
        monkeypatch.setattr(project.desk, "push", push)
        server.server.start(port)
        report = project.round()
        assert report.resumed
        assert report.step("push").counts["tasks"] == 6
        assert all(len(ids) == 1 for ids in tasks_by_document(server, project).values())


def test_killed_with_label_studio_in_the_loop(
    environment: RunningLabelStudio, database: Callable[[], dict], tiny_encoder: Path, tmp_path: Path
) -> None:
    """``kill -9`` around every call of Label Studio, and at every border of the steps that talk to it.

    Each database takes every second of these moments; `tests/rounds/test_kill.py` takes all of them with both.
    """
    talking = [moment for moment in moments() if moment.endswith(("pull", "push")) or "desk." in moment]

    def project_in(name: str) -> Path:
        settings = settings_for(tiny_encoder, desk={"kind": "label-studio"}, **database())
        with make_project(tmp_path / name, settings, gold=False) as project:
            project.round()
            annotate(environment, project)
        return tmp_path / name

    def picture(folder: Path) -> dict:
        with Project.open(folder) as project:
            return picture_of(project)

    undisturbed = project_in("undisturbed")
    assert run_killed(undisturbed) == 0
    expected = picture(undisturbed)

    killed = project_in("killed")
    with Project.open(killed) as project:
        first = int(project.settings.database.url == "environment")
    for moment in talking[first::2]:
        assert run_killed(killed, moment) != 0, moment
    assert run_killed(killed) == 0
    assert picture(killed) == expected
    with Project.open(killed) as project:
        found = tasks_by_document(environment, project)
        with project.store.read() as session:
            known = {
                key: int(task)
                for key, task in session.execute(
                    select(DocumentRow.key, TaskRow.desk_task_id).join(TaskRow, TaskRow.document_id == DocumentRow.id)
                )
            }
        assert {key: ids for key, ids in found.items()} == {key: [task] for key, task in known.items()}
        # and the annotators are shown the newest version of pre-labels, on every open task
        settings = environment.annotator().project(reference_of(project))
        assert settings["model_version"] == project.status(ask_desk=False).rounds[1].models["rat"]
