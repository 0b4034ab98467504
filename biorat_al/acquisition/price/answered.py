"""The work of each answer in the store, and the time that the desk recorded for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from biorat_al.acquisition.price.handled import (
    Handled,
    handled,
    handled_in_rest,
    mention_origins,
    proposed_mentions,
)
from biorat_al.acquisition.price.work import Work, words_in
from biorat_al.corpus.model.role import ROLES
from biorat_al.store.annotations import chunks
from biorat_al.store.parts.segments import context_words
from biorat_al.store.tables import AnnotationRow, DocumentRow

SPLITS = ROLES


@dataclass(frozen=True, slots=True)
class AnsweredWork:
    """One answer that counts, in its newest revision.

    :param document_id: row id of the document.
    :param fetched: round that fetched the answer first; None if that is not known.
    :param work: what the annotator did. If the pre-labels that were shown are no longer known, or a mention has no
        known origin, every mention counts as added.
    :param exact: whether it is known what was done with each pre-label.
    :param seconds: time that the desk recorded; None if it recorded none.
    :param alone: whether nobody else had a part in the answer, so that the time is this annotator's.
    :param own: what of it was done with pre-labels of the model, if some were people's answers on the document's
        sentences; None: all of it.
    """

    document_id: int
    split: str
    annotator: str | None
    fetched: int | None
    work: Work
    exact: bool
    seconds: float | None
    alone: bool
    own: Work | None = None


def answered_work(session: Session, splits: Iterable[str] = SPLITS) -> list[AnsweredWork]:
    """Return the work of all answers by people, in the order in which they were first fetched.

    Skipped and deleted answers are left out, and so are answers given on another text, or made by an action without
    anybody looking. In some way all of these take time, which is therefore not counted.
    """
    rows = session.execute(
        select(AnnotationRow, DocumentRow.split)
        .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
        .where(
            DocumentRow.split.in_(list(splits)),
            AnnotationRow.source == "person",
            AnnotationRow.current.is_(True),
            AnnotationRow.skipped.is_(False),
            AnnotationRow.usable.is_(True),
            AnnotationRow.made_from.is_(None),
            AnnotationRow.settles.is_(None),
        )
        # the answer as the desk sent it is large, and not needed here
        .options(defer(AnnotationRow.raw))
        .order_by(AnnotationRow.id)
    ).all()
    origins = mention_origins(session, [row.id for row, _ in rows])
    proposed = proposed_mentions(session, [row for row, _ in rows])
    rest = handled_in_rest(session, [row for row, _ in rows])
    words = _words(session, sorted({row.document_id for row, _ in rows}))
    first = _first_fetched(session)
    found = []
    for row, split in rows:
        by_origin = origins.get(row.id, {})
        shown = row.shown_version is not None
        # without pre-labels every mention was drawn by hand, whatever its origin says
        done = handled(by_origin, proposed[row.id]) if shown and row.id in proposed else None
        if done is None:
            work = Work(words[row.document_id], added=sum(by_origin.values()), tasks=1)
        else:
            work = _work(words[row.document_id], done)
        own = rest.get(row.id)
        found.append(
            AnsweredWork(
                row.document_id,
                split,
                row.annotator,
                first.get((row.task_id, row.desk_annotation_id), row.fetched_round),
                work,
                exact=done is not None or not shown,
                seconds=row.lead_time,
                alone=row.revises is None,
                own=None if own is None else _work(words[row.document_id], own),
            )
        )
    return found


def _work(words: int, done: Handled) -> Work:
    return Work(words, done.added, done.changed, done.removed, done.accepted, tasks=1)


def _words(session: Session, document_ids: list[int]) -> dict[int, int]:
    """Count the words that are read for each document; of a segment, those of the sentences beside it too."""
    found: dict[int, int] = {}
    for some in chunks(document_ids):
        rows = session.execute(select(DocumentRow.id, DocumentRow.text).where(DocumentRow.id.in_(some)))
        around = context_words(session, some)
        found.update((row_id, words_in(text) + around.get(row_id, 0)) for row_id, text in rows)
    return found


def _first_fetched(session: Session) -> dict[tuple[int | None, str | None], int]:
    """Return the round that fetched each answer first: a later revision is not further work of a later round."""
    rows = session.execute(
        select(AnnotationRow.task_id, AnnotationRow.desk_annotation_id, func.min(AnnotationRow.fetched_round))
        .where(AnnotationRow.source == "person", AnnotationRow.fetched_round.is_not(None))
        .group_by(AnnotationRow.task_id, AnnotationRow.desk_annotation_id)
    )
    return {(task_id, answer_id): number for task_id, answer_id, number in rows if number is not None}
