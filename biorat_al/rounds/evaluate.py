"""Step 3: measure each arm on the held-out test documents that have been annotated."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from biorat_al.corpus.model import Entity
from biorat_al.rounds.context import Context, Finish, StepResult, nothing
from biorat_al.store.answers import answers, load_answers
from biorat_al.store.documents import count_documents, documents_by_id
from biorat_al.store.rounds import add_evaluations, evaluation, models_of
from biorat_al.store.tables import EvaluationRow


def run(context: Context) -> Finish:
    """Predict the annotated test documents with each arm and count strict spans per document and label."""
    with context.store.read() as session:
        models = models_of(session, context.number)
        if not models:
            return nothing("there is no model yet")
        chosen = answers(session, "test", with_gold=True)
        total = count_documents(session)["test"]
        if not chosen:
            return nothing(f"none of the {total} test documents is annotated" if total else "there is no test set")
        documents = documents_by_id(session, [answer.document_id for answer in chosen])
        gold = {
            answer.document_id: of_labels(annotation.entities, context.settings.labels)
            for answer, annotation in load_answers(session, chosen)
        }
    from biorat_al.learner.prediction import Tagger
    from biorat_al.learner.scoring import score

    rows: list[dict[str, Any]] = []
    for arm, model in models.items():
        tagger = Tagger.load(context.models_dir / model.version)
        ordered = [(document_id, documents[document_id]) for document_id in gold]
        with context.progress.bar(f"Evaluating {arm}", total=len(ordered), unit="documents") as bar:
            predictions = tagger.predict(document for _, document in ordered)
            for (document_id, document), prediction in zip(ordered, predictions, strict=True):
                scores = score({document.id: gold[document_id]}, {document.id: prediction.entities}, tagger.labels)
                rows.extend(
                    {
                        "model_version": model.version,
                        "document_id": document_id,
                        "label": label,
                        "true_positives": counts.tp,
                        "false_positives": counts.fp,
                        "false_negatives": counts.fn,
                    }
                    for label, counts in scores.by_label.items()
                )
                bar.advance()

    def finish(session: Session) -> StepResult:
        versions = [model.version for model in models.values()]
        session.execute(delete(EvaluationRow).where(EvaluationRow.model_version.in_(versions)))
        add_evaluations(session, rows)
        f1 = {arm: evaluation(session, model.version)[None].f1 for arm, model in models.items()}
        return StepResult(counts={"documents": len(chosen), "of": total, "f1": f1})

    return finish


def of_labels(entities: tuple[Entity, ...], labels: tuple[str, ...]) -> tuple[Entity, ...]:
    """The entities that carry one of the project's labels."""
    return tuple(entity for entity in entities if entity.label in labels)
