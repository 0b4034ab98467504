"""What two annotators of one text have in common, and how their answers differ: counts, no figures yet.

:data:`MEASURES` says what is compared. Relations are the same if label, direction and both ends are; those that only
one annotator has count as a difference of their own only between mentions that both marked, since the others follow
from a difference of the mentions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from biorat_al.corpus.model.document import Annotation, Document, Entity, Relation, Span
from biorat_al.corpus.model.identity import MentionKey, RelationKey, mention_key, relation_keys
from biorat_al.learner.relations.candidates import spelling_of
from biorat_al.people.pairing import Difference, MentionPair, pair_mentions
from biorat_al.wording import shortened

Measure = Literal[
    "strict", "overlap", "place", "label", "document", "kappa", "alpha", "relations_on_agreed_mentions", "relations"
]

MEASURES: dict[Measure, str] = {
    "strict": "F1 of mentions with the same label and the same spans",
    "overlap": "F1 of mentions with the same label that share a character, each paired with at most one",
    "place": "F1 of mentions with the same spans, whatever their labels",
    "label": "of the mentions whose spans both marked, the share to which both gave the same label",
    "document": "F1 of the names (label and spelling) that a document mentions, wherever and however often",
    "kappa": "Cohen's kappa of tokens, for two annotators",
    "alpha": "Krippendorff's alpha of tokens, for all annotators",
    "relations_on_agreed_mentions": "F1 of relations between mentions that both marked, with label and direction",
    "relations": "F1 of relations end to end: label, direction and both mentions",
}
"""What is measured, and what each figure is. All are at most 1; kappa and alpha are 0 for chance, below 0 for less."""

CORRECTED: tuple[Measure, ...] = ("kappa", "alpha")
"""Measures that are corrected for chance; all others are shares, shown as percentages."""

OF_RELATIONS: tuple[Measure, ...] = ("relations_on_agreed_mentions", "relations")


LONGEST = 60
"""Most characters of a text that an example shows."""

NOTHING = "nothing"


class Marked(NamedTuple):
    """What one annotator marked, as an example shows it.

    :param text: text of a mention; of a relation, the texts of its ends.
    :param spans: in the document's text; of a relation, those of both ends.
    """

    label: str
    text: str
    spans: tuple[Span, ...]

    @property
    def sentence(self) -> str:
        """Label, text and offsets in one line; a long text is cut."""
        spans = ", ".join(f"{start}–{end}" for start, end in self.spans)
        return f"{self.label} “{shortened(' '.join(self.text.split()), LONGEST)}” ({spans})"


class Shared(NamedTuple):
    """What two annotators have in common (`both`, counted on either side), and what both have in all (`all`)."""

    both: int
    all: int


class ComparedText(NamedTuple):
    """The answers of two annotators to one text, compared.

    :param parts: counts of each measure that is an F1 or a share, by label; None is all labels.
    :param differences: what differs, in the order of the text, mentions first.
    :param confusion: labels of mentions that answer to each other; None for nothing.
    """

    parts: Mapping[tuple[Measure, str | None], Shared]
    differences: Sequence[tuple[Difference, Marked | None, Marked | None]]
    confusion: Sequence[tuple[str | None, str | None]]


def compare_text(document: Document, first: Annotation, second: Annotation) -> ComparedText:
    """Compare what two annotators marked in a text."""
    pairs = pair_mentions(first.entities, second.entities)
    sides = [{mention_key(entity): entity for entity in one.entities} for one in (first, second)]
    parts: defaultdict[tuple[Measure, str | None], Shared] = defaultdict(lambda: Shared(0, 0))

    def count(measure: Measure, marked: Iterable[str], both: Iterable[str], labels: Collection[str] = ()) -> None:
        """Count by label what was marked on either side, and what of this has a counterpart."""
        everything, shared = Counter(marked), Counter(both)
        for label in (*everything, *labels):
            parts[measure, label] = Shared(shared[label], everything[label])
        parts[measure, None] = Shared(shared.total(), everything.total())

    marked = [label for side in sides for label, _ in side]
    same = [pair for pair in pairs if pair.difference is None]
    count("strict", marked, _labels(same))
    count("overlap", marked, _labels(pair for pair in pairs if pair.difference in (None, "boundary")))
    shared = set.intersection(*({spans for _, spans in side} for side in sides))
    in_place = [label for side in sides for label, spans in side if spans in shared]
    count("place", marked, in_place)
    count("label", in_place, _labels(same), set(marked))
    names = [{spelling_of(entity, document.text) for entity in side.values()} for side in sides]
    common = set.intersection(*names)
    count("document", (label for side in names for label, _ in side), 2 * [label for label, _ in common])

    found = [
        (pair.difference, _mention(pair.first, document), _mention(pair.second, document))
        for pair in pairs
        if pair.difference is not None
    ]
    relations = [_relations(one) for one in (first, second)]
    if any(relations):
        agreed = {mention_key(pair.first) for pair in same if pair.first is not None}
        stated = [set(side) for side in relations]
        between = [{key for key in side if _ends(key) <= agreed} for side in stated]
        for measure, keys in zip(OF_RELATIONS, (between, stated), strict=True):
            common_keys = set.intersection(*keys)
            count(
                measure,
                (label for side in keys for label, *_ in side),
                2 * [label for label, *_ in common_keys],
                {label for side in stated for label, *_ in side},
            )
        found += _different_relations(document, relations, between)
    confusion = [(_label(pair.first), _label(pair.second)) for pair in pairs]
    return ComparedText(parts, found, confusion)


_Stated = tuple[Relation, Entity, Entity]


def _relations(annotation: Annotation) -> dict[RelationKey, _Stated]:
    by_id = {entity.id: entity for entity in annotation.entities}
    keys = relation_keys(annotation)
    return {keys[one.id]: (one, by_id[one.head], by_id[one.tail]) for one in annotation.relations}


def _ends(key: RelationKey) -> frozenset[MentionKey]:
    ends: Any = key[2]
    return frozenset(ends)


def _different_relations(
    document: Document, relations: Sequence[Mapping[RelationKey, _Stated]], between: Sequence[set[RelationKey]]
) -> list[tuple[Difference, Marked | None, Marked | None]]:
    """Return the relations between agreed mentions that only one annotator has; two with the same ends are one."""
    alone = [between[0] - between[1], between[1] - between[0]]
    by_ends: defaultdict[Hashable, tuple[list[Marked], list[Marked]]] = defaultdict(lambda: ([], []))
    for place, keys in enumerate(alone):
        for key in keys:
            by_ends[_ends(key)][place].append(_relation(relations[place][key], document))
    found: list[tuple[Difference, Marked | None, Marked | None]] = []
    for first, second in by_ends.values():
        first.sort()
        second.sort()
        for number in range(max(len(first), len(second))):
            one, other = (side[number] if number < len(side) else None for side in (first, second))
            found.append(("relation", one, other))
    return sorted(found, key=lambda sides: [(side.spans, side) for side in sides[1:] if side is not None])


def _labels(pairs: Iterable[MentionPair]) -> list[str]:
    return [entity.label for pair in pairs for entity in pair[:2] if entity is not None]


def _label(entity: Entity | None) -> str | None:
    return None if entity is None else entity.label


def _mention(entity: Entity | None, document: Document) -> Marked | None:
    if entity is None:
        return None
    return Marked(entity.label, entity.surface(document.text), tuple(sorted(entity.spans)))


def _relation(stated: _Stated, document: Document) -> Marked:
    relation, head, tail = stated
    arrow = " → " if relation.directed else " – "
    text = arrow.join(entity.surface(document.text) for entity in (head, tail))
    return Marked(relation.label, text, (*head.spans, *tail.spans))
