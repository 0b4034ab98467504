"""Conversion of what a user types to settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biorat_al.errors import SettingsError


def entities_setting(texts: Sequence[str], option: str = "--entity") -> list[dict[str, Any]]:
    """Return the setting ``entities`` for what a user types: ``LABEL``, or ``NAME=LABEL,LABEL`` to merge several.

    :param option: the option that they are typed after.
    :raises SettingsError: a label is empty or has a comma, or no label of the documents follows the equals sign.
    """
    values = []
    for text in texts:
        name, sources = _with_sources(text, option)
        values.append({"name": name, "sources": sources})
    return values


def relations_setting(texts: Sequence[str], symmetric: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the setting ``relations`` for what a user types: ``NAME[=LABEL,LABEL]:HEAD:TAIL``.

    A name may hold colons (``CPR:3:Chemical:Gene``): head and tail are the last two parts.

    :param symmetric: names of the relations without a direction.
    :raises SettingsError: a text does not have that form, a label is empty or has a comma, or a symmetric name is not
        among the relations.
    """
    values: list[dict[str, Any]] = []
    for text in texts:
        parts = text.rsplit(":", 2)
        if len(parts) != 3 or not all(part.strip() for part in parts):
            raise SettingsError(f"the relation {text!r} is not of the form NAME:HEAD:TAIL, e.g. CID:Chemical:Disease")
        named, head, tail = parts
        name, sources = _with_sources(named, "--relation")
        symmetry = name.strip() in symmetric
        values.append({"name": name, "head": head, "tail": tail, "symmetric": symmetry, "sources": sources})
    unknown = sorted(set(symmetric) - {str(value["name"]).strip() for value in values})
    if unknown:
        raise SettingsError(f"{unknown[0]!r} is to be symmetric, but is not one of the relations")
    return values


def encoder_setting(name: str) -> str:
    """Return the setting ``encoder.name`` for what a user types; a folder gets its absolute path."""
    return str(Path(name).resolve()) if name not in ("pubmedbert", "minilm") and Path(name).is_dir() else name


def _with_sources(text: str, option: str) -> tuple[str, list[str]]:
    """Return a label, and the labels of the documents that count as it.

    :raises SettingsError: the label is empty or has a comma, or there is an equals sign but no label after it.
    """
    name, equals, listed = text.partition("=")
    if not name.strip():
        raise SettingsError(f"{option} {text!r}: the label is empty")
    if "," in name:
        # nobody has a label with a comma; who types one means several, and would annotate with a label of that name
        labels = " ".join(f"{option} {one.strip()}" for one in name.split(",") if one.strip())
        raise SettingsError(f"{option} {name!r}: a label has no comma; name each by itself: {labels}")
    sources = [source for source in listed.split(",") if source.strip()]
    if equals and not sources:
        raise SettingsError(
            f"{option} {text!r}: no label of the documents follows the equals sign; name one or leave it out"
        )
    return name, sources
