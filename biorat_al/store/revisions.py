"""Who made a revision of an answer, and whose answer it was.

Label Studio keeps one version of an annotation, with the person who made it and the one who changed it last. Whether
the latter really changed it can only be told by what was fetched before:

- A change credits whoever made it; ``revises`` names whose answer it was. So does every later change of that answer,
  also one by its first author, who has seen what the other made of it.
- Where nothing changed (marked as ground truth, opened and saved as it was), whoever was credited still is.
- What changed without a later time was changed by an action for many answers at once (labels renamed), which is no
  answer of the person who clicked it; whoever was credited still is.
- Where no earlier version was fetched, whoever changed it last is credited, unless it is marked as ground truth: such a
  mark is set by a program, and leaves the same trace.
- What an action made (``made_from``) becomes the answer of whoever changes or saves it first.

A revision of another's answer is not independent of it, so agreement is not measured on it. The author's last version
from before anybody else changed it is: it no longer counts for the document, and is still what its author said alone.
It is marked as ``superseded``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import mention_key, relation_keys
from biorat_al.corpus.model.notes import NOTE
from biorat_al.store.annotations import NewAnnotation
from biorat_al.store.tables import AnnotationRow

MOMENT = timedelta(microseconds=1)
"""What divides a revision from one before it where the desk names no later time."""

AT_ONCE = timedelta(milliseconds=1)
"""Times that are closer than this are the same: what the desk does not date is moved on by a :data:`MOMENT` each."""


@dataclass(frozen=True, slots=True)
class FetchedAnswer:
    """One annotator's answer to one task, with what is to be written for it.

    :param editor: who changed it last, if that was somebody else than its annotator.
    :param copied_from: whose answer it was begun from as a copy.
    :param made_from: what an action made it from without anybody looking at it; then it is no answer.
    """

    desk_annotation_id: str
    updated_at: datetime
    skipped: bool
    new: NewAnnotation
    editor: str | None = None
    copied_from: str | None = None
    made_from: str | None = None

    @property
    def author(self) -> str | None:
        """In whose name it was made."""
        return self.new.columns.get("annotator")


class Revision(NamedTuple):
    """A revision that is in the store, with what it says."""

    row: AnnotationRow
    annotation: Annotation


class Judgement(NamedTuple):
    """Who made a revision, whose answer it was before, and what it was made from; see above."""

    annotator: str | None
    revises: str | None
    made_from: str | None


def is_known(answer: FetchedAnswer, last: Revision) -> bool:
    """Whether an answer is the revision that was fetched last."""
    columns = answer.new.columns
    return (
        answer.updated_at <= (last.row.updated_at or answer.updated_at)
        and answer.skipped == last.row.skipped
        and columns.get("ground_truth", False) == last.row.ground_truth
        and columns.get("usable", True) == last.row.usable
        and says_the_same(answer.new.annotation, last.annotation)
    )


def is_that(answer: FetchedAnswer, revision: Revision) -> bool:
    """Whether an answer is exactly this revision, as a restored backup brings it back."""
    return (
        answer.updated_at == revision.row.updated_at
        and answer.skipped == revision.row.skipped
        and says_the_same(answer.new.annotation, revision.annotation)
    )


def judge(answer: FetchedAnswer, before: Sequence[Revision]) -> Judgement:
    """Say whose an answer is.

    :param before: its earlier revisions, the oldest first.
    """
    who = answer.editor or answer.author
    if not before:
        if answer.made_from is not None:
            return Judgement(answer.author, None, answer.made_from)
        if answer.editor is None or answer.new.columns.get("ground_truth"):
            return Judgement(answer.author, answer.copied_from, None)
        return Judgement(who, answer.author, None)
    last = before[-1]
    unchanged = answer.skipped == last.row.skipped and says_the_same(answer.new.annotation, last.annotation)
    if last.row.made_from is not None:
        # the desk may have forgotten by now what it was made from
        untouched = unchanged and answer.new.columns.get("lead_time") is None
        made_from = answer.made_from or (last.row.made_from if untouched else None)
        return Judgement(answer.author if made_from else who, None, made_from)
    # an earlier time is that of a change as well, by a clock that was set back
    by_action = last.row.updated_at is not None and abs(last.row.updated_at - answer.updated_at) < AT_ONCE
    if unchanged or by_action:
        return Judgement(last.row.annotator, last.row.revises, None)
    return Judgement(who, last.row.revises if who == last.row.annotator else last.row.annotator, None)


def says_the_same(one: Annotation, other: Annotation) -> bool:
    """Whether two annotations have the same mentions, concepts, notes and relations, whatever their ids."""
    return _content(one) == _content(other)


def _content(annotation: Annotation) -> tuple[Hashable, ...]:
    entities = Counter(
        (mention_key(entity), frozenset(entity.concepts), str(entity.extras.get(NOTE, "")))
        for entity in annotation.entities
    )
    relations = Counter(relation_keys(annotation).values())
    return frozenset(entities.items()), frozenset(relations.items()), frozenset(annotation.concept_relations)
