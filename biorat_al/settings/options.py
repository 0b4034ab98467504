"""Conversion of what a user types to settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biorat_al.errors import SettingsError


def entities_setting(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the setting ``entities`` for what a user types: ``LABEL``, or ``NAME=LABEL,LABEL`` to merge several."""
    values = []
    for text in texts:
        label, _, sources = text.partition("=")
        values.append({"name": label, "sources": [source for source in sources.split(",") if source.strip()]})
    return values


def relations_setting(texts: Sequence[str], symmetric: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the setting ``relations`` for what a user types: ``NAME[=LABEL,LABEL]:HEAD:TAIL``.

    A name may hold colons (``CPR:3:Chemical:Gene``): head and tail are the last two parts.

    :param symmetric: names of the relations without a direction.
    :raises SettingsError: a text does not have that form, or a symmetric name is not among the relations.
    """
    values: list[dict[str, Any]] = []
    for text in texts:
        parts = text.rsplit(":", 2)
        if len(parts) != 3 or not all(part.strip() for part in parts):
            raise SettingsError(f"the relation {text!r} is not of the form NAME:HEAD:TAIL, e.g. CID:Chemical:Disease")
        named, head, tail = parts
        name, _, sources = named.partition("=")
        values.append(
            {
                "name": name,
                "head": head,
                "tail": tail,
                "symmetric": name.strip() in symmetric,
                "sources": [source for source in sources.split(",") if source.strip()],
            }
        )
    unknown = sorted(set(symmetric) - {str(value["name"]).strip() for value in values})
    if unknown:
        raise SettingsError(f"{unknown[0]!r} is to be symmetric, but is not one of the relations")
    return values


def encoder_setting(name: str) -> str:
    """Return the setting ``encoder.name`` for what a user types; a folder gets its absolute path."""
    return str(Path(name).resolve()) if name not in ("pubmedbert", "minilm") and Path(name).is_dir() else name
