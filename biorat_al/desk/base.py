"""The interface of every desk, and the values that it takes and returns.

The loop treats Label Studio and the oracle alike. A desk does not know rounds or the store: it returns what has to be
remembered (project references, cursors, task ids), and the caller keeps it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from biorat_al.corpus.formats.label_studio.answers import Action
from biorat_al.corpus.model.document import Annotation, Document, Entity, Relation
from biorat_al.corpus.model.role import DeskRole
from biorat_al.corpus.model.slips import NO_SLIPS, Slips
from biorat_al.corpus.segments import PartOfDocument
from biorat_al.settings import Guidelines, RelationType

Documents = Callable[[Sequence[str]], Mapping[str, Document]]
"""A function that looks documents up by id and leaves out unknown ids."""


@dataclass(frozen=True, slots=True)
class PreAnnotation:
    """A model's proposal for one document.

    :param confidence: in [0, 1]; annotators get the documents with the lowest confidence first.
    :param relations: relations between the entities, by entity id; ``extras["score"]`` may hold the model's confidence
        in [0, 1].
    """

    model_version: str
    confidence: float
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a :class:`Sheet`.

    :param title: what it is about, in a few words.
    :param excerpt: the place in the text: what comes before it, the place itself, and what comes after it.
    :param cells: a text for each further column.
    """

    title: str
    excerpt: tuple[str, str, str]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table above the text of a document that is settled: who has marked what, or what an audit found.

    :param heading: a sentence above the table.
    :param columns: headings of all columns but the first.
    :param sides: letters of the annotators, one of whom can be accepted as a whole; empty if there are none.
    """

    heading: str
    columns: tuple[str, ...] = ()
    rows: tuple[SheetRow, ...] = ()
    sides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A document to annotate, or a segment of one, which is handled like a document of its own.

    :param key: stable and unique within the project; the caller looks a task up by it before pushing it again.
    :param pre_annotation: None in the blind test set and in the seed batch.
    :param of: for a segment, the whole document and the segment's place in its text: annotators can read what comes
        before and after the segment, and cannot mark it.
    :param sheet: a table above the text, in a project in which documents are settled.
    """

    key: str
    document: Document
    pre_annotation: PreAnnotation | None = None
    of: PartOfDocument | None = None
    sheet: Sheet | None = None


@dataclass(frozen=True, slots=True)
class Personal:
    """The marker of a project that one person of a group works in.

    :param marker: of the caller's project.
    :param name: the person's name, as the desk knows it; the title of the project has it too.
    :param number: distinguishes the people of a group, and decides the project's colour.
    """

    marker: str
    name: str
    number: int

    @property
    def word(self) -> str:
        """The marker that distinguishes this project from those of other people."""
        return f"{self.marker}.{self.number}"


@dataclass(frozen=True, slots=True)
class DeskProject:
    """The project on the desk that has the tasks of one role.

    :param reference: the desk's identifier of the project, kept by the caller.
    :param url: address for people; never contains a secret.
    :param labels: the entity labels that the project should have; empty where the caller does not know them. From them
        a pull sees which labels people have renamed or removed.
    :param notices: one sentence for each thing that a person should know (labels that people changed).
    :param relations: the relation types that the project should have. A pull needs them to understand the relations
        that annotators drew.
    :param lacking: those of these labels that annotators cannot choose, because people changed the labelling
        configuration.
    :param at: when the project was brought up to date, by the desk's clock and never too early; None if the desk does
        not tell the time.
    """

    role: DeskRole
    reference: str
    url: str
    labels: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    relations: tuple[RelationType, ...] = ()
    lacking: frozenset[str] = frozenset()
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DeskAnnotation:
    """One annotator's answer to one task, as fetched.

    :param id: the desk's identifier of the answer; edits do not change it.
    :param annotator: e-mail or name, as the desk knows the person.
    :param skipped: the annotator skipped the task. Then `annotation` is not an answer.
    :param annotation: the part of the answer that could be understood; empty means "nothing here".
    :param lead_time: seconds that the annotator spent, if the desk reports them.
    :param shown_version: version of the model whose pre-label the annotator started from, if any.
    :param raw: the answer as the desk sent it, kept so that nothing is lost.
    :param problems: one sentence for each thing that could not be understood.
    :param usable: whether `annotation` may count as the annotator's answer; False where the text of the task differs
        from the text of the document, so that the offsets are meaningless.
    :param ground_truth: marked as ground truth. In Label Studio's community edition only its API can do that.
    :param made_from: the source from which an action on many tasks made it, without anybody looking at it: a
        ``prediction``, or the answer of another task (``propagated``). Then it is not an answer. None for what a
        person did.
    :param editor: who changed it last, if it was changed after submission by somebody other than `annotator`.
    :param copied_from: author of the answer that this one started from as a copy, if that was somebody else.
    :param slips: counts of what was corrected in `annotation`; `raw` has the regions as they were drawn.
    :param side: the letter of the annotator who was accepted as a whole (:attr:`Sheet.sides`).
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
    side: str | None = None

    @property
    def is_an_answer(self) -> bool:
        """Whether a person submitted it and did not skip the task."""
        return not self.skipped and self.made_from is None


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task that changed since the cursor, with all its answers.

    :param key: None for a task that somebody made by hand.
    :param drafts: number of answers that were begun but not submitted.
    :param complete: whether the desk gave all its answers; if not, a known answer that is missing may come next time.
    :param earlier: whether the desk went back to an earlier state, for example from a backup; then a missing answer
        was not deleted.
    :param made_at: when the desk made the task, by the desk's clock.
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
    """Everything that happened since the cursor.

    :param tasks: tasks that changed; a known answer that is missing from its task was deleted.
    :param existing: ids of all tasks that exist now; a known task that is not among them was deleted.
    :param open_tasks: ids of the tasks that need more answers: a task for two people that one has answered is open.
        A skip counts here as an answer; an annotation that an action made does not, nor does a person's second answer.
    :param begun: ids of all existing tasks with a draft that was not submitted.
    :param cursor: the cursor for the next pull.
    :param notices: one sentence for each thing that a person should know (a changed labelling configuration, a task
        made by hand).
    :param seats: how many more people should answer, by id of an open task; 1 for an open task that is missing.
    :param keys: the key of each existing task, by id, so that copies of a document's task are recognised; None where
        the desk never has two tasks with one key.
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
        """Return how many more people should answer a task."""
        return self.seats.get(task_id, 1) if task_id in self.open_tasks else 0

    @property
    def open_documents(self) -> int:
        """Number of documents that need more answers, each once however many tasks it has."""
        keys = self.keys or {}
        return len({keys.get(task_id, task_id) for task_id in self.open_tasks})

    @property
    def open_seats(self) -> int:
        """Number of answers still to come, over all tasks."""
        return sum(map(self.seats_of, self.open_tasks))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can work on the desk.

    :param name: as in :attr:`DeskAnnotation.annotator`.
    :param present: whether the person sees the desk's projects; False for a user of the server who now works in another
        organisation there.
    :param seen: when the person was last active on the desk; None if it does not tell.
    """

    name: str
    present: bool = True
    seen: datetime | None = None


class Desk(ABC):
    """A place where people annotate.

    Every method raises :class:`~biorat_al.errors.DeskUnreachableError` if the desk does not answer and
    :class:`~biorat_al.errors.DeskAccessError` if it refuses the token. Every call can be repeated without harm.

    :cvar settle_seconds: how long the desk may still work on a request that was cut off, counted from its first answer
        afterwards. For that long the caller repeats :meth:`find` before it pushes anything a second time.
    """

    kind: str
    settle_seconds: float = 0.0

    @abstractmethod
    def address(self) -> str:
        """Return the address for people, without any secret."""

    @abstractmethod
    def check(self) -> None:
        """Raise an error unless the desk answers and accepts the token."""

    @abstractmethod
    def prepare(
        self,
        role: DeskRole,
        title: str,
        labels: Sequence[str],
        reference: str | None = None,
        *,
        marker: str | Personal = "",
        relations: Sequence[RelationType] = (),
        guidelines: Guidelines | None = None,
    ) -> DeskProject:
        """Make sure that a project for `role` exists, with these entity labels and relation types.

        :param reference: the project's reference from an earlier call; None looks for a project that an interrupted
            call may have left behind (by title and marker), and otherwise makes one.
        :param marker: distinguishes projects with the same title; kept where it does not bother annotators. With
            :class:`Personal`, the project is one person's, and its title names the person.
        :param guidelines: guidelines that annotators see below the general rules.
        :raises DeskProjectGoneError: the project of `reference` no longer exists.
        """

    @abstractmethod
    def push(self, project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        """Make the tasks in one request and return task ids by key.

        It never retries blindly: if the answer is lost, it looks up what arrived before it reports a failure. It does
        not check whether a key already exists; the caller does that with :meth:`find`.

        :raises DeskError: a task is invalid; then no task was made.
        """

    @abstractmethod
    def find(self, project: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the ids of the existing tasks, by key; absent keys are left out."""

    def find_arrived(self, project: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        """Find the tasks that an interrupted push has sent, as :meth:`find` does; wait while more may arrive.

        The waiting time begins with the desk's first answer, by this machine's clock: until then the desk may have
        hung, with the request in its queue, no matter how long ago it was sent.
        """
        arrived = self.find(project, keys)
        deadline = time.monotonic() + self.settle_seconds
        while len(arrived) < len(keys) and time.monotonic() < deadline:
            time.sleep(0.5)
            before, arrived = len(arrived), self.find(project, keys)
            if len(arrived) > before:
                # the desk is still processing: wait the full time again
                deadline = time.monotonic() + self.settle_seconds
        return arrived

    @abstractmethod
    def add_pre_annotations(self, project: DeskProject, pre_annotations: Mapping[str, PreAnnotation]) -> None:
        """Add a pre-annotation to each task (by task id); a task that already has one of that version keeps it."""

    @abstractmethod
    def publish(self, project: DeskProject, model_version: str) -> None:
        """Show the pre-annotations of `model_version` from now on.

        The desk may delete older ones from tasks that nobody has answered or begun, where nobody can lose work. A task
        is never without a pre-annotation in between.
        """

    @abstractmethod
    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        """Fetch everything that happened since `cursor` (None: from the beginning).

        :raises DeskProjectGoneError: the project no longer exists.
        """

    @abstractmethod
    def people(self) -> Mapping[str, Person]:
        """Return everybody who can work here, by name; whoever was removed is left out."""

    @abstractmethod
    def invitation(self) -> str | None:
        """Return a link with which new people come to the desk; None if nobody needs one."""

    @abstractmethod
    def take_back(self, project: DeskProject, task_ids: Collection[str]) -> frozenset[str]:
        """Delete those of the tasks that nobody has answered, skipped or begun; return the ids that no longer exist.

        Whether a task may go is decided in the same moment in which it is deleted, so that no answer is lost.
        """
