"""Step 5: send the batch to the annotators, and show the newest pre-labels on tasks that are still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import LEARNT_ROLES, Role
from biorat_al.corpus.segments import PartOfDocument
from biorat_al.desk.base import DeskProject
from biorat_al.errors import DeskProjectGoneError
from biorat_al.rounds.completing import pre_label_begun
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.half_done import note_shown_again
from biorat_al.rounds.pre_labels.choice import chosen_pre_labeller
from biorat_al.rounds.pre_labels.pre_labeller import FILES, changed_files, digests, pre_labellers, predict_with
from biorat_al.rounds.steps.predict import predict_picked
from biorat_al.rounds.team.assigning import assign_seats
from biorat_al.rounds.team.batches import ProjectBatch, RoundBatch, batches_of
from biorat_al.rounds.team.doubles import DOUBLES
from biorat_al.rounds.team.fetching import make_again
from biorat_al.rounds.team.places import prepared
from biorat_al.rounds.team.sending import pre_annotations, send
from biorat_al.rounds.unasked import behind
from biorat_al.settings import project_guidelines
from biorat_al.store.asked import GUIDELINES, OFFERED, Offer, Offers, written_offer
from biorat_al.store.models import BORROWED, borrowed_model_of, measures, models_of, predicted_documents
from biorat_al.store.parts.segments import parts_of
from biorat_al.store.picks import never_asked_test_documents, picks_of
from biorat_al.store.rounds import steps_of
from biorat_al.store.tasks import count_asked, tasks_in_state
from biorat_al.store.team.seats import TO_COME, UNSENT, seats_in_state
from biorat_al.wording import plural


def run(context: Context) -> Finish:
    """Push the picked documents or segments, in order; then re-label open tasks and show the new version.

    With a group of annotators, what is asked for is given to its members first, each of whom has a project for each
    role. How tasks are sent once only is in :mod:`biorat_al.rounds.team.sending`.
    """
    settings = context.settings
    with context.store.read() as session:
        picked = [pick.document_id for pick in picks_of(session, context.number)]
    found = pre_labellers(context)
    labeller = chosen_pre_labeller(context, found)
    predict_picked(context, picked, borrowed=labeller is None)
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
        unsent = [seat.document_id for seat in seats_in_state(session, *UNSENT) if seat.role != "test"]
        concerned = list(dict.fromkeys([*picked, *(task.document_id for task in earlier), *unsent]))
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
    if second := assign_seats(context, picked, blind, doubles=_doubles(context), version=version):
        known = plural(second, "test document")
        notices.append(f"{known} that one person had annotated before there was a group: a second one is asked now")
    with context.store.read() as session:
        proposed = pre_annotations(session, version, concerned)
        offers = Offers.read(session)
        stale = behind(session, settings, offers)
        parts = parts_of(session, concerned)
        picked = in_order(picked, {one: measured.confidence for one, measured in sure.items()}, parts)
        asked = RoundBatch(picked, sorted(blind), earlier, proposed, version)
        # the test documents come first: without them nothing is measured
        batches = [batch for role in ("test", *LEARNT_ROLES) for batch in batches_of(session, role, asked, settings)]
        several = sum(seat.round_number == context.number for seat in seats_in_state(session, *TO_COME))
    if not picked and not blind and not earlier and not stale and not any(batch.picked for batch in batches):
        return nothing("there is nothing to ask for")
    offered: dict[Role, list[DeskProject]] = {}
    guidelines = project_guidelines(context.folder, settings)
    context.check_lock()
    for batch in batches:
        stays = batch.waits or (batch.is_known and batch.role in stale)
        if not (batch.concerns_anything or stays or _is_always_there(context, batch)):
            continue
        try:
            project = prepared(context, batch.role, batch.member)
        except DeskProjectGoneError as error:
            if batch.member is None:
                raise
            context.progress.say(f"Note: {make_again(context, batch.role, batch.member, error)}.")
            return run(context)
        notices += project.notices
        offered.setdefault(batch.role, []).append(project)
        _to_annotators(context, project, batch, parts)

    def finish(session: Session) -> StepResult:
        for batch in batches:
            for task in tasks_in_state(session, batch.role, "open"):
                if task.desk_task_id in batch.relabelled:
                    task.shown_version = version
            if version and batch.is_shown:
                note_shown_again(session, batch.role, batch.half_done, version)
        now_offered = {role: one for role, some in offered.items() if (one := _offered(role, some, offers))}
        return StepResult(
            counts={
                "tasks": len(picked),
                **({"sentences": number} if (number := sum(one in parts for one in picked)) else {}),
                # includes tasks from an earlier run of this step
                "test_tasks": count_asked(session, "test", context.number),
                "pre_labelled": sum(document_id in proposed for document_id in picked),
                "relabelled": sum(len(batch.relabelled) for batch in batches),
                **({"seats": several} if several else {}),
                "notices": list(dict.fromkeys(notices)),
                **({"pre_labels_of": labeller.title} if labeller is not None else {}),
                **({FILES: digests(found)} if found else {}),
                **({OFFERED: now_offered} if now_offered else {}),
                **({GUIDELINES: dict.fromkeys(offered, guidelines.digest)} if guidelines and offered else {}),
            }
        )

    return finish


def in_order(picked: Sequence[int], confidence: Mapping[int, float], parts: Mapping[int, PartOfDocument]) -> list[int]:
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


def _doubles(context: Context) -> set[int]:
    """Return the row ids of the documents that were drawn for two people."""
    with context.store.read() as session:
        return {
            int(one)
            for step in steps_of(session, context.number)
            if step.name == "select"
            for one in step.counts.get(DOUBLES, ())
        }


def _is_always_there(context: Context, batch: ProjectBatch) -> bool:
    """Return whether the project of a batch is there from the first round on.

    A project of documents is, unless rounds ask for sentences; with a group, each annotator's is.
    """
    return batch.is_at_work and (batch.role, context.unit) == ("pool", "document")


def _to_annotators(
    context: Context, project: DeskProject, batch: ProjectBatch, parts: Mapping[int, PartOfDocument]
) -> None:
    """Push a batch, and show the newest pre-labels on tasks that are still open."""
    if batch.picked:
        send(context, project, batch.picked, batch.proposed, parts, member=batch.member)
    context.check_lock()
    if batch.relabelled:
        context.desk.add_pre_annotations(project, batch.relabelled)
    if batch.version and batch.is_shown:
        if batch.again:
            context.desk.add_pre_annotations(project, batch.again)
        context.desk.publish(project, batch.version)


def _offered(role: Role, projects: Sequence[DeskProject], offers: Offers) -> dict[str, Any]:
    """Return what annotators can choose in the projects of a role from now on; empty if nothing changed.

    What one of the projects lacks, because people changed it, counts as lacking in all of them: so no answer counts as
    one to a label that its author could not choose.
    """
    lacking = frozenset[str]().union(*(project.lacking for project in projects))
    labels = {label for project in projects for label in project.labels}
    relations = {relation.name for project in projects for relation in project.relations}
    offer = Offer.of(labels - lacking, relations - lacking)
    newest = offers.newest(role)
    if not lacking and (newest is None or newest == offer):
        return {}
    return written_offer(offer, max((one.at for one in projects if one.at is not None), default=None))
