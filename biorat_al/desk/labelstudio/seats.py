"""Seats: how many more answers each task needs.

Label Studio expects as many answers to a task as its ``overlap``, which is one unless somebody raised it. It counts two
answers of one person as two, and also counts annotations that an action made for many tasks at once. Here a person
counts once, and what an action made does not count. A skip takes the seat of the person who skipped; otherwise nobody
could ever finish a task that everybody skips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from biorat_al.corpus.formats.label_studio.answers import Action, made_by_action
from biorat_al.desk.labelstudio.connection import Connection, Json
from biorat_al.desk.labelstudio.listing import Listed, first_few
from biorat_al.desk.labelstudio.pushing import DOCUMENT
from biorat_al.wording import are


class Seats:
    """The seats left at each task of a project.

    :ivar left: number of seats, by id of a task that has any.
    :ivar looked_into: tasks that had to be fetched with their answers for this, without those that were known.
    :ivar closed: tasks that have answers and seats left but that Label Studio considers finished and offers to nobody.
        The reason: it does not check again when somebody raises the overlap of a finished task, and it counts two
        answers of one person as two. Tasks with annotations made by an action are left out, since undoing the action
        opens them.
    """

    def __init__(
        self, connection: Connection, project: str, listed: Sequence[Listed], known: Sequence[Json], fields: str
    ) -> None:
        """Count the seats; fetch the tasks whose numbers of answers leave doubts.

        :param listed: all tasks.
        :param known: tasks that were already fetched with their answers.
        :param fields: fields to fetch of a task with its answers.
        """
        self.left: dict[str, int] = {str(task.id): task.overlap for task in listed if not task.answers}
        self.looked_into: list[Json] = []
        self.closed: list[Json] = []
        labelled = {task.id for task in listed if task.is_labeled}
        existing = {task.id for task in listed}
        shared = {task.id: task.overlap for task in listed if task.answers and task.overlap > 1}
        for task in self._in_doubt(connection, project, known, list(shared), fields):
            if not task["annotations"] or task["id"] not in existing:
                continue
            self.left.pop(str(task["id"]), None)
            seats = shared.get(task["id"], 1) - len(_seated(task))
            if seats > 0:
                self.left[str(task["id"])] = seats
                if task["id"] in labelled and not any(map(made_from, task["annotations"])):
                    self.closed.append(task)

    def notices(self) -> list[str]:
        """Say which tasks need answers but are offered to nobody, and how to open them."""
        if not self.closed:
            return []
        names = [f"document {task['data'].get(DOCUMENT)} (task {task['id']})" for task in self.closed]
        one = len(names) == 1
        return [
            f"{are(len(names), 'task')} to be answered by more people, but Label Studio takes "
            f"{'it' if one else 'them'} for finished and offers {'it' if one else 'them'} to nobody, since the overlap "
            f"was raised afterwards or somebody answered twice: {first_few(names)}. To open one again, send its "
            'overlap and is_labeled together: PATCH /api/tasks/TASK/ with {"overlap": 2, "is_labeled": false}'
        ]

    def _in_doubt(
        self, connection: Connection, project: str, known: Sequence[Json], shared: Sequence[int], fields: str
    ) -> Iterator[Json]:
        """Yield the tasks whose numbers of answers do not show how many people gave them."""
        yield from known
        seen = {task["id"] for task in known}
        # the editor sends how long an answer took; an action does not
        nobody = [
            {"filter": "filter:tasks:avg_lead_time", "operator": "empty", "type": "Number", "value": True},
            {"filter": "filter:tasks:total_annotations", "operator": "greater", "type": "Number", "value": 0},
        ]
        for tasks in (
            connection.tasks(project, nobody, fields="all", include=fields),
            connection.tasks_where(
                project, "id", [ident for ident in shared if ident not in seen], fields="all", include=fields
            ),
        ):
            for task in tasks:
                if task["id"] not in seen:
                    seen.add(task["id"])
                    self.looked_into.append(task)
                    yield task


def made_from(answer: Json) -> Action | None:
    """Return what an action made an annotation from without anybody looking at it, or None if a person made it."""
    return made_by_action(answer, score_tells=True)


def _seated(task: Json) -> set[str]:
    """Return who has answered or skipped a task."""
    return {
        str(answer.get("completed_by") or f"answer {answer['id']}")
        for answer in task["annotations"]
        if made_from(answer) is None
    }
