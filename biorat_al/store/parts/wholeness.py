"""Which documents of the pool are annotated as a whole, which in part, and how many there are of each.

A document is whole if it has an answer as a whole, or if each of its segments has an answer that counts: every
character of it other than white space is in one of them. It was begun if only some of its segments have one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from biorat_al.store.answers import Answer, answers
from biorat_al.store.parts.segments import parents_of, segments_of


@dataclass(frozen=True, slots=True)
class Wholeness:
    """How much of the pool is annotated.

    :param whole: documents that are annotated as a whole, or by all of their segments.
    :param begun: documents that are not whole, but have an annotated segment.
    :param segments: annotated segments of documents without an answer as a whole.
    :param of: documents of the pool.
    """

    whole: int
    begun: int
    segments: int
    of: int


@dataclass(frozen=True, slots=True)
class AnsweredPool:
    """The answers that count in the pool.

    :param documents: on documents as a whole, in the order of the documents.
    :param whole: on all segments of the documents that are whole by these, in the order of the text, by row id of the
        document.
    :param begun: on the segments of documents that were only begun, likewise.
    """

    documents: Sequence[Answer]
    whole: Mapping[int, Sequence[Answer]]
    begun: Mapping[int, Sequence[Answer]]

    @property
    def learnt(self) -> list[Answer]:
        """The answers that models learn from, as :func:`~biorat_al.store.answers.learnt_answers` returns them."""
        parts = [answer for some in (*self.whole.values(), *self.begun.values()) for answer in some]
        return [*self.documents, *sorted(parts, key=lambda answer: answer.document_id)]

    def wholeness(self, documents: int) -> Wholeness:
        """Count the documents that are whole, and those that were only begun.

        :param documents: number of documents of the pool.
        """
        segments = [*self.whole.values(), *self.begun.values()]
        return Wholeness(len(self.documents) + len(self.whole), len(self.begun), sum(map(len, segments)), documents)


def answered_pool(session: Session, *, with_gold: bool, prefer: str | None = None) -> AnsweredPool:
    """Return the answers that count in the pool, by whether they make their document whole.

    :param with_gold: as for :func:`~biorat_al.store.answers.answers`, like `prefer`.
    """
    documents = answers(session, "pool", with_gold=with_gold, prefer=prefer)
    parts = {one.document_id: one for one in answers(session, "segment", with_gold=False, prefer=prefer)}
    if not parts:
        return AnsweredPool(documents, {}, {})
    known = {one.document_id for one in documents}
    parents = sorted(set(parents_of(session, list(parts)).values()) - known)
    whole: dict[int, Sequence[Answer]] = {}
    begun: dict[int, Sequence[Answer]] = {}
    for parent, segments in sorted(segments_of(session, parents).items()):
        answered = [parts[one.document_id] for one in segments if one.document_id in parts]
        (whole if len(answered) == len(segments) else begun)[parent] = answered
    return AnsweredPool(documents, whole, begun)
