"""Step 6: train the arms that nobody waited for, and evaluate each arm, and their committee, on the test documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Entity
from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.entities.scoring import reliability, score
from biorat_al.learner.perturbed_documents import CONDITIONS, perturbed
from biorat_al.learner.scaling import Scaling
from biorat_al.learner.types import Prediction
from biorat_al.progress import Bar
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.models.committee import members_of
from biorat_al.rounds.seeds import derive_seed
from biorat_al.rounds.steps.held_out import (
    HeldOut,
    disputed_mentions,
    evaluation_rows,
    gold_mentions,
    read_test_set,
    unasked_labels,
)
from biorat_al.rounds.steps.relation_scores import relation_rows
from biorat_al.rounds.steps.train import model_folder, note_later_arms, train_later_arms
from biorat_al.settings import COMMITTEE
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
    """
    with context.store.read() as session:
        models = models_in_use(session, context.number)
        if not models:
            return nothing("there is no model yet")
        tests = read_test_set(session, context.settings)
    if tests.missing:
        return nothing(tests.missing)
    held_out = tests.documents
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
                    evaluation_rows(held_out, predicted, predictor.labels),
                    _reliability(held_out, predicted, predictor.labels),
                    robustness[arm],
                    relation_rows(predictor, held_out, found[arm], settings.relations, level, bar) if related else None,
                    predictor.uncased,
                )

    def finish(session: Session) -> StepResult:
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
        counts = {**tests.counts, "f1": f1, "uncased": uncased}
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


def _reliability(
    held_out: HeldOut, predicted: Mapping[str, tuple[Entity, ...]], labels: tuple[str, ...]
) -> list[dict[str, Any]]:
    bins = reliability(
        gold_mentions(held_out), predicted, labels, disputed_mentions(held_out), unasked_labels(held_out)
    )
    return [{"bin": number, **asdict(part)} for number, part in enumerate(bins)]


def _robustness(
    taggers: Mapping[str, Tagger], changed: Mapping[str, HeldOut], bar: Bar
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each model under each condition, by arm."""
    rows: dict[str, list[dict[str, Any]]] = {arm: [] for arm in taggers}
    for condition, held_out in changed.items():
        disputed, unasked = disputed_mentions(held_out), unasked_labels(held_out)
        for arm, found in _predictions(taggers, held_out, bar).items():
            counts = score(
                gold_mentions(held_out), _mentions(found), taggers[arm].labels, disputed, unasked
            ).by_document
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
