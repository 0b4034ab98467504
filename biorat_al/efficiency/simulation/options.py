"""Settings and grid of a simulation, from the options of the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import ValidationError

from biorat_al.acquisition.registry import find_strategy
from biorat_al.efficiency.simulation.grid import Grid
from biorat_al.errors import SettingsError, UsageError
from biorat_al.settings import COMMITTEE, Arm, Settings, encoder_setting, entities_setting, make_settings

_OWN = ("name", "seed", "entities", "desk", "database")
"""Settings that a user cannot change in a simulation: other options, or the simulation itself, decide them."""

_OF_RELATIONS = ("relations", "relation_extraction")


def simulation_settings(
    name: str, entities: Sequence[str], *, encoder: str, size: int, changes: Sequence[str] = ()
) -> Settings:
    """Return the settings that all runs share; each run has its own arm, strategy and seed.

    :param name: name of the corpus.
    :param entities: ``LABEL`` or ``NAME=LABEL,LABEL``.
    :param changes: other settings, ``part.name=value``, with the value as in TOML; quotes around text may be left out.
    :raises UsageError: a setting is unknown or out of range.
    """
    values: dict[str, Any] = {
        "name": name,
        "encoder": {"name": encoder_setting(encoder)},
        # one arm at a time; each run fills in its own
        "training": {"arms": ["none"], "selecting_arm": "none"},
        "selection": {"size": size},
        # runs are side by side themselves, and there is memory for one training in each
        "computing": {"side_by_side": False},
        "desk": {"kind": "oracle"},
    }
    for change in changes:
        path, equals, value = change.partition("=")
        part, dot, name = path.strip().partition(".")
        if not equals or not dot:
            raise UsageError(f"--set {change!r} is not of the form PART.NAME=VALUE, e.g. adversarial.epsilon=0.1")
        if part in _OF_RELATIONS:
            raise UsageError(f"--set {change!r}: a simulation is of mentions alone, so no setting of relations counts")
        if part in _OWN or (part, name) in (("training", "arms"), ("training", "selecting_arm"), ("selection", "size")):
            raise UsageError(f"--set {change!r}: that is no setting to change here; there are options for it")
        values.setdefault(part, {})[name] = _value(value.strip())
    try:
        values["entities"] = entities_setting(entities)
        settings = make_settings(values, "the options")
        find_strategy(settings.selection.seed_strategy)
    except SettingsError as error:
        raise UsageError(str(error)) from None
    return settings


def simulation_grid(
    arms: Sequence[str],
    strategies: Sequence[str],
    *,
    seeds: int,
    rounds: int,
    passive: Sequence[str] = (),
    full: bool = False,
    sizes: Sequence[int] = (),
) -> Grid:
    """Return the grid of a simulation.

    :param passive: ``ARM`` or ``ARM@ENCODER``.
    :param sizes: documents of each round; empty: as many in each as the settings say.
    :raises UsageError: a strategy or an arm is unknown, or a number is out of range.
    """
    for name in strategies:
        find_strategy(name)
    split = (text.partition("@") for text in passive)
    others = dict.fromkeys((arm, encoder_setting(encoder) if encoder else None) for arm, _, encoder in split)
    for arm in (*arms, *(arm for arm, _ in others)):
        if arm not in (known := (*get_args(Arm), COMMITTEE)):
            raise UsageError(f"there is no arm {arm!r}; there are: {', '.join(known)}")
    try:
        return Grid.model_validate(
            {
                "arms": tuple(dict.fromkeys(arms)),
                "strategies": tuple(dict.fromkeys(strategies)),
                "seeds": seeds,
                "rounds": rounds,
                "passive": tuple(others),
                "full": full,
                "sizes": tuple(sizes),
            }
        )
    except ValidationError as error:
        raise UsageError(f"the options: {error.errors(include_url=False)[0]['msg']}") from None


def _value(text: str) -> Any:
    """Parse a value as TOML; return the text itself if it is not TOML."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
