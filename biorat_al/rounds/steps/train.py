"""Step 2: train each arm, from the borrowed start or the base encoder, on all answers so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Document
from biorat_al.errors import NotEnoughLabelsError, ProjectError
from biorat_al.learner.scaling import UNCALIBRATED, Scaling
from biorat_al.learner.types import Example, TrainedModel
from biorat_al.people.disputes import all_dropped, masked_counts, unknown_preference
from biorat_al.rounds.borrowing.kept import in_words
from biorat_al.rounds.borrowing.start import borrowed_start, kept_decision, start_of
from biorat_al.rounds.computing.arm_order import ArmOrder, RelationOrder
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.models.calibration import RoundCalibration, default_scaling, from_answers
from biorat_al.rounds.models.committee import form_committee, members_of, restore_committee
from biorat_al.rounds.models.encoder_changes import changed_encoder
from biorat_al.rounds.models.recording import record_model
from biorat_al.rounds.models.replacement import ModelReplaced, put_in_place, replace_lost_model, replaced_notices
from biorat_al.rounds.pre_labels.kept import kept_files
from biorat_al.rounds.steps.learnt import training_examples, unlabelled_documents
from biorat_al.rounds.unasked import learnt_labels, not_asked, unasked_counts
from biorat_al.settings import COMMITTEE, SETTINGS_FILE, Arm, Settings, TrainingSettings
from biorat_al.store.answers import learnt_answers
from biorat_al.store.models import BORROWED, borrowed_model_of, models_of
from biorat_al.store.parts.segments import places_of
from biorat_al.store.tables import ModelRow, StepRow
from biorat_al.version import __version__

if TYPE_CHECKING:
    from biorat_al.learner.encoder.starting_weights import StartingWeights

LATER = "later"
"""Entry of the step's counts with the arms that are trained after the push; see :func:`train_later_arms`."""


def run(context: Context) -> Finish:
    """Train each arm that annotators wait for and that has no model in this round yet.

    All arms see the same documents, order and seed. Without a committee only one arm selects and pre-labels: the step
    ``evaluate`` trains the others (:func:`train_later_arms`).
    """
    examples = training_examples(context)
    if not examples:
        dropped = _dropped(context, 0)
        return nothing(all_dropped(dropped, "document")) if dropped else _begin_with_borrowed(context)
    settings = context.settings
    if not learnt_labels(examples, settings).labels:
        return nothing("none of the documents that were annotated was asked for any of the labels")
    training = settings.training
    calibration = _calibration(context, examples)
    try:
        _train_missing(context, examples, calibration, arms_before_push(settings))
    except NotEnoughLabelsError as error:
        # the round goes on to ask for more documents, so that the next one can learn
        return nothing(str(error))

    if training.has_committee:
        form_committee(context, _learnable(examples, settings), calibration)
    dropped = _dropped(context, len(examples))

    def finish(session: Session) -> StepResult:
        models = models_of(session, context.number)
        # the same for all arms, since they see the same documents
        summary = next(iter(members_of(models).values())).summary
        later = [arm for arm in training.arms if arm not in models]
        return StepResult(
            counts={
                "documents": len(examples),
                **_sentences(session, examples),
                "empty_documents": sum(not (example.entities or example.disputed.entities) for example in examples),
                "mentions": sum(len(example.entities) for example in examples),
                "models": {arm: row.version for arm, row in models.items()},
                **({LATER: later} if later else {}),
                **_advice(calibration, training),
                "unrepresentable": summary["unrepresentable"],
                **(_relation_counts(examples, summary["relations"]) if "relations" in summary else {}),
                **masked_counts([example.disputed for example in examples], dropped),
                **unasked_counts(examples),
                **kept_decision(session, context),
                **({"notices": notices} if (notices := _notices(session, context, models)) else {}),
            }
        )

    return finish


def arms_before_push(settings: Settings) -> tuple[Arm, ...]:
    """Return the arms that are trained before annotators get their tasks: those that select and pre-label.

    Training that draws unlabelled documents from the pool is done for all arms at once, since a push changes which
    documents these are.
    """
    training = settings.training
    if training.has_committee or settings.adversarial.unlabelled:
        return training.arms
    return (training.selecting_arm,)


def train_later_arms(context: Context) -> tuple[str, ...]:
    """Train the arms that nobody waited for, if some have no model yet; return all that were left for later.

    They learn from the documents that the selecting arm learnt from, with the same seed.

    :raises ModelReplaced: one of them was lost, and training it again gave other weights, which were recorded; the
        steps since training must run again.
    """
    with context.store.read() as session:
        later = tuple(session.get_one(StepRow, (context.number, "train")).counts.get(LATER, ()))
    if later:
        examples = training_examples(context)
        replaced = _train_missing(context, examples, _calibration(context, examples), cast(tuple[Arm, ...], later))
        if replaced:
            raise ModelReplaced(replaced[-1])
    return later


def note_later_arms(session: Session, context: Context) -> list[str]:
    """Add the models of the arms that were left for later to the counts of this step; return notices on them."""
    row = session.get_one(StepRow, (context.number, "train"))
    models = models_of(session, context.number)
    counts = {name: value for name, value in row.counts.items() if name != LATER}
    row.counts = {**counts, "models": {arm: model.version for arm, model in models.items()}}
    learnt = {model.summary.get("training_data_sha256") for model in members_of(models).values()}
    if len(learnt) < 2:
        return []
    return [
        f"answers were changed after the model of {context.settings.training.selecting} was trained; "
        f"{', '.join(row.counts['models'])} did not learn from the same answers, so their scores cannot be compared"
    ]


def _train_missing(
    context: Context, examples: Sequence[Example], calibration: RoundCalibration, arms: Sequence[Arm]
) -> list[str]:
    """Train the arms that have no complete model in this round yet.

    :return: versions of the models that replace lost ones with other weights.
    :raises NotEnoughLabelsError: nothing can be learnt from the examples.
    """
    unlabelled = unlabelled_documents(context) if context.settings.adversarial.unlabelled else []
    with context.store.read() as session:
        done = models_of(session, context.number)
    missing = [arm for arm in arms if not (arm in done and _is_whole(context, done[arm]))]
    replaced: list[str] = []
    for arm, model in _trained(context, examples, unlabelled, missing, calibration):
        if arm not in done:
            record_model(context, model, arm)
        elif _is_same(done[arm], model):
            put_in_place(context, model, done[arm].version)
        else:
            replaced.append(replace_lost_model(context, done[arm], model))
    return replaced


def _dropped(context: Context, learnt: int) -> int:
    """Return how many annotated documents and sentences are left out of training because of a dispute.

    :param learnt: how many there are to learn from.
    """
    settings = context.settings
    if not settings.team.drops:
        return 0
    with context.store.read() as session:
        return len(learnt_answers(session, with_gold=context.gold_is_known)) - learnt


def _sentences(session: Session, examples: Sequence[Example]) -> dict[str, int]:
    """Return for the counts how many of the examples are sentences asked for by themselves, if there are any."""
    number = len(places_of(session, [example.document.id for example in examples]))
    return {"sentences": number} if number else {}


def model_folder(context: Context, row: ModelRow) -> Path:
    """Return the folder of a model of this round, complete and as it was trained.

    Once per run, its files are compared with the digests in the store. A lost or changed model is trained again, which
    gives the same weights on the same machine.

    :raises ModelReplaced: training gave other weights, which were recorded; the steps since training must run again.
    """
    folder = context.models_dir / row.version
    if row.version in context.intact_models:
        return folder
    if row.arm == COMMITTEE:
        with context.store.read() as session:
            members = members_of(models_of(session, context.number))
        for member in members.values():
            model_folder(context, member)
        restore_committee(context, row)
        context.intact_models.add(row.version)
        return folder
    if not _is_whole(context, row):
        what = "is damaged or was changed in" if folder.is_dir() else "is gone from"
        context.progress.say(f"The model {row.version} {what} {context.models_dir}; it is trained again.")
        model = _train_again(context, row)
        if not _is_same(row, model):
            version = replace_lost_model(context, row, model)
            raise ModelReplaced(version)
        put_in_place(context, model, row.version)
    context.intact_models.add(row.version)
    return folder


def is_whole(folder: Path, row: ModelRow) -> bool:
    """Return whether a model's folder is complete and matches the digests in the store."""
    from biorat_al.learner.committee.saved import is_intact_committee
    from biorat_al.learner.encoder.saved_model import is_intact
    from biorat_al.learner.relations.training import relation_folders

    if row.arm == COMMITTEE:
        return is_intact_committee(folder, row.sha256)
    weights = _weights(row.summary)
    if not is_intact(folder, row.sha256):
        return False
    return weights is None or any(is_intact(place, weights) for place in relation_folders(folder)[-1:])


def _trained(
    context: Context,
    examples: Sequence[Example],
    unlabelled: Sequence[Document],
    arms: Sequence[Arm],
    calibration: RoundCalibration,
) -> Iterator[tuple[Arm, TrainedModel]]:
    """Train arms, where the round computes; yield each with its model, whose summary is of all its models.

    :raises NotEnoughLabelsError: there is nothing to learn.
    """
    if not arms:
        return
    from biorat_al.learner.encoder.device import pick_device

    settings = context.settings
    # a label that no document was asked for cannot be learnt, so the model does not have it
    known = learnt_labels(examples, settings)
    labels = tuple(label for label in settings.labels if label in known.labels)
    asked = _learnable(examples, settings)
    types = tuple(one for one in settings.relations if one.name in known.relations)
    relations = RelationOrder(types=types, settings=settings.relation_extraction, examples=examples)

    def order(arm: Arm, scaling: Scaling, start: StartingWeights | None = None) -> ArmOrder:
        return ArmOrder(
            arm=arm,
            training=settings.training,
            adversarial=settings.adversarial,
            seed=_seed(context),
            scaling=scaling,
            start=start,
            labels=labels,
            examples=asked,
            unlabelled=unlabelled,
            relations=relations if settings.relations else None,
            models_dir=context.models_dir,
            prefix=f"{settings.name}-r{context.number}-{arm}",
            provenance={"project": settings.name, "round": context.number, "program_version": __version__},
        )

    plain = order("none", UNCALIBRATED).job(context.encoder, pick_device(), context.progress)
    start = start_of(context, asked, labels, plain)
    orders = [order(arm, _scaling_of(context, arm, calibration), start) for arm in arms]
    with closing(context.compute.train(orders, context.encoder, context.progress)) as models:
        yield from zip(arms, models, strict=True)


def _scaling_of(context: Context, arm: Arm, calibration: RoundCalibration) -> Scaling:
    """Return what an arm's mentions are calibrated with if no documents are kept back for it."""
    training = context.settings.training
    if training.dev_share:
        return UNCALIBRATED
    return calibration.scaling if arm == training.selecting else default_scaling(arm)


def _learnable(examples: Sequence[Example], settings: Settings) -> list[Example]:
    """Return the examples that were asked for at least one of the labels that can be learnt."""
    known = learnt_labels(examples, settings)
    return [example for example in examples if not known.labels <= example.unasked.labels]


def _calibration(context: Context, examples: Sequence[Example]) -> RoundCalibration:
    """Return what the selecting model is calibrated with if no documents are kept back for it."""
    if context.settings.training.dev_share:
        # of fewer than 20 documents none is kept, and nothing is calibrated, as in all versions
        return RoundCalibration(UNCALIBRATED, 0)
    return from_answers(context, examples)


def _advice(calibration: RoundCalibration, training: TrainingSettings) -> dict[str, Any]:
    """Return for the counts how the last model did on the answers, if no documents are kept back for it."""
    if training.dev_share:
        return {}
    said = {"calibrated_on": calibration.mentions}
    return said | (
        {"last_model": {"documents": calibration.documents, "f1": calibration.f1}} if calibration.documents else {}
    )


def _train_again(context: Context, row: ModelRow) -> TrainedModel:
    """Train a model whose folder was lost once more."""
    if row.arm == BORROWED:
        found = borrowed_start(context)
        if found is None:
            raise ProjectError(
                f"the model {row.version} is gone, and {SETTINGS_FILE} no longer names the corpora that it was trained "
                "on; put its folder or their entries back"
            )
        return found.model
    unlabelled = unlabelled_documents(context) if context.settings.adversarial.unlabelled else []
    examples = training_examples(context)
    arms = (cast(Arm, row.arm),)
    ((_, model),) = _trained(context, examples, unlabelled, arms, _calibration(context, examples))
    return model


def _begin_with_borrowed(context: Context) -> Finish:
    """Record the borrowed model, which can pre-label the batch while nobody has annotated anything, if there is one."""
    why = "nobody has annotated anything yet"
    found = borrowed_start(context)
    if found is None:
        return nothing(why)
    with context.store.read() as session:
        done = borrowed_model_of(session, context.number)
    if done is not None and done.version != found.model.version and _is_whole(context, done):
        # the settings have changed since; what may have been pushed already stays as it is
        return nothing(f"{why}; pre-labels come from the borrowed model {done.version}")
    if done is not None and done.version != found.model.version:
        replace_lost_model(context, done, found.model)
    if done is None:
        record_model(context, found.model, BORROWED)
    if kept_files(context.settings):
        return nothing(f"{why}; a model was trained on borrowed documents: {in_words(found.corpora)}")
    return nothing(f"{why}; pre-labels come from a model trained on borrowed documents: {in_words(found.corpora)}")


def _is_same(before: ModelRow, model: TrainedModel) -> bool:
    """Return whether a retrained model has the same weights as the lost one."""
    return (model.sha256, _weights(model.summary)) == (before.sha256, _weights(before.summary))


def _notices(session: Session, context: Context, models: Mapping[str, ModelRow]) -> list[str]:
    """Return sentences on what people should know about the models and their training labels."""
    settings = context.settings
    unknown, changed = unknown_preference(session, settings), changed_encoder(session, context.number)
    later = [*replaced_notices(members_of(models)), *(one.sentence for one in not_asked(session, settings))]
    return later + ([f"{unknown}: what is disputed is masked"] if unknown else []) + ([changed] if changed else [])


def _is_whole(context: Context, row: ModelRow) -> bool:
    """Return whether the model's files are all there and unchanged."""
    return is_whole(context.models_dir / row.version, row)


def _weights(summary: Mapping[str, Any]) -> str | None:
    """Return the sha256 of a model's relation weights; None if it has none."""
    found: str | None = summary.get("relations", {}).get("sha256")
    return found


def _seed(context: Context) -> int:
    """Return the seed of training: that of the round's other models, if an older version has trained some of them."""
    with context.store.read() as session:
        found = [row.summary["seed"] for row in models_of(session, context.number).values() if "seed" in row.summary]
    return int(found[0]) if found else context.training_seed


def _relation_counts(examples: Sequence[Example], summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of relations: all, those that no candidate can express, and why none were learnt, if so."""
    counts = {"relations": sum(len(example.relations) + len(example.concept_relations) for example in examples)}
    named = {"not_candidates": "not_candidates", "cut_documents": "cut_documents", "reason": "no_relation_model"}
    return counts | {name: summary[key] for key, name in named.items() if key in summary}
