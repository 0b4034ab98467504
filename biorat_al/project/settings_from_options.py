"""The name and the settings of a new project, made from what a user types."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biorat_al.acquisition.registry import find_strategy
from biorat_al.errors import SettingsError, UsageError
from biorat_al.settings import Settings, encoder_setting, entities_setting, make_settings, relations_setting
from biorat_al.store.database.engine import database_setting


@dataclass(frozen=True, slots=True)
class RelationOptions:
    """What a user types about relations.

    :param relations: ``NAME:HEAD:TAIL`` or ``NAME=LABEL,LABEL:HEAD:TAIL``.
    :param symmetric: names of relations without a direction.
    :param level: ``mention`` or ``document``; None selects the default.
    :param window: a number of sentences, or ``document``; None selects the default.
    """

    relations: Sequence[str] = ()
    symmetric: Sequence[str] = ()
    level: str | None = None
    window: str | None = None


def new_settings(
    name: str,
    entities: Sequence[str],
    *,
    encoder: str,
    database: str | None,
    desk: str,
    seed: int,
    size: int,
    strategy: str,
    relations: RelationOptions = RelationOptions(),
) -> Settings:
    """Return the settings of a new project from what a user types.

    :param entities: ``LABEL`` or ``NAME=LABEL,LABEL``.
    :param database: see :func:`biorat_al.store.database.engine.database_setting`.
    :raises UsageError: a value is out of range, or two labels differ by case only.
    """
    find_strategy(strategy)
    extraction: dict[str, Any] = {}
    if relations.level is not None:
        extraction["level"] = relations.level
    if relations.window is not None:
        extraction["window"] = _window(relations.window)
    if extraction and not relations.relations:
        raise UsageError("the project has no relations to be learnt: add --relation NAME:HEAD:TAIL")
    values = {
        "name": name,
        "seed": seed,
        "relation_extraction": extraction,
        "encoder": {"name": encoder_setting(encoder)},
        "selection": {"size": size, "strategy": strategy},
        "desk": {"kind": desk},
        "database": {"url": database_setting(database)},
    }
    try:
        wanted = {
            "entities": entities_setting(entities),
            "relations": relations_setting(relations.relations, relations.symmetric),
        }
        return make_settings(values | wanted, "the options")
    except SettingsError as error:
        raise UsageError(str(error)) from None


def with_borrowed_labels(settings: Settings, entities: Sequence[str]) -> Settings:
    """Return settings that say which labels of borrowed corpora count as which of the project's.

    :param entities: ``LABEL`` or ``NAME=LABEL,LABEL``.
    :raises UsageError: a name is not one of the project's labels, or a label counts as two.
    """
    values = settings.model_dump()
    values["borrow"]["entities"] = entities_setting(entities, "--borrow-entity")
    try:
        return make_settings(values, "--borrow-entity")
    except SettingsError as error:
        raise UsageError(str(error)) from None


def default_name(folder: Path) -> str:
    """Return a project's name made from its folder's name, replacing or leaving out what a name cannot have."""
    plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("._-")[:40] or "project"


def _window(text: str) -> int | str:
    """Parse a relation window.

    :raises UsageError: it is neither a positive number nor ``document``.
    """
    if text == "document":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"the window of a relation is a number of sentences from 1, or document; not {text!r}")
    return int(text)
