"""The relations that an answer started from: Label Studio marks mentions as accepted or drawn, but not relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import RelationKey, relation_keys
from biorat_al.store.annotations import entity_from_values, relation_from_values
from biorat_al.store.models import predictions

Shown = tuple[int, str]
"""Row id of a document, and the version of the model whose pre-labels were shown."""


def shown_relations(session: Session, shown: Iterable[Shown]) -> dict[Shown, frozenset[RelationKey]]:
    """Return the relations of pre-labels; pre-labels that are no longer stored are left out."""
    by_version: defaultdict[str, set[int]] = defaultdict(set)
    for document_id, version in shown:
        by_version[version].add(document_id)
    return {
        (document_id, version): frozenset(
            relation_keys(
                Annotation(
                    tuple(entity_from_values(values) for values in row.entities),
                    tuple(relation_from_values(values) for values in row.relations),
                )
            ).values()
        )
        for version, document_ids in by_version.items()
        for document_id, row in predictions(session, version, sorted(document_ids)).items()
    }
