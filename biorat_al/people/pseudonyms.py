"""Pseudonyms of annotators, which exports and reports show instead of names."""

from __future__ import annotations

from collections.abc import Sequence


def pseudonyms(annotators: Sequence[str]) -> dict[str, str]:
    """Return ``annotator-1``, ``annotator-2``, … by name.

    :param annotators: everybody who has ever answered, in the order of their first answers. The numbers follow this
        order, so they stay the same when others join, and identify nobody without the project.
    """
    return {name: f"annotator-{number}" for number, name in enumerate(annotators, start=1)}


def number_of(pseudonym: str) -> int:
    """Return the number in a pseudonym, by which pseudonyms are sorted; 0 for an empty one."""
    return int(pseudonym.rpartition("-")[2] or 0)
