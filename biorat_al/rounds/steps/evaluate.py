"""Step 6: train the arms that nobody waited for, and evaluate each arm, and their committee, on the test documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import (
    UNDISPUTED,
    Annotation,
    ConceptRelation,
    Disputed,
    Document,
    Entity,
    Relation,
)
from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.entities.scoring import reliability, score
from biorat_al.learner.perturbed_documents import CONDITIONS, perturbed
from biorat_al.learner.scaling import Scaling
from biorat_al.learner.types import Example, Prediction
from biorat_al.people.disputes import all_dropped, masked_counts
from biorat_al.progress import Bar
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.models.committee import members_of
from biorat_al.rounds.pre_labels.choice import MEASURED, compared_with, of_documents
from biorat_al.rounds.pre_labels.kept import kept_files
from biorat_al.rounds.pre_labels.pre_labeller import PreLabeller, pre_labellers
from biorat_al.rounds.seeds import derive_seed
from biorat_al.rounds.steps.learnt import check_stored
from biorat_al.rounds.steps.relation_scores import relation_rows
from biorat_al.rounds.steps.train import model_folder, note_later_arms, train_later_arms
from biorat_al.rounds.unasked import unasked_counts, unasked_of
from biorat_al.settings import COMMITTEE, Settings
from biorat_al.store.answers import answers, decisions
from biorat_al.store.documents import count_documents, documents_by_id
from biorat_al.store.evaluations import (
    evaluation,
    relation_f1,
    replace_evaluation,
    replace_relation_evaluation,
    replace_reliability,
    replace_robustness,
)
from biorat_al.store.models import models_in_use
from biorat_al.store.tables import ModelRow

if TYPE_CHECKING:
    from biorat_al.learner.entities.tagger import Tagger
    from biorat_al.learner.predictor import Predictor

TRAINED = "trained"
"""Entry of the step's counts with the arms that it trained, since nobody waited for them before the push."""

HeldOut = Mapping[int, Example]
"""Test documents by row id, with the mentions and relations that count as gold."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """Measurements of one model, as table rows without its version.

    :param relations: None if the model has learnt no relations.
    :param uncased: the model does not distinguish upper and lower case.
    """

    evaluation: list[dict[str, Any]]
    reliability: list[dict[str, Any]]
    robustness: list[dict[str, Any]]
    relations: list[dict[str, Any]] | None
    uncased: bool


def run(context: Context) -> Finish:
    """Train the arms that nobody waited for, and measure all models; see :func:`_measure`."""
    later: tuple[str, ...] = ()
    unlearnt: list[str] = []
    try:
        later = train_later_arms(context)
    except NotEnoughLabelsError as error:
        # answers were changed since the push; the round still has to end
        unlearnt = [f"answers were changed after the push, and the other arms could not be trained: {error}"]
    finish = _measure(context)
    if not later and not unlearnt:
        return finish

    def finish_both(session: Session) -> StepResult:
        told_later = note_later_arms(session, context)
        result = finish(session)
        if result.skipped:
            return result
        notices = [*result.counts.get("notices", ()), *told_later, *unlearnt]
        told = {**({TRAINED: list(later)} if later else {}), **({"notices": notices} if notices else {})}
        return replace(result, counts={**result.counts, **told})

    return finish_both


def _measure(context: Context) -> Finish:
    """Predict the annotated test documents with each arm and their committee, and count strict spans.

    They are counted per document and label. The confidences of these predictions are sorted into reliability bins. If
    the settings ask for robustness, the model also predicts the same documents under each condition of
    :mod:`biorat_al.learner.perturbed_documents`. Reliability and robustness cover mentions only. If a model has learnt
    relations, they are counted in the ways described in
    :mod:`biorat_al.rounds.steps.relation_scores`. All of these counts mask disputed annotations, and leave out a
    document's labels that it was not asked for.

    Files of pre-labels and dictionaries are measured as well, and compared with the model that selects.
    """
    with context.store.read() as session:
        models = models_in_use(session, context.number)
        if not models and not kept_files(context.settings):
            return nothing("there is no model yet")
        total = count_documents(session)["test"]
        held_out, dropped = _held_out(session, context.settings), _dropped(session, context.settings)
        if not held_out and dropped:
            return nothing(all_dropped(dropped, "test document"))
        if not held_out:
            asked = " with a label of the project" if answers(session, "test", with_gold=True) else ""
            none = f"none of the {total} test documents is annotated{asked}"
            return nothing(none if total else "there is no test set")
    settings = context.settings
    level = settings.relation_extraction.level
    changed = _changed(context, held_out) if settings.evaluation.robustness else {}
    measured: dict[str, _Measured] = {}
    for predictors in _side_by_side(context, models):
        number = sum(len(held_out) * (1 + one.has_relations + len(changed)) for one in predictors.values())
        with context.progress.bar(f"Evaluating {', '.join(predictors)}", total=number, unit="document") as bar:
            found = _predictions(predictors, held_out, bar)
            robustness = _robustness({arm: one.tagger for arm, one in predictors.items()}, changed, bar)
            for arm, predictor in predictors.items():
                predicted, related = _mentions(found[arm]), predictor.has_relations
                measured[arm] = _Measured(
                    _evaluation(held_out, predicted, predictor.labels),
                    _reliability(held_out, predicted, predictor.labels),
                    robustness[arm],
                    relation_rows(predictor, held_out, found[arm], settings.relations, level, bar) if related else None,
                    predictor.uncased,
                )

    selecting = settings.training.selecting if settings.training.selecting in measured else ""
    of_sources, compared = _pre_labellers(context, held_out, selecting, measured)

    def finish(session: Session) -> StepResult:
        for labeller, rows in of_sources.items():
            labeller.note(session, context.number)
            replace_evaluation(session, labeller.version, rows)
        for arm, model in models.items():
            replace_evaluation(session, model.version, measured[arm].evaluation)
            replace_reliability(session, model.version, measured[arm].reliability)
            if changed:
                replace_robustness(session, model.version, measured[arm].robustness)
            replace_relation_evaluation(session, model.version, measured[arm].relations or ())
        overall = {arm: evaluation(session, model.version).get(None) for arm, model in models.items()}
        f1 = {arm: of_arm.f1 if of_arm else None for arm, of_arm in overall.items()}
        of_relations = {arm: found for arm, model in models.items() if (found := relation_f1(session, model.version))}
        uncased = bool(measured) and all(of_arm.uncased for of_arm in measured.values())
        counts = {"documents": len(held_out), "of": total, "f1": f1, "uncased": uncased}
        counts |= masked_counts([example.disputed for example in held_out.values()], dropped)
        counts |= unasked_counts(held_out.values())
        if of_sources:
            counts[MEASURED] = compared
        if of_relations:
            counts |= {"relation_f1": of_relations, "relation_level": level}
        return StepResult(counts=counts)

    return finish


def _side_by_side(context: Context, models: Mapping[str, ModelRow]) -> Iterator[dict[str, Predictor]]:
    """Yield the models that predict side by side, by arm: a committee with its members, or else one at a time.

    Each member then reads a document once, for itself and for the committee.
    """
    from biorat_al.learner.predictor import Predictor

    if COMMITTEE not in models:
        for arm, model in models.items():
            yield {arm: Predictor.load(model_folder(context, model))}
        return
    predictors = {arm: Predictor.load(model_folder(context, one)) for arm, one in members_of(models).items()}
    committee = models[COMMITTEE]
    model_folder(context, committee)
    voters = [predictors[one["arm"]] for one in committee.summary["members"]]
    for voter in voters:
        voter.tagger.keep_scores()
    yield {**predictors, COMMITTEE: Predictor.of_members(committee.version, voters, Scaling.of(committee.summary))}


def _pre_labellers(
    context: Context, held_out: HeldOut, selecting: str, measured: Mapping[str, _Measured]
) -> tuple[dict[PreLabeller, list[dict[str, Any]]], dict[str, Any]]:
    """Measure files of pre-labels and dictionaries on the test documents, and compare them with the selecting model.

    :param selecting: its arm; empty if there is no model yet.
    :returns: the rows of each evaluation, and the comparison for the counts.
    """
    usual = measured[selecting].evaluation if selecting else []
    # what the model has not learnt is not counted for it, so it is not counted for the others either
    known = {row["label"] for row in usual}
    labels = tuple(label for label in context.settings.labels if not selecting or label in known)
    documents = {row_id: example.document for row_id, example in held_out.items()}
    rows: dict[PreLabeller, list[dict[str, Any]]] = {}
    for labeller in pre_labellers(context):
        with context.progress.bar(f"Evaluating {labeller.kept.name}"):
            found = labeller.predicted(documents)
        covered = {row_id: held_out[row_id] for row_id in held_out if row_id in found}
        predicted = {documents[row_id].id: entities for row_id, entities in found.items()}
        rows[labeller] = _evaluation(covered, predicted, labels)
    counts = {labeller: of_documents(some) for labeller, some in rows.items()}
    seed = context.seed("compare pre-labels")
    return rows, compared_with(selecting, of_documents(usual), counts, seed)


def of_labels(entities: Iterable[Entity], labels: tuple[str, ...]) -> tuple[Entity, ...]:
    """Return the entities that have one of the project's labels."""
    return tuple(entity for entity in entities if entity.label in labels)


def _dropped(session: Session, settings: Settings) -> int:
    """Return how many annotated test documents are left out because of a dispute."""
    if not settings.team.drops:
        return 0
    return sum(bool(one.majority.disputed) for one in decisions(session, answers(session, "test", with_gold=True)))


def _held_out(session: Session, settings: Settings) -> dict[int, Example]:
    prefer = settings.team.preferred
    chosen = answers(session, "test", with_gold=True, prefer=prefer)
    documents = documents_by_id(session, [answer.document_id for answer in chosen], check=True)
    held_out = {}
    for decision in decisions(session, chosen, prefer=prefer):
        if settings.team.drops and decision.majority.disputed:
            continue
        document = documents[decision.answer.document_id]
        check_stored(document, decision.majority.annotation)
        example = _of_project(document, decision.majority.annotation, settings, decision.majority.disputed)
        unasked = unasked_of(decision.answer, settings)
        if not unasked.labels >= set(settings.labels):
            held_out[decision.answer.document_id] = replace(example, unasked=unasked)
    return held_out


def _of_project(
    document: Document, annotation: Annotation, settings: Settings, disputed: Disputed = UNDISPUTED
) -> Example:
    """Return the parts of an annotation, and of its disputes, that have labels of the project."""
    entities, masked = of_labels(annotation.entities, settings.labels), of_labels(disputed.entities, settings.labels)
    labels, there = settings.relation_labels, {entity.id for entity in (*entities, *masked)}

    def between(relations: Iterable[Relation]) -> tuple[Relation, ...]:
        return tuple(one for one in relations if one.label in labels and {one.head, one.tail} <= there)

    def stated(relations: Iterable[ConceptRelation]) -> tuple[ConceptRelation, ...]:
        return tuple(one for one in relations if one.label in labels)

    return Example(
        document,
        entities,
        between(annotation.relations),
        stated(annotation.concept_relations),
        Disputed(masked, between(disputed.relations), stated(disputed.concept_relations)),
    )


def _changed(context: Context, held_out: HeldOut) -> dict[str, HeldOut]:
    """Return the test documents under each condition of the robustness evaluation.

    They are the same for all arms. Between rounds only a few swapped names differ, because test documents annotated
    since then add names.
    """
    seed = derive_seed(context.settings.seed, "robustness")
    examples = list(held_out.values())
    return {
        condition: dict(zip(held_out, perturbed(examples, condition, seed), strict=True)) for condition in CONDITIONS
    }


def _predictions(
    models: Mapping[str, Predictor] | Mapping[str, Tagger], held_out: HeldOut, bar: Bar
) -> dict[str, dict[str, Prediction]]:
    """Return the predictions of each model, by arm and by document id; all predict a document before the next one."""
    predicted: dict[str, dict[str, Prediction]] = {arm: {} for arm in models}
    documents = [example.document for example in held_out.values()]
    for of_document in zip(*(model.predict(documents) for model in models.values()), strict=True):
        for arm, prediction in zip(models, of_document, strict=True):
            predicted[arm][prediction.document_id] = prediction
        bar.advance(len(models))
    return predicted


def _mentions(predictions: Mapping[str, Prediction]) -> dict[str, tuple[Entity, ...]]:
    return {key: prediction.entities for key, prediction in predictions.items()}


def _gold(held_out: HeldOut) -> dict[str, tuple[Entity, ...]]:
    return {example.document.id: example.entities for example in held_out.values()}


def _disputed(held_out: HeldOut) -> dict[str, tuple[Entity, ...]]:
    return {example.document.id: example.disputed.entities for example in held_out.values()}


def _unasked(held_out: HeldOut) -> dict[str, frozenset[str]]:
    return {example.document.id: example.unasked.labels for example in held_out.values()}


def _evaluation(
    held_out: HeldOut, predicted: Mapping[str, tuple[Entity, ...]], labels: tuple[str, ...]
) -> list[dict[str, Any]]:
    disputed, unasked = _disputed(held_out), _unasked(held_out)
    return [
        {
            "document_id": document_id,
            "label": label,
            "true_positives": counts.tp,
            "false_positives": counts.fp,
            "false_negatives": counts.fn,
        }
        for document_id, example in held_out.items()
        for label, counts in score(
            {example.document.id: example.entities}, predicted, labels, disputed, unasked
        ).by_label.items()
        if label not in example.unasked.labels
    ]


def _reliability(
    held_out: HeldOut, predicted: Mapping[str, tuple[Entity, ...]], labels: tuple[str, ...]
) -> list[dict[str, Any]]:
    bins = reliability(_gold(held_out), predicted, labels, _disputed(held_out), _unasked(held_out))
    return [{"bin": number, **asdict(part)} for number, part in enumerate(bins)]


def _robustness(
    taggers: Mapping[str, Tagger], changed: Mapping[str, HeldOut], bar: Bar
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each model under each condition, by arm."""
    rows: dict[str, list[dict[str, Any]]] = {arm: [] for arm in taggers}
    for condition, held_out in changed.items():
        disputed, unasked = _disputed(held_out), _unasked(held_out)
        for arm, found in _predictions(taggers, held_out, bar).items():
            counts = score(_gold(held_out), _mentions(found), taggers[arm].labels, disputed, unasked).by_document
            for document_id, example in held_out.items():
                of_document = counts[example.document.id]
                rows[arm].append(
                    {
                        "condition": condition,
                        "document_id": document_id,
                        "true_positives": of_document.tp,
                        "false_positives": of_document.fp,
                        "false_negatives": of_document.fn,
                    }
                )
    return rows
