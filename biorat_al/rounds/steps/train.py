"""Step 2: train the arms, from the base encoder, on all that people have corrected."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from sqlalchemy.orm import Session

from biorat_al import __version__
from biorat_al.corpus.model.document import Annotation, Document
from biorat_al.desk.base import ROLES
from biorat_al.errors import NotEnoughLabelsError, StoreError
from biorat_al.learner.types import Example, TrainedModel
from biorat_al.people.disputes import masked_counts, unknown_preference
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.pool import unanswered_documents
from biorat_al.rounds.replacement import ModelReplaced, put_in_place, replace_lost_model, replaced_notices
from biorat_al.settings import Arm, Settings
from biorat_al.store.answers import answers, decisions
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import models_of
from biorat_al.store.rounds import all_rounds
from biorat_al.store.store import now
from biorat_al.store.tables import ModelRow
from biorat_al.store.tasks import tasks_in_state

MOST_UNLABELLED = 1000
"""Documents of the pool that a training which learns without labels draws its sentences from, at most."""


def run(context: Context) -> Finish:
    """Train each arm that this round has no model of yet; all see the same documents, order and seed."""
    examples = training_examples(context)
    if not examples:
        return nothing("nobody has annotated anything yet")
    settings = context.settings
    unlabelled = unlabelled_documents(context) if settings.adversarial.unlabelled else []
    with context.store.read() as session:
        done = models_of(session, context.number)
    for arm in settings.training.arms:
        if arm in done and _is_whole(context, done[arm]):
            continue
        try:
            model, summary = _train_arm(context, examples, unlabelled, arm)
        except NotEnoughLabelsError as error:
            # others are asked for, so that the next round can learn
            return nothing(str(error))
        if arm in done:
            if _is_same(done[arm], model, summary):
                put_in_place(context, model, done[arm].version)
            else:
                replace_lost_model(context, done[arm], model, summary)
            continue
        with context.store.write() as session:
            session.add(
                ModelRow(
                    version=model.version,
                    round_number=context.number,
                    arm=arm,
                    selecting=arm == settings.training.selecting_arm,
                    sha256=model.sha256,
                    summary=summary,
                    created_at=now(),
                )
            )

    def finish(session: Session) -> StepResult:
        models = models_of(session, context.number)
        # the same for all arms: they see the same documents
        summary = next(iter(models.values())).summary
        return StepResult(
            counts={
                "documents": len(examples),
                "empty_documents": sum(not (example.entities or example.disputed.entities) for example in examples),
                "mentions": sum(len(example.entities) for example in examples),
                "models": {arm: row.version for arm, row in models.items()},
                "unrepresentable": summary["unrepresentable"],
                **(_relation_counts(examples, summary["relations"]) if "relations" in summary else {}),
                **masked_counts([example.disputed for example in examples]),
                **({"notices": notices} if (notices := _notices(session, settings, models)) else {}),
            }
        )

    return finish


def model_folder(context: Context, row: ModelRow) -> Path:
    """Return the folder of a model of this round, whole and as it was trained.

    Once in a run its files are compared with the digests in the store. A model that is lost or was changed is trained
    again, which gives the same one on the same machine.

    :raises ModelReplaced: it gave other weights, which were recorded; the steps since training are to be done again.
    """
    folder = context.models_dir / row.version
    if row.version in context.intact_models:
        return folder
    if not _is_whole(context, row):
        what = "is damaged or was changed in" if folder.is_dir() else "is gone from"
        context.progress.say(f"The model {row.version} {what} {context.models_dir}; it is trained again.")
        unlabelled = unlabelled_documents(context) if context.settings.adversarial.unlabelled else []
        model, summary = _train_arm(context, training_examples(context), unlabelled, row.arm)
        if not _is_same(row, model, summary):
            version = replace_lost_model(context, row, model, summary)
            raise ModelReplaced(version)
        put_in_place(context, model, row.version)
    context.intact_models.add(row.version)
    return folder


def is_whole(folder: Path, row: ModelRow) -> bool:
    """Return whether a model's folder is complete and holds what was trained, by the digests in the store."""
    from biorat_al.learner.encoder.saved_model import is_intact
    from biorat_al.learner.relations.training import relation_folders

    weights = _weights(row.summary)
    if not is_intact(folder, row.sha256):
        return False
    return weights is None or any(is_intact(place, weights) for place in relation_folders(folder)[-1:])


def _train_arm(
    context: Context, examples: Sequence[Example], unlabelled: Sequence[Document], arm: str
) -> tuple[TrainedModel, dict[str, Any]]:
    """Train the models of an arm; return that of the entities, and a summary of all."""
    from biorat_al.learner.entities.training import train
    from biorat_al.learner.relations.training import relation_folders

    settings = context.settings
    model = train(
        examples,
        labels=settings.labels,
        encoder=context.encoder,
        arm=cast(Arm, arm),
        training=settings.training,
        adversarial=settings.adversarial,
        seed=context.seed("train"),
        models_dir=context.models_dir,
        prefix=f"{settings.name}-r{context.number}-{arm}",
        provenance=_provenance(context),
        unlabelled=unlabelled,
        progress=context.progress,
    )
    summary = dict(model.summary)
    for left in relation_folders(model.folder):
        # a run that was killed may have trained it with other settings
        shutil.rmtree(left)
    if settings.relations:
        summary["relations"] = _train_relations(context, examples, cast(Arm, arm), model.folder)
    return model, summary


def _is_same(before: ModelRow, model: TrainedModel, summary: Mapping[str, Any]) -> bool:
    """Return whether a model that was trained again has the weights of the one that was lost."""
    return (model.sha256, _weights(summary)) == (before.sha256, _weights(before.summary))


def _notices(session: Session, settings: Settings, models: Mapping[str, ModelRow]) -> list[str]:
    """What people should know of the models and of the labels that were learnt from, a sentence each."""
    unknown = unknown_preference(session, settings)
    later = [*replaced_notices(models), *_asked_later(session, settings)]
    return later + ([f"{unknown}: what is disputed is masked"] if unknown else [])


def _asked_later(session: Session, settings: Settings) -> list[str]:
    """One sentence for each label or relation that was asked for only after some of the documents had been."""
    rounds = {row.number: row.settings for row in all_rounds(session)}
    tasks = [task for role in ROLES for task in tasks_in_state(session, role, "answered")]
    notices = []
    for kind, part, names in (
        ("label", "entities", settings.labels),
        ("relation", "relations", settings.relation_labels),
    ):
        asked = {number: {one["name"] for one in values.get(part, ())} for number, values in rounds.items()}
        for name in names:
            early = sum(name not in asked.get(task.round_number, ()) for task in tasks)
            if early:
                notices.append(
                    f"{early:,} of {len(tasks):,} annotated documents were asked for before the {kind} {name!r} was; "
                    f"where nobody has {'marked' if kind == 'label' else 'drawn'} it in them, it counts as not there: "
                    "look at them again"
                )
    return notices


def _is_whole(context: Context, row: ModelRow) -> bool:
    """Whether all that was trained is still there, and as it was."""
    return is_whole(context.models_dir / row.version, row)


def _weights(summary: Mapping[str, Any]) -> str | None:
    """sha256 of a model's relation weights; None where it has none."""
    found: str | None = summary.get("relations", {}).get("sha256")
    return found


def _train_relations(context: Context, examples: Sequence[Example], arm: Arm, folder: Path) -> dict[str, Any]:
    """Train an arm's relation model into the folder of its entity model; return its summary, or why there is none."""
    from biorat_al.learner.relations.training import train_relations

    settings = context.settings
    try:
        return dict(
            train_relations(
                examples,
                types=settings.relations,
                encoder=context.encoder,
                arm=arm,
                training=settings.training,
                relations=settings.relation_extraction,
                adversarial=settings.adversarial,
                seed=context.seed("train"),
                folder=folder,
                provenance=_provenance(context),
                progress=context.progress,
            )
        )
    except NotEnoughLabelsError as error:
        return {"reason": str(error), "not_candidates": error.not_candidates}


def _relation_counts(examples: Sequence[Example], summary: Mapping[str, Any]) -> dict[str, Any]:
    """What there was of relations, and what of them no candidate can express; or why nothing was learnt of them."""
    counts = {"relations": sum(len(example.relations) + len(example.concept_relations) for example in examples)}
    named = {"not_candidates": "not_candidates", "cut_documents": "cut_documents", "reason": "no_relation_model"}
    return counts | {name: summary[key] for key, name in named.items() if key in summary}


def _provenance(context: Context) -> dict[str, Any]:
    return {"project": context.settings.name, "round": context.number, "program_version": __version__}


def training_examples(context: Context) -> list[Example]:
    """Every document of the pool that has an answer, in the order of the documents.

    What its annotators could not decide is given as disputed. Mentions of labels that the project does not have
    (renamed by an annotator, say) are left to the learner to count.
    """
    prefer = context.settings.team.preferred
    with context.store.read() as session:
        chosen = answers(session, "pool", with_gold=context.gold_is_known, prefer=prefer)
        documents = documents_by_id(session, [answer.document_id for answer in chosen], check=True)
        examples = []
        for decision in decisions(session, chosen, prefer=prefer):
            document, annotation = documents[decision.answer.document_id], decision.majority.annotation
            check_stored(document, annotation)
            examples.append(
                Example(
                    document,
                    annotation.entities,
                    annotation.relations,
                    annotation.concept_relations,
                    decision.majority.disputed,
                )
            )
        return examples


def check_stored(document: Document, annotation: Annotation) -> None:
    """Check that the mentions of an answer are still what a document can have: they were when they were stored.

    :raises StoreError: a span lies outside the text, or a label is empty.
    """
    for entity in annotation.entities:
        wrong = "has no label" if not entity.label.strip() else ""
        for start, end in entity.spans:
            if not 0 <= start < end <= len(document.text):
                wrong = f"is at {start}-{end}, and the text has {len(document.text):,} characters"
        if wrong:
            raise StoreError(
                f"the database was changed from outside, or is damaged: document {document.id}: the mention "
                f"{entity.id} {wrong}; put it right there, or take the database from a backup"
            )


def unlabelled_documents(context: Context) -> list[Document]:
    """Documents of the pool without an answer, in their order; of many, :data:`MOST_UNLABELLED` drawn at random."""
    with context.store.read() as session:
        pool = unanswered_documents(session, without_gold=context.gold_is_known)
        if len(pool) > MOST_UNLABELLED:
            generator = np.random.default_rng(context.seed("unlabelled"))
            pool = sorted(generator.choice(pool, MOST_UNLABELLED, replace=False).tolist())
        documents = documents_by_id(session, pool)
    return [documents[document_id] for document_id in pool]
