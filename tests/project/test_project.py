"""A project from Python: everything that the command line does can be done from here."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, inspect, text

import biorat_al
from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.sources import Sources
from biorat_al.errors import (
    NothingToDoYet,
    ProjectError,
    SchemaVersionError,
    SettingsError,
    StoreError,
    UsageError,
)
from biorat_al.export.export import export_corpus
from biorat_al.project import Project, new_settings, upgrade_database
from biorat_al.store.database import engine
from biorat_al.store.database.engine import DATABASE_VARIABLE
from tests.support.commands import everything_in, nowhere
from tests.support.rounds import demo_files, make_project, patient, picture_of, settings_for

__all__ = ["nowhere"]


@pytest.fixture
def project(nowhere: Path, tiny_encoder: Path) -> Iterator[Project]:
    with make_project(nowhere / "trial", settings_for(tiny_encoder), pool=12, test=3) as project:
        yield project


def test_the_package_offers_it() -> None:
    assert biorat_al.Project is Project
    with pytest.raises(AttributeError, match="no attribute 'Oops'"):
        biorat_al.Oops  # noqa: B018


def test_a_project_is_found_from_below_and_opened_from_anywhere(
    project: Project, monkeypatch: pytest.MonkeyPatch, nowhere: Path
) -> None:
    below = project.folder / "notes" / "today"
    below.mkdir(parents=True)
    assert Project.find(below) == project.folder
    monkeypatch.chdir(below)
    with Project.open() as opened:
        assert (opened.folder, opened.settings) == (project.folder, project.settings)
    monkeypatch.chdir(nowhere)
    with Project.open("trial") as opened:
        assert opened.folder == project.folder
    with pytest.raises(ProjectError, match="is not inside a biorat-al project"):
        Project.open()
    with pytest.raises(ProjectError, match=r"it has no biorat\.toml"):
        Project.open(nowhere)


@pytest.mark.slow
def test_a_project_can_be_moved(project: Project, nowhere: Path) -> None:
    project.round()
    project.close()
    shutil.move(nowhere / "trial", nowhere / "elsewhere")
    with Project.open(nowhere / "elsewhere") as moved:
        assert moved.round().step("train").counts["documents"] == 6
        assert sum(1 for _ in moved.predictions([nowhere / "trial-documents" / "test.jsonl"])) == 3


def test_a_file_that_is_no_database_is_named(project: Project) -> None:
    project.close()
    (project.folder / "biorat.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"biorat\.sqlite3"):
        Project.open(project.folder)


def test_an_unknown_seed_strategy_is_named_when_the_project_is_opened(project: Project) -> None:
    file = project.folder / "biorat.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('seed_strategy = "diverse"', 'seed_strategy = "divers"'), encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"biorat\.toml: selection\.seed_strategy: there is no query strategy 'divers'"
    ):
        Project.open(project.folder)


def test_options_become_settings(nowhere: Path) -> None:
    settings = new_settings(
        "trial",
        ["Disease", "Chemical= A ,B,,"],
        encoder="minilm",
        database=None,
        desk="oracle",
        seed=7,
        size=3,
        strategy="entropy",
    )
    assert settings.labels == ("Disease", "Chemical")
    assert [settings.label_of(label) for label in ("Disease", "A", "B", "Chemical", "x")] == [
        "Disease", "Chemical", "Chemical", None, None
    ]  # fmt: skip
    assert (settings.seed, settings.selection.size, settings.selection.strategy) == (7, 3, "entropy")
    assert (settings.desk.kind, settings.database.url, settings.encoder.name) == ("oracle", "sqlite", "minilm")


def test_a_database_in_the_environment_is_used_and_not_written_down(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIORAT_DATABASE_URL", "postgresql://me:sesame@localhost/lab")
    options = {"encoder": "minilm", "desk": "oracle", "seed": 7, "size": 3, "strategy": "mnlp"}
    settings = new_settings("trial", ["Disease"], database=None, **options)
    assert settings.database.url == "environment"


def test_init_reports_its_progress_in_bytes(nowhere: Path, tiny_encoder: Path) -> None:
    class Bar:
        def __init__(self, total: int | None) -> None:
            self.total, self.done = total, 0

        def advance(self, amount: int = 1) -> None:
            self.done += amount

        def note(self, text: str) -> None: ...
        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *ignored: object) -> None: ...

    class Progress:
        def __init__(self) -> None:
            self.bars: dict[str, Bar] = {}

        def bar(self, description: str, total: int | None = None, unit: str = "") -> Bar:
            assert unit == "bytes"
            return self.bars.setdefault(description, Bar(total))

        def say(self, text: str) -> None: ...

    pool, test = demo_files(nowhere / "files", pool=5, test=2)
    progress = Progress()
    made, report, read = Project.init(
        nowhere / "trial", settings_for(tiny_encoder), Sources([pool], [test], gold=True), progress=progress
    )
    made.close()
    assert {name: (bar.total, bar.done) for name, bar in progress.bars.items()} == {
        "Reading documents": (pool.stat().st_size,) * 2,
        "Reading test documents": (test.stat().st_size,) * 2,
    }
    assert (report.documents, report.test_documents, report.annotated, read.documents) == (7, 2, 7, 7)


def test_an_export_of_unknown_format_is_wrong_use(project: Project, nowhere: Path) -> None:
    with pytest.raises(UsageError, match="the export format 'conll' is not known; use one of bigbio, jsonl"):
        export_corpus(project.settings, project.store, nowhere / "out", format="conll", force=False)
    assert not (nowhere / "out").exists()


def test_skipped_and_open_tasks_are_not_exported_and_an_empty_answer_is(nowhere: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"}, selection={"size": 3})
    pool, _ = demo_files(nowhere / "files", pool=6)
    project, _, _ = Project.init(nowhere / "trial", settings, Sources([pool], test_size=0))
    with project:
        desk = patient(project, empty=True)
        project.round()
        with pytest.raises(NothingToDoYet):
            project.round()
        with pytest.raises(NothingToDoYet, match="no corpus to export"):
            project.export(nowhere / "out.jsonl", format="jsonl")
        keys = [key for _, key, *_ in picture_of(project)["picks"][0]]
        desk.finish(keys[0])
        with pytest.raises(NothingToDoYet):
            project.round()
        assert project.export(nowhere / "out.jsonl", format="jsonl").documents == {"train": 1, "test": 0}
    (record,) = read_corpus(nowhere / "out.jsonl")
    assert (record.document.id, record.annotation) == (keys[0], Annotation())


def test_a_model_whose_folder_is_gone_is_named(project: Project, nowhere: Path) -> None:
    project.round()
    project.round()
    shutil.rmtree(project.folder / "models")
    with pytest.raises(ProjectError, match=r"the model trial-r1-rat-\w+ is gone from .*models"):
        project.predict([nowhere / "trial-documents" / "test.jsonl"], nowhere / "out.jsonl")
    assert not (nowhere / "out.jsonl").exists()


def test_a_failed_init_on_a_full_disk_leaves_nothing(
    nowhere: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    pool, test = demo_files(nowhere / "files", pool=3, test=1)
    before = everything_in(nowhere)
    monkeypatch.setattr("biorat_al.store.creation.import_documents", full)
    with pytest.raises(OSError, match="No space left"):
        Project.init(nowhere / "a" / "trial", settings_for(tiny_encoder), Sources([pool], [test], gold=True))
    assert everything_in(nowhere) == before


def test_a_database_at_the_newest_revision_is_left_alone(project: Project) -> None:
    before, after = upgrade_database(project.folder)
    assert before == after


@pytest.mark.slow
def test_a_project_in_a_read_only_folder_can_be_looked_at(
    project: Project, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    project.round()
    project.close()
    before = everything_in(project.folder)
    (project.folder / "biorat.sqlite3").chmod(0o444)
    project.folder.chmod(0o555)
    if os.access(project.folder, os.W_OK):  # root may write everywhere but on a read-only file system
        monkeypatch.setattr(engine, "_can_be_written", lambda file: False)
    try:
        with Project.open(project.folder) as opened:
            assert opened.status().documents == {"pool": 12, "test": 3}
            assert opened.export(nowhere / "out").documents["train"] == 6
            page, _ = opened.report(nowhere / "report.html")
            assert page.is_file()
            with pytest.raises(StoreError, match="it can be read only"), opened.store.write() as session:
                session.execute(text("UPDATE project SET name = 'x'"))
    finally:
        project.folder.chmod(0o755)
    assert everything_in(project.folder) == before


def test_a_read_only_project_whose_last_changes_are_in_a_journal_says_how_it_can_be_looked_at(
    project: Project, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as after a kill: committed, and not yet merged into the file
    with closing(sqlite3.connect(project.folder / "biorat.sqlite3", isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("UPDATE project SET name = 'renamed'")
        shutil.copytree(project.folder, nowhere / "copy")
    copy = nowhere / "copy"
    (copy / "biorat.sqlite3-shm").unlink()
    assert (copy / "biorat.sqlite3-wal").stat().st_size
    before = everything_in(copy)
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)
        with pytest.raises(
            StoreError, match=r"its last changes are still in biorat\.sqlite3-wal: run biorat-al status"
        ):
            Project.open(copy)
    assert everything_in(copy) == before
    # the advice can be followed
    with Project.open(copy) as opened:
        assert opened.store.project().name == "renamed"


def test_an_upgrade_of_a_database_that_is_missing_makes_none(project: Project) -> None:
    project.close()
    (project.folder / "biorat.sqlite3").unlink()
    with pytest.raises(StoreError, match=r"the database file .*biorat\.sqlite3 is missing; take it from a backup"):
        upgrade_database(project.folder)
    assert not (project.folder / "biorat.sqlite3").exists()


def test_a_database_file_that_is_empty_is_neither_filled_nor_called_upgraded(project: Project) -> None:
    project.close()
    file = project.folder / "biorat.sqlite3"
    file.write_bytes(b"")
    for open_it in (upgrade_database, Project.open):
        with pytest.raises(StoreError, match=r"the database file .*biorat\.sqlite3 is empty; take it from a backup"):
            open_it(project.folder)
    assert file.read_bytes() == b""


@pytest.mark.postgres
def test_a_database_of_something_else_is_not_upgraded(
    nowhere: Path, tiny_encoder: Path, new_postgres_database: Callable[[], URL], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, new_postgres_database().render_as_string(hide_password=False))
    make_project(nowhere / "shared", settings_for(tiny_encoder, database={"url": "environment"})).close()
    other = new_postgres_database()
    monkeypatch.setenv(DATABASE_VARIABLE, other.render_as_string(hide_password=False))
    with pytest.raises(SchemaVersionError, match="none of biorat-al's tables; it is not the database of this project"):
        upgrade_database(nowhere / "shared")
    other_engine = engine.open_engine(other)
    assert inspect(other_engine).get_table_names() == []
    other_engine.dispose()
