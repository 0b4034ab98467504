"""Fetching the answers of people who were asked again; they are the truth of their documents from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.role import SETTLING_ROLES, SettlingRole
from biorat_al.desk.base import DeskAnnotation, Pull, TaskState
from biorat_al.errors import DeskProjectGoneError
from biorat_al.people.settling.accepted import accepted, with_rest, without_holders
from biorat_al.people.settling.contested import outdated
from biorat_al.people.settling.values import differences_of
from biorat_al.people.team.forgotten import Forgotten
from biorat_al.rounds.context import Context
from biorat_al.rounds.steps.answered import fetched_answer, lookup
from biorat_al.rounds.team.places import project_of
from biorat_al.store.answers import gold_annotations
from biorat_al.store.documents import documents_by_key
from biorat_al.store.known_answers import HOME
from biorat_al.store.settling.answers import merge_settling
from biorat_al.store.settling.settlements import key_parts, settlements
from biorat_al.store.store import now
from biorat_al.store.tables import SettlementRow
from biorat_al.store.tasks import FetchedTask, desk_project
from biorat_al.wording import plural, shortened

COMMANDS: Mapping[SettlingRole, str] = {"disputes": "biorat-al adjudicate", "review": "biorat-al audit --push"}
"""Commands that make the projects."""

_LISTED = 5


@dataclass(frozen=True, slots=True)
class Settled:
    """What was fetched of documents on which people were asked again.

    :param new: number of new answers; `changed`, `deleted` and `skipped` likewise.
    """

    new: int = 0
    changed: int = 0
    deleted: int = 0
    skipped: int = 0
    notices: tuple[str, ...] = ()

    def as_counts(self) -> dict[str, Any]:
        """Return the numbers as the counts of a step; empty if nothing was fetched."""
        counts = {"new": self.new, "changed": self.changed, "deleted": self.deleted, "skipped": self.skipped}
        return {"settled": counts} if any(counts.values()) else {}


NOTHING_SETTLED = Settled()
"""Nothing was fetched."""


def fetch_settling(context: Context) -> dict[SettlingRole, Pull | None]:
    """Fetch what happened in the projects for documents to settle; None for a project that was deleted."""
    with context.store.read() as session:
        rows = {kind: desk_project(session, kind) for kind in SETTLING_ROLES}
    pulls: dict[SettlingRole, Pull | None] = {}
    for kind, row in rows.items():
        if row is None:
            continue
        with context.progress.bar(f"Fetching answers ({kind})"):
            try:
                project = project_of(row, kind, context.settings)
                pulls[kind] = context.desk.pull(project, lookup(context), row.cursor)
            except DeskProjectGoneError:
                pulls[kind] = None
    return pulls


def store_settling(
    context: Context, session: Session, pulls: Mapping[SettlingRole, Pull | None], before: Settled = NOTHING_SETTLED
) -> Settled:
    """Merge what was fetched into the store, with the new cursors.

    :param before: what was fetched earlier; the result adds to it.
    """
    total, forgotten = before, Forgotten.read(session)
    for kind, pull in pulls.items():
        if pull is None:
            notice = (
                f"the project for {_what(kind)} no longer exists on the desk; what was answered in it still counts. To "
                f"make it anew: {COMMANDS[kind]}"
            )
            total = replace(total, notices=(*total.notices, notice))
            continue
        total = _merged(context, session, kind, forgotten.pull(pull), total)
    if "disputes" in pulls:
        session.flush()
        total = replace(total, notices=(*total.notices, *_outdated_notices(session)))
    return total


def _merged(context: Context, session: Session, kind: SettlingRole, pull: Pull, total: Settled) -> Settled:
    rows, of_disputes = settlements(session, kind), kind == "disputes"
    keys = {task.key: key_parts(task.key)[0] for task in pull.tasks if task.key is not None}
    ids = {key: row_id for key, (row_id, _) in documents_by_key(session, list(set(keys.values()))).items()}
    gold = gold_annotations(session, list(ids)) if kind == "review" else {}
    notices = list(pull.notices)
    fetched = []
    for task in pull.tasks:
        if task.key is None or keys[task.key] not in ids:
            continue
        document, digest = key_parts(task.key)
        document_id = ids[document]
        asked = next((row for row in rows if row.document_id == document_id and row.digest.startswith(digest)), None)
        given = tuple(
            fetched_answer(
                context, document_id, _read(answer, task, asked if of_disputes else None, gold.get(document))
            )
            for answer in task.annotations
        )
        fetched.append(
            FetchedTask(document_id, task.task_id, given, task.drafts, task.complete, task.earlier, task.made_at)
        )
    merged = merge_settling(session, kind, fetched, pull.existing, now())
    row = desk_project(session, kind)
    if row is not None:
        row.cursor = pull.cursor
    if merged.unattended:
        notices.append(
            f"{plural(merged.unattended, 'annotation')} in the project for {_what(kind)} not counted, since nobody has "
            "looked at them"
        )
    return Settled(
        total.new + merged.new,
        total.changed + merged.changed,
        total.deleted + merged.deleted,
        total.skipped + merged.skipped,
        (*total.notices, *notices),
    )


def _read(
    answer: DeskAnnotation, task: TaskState, asked: SettlementRow | None, gold: Annotation | None
) -> DeskAnnotation:
    """Return an answer as ground truth, with one annotator accepted, if one was.

    :param asked: the settlement in which an annotator can be accepted.
    :param gold: an annotation of the document that may have more than annotators can mark.
    """
    annotation = without_holders(answer.annotation)
    problems = answer.problems
    if answer.side is not None and asked is not None:
        try:
            annotation = accepted(annotation, differences_of(asked.shown), answer.side)
        except ValueError as error:
            problems = (*problems, f"an annotator was accepted who did not annotate this document: {error}")
    if gold is not None:
        annotation = with_rest(annotation, gold)
    raw = {**answer.raw, HOME: task.task_id}
    return replace(answer, annotation=annotation, problems=problems, raw=raw, ground_truth=True, shown_version=None)


def _outdated_notices(session: Session) -> list[str]:
    keys = outdated(session)
    if not keys:
        return []
    shown = ", ".join(shortened(key, 100) for key in keys[:_LISTED])
    more = f" and {len(keys) - _LISTED:,} more" if len(keys) > _LISTED else ""
    return [
        f"annotators have changed their answers to {plural(len(keys), 'document')} since it was adjudicated "
        f"({shown}{more}); the adjudicated answer counts. To look at it again: {COMMANDS['disputes']}"
    ]


def _what(kind: SettlingRole) -> str:
    return "disputes" if kind == "disputes" else "findings of the audit"
