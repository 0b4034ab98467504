"""Places: the projects on the desk that have the tasks of a role, everybody's or one member's."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import DeskRole, Role
from biorat_al.desk.base import DeskProject, Personal
from biorat_al.rounds.context import Context
from biorat_al.settings import Settings, project_guidelines
from biorat_al.store.tables import DeskProjectRow, MemberProjectRow, MemberRow
from biorat_al.store.tasks import desk_project
from biorat_al.store.team.members import member_project, member_projects, members


@dataclass(frozen=True, slots=True)
class DeskPlace:
    """A project on the desk.

    :param member: whose project it is; None: everybody's.
    :param row: what is known of it.
    """

    role: Role
    member: MemberRow | None
    row: DeskProjectRow | MemberProjectRow

    @property
    def member_id(self) -> int | None:
        """Number of the member whose project it is."""
        return None if self.member is None else self.member.id


def places_of(session: Session, role: Role) -> list[DeskPlace]:
    """Return the projects that have tasks of a role: everybody's, then those of the members, also of former ones."""
    common = desk_project(session, role)
    people = {member.id: member for member in members(session, with_left=True)}
    found = [] if common is None else [DeskPlace(role, None, common)]
    return found + [DeskPlace(role, people[row.member_id], row) for row in member_projects(session, role)]


def project_of(row: DeskProjectRow | MemberProjectRow, role: DeskRole, settings: Settings) -> DeskProject:
    """Return the desk's project that a row refers to."""
    return DeskProject(role, row.reference, row.url, settings.labels, relations=settings.relations)


def prepared(context: Context, role: DeskRole, member: MemberRow | None = None) -> DeskProject:
    """Make sure that a project exists on the desk, and bring it up to date.

    :param member: whose project it is; None: everybody's.
    """
    with context.store.read() as session:
        row = desk_project(session, role) if member is None else member_project(session, member.id, role)
        uid = context.store.project().uid
    project = context.desk.prepare(
        role,
        context.settings.name,
        context.settings.labels,
        row.reference if row else None,
        marker=uid if member is None else Personal(uid, member.name, member.id),
        relations=context.settings.relations,
        guidelines=project_guidelines(context.folder, context.settings),
    )
    if row is None:
        values = {"role": role, "kind": context.desk.kind, "reference": project.reference, "url": project.url}
        with context.store.write() as session:
            if member is None:
                session.add(DeskProjectRow(**values, cursor=None))
            else:
                session.add(MemberProjectRow(member_id=member.id, **values, cursor=None))
    return project
