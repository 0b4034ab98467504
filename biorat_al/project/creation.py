"""The making of a project: its folder, its settings file, and a database with the documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.reading import read_with
from biorat_al.corpus.sources import Sources
from biorat_al.disk import writing
from biorat_al.errors import CorpusError, LockedError, ProjectError, UsageError
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.progress import Progress
from biorat_al.project.completeness import is_complete
from biorat_al.project.new_folder import NewFolder, check_new
from biorat_al.rounds.borrowing.copying import borrow, check_borrowing
from biorat_al.rounds.context import MODELS
from biorat_al.rounds.pre_labels.copying import check_pre_labels, keep_pre_labels
from biorat_al.settings import SETTINGS_FILE, Settings, read_guidelines, settings_text
from biorat_al.store.creation import fill
from biorat_al.store.database.engine import database_errors, database_url, open_engine, shown
from biorat_al.store.documents import ImportReport
from biorat_al.store.store import Store, add_project

_INIT_LOCK = int.from_bytes(b"biorat")
"""Key of the advisory lock that an `init` holds in a Postgres database."""

_IGNORED_BY_GIT = "# made by biorat-al\nbiorat.sqlite3*\nbiorat.lock*\nmodels/\nborrowed/\npre-labels/\n"


def create_project(
    place: Path,
    settings: Settings,
    sources: Sources,
    *,
    guidelines: Path | None,
    progress: Progress,
) -> tuple[ImportReport, ReadReport]:
    """Make a project in the folder `place`; see :meth:`biorat_al.project.Project.init`."""
    check_new(place)
    if settings.desk.kind == "oracle" and not sources.gold:
        raise UsageError("the oracle answers from gold annotations: add --gold")
    sources.check()
    check_borrowing(settings, sources)
    check_pre_labels(settings, sources)
    if guidelines is not None:
        read_guidelines(guidelines)
        settings = settings.model_copy(update={"guidelines": f"guidelines{guidelines.suffix.lower()}"})
    read = ReadReport()
    files = {
        what: list_files(paths, format=sources.reading.format, report=read)
        for what, paths in (("documents", sources.documents), ("test documents", sources.test))
        if paths
    }
    # before anything is read: better to report a missing encoder now than in the first round
    encoder = resolve_encoder(settings.encoder.name, settings.encoder.max_length)
    encoder.count_tokens([""])
    encoder.check_weights()

    def records(what: str) -> Iterator[Record]:
        with progress.bar(f"Reading {what}", total=files[what].size, unit="bytes") as bar:
            yield from read_with(sources.reading, files[what], report=read, on_bytes=bar.advance)

    with NewFolder(place, is_complete) as new, _alone(settings, place):
        staging = new.staging
        url = database_url(settings.database.url, staging)
        with writing(place, ProjectError):
            (staging / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
            if guidelines is not None and settings.guidelines is not None:
                (staging / settings.guidelines).write_bytes(guidelines.read_bytes())
            (staging / ".gitignore").write_text(_IGNORED_BY_GIT, encoding="utf-8")
            (staging / MODELS).mkdir()
        store = Store.create(url)
        try:
            with store.write() as session:
                uid = _added(session, store, settings.name)
                report = fill(
                    session,
                    settings=settings,
                    pool=records("documents"),
                    test=records("test documents") if sources.test else None,
                    test_size=sources.test_size,
                    gold=sources.gold,
                    ignore=sources.ignore_labels,
                )
                if settings.desk.kind == "oracle" and report.annotated < report.documents:
                    raise CorpusError(
                        f"{report.documents - report.annotated:,} of the {report.documents:,} documents come "
                        "without annotations, not even empty ones, so the oracle cannot answer for them; "
                        "leave them out"
                    )
                if sources.gold and not report.annotated:
                    raise CorpusError("none of the documents comes with annotations; leave --gold out")
                if sources.borrow:
                    settings, _ = borrow(session, staging, settings, sources, progress)
                if sources.pre_labels or sources.dictionaries:
                    settings = keep_pre_labels(session, staging, settings, sources, progress)
                if sources.borrow or sources.pre_labels or sources.dictionaries:
                    with writing(place, ProjectError):
                        (staging / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
                if not store.is_sqlite:
                    # a server must not hold a project whose folder was never created
                    new.publish(uid)
        finally:
            store.close()
        new.publish(uid)
    return report, read


def _added(session: Session, store: Store, name: str) -> str:
    """Add the project's row; return its uid.

    :raises ProjectError: another `init` has added one meanwhile.
    """
    try:
        return add_project(session, name).uid
    except IntegrityError:
        raise ProjectError(
            f"another init has made a project in the database {shown(store.url)} meanwhile; give each project its "
            "own database"
        ) from None


@contextmanager
def _alone(settings: Settings, place: Path) -> Iterator[None]:
    """Keep a second `init` out of a Postgres database.

    :raises LockedError: another `init` is running in it.
    """
    url = database_url(settings.database.url, place)
    if url.get_backend_name() == "sqlite":
        yield
        return
    engine = open_engine(url)
    try:
        with database_errors(url):
            # the lock ends with the connection, so the connection stays open until then
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with database_errors(url):
                taken = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _INIT_LOCK})
            if not taken:
                raise LockedError(
                    f"another init is making a project in the database {shown(url)}; give each project its own database"
                )
            yield
        finally:
            connection.close()
    finally:
        engine.dispose()
