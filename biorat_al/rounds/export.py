"""The annotated corpus, and predictions, as records that can be written."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al import __version__
from biorat_al.corpus.bigbio import write_bigbio
from biorat_al.corpus.jsonl import write_jsonl
from biorat_al.corpus.model import Annotation, Document, Record
from biorat_al.errors import NothingToDoYet, ProjectError, UsageError
from biorat_al.progress import Progress
from biorat_al.settings import Settings
from biorat_al.store.annotations import chunks
from biorat_al.store.answers import Answer, answers, load_answers
from biorat_al.store.documents import documents_by_id
from biorat_al.store.rounds import all_rounds
from biorat_al.store.store import Store

if TYPE_CHECKING:
    from biorat_al.learner.prediction import Tagger

FORMATS = ("bigbio", "jsonl")

_SPLITS = {"train": "pool", "test": "test"}


def export_corpus(settings: Settings, store: Store, destination: Path, *, format: str, force: bool) -> dict[str, int]:
    """Write every document that has an answer; the pool becomes ``train``, the blind set ``test``.

    :raises UsageError: the format is not known.
    :raises ProjectError: the destination is there already and `force` is not set.
    :raises NothingToDoYet: nothing has been annotated yet.
    """
    if format not in FORMATS:
        raise UsageError(f"the export format {format!r} is not known; use one of {', '.join(FORMATS)}")
    check_target(destination, force=force)
    with store.read() as session:
        chosen = {
            split: answers(session, source, with_gold=source == "test" or settings.gold_is_known)
            for split, source in _SPLITS.items()
        }
        rounds = sum(row.state == "done" for row in all_rounds(session))
    counts = {split: len(found) for split, found in chosen.items()}
    if not any(counts.values()):
        raise NothingToDoYet("nothing has been annotated yet, so there is no corpus to export")
    splits = {split: _annotated(store, found) for split, found in chosen.items() if found}
    if format == "bigbio":
        made = {
            "program": f"biorat-al {__version__}",
            "rounds": str(rounds),
            "query strategy": settings.selection.strategy,
            "arm": settings.training.selecting_arm,
        }
        write_bigbio(destination, settings.name, splits, made=made, replace=force)
    else:
        write_jsonl(destination, _with_split(splits))
    return counts


def predicted_records(tagger: Tagger, records: Iterable[Record], progress: Progress) -> Iterator[Record]:
    """Documents with what a model says of them; what they carried before is left out."""
    read: deque[Record] = deque()

    def documents() -> Iterator[Document]:
        for record in records:
            read.append(record)
            yield record.document

    with progress.bar("Predicting", unit="documents") as bar:
        for prediction in tagger.predict(documents()):
            record = read.popleft()
            extras = {"model_version": tagger.version, "confidence": prediction.confidence}
            yield Record(record.document, Annotation(prediction.entities, extras=extras), record.source)
            bar.advance()


def check_target(path: Path, *, force: bool) -> None:
    """Refuse to replace what is there.

    :raises ProjectError: `path` is there already and `force` is not set.
    """
    if not force and (path.exists() or path.is_symlink()):
        raise ProjectError(f"{path} is there already; choose another name, or replace it with --force")


def _annotated(store: Store, chosen: list[Answer]) -> Iterator[tuple[Document, Annotation]]:
    for some in chunks(chosen):
        with store.read() as session:
            documents = documents_by_id(session, [answer.document_id for answer in some])
            loaded = list(load_answers(session, some))
        for answer, annotation in loaded:
            yield documents[answer.document_id], annotation


def _with_split(splits: dict[str, Iterator[tuple[Document, Annotation]]]) -> Iterator[tuple[Document, Annotation]]:
    for split, pairs in splits.items():
        for document, annotation in pairs:
            metadata = dict(document.metadata) | {"split": split}
            yield Document(document.id, document.text, document.passages, metadata), annotation
