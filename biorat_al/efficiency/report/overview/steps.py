"""What to do next in a project, as one to three steps with their commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from biorat_al.people.disputes import counted
from biorat_al.rounds.status import ProjectStatus
from biorat_al.wording import plural

MOST = 3
"""Most steps that are shown."""

ROUND = "biorat-al round"

_TASKS = (("pool", "open task"), ("segment", "open sentence"), ("test", "blind test task"))


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do.

    :param text: what, without a full stop.
    :param command: the command for it, or to run afterwards; otherwise empty.
    """

    text: str
    command: str = ""

    @property
    def sentence(self) -> str:
        """The step as one line of text."""
        return f"{self.text}: {self.command}" if self.command else f"{self.text}."


def next_steps(status: ProjectStatus) -> list[Step]:
    """Return what to do now, according to the last contact with the desk, the most urgent first."""
    last = status.rounds[-1]
    if last.state not in ("done", "waiting") and not last.has_tasks:
        if status.running is not None:
            return [
                Step(f"Wait until round {last.number} ends, which is at the step {last.waiting_for}: {status.running}")
            ]
        return [Step(f"Go on with round {last.number}, which was interrupted at the step {last.waiting_for}", ROUND)]
    return list(islice(_steps(status), MOST))


def _steps(status: ProjectStatus) -> Iterator[Step]:
    tasks = [
        f"{plural(status.tasks[role]['open'], noun)}{f' at {status.urls[role]}' if role in status.urls else ''}"
        for role, noun in _TASKS
        if status.tasks.get(role, {}).get("open")
    ]
    is_open = bool(tasks) and status.desk != "oracle"
    if is_open:
        yield Step(f"Annotate {' and '.join(tasks)} (as counted at the last round); then", ROUND)
    elif tasks or not status.is_used_up:
        yield Step(f"Run round {status.rounds[-1].number + 1}", ROUND)
    if status.disputes is not None and status.disputes.disputed_documents:
        what = counted(status.disputes.mentions, status.disputes.relations)
        where = plural(status.disputes.disputed_documents, "document")
        yield Step(f"Settle what annotators disagree on, {what} in {where}", "biorat-al adjudicate")
    if not tasks and status.is_used_up:
        unit = "sentence" if status.left else "document"
        yield Step("Look for slips in what was annotated", "biorat-al audit")
        yield Step(f"Export the corpus, as every {unit} of the pool has been asked for", "biorat-al export OUT")
