"""The audit of annotated files, without a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.corpus.reading import read_with
from biorat_al.errors import CorpusError, UsageError
from biorat_al.people.audit.annotated import AnnotatedDocument
from biorat_al.people.audit.audit import Audit, audit


def audit_files(
    paths: Sequence[str | Path],
    reading: ReadOptions = ReadOptions(),  # noqa: B008 - it is frozen
    *,
    limit: int | None = None,
    label: str | None = None,
) -> Audit:
    """Return what looks wrong in an annotated corpus, worst first.

    A document that occurs twice counts once if both copies are annotated in the same way.

    :param paths: files and folders in any format that can be read.
    :param limit: number of findings; None returns all.
    :param label: only findings on this label.
    :raises CorpusError: a file cannot be read, no document is annotated, or one id has two texts or annotations.
    :raises UsageError: no mention has the label.
    """
    documents: dict[str, AnnotatedDocument] = {}
    for record in read_with(reading, paths):
        if record.annotation is None:
            continue
        new = AnnotatedDocument(record.document, record.annotation)
        known = documents.setdefault(record.document.id, new)
        if known != new:
            raise CorpusError(
                "the id occurs twice, with different texts or annotations; give the documents different ids",
                source=record.source,
                document=record.document.id,
            )
    if not documents:
        raise CorpusError(f"{', '.join(map(str, paths))}: no document is annotated, so there is nothing to audit")
    labels = {entity.label for one in documents.values() for entity in one.annotation.entities}
    if label is not None and label not in labels:
        raise UsageError(f"no mention has the label {label!r}; the documents have {', '.join(sorted(labels))}")
    return audit(documents.values()).only(limit=limit, label=label)
