"""Filling the store of a new project: read the documents, check the labels, draw the test set."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Record
from biorat_al.errors import CorpusError, LabelError
from biorat_al.settings import Settings
from biorat_al.store.documents import (
    ImportReport,
    count_documents,
    draw_test_documents,
    import_documents,
    remove_leaks,
)
from biorat_al.wording import plural

DEFAULT_TEST_SHARE = 0.1
DEFAULT_TEST_MOST = 50


def fill(
    session: Session,
    *,
    settings: Settings,
    pool: Iterable[Record],
    test: Iterable[Record] | None,
    test_size: int | None,
    gold: bool,
    ignore: Collection[str] = (),
) -> ImportReport:
    """Read the documents of a new project into its store.

    :param test: documents of the held-out test set; None draws `test_size` documents of the pool at random (by default
        a tenth, at most 50).
    :param gold: whether the documents' annotations are right; if not, they are kept as an import from which nothing is
        learnt. Annotations of `test` are always considered right.
    :param ignore: labels in the documents that the project does not want.
    :raises LabelError: with gold annotations, no document has one of the project's labels, or the documents have a
        label that is neither wanted nor ignored; if the documents have relations, no document has one of the project's
        relation labels.
    :raises CorpusError: no document is left for the pool.
    """
    report = ImportReport()
    read = partial(import_documents, session, settings=settings, ignore=ignore, report=report)
    if test is not None:
        # first, so that a document in both `test` and `pool` stays held out
        read(test, split="test", source="gold")
    read(pool, split="pool", source="gold" if gold else "import")
    if test is None:
        total = count_documents(session)["pool"]
        size = min(DEFAULT_TEST_MOST, int(total * DEFAULT_TEST_SHARE)) if test_size is None else test_size
        report.test_documents = draw_test_documents(session, size, settings.seed) if size else 0
    report.leaks = remove_leaks(session)
    if count_documents(session)["pool"] == 0:
        same = f": {plural(report.leaks, 'document')} had the same text as a test document" if report.leaks else ""
        raise CorpusError(
            f"no document is left for the pool{same}; give --documents other documents than the test set's"
        )
    _check_labels(settings, report, ignore, certain=gold or test is not None)
    return report


def _check_labels(settings: Settings, report: ImportReport, ignore: Collection[str], *, certain: bool) -> None:
    if not certain or not report.mentions:
        return
    labels = set(report.mentions)
    unknown = sorted(label for label in labels if settings.label_of(label) is None and label not in ignore)
    absent = [entity for entity in settings.entities if not any(entity.covers(label) for label in labels)]
    parts = []
    if absent:
        parts.append(f"no document has the label {_quoted([entity.name for entity in absent])}")
    if unknown:
        counts = ", ".join(f"{label} ({plural(report.mentions[label], 'mention')})" for label in unknown)
        parts.append(
            f"the documents have labels that were not asked for: {counts}; "
            "ask for each (--entity LABEL, or --entity NAME=LABEL,LABEL to merge several) or leave it out "
            "(--ignore-label LABEL)"
        )
    elif absent:
        parts.append(f"the labels in the documents are {_quoted(sorted(labels))}")
    related = sorted(report.relations)
    missing = {relation.name for relation in settings.relations if not any(relation.covers(label) for label in related)}
    if missing and related:
        parts.append(
            f"no document has the relation {_quoted(sorted(missing))}; "
            f"the relations in the documents are {_quoted(related)}"
        )
    if parts:
        raise LabelError("; ".join(parts))


def _quoted(labels: Sequence[str]) -> str:
    return ", ".join(repr(label) for label in labels)
