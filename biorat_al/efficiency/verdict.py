"""What an interval says, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from biorat_al.efficiency.comparison import Comparison, Effect
from biorat_al.efficiency.estimates import LEVEL, Components


@dataclass(frozen=True, slots=True)
class Verdict:
    """A comparison in one sentence.

    :param outcome: ``saves``: the whole interval of the ratio of labels lies below 1; ``costs``: above 1;
        ``cannot be told``: neither.
    :param sentence: plain, with figures.
    :param seeds_needed: seeds that would tell an effect of `effect` with 80 % power; None: no number of seeds would,
        or it cannot be said (`sentence` says which).
    :param effect: the ratio that `seeds_needed` is for.
    """

    outcome: Literal["saves", "costs", "cannot be told"]
    sentence: str
    seeds_needed: int | None
    effect: float | None


def verdict(comparison: Comparison, target: Effect | None = None, *, effect: float | None = None) -> Verdict:
    """Put the ratio of labels needed in words.

    :param target: one of the comparison's `targets`; None takes the last.
    :param effect: ratio of labels that one would want to see, for example 0.9; None takes the observed one.
    :raises UsageError: the comparison has no target.
    """
    raise NotImplementedError


def power(components: Components, effect: float, seeds: int, *, level: float = LEVEL) -> float:
    """Power of the two-sided test with `seeds` seeds and the same test documents.

    :param effect: on the components' scale (for a ratio: its logarithm).
    """
    raise NotImplementedError


def seeds_needed(
    components: Components, effect: float, *, wanted: float = 0.8, level: float = LEVEL, limit: int = 1000
) -> int | None:
    """Fewest seeds (from 2) with that power; None where no number up to `limit` has it."""
    raise NotImplementedError
