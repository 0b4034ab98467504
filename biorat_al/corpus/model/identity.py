"""Keys that say when two mentions, two relations or two texts are the same, regardless of annotator and id."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping

from biorat_al.corpus.model.document import Annotation, Entity, Relation, Span

MentionKey = tuple[str, frozenset[Span]]
RelationKey = tuple[str, bool, Hashable]


def mention_key(entity: Entity) -> MentionKey:
    """Return the identity of a mention: its label and the set of its spans."""
    return entity.label, frozenset(entity.spans)


def relation_key(relation: Relation, mentions: Mapping[str, MentionKey]) -> RelationKey:
    """Return the identity of a relation: label, direction and ends. The order of the ends counts if it is directed.

    :param mentions: the identity of each mention by its id.
    """
    ends = mentions[relation.head], mentions[relation.tail]
    return relation.label, relation.directed, ends if relation.directed else frozenset(ends)


def relation_keys(annotation: Annotation) -> dict[str, RelationKey]:
    """Return the identity of each relation of an annotation by its id."""
    mentions = {entity.id: mention_key(entity) for entity in annotation.entities}
    return {relation.id: relation_key(relation, mentions) for relation in annotation.relations}


def text_mark(text: str) -> bytes:
    """Return a digest of a text without its white space and case."""
    return hashlib.blake2b("".join(text.casefold().split()).encode(errors="surrogatepass"), digest_size=16).digest()
