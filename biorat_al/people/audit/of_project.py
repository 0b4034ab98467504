"""The audit of a project: its annotations that count, and the predictions that the store keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from biorat_al.corpus.model.identity import mention_key
from biorat_al.people.audit.annotated import AnnotatedDocument, OwnAnswer
from biorat_al.people.audit.audit import Audit, audit
from biorat_al.people.audit.predictions import NOTHING_HELD_OUT, HeldOut, Predicted
from biorat_al.settings import Settings
from biorat_al.store.annotations import CHUNK, chunks, entity_from_values, load_annotations
from biorat_al.store.answers import Answer, annotators, answers, decisions, learnt_answers
from biorat_al.store.documents import document_keys, documents_by_id
from biorat_al.store.models import predictions_before_answers
from biorat_al.store.store import Store


def audit_project(settings: Settings, store: Store, held_out: HeldOut = NOTHING_HELD_OUT) -> Audit:
    """Return what looks wrong in the annotated documents of a project, test documents included.

    Annotators appear under the pseudonyms of exports.

    :param held_out: predictions of models that were trained for the audit, which take the place of those that the
        store keeps.
    """
    prefer = settings.team.preferred
    with store.read() as session:
        chosen = learnt_answers(session, with_gold=settings.gold_is_known, prefer=prefer)
        chosen += answers(session, "test", with_gold=True, prefer=prefer)
        kept = _predictions(session, chosen)
        predicted = {**kept, **_with_seen(held_out.predicted, kept)}
        return replace(audit(_documents(session, chosen, prefer), predicted), folds=held_out.folds)


def _documents(session: Session, chosen: Sequence[Answer], prefer: str | None) -> Iterator[AnnotatedDocument]:
    """Yield the documents with the annotation that counts, and the answer of each annotator who had a vote."""
    names = {name: f"annotator-{number}" for number, name in enumerate(annotators(session), start=1)}
    for some in chunks(chosen, CHUNK):
        documents = documents_by_id(session, [answer.document_id for answer in some])
        own = load_annotations(session, sorted({vote.annotation_id for answer in some for vote in answer.votes}))
        for decision in decisions(session, some, prefer=prefer):
            answer, decided = decision.answer, decision.majority
            yield AnnotatedDocument(
                documents[answer.document_id],
                decided.annotation,
                decided.disputed.entities,
                answer.unasked,
                tuple(
                    OwnAnswer(names[vote.annotator], own[vote.annotation_id])
                    for vote in answer.votes
                    if vote.source == "person" and vote.annotator in names
                ),
            )


def _predictions(session: Session, chosen: Sequence[Answer]) -> Mapping[str, Predicted]:
    """Return what the model of the round before each answer predicted, where it is kept, by document id."""
    shown = {answer.document_id: {vote.shown_version for vote in answer.votes} for answer in chosen}
    people = [answer.document_id for answer in chosen if answer.source == "person"]
    rows = predictions_before_answers(session, people)
    keys = document_keys(session, list(rows))
    found = {}
    for document_id, row in rows.items():
        entities = tuple(entity_from_values(values) for values in row.entities)
        seen = entities if row.model_version in shown[document_id] else ()
        found[keys[document_id]] = Predicted(row.model_version, entities, frozenset(map(mention_key, seen)))
    return found


def _with_seen(predicted: Mapping[str, Predicted], kept: Mapping[str, Predicted]) -> dict[str, Predicted]:
    """Return predictions with the mentions that annotators saw as pre-labels, as far as the store keeps these."""
    return {key: replace(one, seen=kept[key].seen) if key in kept else one for key, one in predicted.items()}
