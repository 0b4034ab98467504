"""Step 3: predict the pool with the committee, or with the selecting arm; of a very large one, a part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing

from sqlalchemy.orm import Session

from biorat_al.acquisition.fluctuation import ROUNDS
from biorat_al.corpus.model.document import Document
from biorat_al.learner.types import Prediction
from biorat_al.rounds.computing.compute import Chunks
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.pool import SAMPLE, unanswered_documents
from biorat_al.rounds.segments import make_missing_segments
from biorat_al.rounds.steps.candidates import FirstPart, about_sample, draw, likeliest
from biorat_al.rounds.steps.train import model_folder
from biorat_al.rounds.stopping_advice import pool_counts
from biorat_al.store.annotations import chunks, entity_values, relation_values
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import (
    add_predictions,
    borrowed_model_of,
    forget_predictions,
    forget_replaced_predictions,
    measures,
    mnlp_history,
    models_of,
    predicted_documents,
    selecting_model_before,
)
from biorat_al.store.tables import ModelRow

CHUNK = 512


def run(context: Context) -> Finish:
    """Predict everything that nobody has annotated: what can be asked for, documents or sentences, and open tasks.

    Of a pool larger than the settings' `score_all`, a random sample and what is likely to be chosen are predicted; see
    :mod:`biorat_al.rounds.steps.candidates`.

    If the model has learnt relations, it also predicts those between its predicted mentions, and its confidence and
    uncertainty cover both.

    Each chunk is committed. The chunks are the same after a crash, so that the batches, and with them the last bit of
    every number, do not depend on when the crash happened.

    With each prediction goes how unsure the models of the last rounds were of the document. Their own predictions are
    deleted with the commit that ends the step, so a step that was cut off still has them.
    """
    settings = context.settings
    make_missing_segments(context)
    with context.store.read() as session:
        model = models_of(session, context.number).get(settings.training.selecting)
        if model is None:
            borrowed = borrowed_model_of(session, context.number)
            # predicting takes long in a large pool, and nothing is chosen by this model
            return nothing("only what is picked is predicted" if borrowed else "there is no model yet")
        targets = unanswered_documents(session, context.unit, without_gold=context.gold_is_known)
        done = predicted_documents(session, model.version)
        before = selecting_model_before(session, context.number)
    if not targets:
        return nothing("no document is left to predict")
    part = draw(context, targets)
    if part is not None:
        return _predict_part(context, model, targets, part, done, before)
    _predict_chunks(context, model, targets, done, "Predicting the pool", before=before)
    # before finish() deletes the earlier round's predictions
    with context.store.read() as session:
        counts = pool_counts(session, model.version, context.number, targets)

    unit = {"unit": context.unit} if context.unit == "sentence" else {}

    def finish(session: Session) -> StepResult:
        forget_predictions(session, model.version)
        return StepResult(counts={"documents": len(targets), **unit, "model": model.version, **counts})

    return finish


def _predict_part(
    context: Context,
    model: ModelRow,
    targets: Sequence[int],
    part: FirstPart,
    done: Collection[int],
    before: ModelRow | None,
) -> Finish:
    """Predict a random sample, open tasks, and what is likely to be chosen; the rest keeps its older predictions."""
    _predict_chunks(context, model, part.first, done, "Predicting a random sample", before=before)
    chosen = likeliest(context, model.version, part)
    if chosen:
        _predict_chunks(context, model, chosen, done, "Predicting candidates", before=before)
    with context.store.read() as session:
        counts = pool_counts(session, model.version, context.number, part.sample, sample=True)
        sample = about_sample(session, model.version, part.sample)
    unit = {"unit": context.unit} if context.unit == "sentence" else {}
    number = len(part.first) + len(chosen)

    def finish(session: Session) -> StepResult:
        forget_replaced_predictions(session, model.version)
        found = {"documents": number, **unit, "model": model.version, **counts, "of": len(targets), SAMPLE: sample}
        return StepResult(counts=found)

    return finish


def predict_picked(context: Context, picked: Sequence[int], *, borrowed: bool) -> None:
    """Predict what of a batch has not been predicted in this round.

    That is all of it if there is only the borrowed model; and of a pool that was predicted in part, what was picked
    without regard to predictions. Each chunk is committed, as in :func:`run`.

    :param picked: row ids of the documents.
    :param borrowed: whether the borrowed model predicts; the model of the round always does.
    """
    with context.store.read() as session:
        models = models_of(session, context.number)
        model = models.get(context.settings.training.selecting)
        if model is None and borrowed and not models:
            model = borrowed_model_of(session, context.number)
        if model is None:
            return
        done = measures(session, model.version, picked, ("tokens",)).keys()
    if not done >= set(picked):
        _predict_chunks(context, model, picked, done, "Pre-labelling the batch")


def predict_begun(context: Context, document_ids: Sequence[int]) -> str | None:
    """Predict whole documents of which only sentences were predicted; return the version of the model, if there is one.

    Where rounds ask for documents, the step before has predicted them. Each chunk is committed, as in :func:`run`.

    :param document_ids: row ids of the documents.
    """
    with context.store.read() as session:
        model = models_of(session, context.number).get(context.settings.training.selecting)
        model = model or borrowed_model_of(session, context.number)
        done = predicted_documents(session, model.version) if model else set()
    if model is None:
        return None
    if not done.issuperset(document_ids):
        _predict_chunks(context, model, document_ids, done, "Predicting begun documents")
    return model.version


def _predict_chunks(
    context: Context,
    model: ModelRow,
    document_ids: Sequence[int],
    done: Collection[int],
    title: str,
    *,
    before: ModelRow | None = None,
) -> None:
    """Predict the chunks of documents that are not predicted yet, and commit each.

    :param document_ids: row ids of all documents, those that are done among them.
    :param before: the earlier round's model whose predictions the new ones replace.
    """
    folder = model_folder(context, model)
    # a chunk is done or not, unless a round goes on with other settings that decide what is predicted
    left = [rest for some in chunks(document_ids, CHUNK) if (rest := [one for one in some if one not in done])]

    def read(place: int) -> list[Document]:
        with context.store.read() as session:
            documents = documents_by_id(session, left[place], check=True)
        return [documents[document_id] for document_id in left[place]]

    begun = len(document_ids) - sum(map(len, left))
    with (
        context.progress.bar(title, total=len(document_ids), unit="document", done=begun) as bar,
        closing(context.compute.predict(folder, Chunks(len(left), read))) as predicted,
    ):
        for some, predictions in zip(left, predicted, strict=True):
            _keep(context, model.version, some, predictions, before)
            bar.advance(len(some))


def _keep(
    context: Context,
    version: str,
    document_ids: Sequence[int],
    predictions: Sequence[Prediction],
    before: ModelRow | None,
) -> None:
    """Commit the predictions of a chunk of documents.

    :param version: version of the model.
    :param document_ids: row ids of the documents.
    """
    earlier: dict[int, list[float]] = {}
    if before is not None:
        with context.store.read() as session:
            earlier = mnlp_history(session, before.version, document_ids)
    rows = [
        {
            "model_version": version,
            "document_id": document_id,
            "confidence": prediction.confidence,
            "tokens": prediction.uncertainty.tokens,
            "least_confidence": prediction.uncertainty.least_confidence,
            "margin": prediction.uncertainty.margin,
            "entropy": prediction.uncertainty.entropy,
            "mnlp": prediction.uncertainty.mnlp,
            "entity_entropy": prediction.uncertainty.entity_entropy,
            "earlier_mnlp": earlier.get(document_id, [])[: ROUNDS - 1],
            "entities": [entity_values(entity) for entity in prediction.entities],
            "relations": [relation_values(relation) for relation in prediction.relations],
        }
        for document_id, prediction in zip(document_ids, predictions, strict=True)
    ]
    context.check_lock()
    with context.store.write() as session:
        add_predictions(session, rows)
