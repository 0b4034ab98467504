"""Authorship of revisions: who made a revision of an answer, and whose answer it was before.

Label Studio keeps only one version of an annotation, with the person who made it and the person who changed it last.
Only what was fetched before shows whether the latter really changed it:

- A change credits the person who made it, and ``revises`` names the person whose answer it was. So does every later
  change of that answer, even by its first author, who has seen what the other person made of it.
- If nothing changed (marked as ground truth, opened and saved unchanged), the credit stays.
- A change without a later time was made by an action on many answers at once (labels renamed). That is not an answer of
  the person who clicked it, so the credit stays.
- If no earlier version was fetched, the person who changed it last is credited, unless it is marked as ground truth: a
  program sets such a mark, and it leaves the same trace.
- What an action made (``made_from``) becomes the answer of the first person who changes or saves it.

A revision of another person's answer is not independent of it, so agreement is not measured on it. It is measured on
the author's last version before anybody else changed it. That version is marked as ``superseded``: it no longer counts
for the document, but is still the answer that its author gave alone.
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
"""Time added to that of the revision before, if the desk does not give a later time."""

AT_ONCE = timedelta(milliseconds=1)
"""Times closer than this are the same: revisions that the desk does not date are a :data:`MOMENT` apart."""


@dataclass(frozen=True, slots=True)
class FetchedAnswer:
    """One annotator's answer to one task, with the annotation to write for it.

    :param editor: who changed it last, if that was somebody other than its annotator.
    :param copied_from: author of the answer that it started from as a copy.
    :param made_from: what an action made it from without anybody looking at it; then it is not an answer.
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
        """The user in whose name it was made."""
        return self.new.columns.get("annotator")


class Revision(NamedTuple):
    """A revision in the store, with its annotation."""

    row: AnnotationRow
    annotation: Annotation


class Judgement(NamedTuple):
    """The annotator who made a revision, the author of the answer before, and what it was made from; see above."""

    annotator: str | None
    revises: str | None
    made_from: str | None


def is_known(answer: FetchedAnswer, last: Revision) -> bool:
    """Return whether an answer is the revision that was fetched last."""
    columns = answer.new.columns
    return (
        answer.updated_at <= (last.row.updated_at or answer.updated_at)
        and answer.skipped == last.row.skipped
        and columns.get("ground_truth", False) == last.row.ground_truth
        and columns.get("usable", True) == last.row.usable
        and says_the_same(answer.new.annotation, last.annotation)
    )


def is_that(answer: FetchedAnswer, revision: Revision) -> bool:
    """Return whether an answer is exactly this revision, which a restored backup may bring back."""
    return (
        answer.updated_at == revision.row.updated_at
        and answer.skipped == revision.row.skipped
        and says_the_same(answer.new.annotation, revision.annotation)
    )


def judge(answer: FetchedAnswer, before: Sequence[Revision]) -> Judgement:
    """Decide whose answer it is.

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
        # by now the desk may have forgotten what it was made from
        untouched = unchanged and answer.new.columns.get("lead_time") is None
        made_from = answer.made_from or (last.row.made_from if untouched else None)
        return Judgement(answer.author if made_from else who, None, made_from)
    # an earlier time also means a change, after the clock was set back
    by_action = last.row.updated_at is not None and abs(last.row.updated_at - answer.updated_at) < AT_ONCE
    if unchanged or by_action:
        return Judgement(last.row.annotator, last.row.revises, None)
    return Judgement(who, last.row.revises if who == last.row.annotator else last.row.annotator, None)


def judge_again(answer: FetchedAnswer, revisions: Sequence[Revision]) -> str | None:
    """Update problems and slips of the last revision; return what it was made from.

    Its authorship stays as it was judged, unless an earlier version of the program wrote it, which did not know who had
    changed it.
    """
    row, columns = revisions[-1].row, answer.new.columns
    raw = columns.get("raw") or {}
    if row.raw is not None and "updated_by" in raw and "updated_by" not in row.raw:
        judgement = judge(answer, revisions[:-1])
        row.annotator, row.revises, row.made_from = judgement
        if row.revises is not None and len(revisions) > 1:
            supersede(revisions[-2].row, row.annotator)
        row.raw = {**raw, **row.raw}
    row.problems = list(columns.get("problems", ()))
    row.slips = dict(columns.get("slips", {}))
    return row.made_from


def supersede(row: AnnotationRow, editor: str | None) -> None:
    """Mark the last revision that somebody made alone before `editor` changed it."""
    if row.made_from is None and row.revises is None and row.annotator != editor:
        row.superseded = True


def says_the_same(one: Annotation, other: Annotation) -> bool:
    """Return whether two annotations have the same mentions, concepts, notes and relations, apart from ids."""
    return _content(one) == _content(other)


def _content(annotation: Annotation) -> tuple[Hashable, ...]:
    entities = Counter(
        (mention_key(entity), frozenset(entity.concepts), str(entity.extras.get(NOTE, "")))
        for entity in annotation.entities
    )
    relations = Counter(relation_keys(annotation).values())
    return frozenset(entities.items()), frozenset(relations.items()), frozenset(annotation.concept_relations)
