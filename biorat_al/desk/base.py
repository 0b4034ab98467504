"""The place where people annotate: one small interface, whoever stands behind it.

To the loop Label Studio and the oracle are the same. A desk knows nothing of rounds or of the store; what has to be
remembered (project references, cursors, task ids) is handed back to the caller, who keeps it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from biorat_al.corpus.formats.label_studio.answers import Action
from biorat_al.corpus.model.document import Annotation, Document, Entity, Relation
from biorat_al.corpus.model.slips import NO_SLIPS, Slips
from biorat_al.settings import Guidelines, RelationType

Role = Literal["pool", "test"]
"""``pool``: documents with pre-labels. ``test``: the blind held-out documents, without."""

Documents = Callable[[Sequence[str]], Mapping[str, Document]]
"""Looks documents up by id; unknown ids are left out."""


@dataclass(frozen=True, slots=True)
class PreAnnotation:
    """What a model proposes for one document.

    :param confidence: in [0, 1]; annotators get the lowest first.
    :param relations: between the entities, by their ids; each may have the model's confidence in [0, 1] as
        ``extras["score"]``.
    """

    model_version: str
    confidence: float
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A document to be annotated.

    :param key: stable and unique within the project; a task is looked up by it before it is pushed again.
    :param pre_annotation: None in the blind test set and in the seed batch.
    """

    key: str
    document: Document
    pre_annotation: PreAnnotation | None = None


@dataclass(frozen=True, slots=True)
class DeskProject:
    """Where the tasks of one role live.

    :param reference: the desk's own identifier, kept by the caller.
    :param url: where a person finds it; never with a secret in it.
    :param labels: the entity labels that the project was asked to have; empty where the caller does not know them.
        With them a pull can say which of them people have renamed or removed.
    :param notices: one sentence for each thing that a person should know (labels that people changed).
    :param relations: the relation types that it was asked to have. By them a pull understands what annotators drew.
    :param lacking: entity labels and relation labels of these that annotators cannot choose, since people changed the
        labelling configuration.
    :param at: when it was brought up to date, by the desk's clock and not too early; None where the desk does not say.
    """

    role: Role
    reference: str
    url: str
    labels: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    relations: tuple[RelationType, ...] = ()
    lacking: frozenset[str] = frozenset()
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DeskAnnotation:
    """One annotator's answer to one task, as it was fetched.

    :param id: the desk's own identifier, stable over edits.
    :param annotator: e-mail or name as the desk has it.
    :param skipped: the annotator refused the task. What `annotation` holds then is not an answer.
    :param annotation: what could be understood of the answer; empty means that there is nothing in the document.
    :param lead_time: seconds that the annotator spent, if the desk says so.
    :param shown_version: version of the model whose pre-label the annotator started from, if any.
    :param raw: the answer as the desk sent it, kept so that nothing is lost.
    :param problems: one sentence for each thing that could not be understood.
    :param usable: whether `annotation` may count as the annotator's answer; False where the task's text is not the
        document's, so that no offset means anything.
    :param ground_truth: marked as such. In Label Studio's community edition only its API can do that.
    :param made_from: what an action over many tasks made it from, without anybody looking at it: a ``prediction``, or
        the answer of another task (``propagated``). Then it is no answer. None for what a person did.
    :param editor: who changed it last, if that was somebody else than `annotator` and after it had been handed in.
    :param copied_from: who gave the answer that this one was begun as a copy of, if that was somebody else.
    :param slips: what was put right in `annotation`; `raw` has it as it was drawn.
    """

    id: str
    annotator: str
    created_at: datetime
    updated_at: datetime
    skipped: bool
    annotation: Annotation
    lead_time: float | None = None
    shown_version: str | None = None
    ground_truth: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    usable: bool = True
    made_from: Action | None = None
    editor: str | None = None
    copied_from: str | None = None
    slips: Slips = NO_SLIPS

    @property
    def is_an_answer(self) -> bool:
        """Whether a person handed it in and did not skip the task."""
        return not self.skipped and self.made_from is None


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task that changed since the cursor, with all its answers.

    :param key: None for a task that somebody made by hand.
    :param drafts: answers that were begun and not submitted.
    :param complete: whether all its answers are given; if not, a known one that is missing may be given the next time.
    :param earlier: whether it went back to an earlier state, as by a backup; then one that is missing was not deleted.
    :param made_at: when the desk made the task, by its own clock.
    """

    task_id: str
    key: str | None
    annotations: tuple[DeskAnnotation, ...]
    drafts: int = 0
    complete: bool = True
    earlier: bool = False
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pull:
    """What has happened since the cursor.

    :param tasks: tasks that changed; a known answer that is missing from its task was deleted.
    :param existing: ids of all tasks that are there now; a known task that is not among them was deleted.
    :param open_tasks: ids of the tasks that want more answers: one that two people are to answer, and one has, is open.
        A skip counts here as an answer; what an action made does not, nor does a person's second answer.
    :param begun: ids of the tasks, among all that are there, with a draft that was not submitted.
    :param cursor: hand it to the next pull.
    :param notices: one sentence for each thing that a person should know (a changed labelling configuration, a task
        made by hand).
    :param seats: how many more people are to answer, by id of an open task; one where nothing is said.
    :param keys: the key of each task that is there now, by id, so that a document's copies are known; None where the
        desk never has two tasks of one key.
    """

    tasks: tuple[TaskState, ...]
    existing: frozenset[str]
    open_tasks: frozenset[str]
    cursor: str
    notices: tuple[str, ...] = ()
    begun: frozenset[str] = frozenset()
    seats: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, str] | None = None

    def seats_of(self, task_id: str) -> int:
        """How many more people are to answer a task."""
        return self.seats.get(task_id, 1) if task_id in self.open_tasks else 0

    @property
    def open_seats(self) -> int:
        """How many answers are still to come, over all tasks."""
        return sum(map(self.seats_of, self.open_tasks))


class Desk(ABC):
    """A place where people annotate.

    Every method raises :class:`~biorat_al.errors.DeskUnreachableError` where there is no answer and
    :class:`~biorat_al.errors.DeskAccessError` where the token is refused. All of them can be repeated without harm.

    :cvar settle_seconds: how long a request that was cut off may still be at work on the other side, from when that
        first answers again; so long :meth:`find` is asked anew before anything is pushed a second time.
    """

    kind: str
    settle_seconds: float = 0.0

    @abstractmethod
    def address(self) -> str:
        """Where people find it, without any secret."""

    @abstractmethod
    def check(self) -> None:
        """Raise unless the desk answers and accepts the token."""

    @abstractmethod
    def prepare(
        self,
        role: Role,
        title: str,
        labels: Sequence[str],
        reference: str | None = None,
        *,
        marker: str = "",
        relations: Sequence[RelationType] = (),
        guidelines: Guidelines | None = None,
    ) -> DeskProject:
        """Make sure that there is a project for `role`, with these entity labels and relation types.

        :param reference: the one that an earlier call gave; None looks for one that an interrupted call may have left
            behind (by title and marker) and else makes one.
        :param marker: tells apart projects of the same title; kept where annotators are not bothered by it.
        :param guidelines: what annotators are shown besides the general rules.
        :raises DeskError: the project of `reference` is gone.
        """

    @abstractmethod
    def push(self, project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        """Make the tasks in one request and return task ids by key.

        Never retries blindly: where the answer is lost, it looks up what arrived before it says that it failed.
        Keys that are there already are not looked for; the caller does that with :meth:`find`.

        :raises DeskError: something in a task is invalid; then none of them was made.
        """

    @abstractmethod
    def find(self, project: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the ids of the tasks that are there, by key; absent keys are left out."""

    @abstractmethod
    def add_pre_annotations(self, project: DeskProject, pre_annotations: Mapping[str, PreAnnotation]) -> None:
        """Give tasks (by task id) a further pre-annotation; a task that has one of that version keeps it."""

    @abstractmethod
    def publish(self, project: DeskProject, model_version: str) -> None:
        """Show the pre-annotations of `model_version` from now on.

        Older ones may go from tasks that nobody has answered or begun, where nobody can lose work by it. A task never
        stands without a pre-annotation in between.
        """

    @abstractmethod
    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        """Fetch what has happened since `cursor` (None: from the beginning)."""
