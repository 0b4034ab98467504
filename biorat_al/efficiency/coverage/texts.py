"""The texts of a project, and what has been found in each: what annotators have read, skipped, or not seen yet.

A text is a sentence, where a document has been cut into sentences, else the document. Mentions in an answer to a whole
document belong to the sentence in which they begin.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.work import words_in
from biorat_al.corpus.model.document import Annotation
from biorat_al.settings import Settings
from biorat_al.store.answers import answers, load_answers
from biorat_al.store.tables import AnnotationRow, DocumentRow, SegmentRow, TaskRow

_STREAM = {"yield_per": 1000}


@dataclass(frozen=True, slots=True)
class AskedText:
    """That somebody was asked for a text.

    :param number: of the round.
    :param state: of the task.
    """

    number: int
    state: str


@dataclass(frozen=True)
class Texts:
    """The texts of the pool, in the order in which they were read; all arrays have a row for each.

    :param ids: row ids of the texts, of documents or of segments, shape (texts,).
    :param documents: row ids of the documents that they belong to, shape (texts,).
    :param words: shape (texts,).
    :param context: words of neighbouring sentences that are read with a text asked for by itself, shape (texts,).
    :param found: mentions in the answers that count, by label, shape (texts, labels).
    :param seen: whether an answer counts, or the text came with annotations that do, shape (texts,).
    :param given: whether its document came with annotations that count, shape (texts,).
    :param asked: the tasks, by row id of a document or segment.
    :param labels: whose mentions count, in the order of the columns.
    """

    ids: NDArray[np.int64]
    documents: NDArray[np.int64]
    words: NDArray[np.float64]
    context: NDArray[np.float64]
    found: NDArray[np.float64]
    seen: NDArray[np.bool_]
    given: NDArray[np.bool_]
    asked: Mapping[int, AskedText]
    labels: tuple[str, ...]

    def asked_before(self, number: int, *, whole: bool = False) -> NDArray[np.bool_]:
        """Return which texts had been asked for before a round, by themselves or with their document.

        :param whole: with their document alone.
        """
        early = {row_id for row_id, one in self.asked.items() if one.number < number}
        with_document = np.isin(self.documents, list(early))
        return with_document if whole else with_document | np.isin(self.ids, list(early))

    def in_state(self, *states: str) -> NDArray[np.bool_]:
        """Return which texts have a task, of their own or of their document, in one of the states."""
        there = [row_id for row_id, one in self.asked.items() if one.state in states]
        return np.isin(self.ids, there) | np.isin(self.documents, there)

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """Which texts can still be annotated: they have no answer, and nobody skipped them or deleted their task."""
        return ~self.seen & ~self.in_state("skipped", "deleted")


def pool_texts(session: Session, settings: Settings, labels: tuple[str, ...]) -> Texts:
    """Read the texts of the pool with what has been found in them.

    :param labels: the labels whose mentions count.
    """
    segments: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    of_segments = select(SegmentRow.document_id, SegmentRow.parent_id, SegmentRow.start, SegmentRow.context_words)
    for row_id, parent, start, context in session.execute(of_segments, execution_options=_STREAM):
        segments[parent].append((start, row_id, context))
    words = _words(session, ("pool", "segment") if segments else ("pool",))
    rows: list[tuple[int, int, int, int]] = []
    places: dict[int, int] = {}
    starts: dict[int, tuple[list[int], list[int]]] = {}
    pool = select(DocumentRow.id).where(DocumentRow.split == "pool").order_by(DocumentRow.id)
    for document in session.scalars(pool, execution_options=_STREAM):
        parts = sorted(segments.get(document, [])) or [(0, document, 0)]
        starts[document] = [start for start, _, _ in parts], [len(rows) + number for number in range(len(parts))]
        for _, row_id, context in parts:
            places[row_id] = len(rows)
            rows.append((row_id, document, words[row_id], context))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    found = np.zeros((len(rows), len(labels)))
    seen = np.zeros(len(rows), dtype=np.bool_)
    prefer = settings.team.preferred
    for answer, annotation in load_answers(
        session, answers(session, "segment", with_gold=False, prefer=prefer), prefer=prefer
    ):
        if (place := places.get(answer.document_id)) is not None:
            seen[place] = True
            found[place] = mentions_by_label([annotation], labels)[0]
    # an answer to the whole document replaces those to its sentences
    whole = answers(session, "pool", with_gold=settings.gold_is_known, prefer=prefer)
    for answer, annotation in load_answers(session, whole, prefer=prefer):
        begins, own = starts[answer.document_id]
        seen[own], found[own] = True, 0.0
        for entity in annotation.entities:
            if entity.label in labels:
                found[own[max(bisect_right(begins, entity.start) - 1, 0)], labels.index(entity.label)] += 1
    return Texts(
        ids=table[:, 0],
        documents=table[:, 1],
        words=table[:, 2].astype(np.float64),
        context=table[:, 3].astype(np.float64),
        found=found,
        seen=seen,
        given=np.isin(table[:, 1], _with_gold(session) if settings.gold_is_known else []),
        asked={
            row_id: AskedText(number, state)
            for row_id, number, state in session.execute(
                select(TaskRow.document_id, TaskRow.round_number, TaskRow.state)
            )
        },
        labels=labels,
    )


def annotated_test_set(
    session: Session, settings: Settings, labels: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the words of the annotated test documents, shape (documents,), and their mentions by label."""
    prefer = settings.team.preferred
    chosen = answers(session, "test", with_gold=True, prefer=prefer)
    words = _words(session, ("test",))
    annotations = [annotation for _, annotation in load_answers(session, chosen, prefer=prefer)]
    return (
        np.array([words[answer.document_id] for answer in chosen], dtype=np.float64),
        mentions_by_label(annotations, labels),
    )


def mentions_by_label(annotations: Sequence[Annotation], labels: Sequence[str]) -> NDArray[np.float64]:
    """Count the mentions of annotations by label, shape (annotations, labels)."""
    counts = np.zeros((len(annotations), len(labels)))
    columns = {label: column for column, label in enumerate(labels)}
    for row, annotation in zip(counts, annotations, strict=True):
        for entity in annotation.entities:
            if entity.label in columns:
                row[columns[entity.label]] += 1
    return counts


def _words(session: Session, splits: Iterable[str]) -> dict[int, int]:
    """Count the words of the texts of some splits, by row id."""
    rows = session.execute(
        select(DocumentRow.id, DocumentRow.text).where(DocumentRow.split.in_(list(splits))), execution_options=_STREAM
    )
    return {row_id: words_in(text) for row_id, text in rows}


def _with_gold(session: Session) -> list[int]:
    """Return the row ids of the pool's documents that came with annotations."""
    return list(
        session.scalars(
            select(AnnotationRow.document_id)
            .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
            .where(DocumentRow.split == "pool", AnnotationRow.source == "gold", AnnotationRow.current.is_(True))
        )
    )
