"""Entity types and relation types, and checks that they fit together."""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.settings.base import Name, SettingsPart


class EntityType(SettingsPart):
    """An entity label of the project, and the labels of the source documents that count as it.

    :param name: the label, as annotators see it.
    :param sources: labels in the documents; empty: only the label with the same name.
    """

    name: Name
    sources: tuple[Name, ...] = ()

    def covers(self, label: str) -> bool:
        """Return whether the source label `label` counts as this entity type."""
        return label in (self.sources or (self.name,))


SAME_MENTION = "same mention"
"""The relation label that joins the pieces of one mention in Label Studio; no relation of a project may have it."""


class RelationType(SettingsPart):
    """A relation label of the project: which entity types it joins, and which labels of the documents count as it.

    A label that joins several pairs of types is listed once for each pair.

    :param name: the label, as annotators see it.
    :param head: entity type where it begins.
    :param tail: entity type where it ends.
    :param symmetric: whether head and tail are interchangeable, so that annotators can ignore the direction.
    :param sources: labels in the documents; empty: only the label with the same name.
    """

    name: Name
    head: Name
    tail: Name
    symmetric: bool = False
    sources: tuple[Name, ...] = ()

    def covers(self, label: str) -> bool:
        """Return whether the source label `label` counts as this relation type."""
        return label in (self.sources or (self.name,))

    def joins(self, head: str, tail: str) -> bool:
        """Return whether it can lead from an entity of type `head` to an entity of type `tail`."""
        return (head, tail) == (self.head, self.tail) or (self.symmetric and (tail, head) == (self.head, self.tail))


def check_entities(entities: Sequence[EntityType]) -> None:
    """Check that labels differ by more than case, and that no source label counts as two of them.

    :raises ValueError: two labels are equal or differ by case only, or share a source label.
    """
    seen: dict[str, str] = {}
    for entity in entities:
        other = seen.setdefault(entity.name.casefold(), entity.name)
        if other != entity.name:
            raise ValueError(f"the entity labels {other!r} and {entity.name!r} differ by case only")
    if len(seen) != len(entities):
        raise ValueError("an entity label is given twice")
    claimed: dict[str, str] = {}
    for entity in entities:
        for source in entity.sources or (entity.name,):
            if source in claimed:
                raise ValueError(f"{source!r} counts as both {claimed[source]!r} and {entity.name!r}")
            claimed[source] = entity.name


def check_relations(relations: Sequence[RelationType], labels: Sequence[str]) -> None:
    """Check that relations join entity types of the project and do not contradict each other.

    :param labels: the entity labels.
    :raises ValueError: a relation joins an unknown entity type or is given twice, or two share a source label.
    """
    seen: set[tuple[str, str, str]] = set()
    first: dict[str, RelationType] = {}
    claimed: dict[str, str] = {}
    for relation in relations:
        for end in (relation.head, relation.tail):
            if end not in labels:
                raise ValueError(
                    f"the relation {relation.name!r} joins {end!r}, which is not one of the entity labels "
                    f"{', '.join(map(repr, labels))}"
                )
        if relation.name.casefold() == SAME_MENTION:
            raise ValueError(
                f"the relation label {SAME_MENTION!r} joins the pieces of one mention: name the relation otherwise"
            )
        place = (relation.name, relation.head, relation.tail)
        if place in seen or (relation.symmetric and (place[0], place[2], place[1]) in seen):
            raise ValueError(f"the relation {relation.name!r} from {place[1]!r} to {place[2]!r} is given twice")
        seen.add(place)
        other = first.setdefault(relation.name.casefold(), relation)
        if other.name != relation.name:
            raise ValueError(f"the relation labels {other.name!r} and {relation.name!r} differ by case only")
        if (other.symmetric, other.sources) != (relation.symmetric, relation.sources):
            raise ValueError(f"the relation {relation.name!r} is given twice with different symmetry or sources")
        for source in relation.sources or (relation.name,):
            if claimed.setdefault(source, relation.name) != relation.name:
                raise ValueError(f"{source!r} counts as both {claimed[source]!r} and {relation.name!r}")
