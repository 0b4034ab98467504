"""Step 5: send the batch to the annotators, and show the newest pre-labels on tasks that are still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Document
from biorat_al.corpus.model.role import LEARNT_ROLES, Role
from biorat_al.corpus.segments import Part
from biorat_al.desk.base import DeskProject, PreAnnotation, Task
from biorat_al.rounds.completing import pre_label_begun
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.half_done import half_done_tasks, note_shown_again, shown_before
from biorat_al.rounds.pre_labels.choice import chosen_pre_labeller
from biorat_al.rounds.pre_labels.pre_labeller import FILES, changed_files, digests, pre_labellers, predict_with
from biorat_al.rounds.steps.predict import predict_picked
from biorat_al.rounds.unasked import behind
from biorat_al.settings import Settings, project_guidelines
from biorat_al.store.annotations import chunks, entity_from_values, relation_from_values
from biorat_al.store.asked import OFFERED, Offer, Offers, written_offer
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import BORROWED, borrowed_model_of, measures, models_of, predicted_documents, predictions
from biorat_al.store.parts.segments import parts_of
from biorat_al.store.picks import never_asked_test_documents, picks_of
from biorat_al.store.store import now
from biorat_al.store.tables import DeskProjectRow, TaskRow
from biorat_al.store.tasks import confirm_push, count_asked, desk_project, intend_push, tasks_in_state
from biorat_al.wording import plural

CHUNK = 100
"""Tasks per request: few enough that a server which hung finishes a queued request before it is asked what arrived."""


def run(context: Context) -> Finish:
    """Push the picked documents or segments, in order; then re-label open tasks and show the new version.

    Each chunk is recorded before it is sent and confirmed afterwards. Before anything is sent again, the step looks up
    on the desk what an interrupted run may have sent.
    """
    settings = context.settings
    with context.store.read() as session:
        picked = [pick.document_id for pick in picks_of(session, context.number)]
    found = pre_labellers(context)
    labeller = chosen_pre_labeller(context, found)
    if labeller is None:
        predict_picked(context, picked)
    with context.store.read() as session:
        model = models_of(session, context.number).get(settings.training.selecting)
        model = model or borrowed_model_of(session, context.number)
        earlier = [
            task
            for role in LEARNT_ROLES
            for task in tasks_in_state(session, role, "open")
            if task.round_number != context.number
        ]
        blind = never_asked_test_documents(session)
        blind += [task.document_id for task in tasks_in_state(session, "test", "pushing")]
        waiting = tasks_in_state(session, "test", "open")
        concerned = [*picked, *(task.document_id for task in earlier)]
        sure = {} if model is None else measures(session, model.version, picked, ("confidence",))
        notices = changed_files(session, found, context.number)
    if labeller is not None:
        predict_with(context, labeller, concerned)
        with context.store.read() as session:
            lacking = set(picked) - predicted_documents(session, labeller.version)
        if model is not None and model.arm != BORROWED and lacking:
            title = labeller.title[0].upper() + labeller.title[1:]
            notices.append(f"{title} would pre-label, but lacks {plural(len(lacking), 'document')} of the batch")
            labeller = None
    version = labeller.version if labeller is not None else model.version if model is not None else None
    if version is not None:
        pre_label_begun(context, version, concerned)
    with context.store.read() as session:
        proposed = _pre_annotations(session, version, concerned)
        offers = Offers.read(session)
        stale = behind(session, settings, offers)
        parts = parts_of(session, picked)
        picked = in_order(picked, {one: measured.confidence for one, measured in sure.items()}, parts)
        asked = _Asked(picked, parts, earlier, proposed, version)
        batches = [_batch(session, role, asked, settings) for role in LEARNT_ROLES]
    if not picked and not blind and not earlier and not stale:
        return nothing("there is nothing to ask for")
    offered: dict[str, Any] = {}
    context.check_lock()
    if blind or waiting or "test" in stale:
        test = _prepared(context, "test")
        notices += test.notices
        offered |= _offered(test, offers)
        if blind:
            _push(context, test, sorted(blind), {})
    for batch in batches:
        # a project of documents is there from the first round on, unless rounds ask for sentences
        if not (batch.concerns_anything or batch.role in stale or (batch.role, context.unit) == ("pool", "document")):
            continue
        project = _prepared(context, batch.role)
        notices += project.notices
        offered |= _offered(project, offers)
        _to_annotators(context, project, batch, proposed, parts)

    def finish(session: Session) -> StepResult:
        for batch in batches:
            for task in tasks_in_state(session, batch.role, "open"):
                if task.desk_task_id in batch.relabelled:
                    task.shown_version = version
            if version and batch.is_shown:
                note_shown_again(session, batch.role, batch.again, version)
        return StepResult(
            counts={
                "tasks": len(picked),
                **({"sentences": len(parts)} if parts else {}),
                # includes tasks from an earlier run of this step
                "test_tasks": count_asked(session, "test", context.number),
                "pre_labelled": sum(document_id in proposed for document_id in picked),
                "relabelled": sum(len(batch.relabelled) for batch in batches),
                "notices": list(dict.fromkeys(notices)),
                **({"pre_labels_of": labeller.title} if labeller is not None else {}),
                **({FILES: digests(found)} if found else {}),
                **({OFFERED: offered} if offered else {}),
            }
        )

    return finish


def in_order(picked: Sequence[int], confidence: Mapping[int, float], parts: Mapping[int, Part]) -> list[int]:
    """Return row ids in the order in which annotators get them: what the model is least sure of first.

    Segments of one document follow one another in the order of its text, so that nobody has to read into it twice; the
    one that the model is least sure of decides when. What is equally sure keeps its place.

    :param confidence: by row id; 0 where it is missing.
    :param parts: what each segment among them is a part of.
    """
    of = {one: parts[one].document.id if one in parts else one for one in picked}
    places: dict[str | int, int] = {}
    for place, one in enumerate(sorted(picked, key=lambda one: confidence.get(one, 0.0))):
        places.setdefault(of[one], place)
    return sorted(picked, key=lambda one: (places[of[one]], parts[one].span if one in parts else ()))


@dataclass(frozen=True, slots=True)
class _Batch:
    """What goes to the project of one role.

    :param picked: row ids of what is asked for, in the order in which it is sent.
    :param relabelled: newest pre-labels of tasks that are still open, by the desk's task id.
    :param again: pre-labels that stay with tasks which another annotator has answered already, likewise.
    :param version: version of the pre-labels; None: there are none.
    :param is_shown: whether that version is shown from now on.
    """

    role: Role
    picked: Sequence[int]
    relabelled: Mapping[str, PreAnnotation]
    again: Mapping[str, PreAnnotation]
    version: str | None
    is_shown: bool

    @property
    def concerns_anything(self) -> bool:
        """Whether anything is sent."""
        return bool(self.picked or self.relabelled or self.again)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a round asks for, of all roles.

    :param picked: row ids, in the order in which they are sent.
    :param parts: what each segment among them is a part of.
    :param earlier: tasks of earlier rounds that are still open.
    :param proposed: pre-labels by row id, of `version`.
    """

    picked: Sequence[int]
    parts: Mapping[int, Part]
    earlier: Sequence[TaskRow]
    proposed: Mapping[int, PreAnnotation]
    version: str | None


def _batch(session: Session, role: Role, asked: _Asked, settings: Settings) -> _Batch:
    """Return the part of what a round asks for that goes to the project of a role."""
    picked = [one for one in asked.picked if (one in asked.parts) == (role == "segment")]
    relabelled = {
        task.desk_task_id: asked.proposed[task.document_id]
        for task in asked.earlier
        if task.role == role and task.desk_task_id is not None and task.document_id in asked.proposed
    }
    again = {}
    if asked.version is not None:
        half_done = half_done_tasks(session, role, asked.version)
        again = shown_before(session, half_done, asked.version, settings)
    is_shown = bool(relabelled) or any(one in asked.proposed for one in picked)
    return _Batch(role, picked, relabelled, again, asked.version, is_shown)


def _to_annotators(
    context: Context,
    project: DeskProject,
    batch: _Batch,
    proposed: Mapping[int, PreAnnotation],
    parts: Mapping[int, Part],
) -> None:
    """Push a batch, and show the newest pre-labels on tasks that are still open."""
    if batch.picked:
        _push(context, project, batch.picked, proposed, parts)
    context.check_lock()
    if batch.relabelled:
        context.desk.add_pre_annotations(project, batch.relabelled)
    if batch.version and batch.is_shown:
        if batch.again:
            context.desk.add_pre_annotations(project, batch.again)
        context.desk.publish(project, batch.version)


def _prepared(context: Context, role: Role) -> DeskProject:
    with context.store.read() as session:
        row = desk_project(session, role)
        uid = context.store.project().uid
    project = context.desk.prepare(
        role,
        context.settings.name,
        context.settings.labels,
        row.reference if row else None,
        marker=uid,
        relations=context.settings.relations,
        guidelines=project_guidelines(context.folder, context.settings),
    )
    if row is None:
        with context.store.write() as session:
            session.add(
                DeskProjectRow(
                    role=role, kind=context.desk.kind, reference=project.reference, url=project.url, cursor=None
                )
            )
    return project


def _offered(project: DeskProject, offers: Offers) -> dict[str, Any]:
    """Return what annotators can choose in a project from now on, by role, for the counts; empty if nothing changed."""
    labels, relations = set(project.labels), {relation.name for relation in project.relations}
    offer = Offer.of(labels - project.lacking, relations - project.lacking)
    newest = offers.newest(project.role)
    if not project.lacking and (newest is None or newest == offer):
        return {}
    return {project.role: written_offer(offer, project.at)}


def _push(
    context: Context,
    project: DeskProject,
    document_ids: Sequence[int],
    proposed: Mapping[int, PreAnnotation],
    parts: Mapping[int, Part] = MappingProxyType({}),
) -> None:
    with context.store.read() as session:
        documents = documents_by_id(session, document_ids, check=True)
    _settle(context, project, documents, proposed)
    with context.store.read() as session:
        there = {task.document_id for task in tasks_in_state(session, project.role, *_CONFIRMED)}
    missing = [document_id for document_id in document_ids if document_id not in there]
    begun = len(document_ids) - len(missing)
    with context.progress.bar(
        f"Pushing tasks ({project.role})", total=len(document_ids), unit="task", done=begun
    ) as bar:
        for some in chunks(missing, CHUNK):
            context.check_lock()
            with context.store.write() as session:
                intend_push(session, project.role, some, context.number, now())
            tasks = [Task(documents[i].id, documents[i], proposed.get(i), parts.get(i)) for i in some]
            arrived = context.desk.push(project, tasks)
            _confirm(context, documents, arrived, proposed)
            bar.advance(len(some))


_CONFIRMED = ("open", "answered", "skipped", "deleted")


def _settle(
    context: Context,
    project: DeskProject,
    documents: Mapping[int, Document],
    proposed: Mapping[int, PreAnnotation],
) -> None:
    """Confirm the tasks that an interrupted push has sent; wait as long as the desk may still be processing them."""
    with context.store.read() as session:
        uncertain = [task for task in tasks_in_state(session, project.role, "pushing") if task.document_id in documents]
    if not uncertain:
        return
    keys = [documents[task.document_id].id for task in uncertain]
    _confirm(context, documents, context.desk.find_arrived(project, keys), proposed)


def _confirm(
    context: Context,
    documents: Mapping[int, Document],
    arrived: Mapping[str, str],
    proposed: Mapping[int, PreAnnotation],
) -> None:
    row_ids = {document.id: row_id for row_id, document in documents.items()}
    with context.store.write() as session:
        for key, task_id in arrived.items():
            pre_annotation = proposed.get(row_ids[key])
            version = pre_annotation.model_version if pre_annotation else None
            confirm_push(session, {row_ids[key]: task_id}, version, now())


def _pre_annotations(session: Session, version: str | None, document_ids: Sequence[int]) -> dict[int, PreAnnotation]:
    if version is None:
        return {}
    return {
        document_id: PreAnnotation(
            version,
            row.confidence,
            tuple(entity_from_values(value) for value in row.entities),
            tuple(relation_from_values(value) for value in row.relations),
        )
        for document_id, row in predictions(session, version, document_ids).items()
    }
