"""Compare files of predictions and dictionaries with the model that selects, on the test documents, before the push.

The step decides whose pre-labels the next batch is shown with, so annotators wait for it. It reads the plain test
documents with that one model; all else that is measured follows the push, in the step ``evaluate``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.rounds.pre_labels.choice import MEASURED, compared_with, of_documents
from biorat_al.rounds.pre_labels.pre_labeller import PreLabeller, pre_labellers
from biorat_al.rounds.steps.held_out import HeldOut, evaluation_rows, read_test_set
from biorat_al.rounds.steps.train import model_folder
from biorat_al.store.evaluations import replace_evaluation
from biorat_al.store.models import models_of


def run(context: Context) -> Finish:
    """Count strict spans of each file and dictionary, and of the selecting model, and store who is the best.

    Without a model of this round, files and dictionaries are measured alone.
    """
    with context.store.read() as session:
        tests = read_test_set(session, context.settings)
    if tests.missing:
        return nothing(tests.missing)
    usual = _rows_of_model(context, tests.documents)
    rows = _rows_of_pre_labellers(context, tests.documents, usual)
    compared = compared_with(
        context.settings.training.selecting if usual is not None else "",
        of_documents(usual or ()),
        {labeller: of_documents(some) for labeller, some in rows.items()},
        context.seed("compare pre-labels"),
    )

    def finish(session: Session) -> StepResult:
        for labeller, some in rows.items():
            labeller.note(session, context.number)
            replace_evaluation(session, labeller.version, some)
        return StepResult(counts={**tests.counts, MEASURED: compared})

    return finish


def _rows_of_model(context: Context, held_out: HeldOut) -> list[dict[str, Any]] | None:
    """Return the evaluation of the model that selects; None if this round has trained none."""
    with context.store.read() as session:
        model = models_of(session, context.number).get(context.settings.training.selecting)
    if model is None:
        return None
    from biorat_al.learner.predictor import Predictor

    predictor = Predictor.load(model_folder(context, model))
    predicted = {}
    with context.progress.bar(f"Measuring {model.arm}", total=len(held_out), unit="document") as bar:
        for found in predictor.tagger.predict(example.document for example in held_out.values()):
            predicted[found.document_id] = found.entities
            bar.advance(1)
    return evaluation_rows(held_out, predicted, predictor.labels)


def _rows_of_pre_labellers(
    context: Context, held_out: HeldOut, usual: list[dict[str, Any]] | None
) -> dict[PreLabeller, list[dict[str, Any]]]:
    """Return the evaluation of each file of predictions and each dictionary, on the test documents that it has.

    :param usual: the evaluation of the model. What it has not learnt is not counted for it, so it is not counted for
        the others either.
    """
    known = None if usual is None else {row["label"] for row in usual}
    labels = tuple(label for label in context.settings.labels if known is None or label in known)
    documents = {row_id: example.document for row_id, example in held_out.items()}
    rows = {}
    for labeller in pre_labellers(context):
        with context.progress.bar(f"Measuring {labeller.kept.name}"):
            found = labeller.predicted(documents)
        covered = {row_id: held_out[row_id] for row_id in held_out if row_id in found}
        predicted = {documents[row_id].id: entities for row_id, entities in found.items()}
        rows[labeller] = evaluation_rows(covered, predicted, labels)
    return rows
