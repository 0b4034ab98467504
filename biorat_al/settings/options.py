"""Settings from what a user types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biorat_al.errors import SettingsError


def entity_values(texts: Sequence[str]) -> list[dict[str, Any]]:
    """The setting ``entities`` from what a user types: ``LABEL``, or ``NAME=LABEL,LABEL`` to merge several."""
    values = []
    for text in texts:
        label, _, sources = text.partition("=")
        values.append({"name": label, "sources": [source for source in sources.split(",") if source.strip()]})
    return values


def relation_values(texts: Sequence[str], symmetric: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The setting ``relations`` from what a user types: ``NAME[=LABEL,LABEL]:HEAD:TAIL``.

    A name may itself hold colons (``CPR:3:Chemical:Gene``): head and tail are the last two parts.

    :param symmetric: names of those without a direction.
    :raises SettingsError: a text is not of that form, or a symmetric name is not among the relations.
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
        raise SettingsError(f"{unknown[0]!r} is to be symmetric, but is none of the relations")
    return values


def encoder_setting(name: str) -> str:
    """The setting ``encoder.name`` from what a user types: a folder by its whole path, since projects lie elsewhere."""
    return str(Path(name).resolve()) if name not in ("pubmedbert", "minilm") and Path(name).is_dir() else name
