"""What the arms cost in training, against plain training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biorat_al.efficiency.runs import Run


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over seeds with its range (smallest and largest; no interval)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CostRow:
    """What an arm's training took, over all points of a run.

    :param passes: forward and backward passes of batches, together.
    :param tokens: word pieces in all passes.
    :param seconds: of training.
    :param relative_passes: ratio to the plain arm's run of the same seed; None where there is none.
    :param seeds: number of runs.
    :param pairs: number of runs with a plain one of the same seed.
    """

    arm: str
    seeds: int
    pairs: int
    passes: Spread
    tokens: Spread
    seconds: Spread
    relative_passes: Spread | None
    relative_tokens: Spread | None
    relative_seconds: Spread | None


def cost_table(runs: Sequence[Run], *, plain: str = "none") -> list[CostRow]:
    """One row per arm, the plain one first; `runs` are of one corpus, encoder and strategy."""
    raise NotImplementedError
