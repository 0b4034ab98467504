"""Completing documents of which some sentences are annotated: their order, and their pre-labels.

A begun document is asked for as a whole. Its pre-labels are what has been marked in its annotated sentences, with
confidence 1, and elsewhere the mentions that were predicted in the whole document. What was predicted across the border
of an annotated sentence is left out. The prediction in the store is replaced by these pre-labels, so that answers are
compared with what was shown. The same holds for a begun document that a query strategy chose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from biorat_al.acquisition.base import Pick, score_in_words
from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.expected import Rates, expected_work, rates_of
from biorat_al.acquisition.price.work import words_in
from biorat_al.corpus.model.document import Annotation, Document, Entity, Relation, Span
from biorat_al.corpus.segments import annotation_of_parts, touches, uncovered
from biorat_al.rounds.context import Context
from biorat_al.settings import Settings
from biorat_al.store.annotations import (
    chunks,
    entity_from_values,
    entity_values,
    relation_from_values,
    relation_values,
)
from biorat_al.store.answers import load_answers
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import confidence, predictions
from biorat_al.store.parts.segments import answered_spans, spans_of, waiting_for_segments
from biorat_al.store.parts.wholeness import answered_pool
from biorat_al.store.picks import never_asked_documents, shown_with

COMPLETING = "completing"
"""Name recorded as the strategy of a round that completes documents."""

CHUNK = 200
"""Documents in memory at once."""


def completable(session: Session, settings: Settings) -> list[int]:
    """Return the row ids of the documents that can be completed, in order.

    A segment of each has an answer that counts, nobody is asked for another one, and the document has not been asked
    for as a whole.
    """
    known = settings.gold_is_known
    begun = answered_pool(session, with_gold=known, prefer=settings.team.preferred).begun
    if not begun:
        return []
    waiting = waiting_for_segments(session)
    free = never_asked_documents(session, without_gold=known)
    return [row_id for row_id in free if row_id in begun and row_id not in waiting]


def words_left(document: Document, annotated: Sequence[Span]) -> int:
    """Return the number of words of a document in which nobody has annotated.

    :param annotated: the places of the annotated segments.
    """
    return sum(words_in(document.text[start:end]) for start, end in uncovered(document, annotated))


def expected_missed(words: int, annotated: Sequence[Span], predicted: Iterable[Entity] | None, rates: Rates) -> float:
    """Return the number of mentions expected where nobody has annotated.

    With c for the calibrated confidences of the mentions predicted there, it is Σc (right ones), plus the share of
    Σ(1 - c) that annotators change rather than remove, plus what annotators add for each right one times Σc; see
    :mod:`biorat_al.acquisition.price.expected`. Without a prediction, mentions are expected at the rate per word at
    which they have been marked so far.

    :param words: words in which nobody has annotated; see :func:`words_left`.
    :param annotated: the places of the annotated segments.
    :param predicted: the mentions predicted in the whole document; None: there is no model.
    """
    confidences = None
    if predicted is not None:
        confidences = [confidence(entity.score) for entity in predicted if not touches(entity, annotated)]
    return expected_work(words, confidences, rates).mentions


def in_order_of_missed(context: Context, keys: Mapping[int, str], version: str | None) -> list[Pick]:
    """Return all documents that can be completed, those first in which most missed mentions are expected.

    :param keys: their ids by row id; see :func:`expected_missed`.
    :param version: model that has predicted them as a whole; None: there is none.
    """
    picks: list[Pick] = []
    with context.store.read() as session:
        rates = rates_of(answered_work(session))
        for some in chunks(list(keys), CHUNK):
            documents = documents_by_id(session, some, check=True)
            annotated = answered_spans(session, some)
            rows = predictions(session, version, some) if version else {}
            for row_id in some:
                document, row = documents[row_id], rows.get(row_id)
                predicted = None if row is None else [entity_from_values(values) for values in row.entities]
                left = words_left(document, annotated[row_id])
                score = expected_missed(left, annotated[row_id], predicted, rates)
                reason = (
                    f"about {score_in_words(score)} mentions expected in the {left:,} of {words_in(document.text):,} "
                    "words that nobody has annotated"
                )
                tokens = context.encoder.count_tokens([document.text])[0] if row is None else row.tokens
                picks.append(Pick(keys[row_id], score, reason, int(tokens)))
    return sorted(picks, key=lambda pick: (-pick.score, pick.document_id))


def pre_label_begun(context: Context, version: str, document_ids: Sequence[int]) -> None:
    """Put the answers on their segments into the predictions of documents, where some of these are annotated.

    Doing it twice changes nothing. A task that has been shown with this version keeps what it was shown with.

    :param version: of the predictions, which the documents have; those without are left out.
    :param document_ids: row ids of documents that have no answer as a whole.
    """
    settings, prefer = context.settings, context.settings.team.preferred
    with context.store.read() as session:
        pool = answered_pool(session, with_gold=settings.gold_is_known, prefer=prefer)
        parts = {**pool.begun, **pool.whole}
        shown = shown_with(session, version)
        concerned = [row_id for row_id in document_ids if row_id in parts and row_id not in shown]
    for some in chunks(concerned, CHUNK):
        context.check_lock()
        with context.store.write() as session:
            spans = spans_of(session, [answer.document_id for row_id in some for answer in parts[row_id]])
            for row_id, row in predictions(session, version, some).items():
                answered = load_answers(session, parts[row_id], prefer=prefer)
                annotated = [(spans[answer.document_id], annotation) for answer, annotation in answered]
                predicted = Annotation(
                    tuple(entity_from_values(values) for values in row.entities),
                    tuple(relation_from_values(values) for values in row.relations),
                )
                mixed = pre_labels(annotated, predicted, settings)
                row.entities = [entity_values(entity) for entity in mixed.entities]
                row.relations = [relation_values(relation) for relation in mixed.relations]


def pre_labels(annotated: Sequence[tuple[Span, Annotation]], predicted: Annotation, settings: Settings) -> Annotation:
    """Return the pre-labels of a document: what is annotated in its segments, and elsewhere what is predicted.

    Mentions and relations with labels that the settings no longer have are left out.

    :param annotated: each segment's place, and its annotation with the segment's own offsets.
    :param predicted: the prediction of the whole document.
    """
    spans = [span for span, _ in annotated]
    known = annotation_of_parts(annotated)
    entities = [
        ((0, one.id), replace(one, score=1.0, origin=None, extras={}))
        for one in known.entities
        if one.label in settings.labels
    ]
    entities += [((1, one.id), one) for one in predicted.entities if not touches(one, spans)]
    entities.sort(key=lambda pair: (pair[1].spans, pair[1].label, pair[0]))
    ids = {key: f"P{number}" for number, (key, _) in enumerate(entities, start=1)}
    related = [(0, replace(one, extras={"score": 1.0})) for one in known.relations]
    related += [(1, one) for one in predicted.relations]
    relations: list[Relation] = []
    for source, one in related:
        head, tail = ids.get((source, one.head)), ids.get((source, one.tail))
        if head is not None and tail is not None and one.label in settings.relation_labels:
            relations.append(replace(one, id=f"R{len(relations) + 1}", head=head, tail=tail))
    return Annotation(tuple(replace(one, id=ids[key]) for key, one in entities), tuple(relations))
