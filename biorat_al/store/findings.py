"""Findings in the current answers that a person should know; every round reports them until they are corrected."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import case, null, or_, select
from sqlalchemy.orm import Session

from biorat_al.store.known_answers import HOME
from biorat_al.store.tables import AnnotationRow, DocumentRow, TaskRow


@dataclass(frozen=True, slots=True)
class AnswerPlace:
    """The place of an answer.

    :param document: the document's id that the user knows.
    :param role: role of the project on the desk that has the task.
    :param task: the desk's id of the task.
    :param annotation: the desk's id of the answer.
    :param annotator: its author, or the user in whose name it was made.
    """

    document: str
    role: str
    task: str | None
    annotation: str | None
    annotator: str | None


@dataclass(frozen=True, slots=True)
class Unattended:
    """An annotation that an action made without anybody looking at it, so that it does not count as an answer.

    :param made_from: ``prediction`` or ``propagated``.
    """

    place: AnswerPlace
    made_from: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A sentence about a part of an answer that could not be understood."""

    place: AnswerPlace
    problem: str


@dataclass(frozen=True, slots=True)
class Tidied:
    """An answer in which slips were corrected: mentions trimmed, and mentions joined with an identical one."""

    place: AnswerPlace
    trimmed: int
    joined: int


@dataclass(frozen=True, slots=True)
class Revised:
    """An answer that somebody other than its author changed or copied.

    :param of: author of the answer that was changed or copied.
    """

    place: AnswerPlace
    of: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings, in the order of the documents."""

    unattended: tuple[Unattended, ...] = ()
    problems: tuple[NotUnderstood, ...] = ()
    slips: tuple[Tidied, ...] = ()
    revised: tuple[Revised, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the findings as JSON values."""
        return {
            name: [{key: item for key, item in values.items() if key != "place"} | values["place"] for values in items]
            for name, items in asdict(self).items()
        }


def findings(session: Session) -> Findings:
    """Collect the findings in the current answers of all tasks that are still on the desk."""
    rows = session.execute(
        select(
            DocumentRow.key,
            TaskRow.role,
            TaskRow.desk_task_id,
            AnnotationRow.desk_annotation_id,
            AnnotationRow.annotator,
            AnnotationRow.made_from,
            AnnotationRow.skipped,
            AnnotationRow.problems,
            AnnotationRow.slips,
            AnnotationRow.revises,
            AnnotationRow.settles,
            case((AnnotationRow.settles.is_not(None), AnnotationRow.raw), else_=null()),
        )
        .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
        .outerjoin(TaskRow, TaskRow.id == AnnotationRow.task_id)
        .where(
            AnnotationRow.source == "person",
            AnnotationRow.current.is_(True),
            or_(TaskRow.state != "deleted", AnnotationRow.settles.is_not(None)),
        )
        .order_by(AnnotationRow.document_id, AnnotationRow.id)
    )
    unattended: list[Unattended] = []
    problems: list[NotUnderstood] = []
    slips: list[Tidied] = []
    revised: list[Revised] = []
    for key, role, task, *where, made_from, skipped, wrong, tidied, of, settles, raw in rows:
        place = AnswerPlace(key, settles or role, str((raw or {}).get(HOME)) if settles else task, *where)
        if made_from is not None:
            unattended.append(Unattended(place, made_from))
            continue
        if of is not None:
            revised.append(Revised(place, of))
        if skipped:
            continue
        problems += [NotUnderstood(place, str(sentence)) for sentence in wrong]
        if any(tidied.values()):
            slips.append(Tidied(place, tidied.get("trimmed", 0), tidied.get("joined", 0)))
    return Findings(tuple(unattended), tuple(problems), tuple(slips), tuple(revised))
