"""Batches: what goes to each project on the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import Role
from biorat_al.desk.base import PreAnnotation
from biorat_al.rounds.half_done import half_done_tasks, shown_before
from biorat_al.rounds.team.places import places_of
from biorat_al.settings import Settings
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.tables import MemberRow, TaskRow
from biorat_al.store.tasks import tasks_in_state
from biorat_al.store.team.members import members
from biorat_al.store.team.seats import UNSENT, seats_in_state


@dataclass(frozen=True, slots=True)
class ProjectBatch:
    """What goes to one project.

    :param member: whose project it is; None: everybody's.
    :param picked: row ids of what is asked for, in the order in which it is sent.
    :param proposed: pre-labels by row id.
    :param relabelled: newest pre-labels of tasks that are still open, by the desk's task id.
    :param again: pre-labels that stay with tasks which another annotator has answered already, likewise.
    :param half_done: row ids of the documents of these.
    :param version: version of the pre-labels; None: there are none.
    :param waits: test documents wait here for an answer.
    :param is_known: the project was made in an earlier round.
    :param is_at_work: new tasks go to such a project: a member's who is an annotator, or everybody's without a group.
    """

    role: Role
    member: MemberRow | None
    picked: Sequence[int]
    proposed: Mapping[int, PreAnnotation]
    relabelled: Mapping[str, PreAnnotation]
    again: Mapping[str, PreAnnotation]
    version: str | None
    waits: bool
    is_known: bool
    is_at_work: bool
    half_done: frozenset[int] = frozenset()

    @property
    def concerns_anything(self) -> bool:
        """Whether anything is sent."""
        return bool(self.picked or self.relabelled or self.again)

    @property
    def is_shown(self) -> bool:
        """Whether the version is shown from now on."""
        return bool(self.relabelled) or any(one in self.proposed for one in self.picked)


@dataclass(frozen=True, slots=True)
class RoundBatch:
    """What a round asks for, of all roles.

    :param picked: row ids of documents and segments of the pool, in the order in which they are sent.
    :param test: row ids of test documents, likewise.
    :param earlier: tasks of earlier rounds that are still open, but for test documents.
    :param proposed: pre-labels by row id, of `version`.
    """

    picked: Sequence[int]
    test: Sequence[int]
    earlier: Sequence[TaskRow]
    proposed: Mapping[int, PreAnnotation]
    version: str | None


def batches_of(session: Session, role: Role, asked: RoundBatch, settings: Settings) -> list[ProjectBatch]:
    """Return what goes to each project of a role: everybody's, then each member's."""
    wanted = list(asked.test) if role == "test" else _of_role(session, role, asked.picked)
    proposed = {} if role == "test" else asked.proposed
    seats = seats_in_state(session, *UNSENT, "open", "answered", "skipped", "deleted", role=role)
    seated = {seat.document_id for seat in seats}
    kept: dict[int, PreAnnotation] = {}
    half_done: dict[int, str] = {}
    if asked.version is not None and role != "test":
        tasks = half_done_tasks(session, role, asked.version)
        kept = shown_before(session, tasks, asked.version, settings)
        half_done = {task.document_id: str(task.desk_task_id) for task in tasks if task.document_id in kept}
    # the newest model has learnt from what the other person answered
    begun = {task.document_id for task in tasks_in_state(session, role, "answered", "skipped")}
    common_half_done = frozenset(half_done.keys() - seated)
    open_tests = tasks_in_state(session, role, "open") if role == "test" else []
    annotators = {member.id for member in members(session, "annotator")}
    known = {place.member_id for place in places_of(session, role)}
    common = ProjectBatch(
        role,
        None,
        [one for one in wanted if one not in seated],
        proposed,
        {
            task.desk_task_id: proposed[task.document_id]
            for task in asked.earlier
            if task.role == role
            and task.desk_task_id is not None
            and task.document_id in proposed
            and task.document_id not in seated
        },
        {half_done[one]: kept[one] for one in common_half_done},
        asked.version,
        waits=any(task.document_id not in seated for task in open_tests),
        is_known=None in known,
        is_at_work=not annotators,
        half_done=common_half_done,
    )
    places = {one: number for number, one in enumerate(wanted)}
    batches = [common]
    for member in members(session, with_left=True):
        given = [seat for seat in seats if seat.member_id == member.id]
        unsent = [seat.document_id for seat in given if seat.state in UNSENT]
        blind = {seat.document_id for seat in given if not seat.pre_labels}
        waiting = [seat for seat in given if seat.state == "open"]
        to_come = {*unsent, *(seat.document_id for seat in waiting)}
        own_half_done = frozenset(to_come & kept.keys() - blind)
        seen = {document: one for document, one in proposed.items() if document not in blind}
        # a task that is sent late, or again, shows what the other person saw
        seen |= {document: kept[document] for document in unsent if document in own_half_done}
        batches.append(
            ProjectBatch(
                role,
                member,
                sorted(unsent, key=lambda one: places.get(one, len(places))),
                seen,
                {
                    seat.desk_task_id: seen[seat.document_id]
                    for seat in waiting
                    if seat.desk_task_id is not None and seat.document_id in seen.keys() - begun
                },
                {
                    seat.desk_task_id: kept[seat.document_id]
                    for seat in waiting
                    if seat.desk_task_id is not None and seat.document_id in own_half_done
                },
                asked.version,
                waits=role == "test" and bool(waiting),
                is_known=member.id in known,
                is_at_work=member.id in annotators,
                half_done=own_half_done,
            )
        )
    return batches


def _of_role(session: Session, role: Role, picked: Sequence[int]) -> list[int]:
    """Return those of what was picked that are documents, or segments, as the role says."""
    parts = parents_of(session, picked)
    return [one for one in picked if (one in parts) == (role == "segment")]
