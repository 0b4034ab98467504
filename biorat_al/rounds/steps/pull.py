"""Step 1: fetch what annotators did since the last fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from biorat_al.desk.base import Pull
from biorat_al.people.team.forgotten import Forgotten
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.steps.answered import fetched_answer, lookup
from biorat_al.rounds.steps.settled import Settled, fetch_settling, store_settling
from biorat_al.rounds.team.fetching import Pulled, Visit, fetch, note_seats, united, visits, visits_in_words
from biorat_al.rounds.team.places import DeskPlace
from biorat_al.store.documents import documents_by_key
from biorat_al.store.store import now
from biorat_al.store.tables import DeskProjectRow, MemberProjectRow, StepRow
from biorat_al.store.tasks import FetchedTask, MergeCounts, count_tasks, desk_project, merge
from biorat_al.store.team.members import member_project
from biorat_al.wording import are, plural, verb

_COUNTS = ("new", "changed", "revised", "deleted", "skipped", "unattended", "deleted_tasks", "unknown_tasks")


def run(context: Context) -> Finish:
    """Fetch answers from all projects on the desk; the merged answers and new cursors are committed together."""
    pulled, told = fetch(context, lookup(context))
    settling = fetch_settling(context)
    if not pulled and not settling:
        return nothing("nothing has been asked for yet")

    def finish(session: Session) -> StepResult:
        # a round that waited for annotators has fetched before: add to its counts
        before = session.get_one(StepRow, (context.number, "pull")).counts.get("settled", {})
        result = store_pulls(context, session, pulled, told)
        settled = store_settling(context, session, settling, Settled(**before))
        notices = [*result.counts["notices"], *settled.notices]
        return StepResult(counts=result.counts | settled.as_counts() | {"notices": notices})

    return finish


def store_pulls(context: Context, session: Session, pulled: Pulled, told: Sequence[str] = ()) -> StepResult:
    """Merge fetched answers into the store.

    :param told: further sentences that people should know.
    """
    at = now()
    # a round that waited for annotators has fetched before: add to its counts
    before = session.get_one(StepRow, (context.number, "pull")).counts
    counts: dict[str, int] = {name: before.get(name, 0) for name in _COUNTS}
    counts["drafts"] = 0
    notices = list(told)
    visited: list[Visit] = []
    forgotten = Forgotten.read(session)
    for role, fetched_from in pulled.items():
        some = [(place, forgotten.pull(one)) for place, one in fetched_from]
        pull = united([one for _, one in some])
        keys = [task.key for task in pull.tasks if task.key is not None]
        keys = list(dict.fromkeys([*keys, *(pull.keys or {}).values()]))
        ids = {key: document_id for key, (document_id, _) in documents_by_key(session, keys).items()}
        fetched = [
            FetchedTask(
                ids[task.key],
                task.task_id,
                tuple(fetched_answer(context, ids[task.key], answer) for answer in task.annotations),
                task.drafts,
                complete=task.complete,
                earlier=task.earlier,
                made_at=task.made_at,
            )
            for task in pull.tasks
            if task.key in ids
        ]
        visited += visits(session, some)
        seats = {task_id: pull.seats_of(task_id) for task_id in pull.open_tasks}
        merged = merge(session, role, fetched, pull.existing, at, seats, _places(pull, ids))
        for name in _COUNTS:
            counts[name] += getattr(merged, name)
        counts["unknown_tasks"] += sum(task.key is not None and task.key not in ids for task in pull.tasks)
        counts["drafts"] += sum(task.drafts for task in pull.tasks)
        notices.extend([*pull.notices, *_notices(merged, {number: key for key, number in ids.items()})])
        for place, one in some:
            row = _row(session, place)
            if row is not None:
                row.cursor = one.cursor
        session.flush()
        note_seats(session, some)
        counts[f"open_{role}"] = count_tasks(session, role)["open"]
    notices += visits_in_words(visited)
    return StepResult(counts=counts | {"notices": notices})


def _row(session: Session, place: DeskPlace) -> DeskProjectRow | MemberProjectRow | None:
    if place.member is None:
        return desk_project(session, place.role)
    return member_project(session, place.member.id, place.role)


def _places(pull: Pull, ids: Mapping[str, int]) -> dict[int, list[str]] | None:
    """Return the ids of each document's tasks on the desk; None if the desk does not list them."""
    if pull.keys is None:
        return None
    places: dict[int, list[str]] = {}
    for task_id, key in pull.keys.items():
        if key in ids:
            places.setdefault(ids[key], []).append(task_id)
    return places


def _notices(merged: MergeCounts, keys: Mapping[int, str]) -> list[str]:
    """Return sentences on what happened to answers, as far as people should know."""
    notices = [
        f"{annotator} answered more than one task of the document {keys.get(document_id, '')}; the later answer counts"
        for annotator, document_id in sorted(merged.twice)
    ]
    if merged.restored:
        notices.append(
            f"{plural(merged.restored, 'answer')} that had been deleted {verb(merged.restored, 'are')} in Label Studio "
            "again: counted again"
        )
    if merged.returned:
        notices.append(
            f"{plural(merged.returned, 'task')} had no answer and went with the backup that was restored: "
            f"{'its document' if merged.returned == 1 else 'their documents'} can be asked for again"
        )
    if merged.adopted:
        notices.append(
            f"{plural(merged.adopted, 'task')} in Label Studio {verb(merged.adopted, 'were')} not recorded here, "
            "though of this project's documents: this database was restored from a backup, or somebody imported them; "
            "they are recorded now, and answers on them count"
        )
    if merged.kept:
        notices.append(
            f"{are(merged.kept, 'answer')} no longer in Label Studio, because the task was made again or a "
            f"backup was restored; what we have of it still counts"
        )
    return notices
