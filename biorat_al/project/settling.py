"""Adjudication and review of an opened project: asking people again, whose answer is the truth from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from biorat_al.desk.base import Desk
from biorat_al.people.settling.upheld import Upheld, count_upheld
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.context import Context, RoundRequest
from biorat_al.rounds.lock import round_lock
from biorat_al.rounds.settling.adjudicating import Only, adjudicate
from biorat_al.rounds.settling.asking import AskedAgain
from biorat_al.rounds.settling.reviewing import review
from biorat_al.settings import Settings, project_guidelines
from biorat_al.store.rounds import newest_round
from biorat_al.store.store import Store


class Settling:
    """What people are asked again, from :attr:`Project.settling`.

    :param desk: opens the desk.
    """

    def __init__(self, folder: Path, settings: Settings, store: Store, desk: Callable[[], Desk]) -> None:
        self._folder = folder
        self._settings = settings
        self._store = store
        self._desk = desk

    def adjudicate(
        self, only: Only = "disputed", *, limit: int | None = None, progress: Progress = SILENT
    ) -> AskedAgain:
        """Fetch what was adjudicated, and bring the project for disputes on the desk up to date.

        :param only: ask for documents with disputes, or for all that several people annotated.
        :param limit: most documents that wait for an adjudicator.
        :raises NothingToDoYet: there is nothing to adjudicate.
        :raises LockedError: a round of this project is running.
        """
        with self._context(progress) as context:
            return adjudicate(context, only, limit)

    def review(
        self,
        *,
        limit: int | None = None,
        label: str | None = None,
        folds: int | None = None,
        progress: Progress = SILENT,
    ) -> AskedAgain:
        """Fetch what was reviewed, and ask again about the documents with the worst findings of the audit.

        :param limit: number of findings, the worst first.
        :param label: only findings on this label.
        :param folds: number of models that are also trained for the audit, as in :meth:`Project.audit`.
        :raises NothingToDoYet: nothing has been annotated, or nothing looks wrong.
        :raises LockedError: a round of this project is running.
        """
        with self._context(progress) as context:
            return review(context, limit, label, folds)

    def upheld(self) -> Upheld:
        """Count how often each annotator was upheld by the adjudicator."""
        with self._store.read() as session:
            return count_upheld(session)

    @contextmanager
    def _context(self, progress: Progress) -> Iterator[Context]:
        """Hold the project's lock, and give what the steps of a round need."""
        project_guidelines(self._folder, self._settings)  # better to report this now
        with round_lock(self._folder, self._store) as lock:
            with self._store.read() as session:
                newest = newest_round(session)
            # the round that will see these answers as new
            number = 0 if newest is None else newest.number + (newest.state == "done")
            yield Context(
                self._folder, self._settings, self._store, self._desk(), number, RoundRequest(), progress, lock.check
            )
