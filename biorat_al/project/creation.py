"""Making a project: its folder, its settings file, and a database with the documents in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from biorat_al.corpus.base import ReadOptions, ReadReport
from biorat_al.corpus.model import Record
from biorat_al.corpus.reading import corpus_size, read_with
from biorat_al.errors import CorpusError, ProjectError, UsageError
from biorat_al.learner.encoder import resolve_encoder
from biorat_al.progress import Progress
from biorat_al.project.new_folder import NewFolder
from biorat_al.rounds.context import MODELS
from biorat_al.settings import SETTINGS_FILE, Settings, read_guidelines, settings_text
from biorat_al.store.creation import fill
from biorat_al.store.documents import ImportReport
from biorat_al.store.engine import database_url
from biorat_al.store.store import Store, add_project

_IGNORED_BY_GIT = "# made by biorat-al\nbiorat.sqlite3*\nbiorat.lock*\nmodels/\n"


def create_project(
    place: Path,
    settings: Settings,
    documents: Sequence[str | Path],
    *,
    reading: ReadOptions,
    gold: bool,
    test_documents: Sequence[str | Path],
    test_size: int | None,
    ignore_labels: Collection[str],
    guidelines: Path | None,
    progress: Progress,
) -> tuple[ImportReport, ReadReport]:
    """Make a project in the folder `place`, as :meth:`biorat_al.project.Project.init` says."""
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ProjectError(f"{place} is there already; choose another name, or remove it first")
    if settings.desk.kind == "oracle" and not gold:
        raise UsageError("the oracle answers from gold annotations: add --gold")
    if test_documents and test_size is not None:
        raise UsageError("--test-documents and --test-size exclude each other")
    if guidelines is not None:
        read_guidelines(guidelines)
        settings = settings.model_copy(update={"guidelines": f"guidelines{guidelines.suffix.lower()}"})
    sizes = {
        what: corpus_size(paths, format=reading.format)
        for what, paths in (("documents", documents), ("test documents", test_documents))
        if paths
    }
    # before anything is read: an encoder that is not to be had is better known now than in the first round
    resolve_encoder(settings.encoder.name, settings.encoder.max_length).count_tokens([""])
    read = ReadReport()

    def records(paths: Sequence[str | Path], what: str) -> Iterator[Record]:
        with progress.bar(f"Reading {what}", total=sizes[what], unit="bytes") as bar:
            yield from read_with(reading, paths, report=read, on_bytes=bar.advance)

    with NewFolder(place) as new:
        staging = new.staging
        url = database_url(settings.database.url, staging)
        (staging / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
        if guidelines is not None and settings.guidelines is not None:
            (staging / settings.guidelines).write_bytes(guidelines.read_bytes())
        (staging / ".gitignore").write_text(_IGNORED_BY_GIT, encoding="utf-8")
        (staging / MODELS).mkdir()
        store = Store.create(url)
        try:
            with store.write() as session:
                add_project(session, settings.name)
                report = fill(
                    session,
                    settings=settings,
                    pool=records(documents, "documents"),
                    test=records(test_documents, "test documents") if test_documents else None,
                    test_size=test_size,
                    gold=gold,
                    ignore=ignore_labels,
                )
                if settings.desk.kind == "oracle" and report.annotated < report.documents:
                    raise CorpusError(
                        f"{report.documents - report.annotated:,} of the {report.documents:,} documents come "
                        "without annotations, not even empty ones, so the oracle cannot answer for them; "
                        "leave them out"
                    )
                if gold and not report.annotated:
                    raise CorpusError("none of the documents comes with annotations; leave --gold out")
                if not store.is_sqlite:
                    # a server must not hold a project whose folder never came to be
                    new.publish()
        finally:
            store.close()
    return report, read
