"""The group of annotators of an opened project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al.errors import DeskError, NothingToDoYet, UsageError
from biorat_al.progress import SILENT, Progress
from biorat_al.settings import Settings
from biorat_al.store.store import Store

if TYPE_CHECKING:
    from biorat_al.desk.base import Desk, Person
    from biorat_al.people.team.forgetting import ForgottenPerson
    from biorat_al.people.team.joining import FormerMember, Invitation
    from biorat_al.people.team.work import PersonWork
    from biorat_al.rounds.team.moving import Moved


@dataclass(frozen=True, slots=True)
class TeamStatus:
    """What each person of a group has done.

    :param people: the members in the order in which they joined, and then everybody else who has answered.
    :param desk_problem: why the desk did not say who has an account there; empty if it did, or was not asked.
    """

    people: tuple[PersonWork, ...]
    desk_problem: str = ""


@dataclass(frozen=True, slots=True)
class Team:
    """The annotators and adjudicators of a project: :attr:`biorat_al.Project.team`.

    :param desk: returns the project's desk.
    """

    folder: Path
    settings: Settings
    store: Store
    desk: Callable[[], Desk]

    def add(self, names: Sequence[str], *, adjudicators: Sequence[str] = ()) -> Invitation:
        """Add people and return what they need to begin; see :func:`biorat_al.people.team.joining.join`.

        :raises UsageError: one of the names cannot be added; then nobody is.
        :raises DeskError: the desk does not say who has an account there.
        """
        from biorat_al.people.team.joining import join

        return join(self.store, self.desk(), names, adjudicators=adjudicators)

    def status(self, *, ask_desk: bool = True) -> TeamStatus:
        """Return what each person was asked for and has done.

        :param ask_desk: also ask who has an account and when each was last active; if the desk does not answer, the
            status says so.
        """
        from biorat_al.people.team.work import team_work

        people: Mapping[str, Person] | None = None
        problem = ""
        if ask_desk:
            try:
                people = self.desk().people()
            except DeskError as error:
                problem = str(error)
        with self.store.read() as session:
            return TeamStatus(tuple(team_work(session, self.settings, people)), problem)

    def leave(self, name: str) -> FormerMember:
        """Record that somebody gets no more tasks.

        :raises UsageError: nobody with this name is in the team.
        """
        from biorat_al.people.team.joining import leave

        with self.store.write() as session:
            return leave(session, name)

    def reassign(self, name: str, to: str, *, limit: int | None = None, progress: Progress = SILENT) -> Moved:
        """Give tasks that somebody has not answered to somebody else; answers stay where they are.

        :param limit: most tasks to move, those that were given last; None moves all.
        :raises UsageError: one of the two is not in the team, or no annotator gets the tasks.
        :raises NothingToDoYet: no task is open.
        :raises LockedError: a round is running.
        """
        from biorat_al.people.team.names import present_member
        from biorat_al.rounds.context import Context, RoundRequest
        from biorat_al.rounds.lock import round_lock
        from biorat_al.rounds.team.moving import move
        from biorat_al.store.rounds import newest_round
        from biorat_al.store.team.seats import TO_COME, seats_in_state

        with round_lock(self.folder, self.store) as lock:
            with self.store.read() as session:
                giver, taker = present_member(session, name, with_left=True), present_member(session, to)
                row = newest_round(session)
                waiting = seats_in_state(session, *TO_COME, member_id=giver.id)
            if giver.id == taker.id:
                raise UsageError(f"the tasks of {giver.name} are to go to {taker.name}, who has them already")
            if taker.role != "annotator":
                raise UsageError(f"{taker.name} is in the team as {taker.role}; tasks can only go to an annotator")
            if row is None or not waiting:
                raise NothingToDoYet(f"{giver.name} has no open task, so there is nothing to move")
            context = Context(
                self.folder, self.settings, self.store, self.desk(), row.number, RoundRequest(), progress, lock.check
            )
            return move(context, giver, taker, limit)

    def forget(self, name: str) -> ForgottenPerson:
        """Remove somebody's name from the database, and keep the work under a pseudonym.

        :raises UsageError: nobody with this name is in the project, or tasks are open for this person.
        :raises LockedError: a round is running, which may write the name again.
        """
        from biorat_al.people.team.forgetting import files_with, forget
        from biorat_al.rounds.lock import round_lock

        with round_lock(self.folder, self.store):
            with self.store.write() as session:
                person = forget(session, name)
            self.store.compact()
        return replace(person, files=tuple(files_with(self.folder, name)))
