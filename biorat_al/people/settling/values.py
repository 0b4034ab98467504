"""Differences as JSON values, as a settlement keeps what was shown."""

from __future__ import annotations

from typing import Any

from biorat_al.people.settling.differences import Differences, MentionVersion, RelationVersion
from biorat_al.store.annotations import entity_from_values, entity_values, relation_from_values, relation_values
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape


def differences_values(differences: Differences) -> dict[str, Any]:
    """Return differences as JSON values."""
    return {
        "sides": dict(differences.sides),
        "agreed": [entity_values(entity) for entity in differences.agreed],
        "mentions": [{"mention": entity_values(one.entity), "by": sorted(one.by)} for one in differences.mentions],
        "relations": [
            {
                "relation": relation_values(one.relation),
                "head": entity_values(one.head),
                "tail": entity_values(one.tail),
                "by": sorted(one.by),
            }
            for one in differences.relations
        ],
    }


def differences_of(values: dict[str, Any]) -> Differences:
    """Return the differences of which :func:`differences_values` made these values.

    :raises StoreError: the values have another shape.
    """
    try:
        return Differences(
            dict(values["sides"]),
            tuple(map(entity_from_values, values["agreed"])),
            tuple(
                MentionVersion(entity_from_values(one["mention"]), frozenset(one["by"])) for one in values["mentions"]
            ),
            tuple(
                RelationVersion(
                    relation_from_values(one["relation"]),
                    entity_from_values(one["head"]),
                    entity_from_values(one["tail"]),
                    frozenset(one["by"]),
                )
                for one in values["relations"]
            ),
        )
    except SHAPE_ERRORS as error:
        raise other_shape("what an adjudicator was shown") from error
