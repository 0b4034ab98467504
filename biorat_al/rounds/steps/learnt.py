"""What models learn from: the documents with an answer, and those without one where an attack needs no labels."""

from __future__ import annotations

import numpy as np

from biorat_al.corpus.model.document import Annotation, Document
from biorat_al.errors import StoreError
from biorat_al.learner.types import Example
from biorat_al.rounds.context import Context
from biorat_al.rounds.pool import unanswered_documents
from biorat_al.rounds.unasked import unasked_of
from biorat_al.settings import Settings
from biorat_al.store.answers import decisions, learnt_answers
from biorat_al.store.documents import documents_by_id
from biorat_al.store.store import Store

MOST_UNLABELLED = 1000
"""Most pool documents that provide sentences for training without labels."""


def training_examples(context: Context) -> list[Example]:
    """Return every pool document that has an answer, in their order, and then the segments of others that have one.

    What its annotators could not decide is marked as disputed. Mentions with labels that the project does not have
    (renamed by an annotator, for example) are included; the learner counts them. With ``ties = "drop"``, documents with
    a dispute are left out.
    """
    return learnt_examples(context.settings, context.store)


def learnt_examples(settings: Settings, store: Store) -> list[Example]:
    """Return the examples of :func:`training_examples` for a project's settings and store."""
    prefer = settings.team.preferred
    with store.read() as session:
        chosen = learnt_answers(session, with_gold=settings.gold_is_known, prefer=prefer)
        documents = documents_by_id(session, [answer.document_id for answer in chosen], check=True)
        examples = []
        for decision in decisions(session, chosen, prefer=prefer):
            if settings.team.drops and decision.majority.disputed:
                continue
            document, annotation = documents[decision.answer.document_id], decision.majority.annotation
            check_stored(document, annotation)
            examples.append(
                Example(
                    document,
                    annotation.entities,
                    annotation.relations,
                    annotation.concept_relations,
                    decision.majority.disputed,
                    unasked_of(decision.answer, settings),
                )
            )
        return examples


def check_stored(document: Document, annotation: Annotation) -> None:
    """Check that the mentions of a stored answer are still valid, as they were when they were stored.

    :raises StoreError: a span is outside the text, or a label is empty.
    """
    for entity in annotation.entities:
        wrong = "has no label" if not entity.label.strip() else ""
        for start, end in entity.spans:
            if not 0 <= start < end <= len(document.text):
                wrong = f"is at {start}-{end}, and the text has {len(document.text):,} characters"
        if wrong:
            raise StoreError(
                f"the database was changed from outside, or is damaged: document {document.id}: the mention "
                f"{entity.id} {wrong}; correct it there, or restore the database from a backup"
            )


def unlabelled_documents(context: Context) -> list[Document]:
    """Return the pool's documents without an answer, in order; at most :data:`MOST_UNLABELLED`, drawn at random."""
    with context.store.read() as session:
        pool = unanswered_documents(session, context.unit, without_gold=context.gold_is_known)
        if len(pool) > MOST_UNLABELLED:
            generator = np.random.default_rng(context.seed("unlabelled"))
            pool = sorted(generator.choice(pool, MOST_UNLABELLED, replace=False).tolist())
        documents = documents_by_id(session, pool, check=True)
    return [documents[document_id] for document_id in pool]
