"""Cost of training each arm, absolute and relative to plain training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from biorat_al.efficiency.runs.model import Run
from biorat_al.errors import UsageError


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over seeds with the smallest and the largest value; not a confidence interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CostRow:
    """Cost of training an arm, summed over all points of a run.

    :param seeds: number of runs.
    :param pairs: number of runs for which a plain run with the same seed exists.
    :param passes: passes of batches, in units of one forward and one backward pass, where a backward pass counts as two
        forward passes; as :class:`~biorat_al.learner.training.passes.Cost` counts them.
    :param tokens: word pieces in all passes.
    :param seconds: time of training.
    :param relative_passes: ratio to the plain run over the rounds that both have, as a mean over the pairs; None if
        there is no pair, or if the figure of the plain run is 0.
    :param relative_tokens: the same for tokens.
    :param relative_seconds: the same for seconds; meaningful only for pairs from the same machine.
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


class _Cost(NamedTuple):
    passes: float
    tokens: float
    seconds: float


def cost_table(runs: Sequence[Run], *, plain: str = "none") -> list[CostRow]:
    """Return the cost of each arm, the plain arm first, the others in the order of their first run.

    :param runs: runs of one corpus, encoder, kind and strategy.
    :param plain: arm to which the others are compared.
    :raises UsageError: an arm has a seed twice.
    """
    arms: dict[str, dict[int, Run]] = {}
    for run in runs:
        if run.seed in arms.setdefault(run.arm, {}):
            raise UsageError(f"the arm {run.arm} has seed {run.seed} twice; take runs apart by strategy first")
        arms[run.arm][run.seed] = run
    reference = arms.get(plain, {})
    return [_row(arm, arms[arm], reference) for arm in sorted(arms, key=lambda arm: arm != plain)]


def _row(arm: str, members: dict[int, Run], reference: dict[int, Run]) -> CostRow:
    whole = [_cost(run, None) for run in members.values()]
    ratios: list[tuple[float | None, ...]] = []
    for seed, run in members.items():
        if seed in reference:
            rounds = {point.round for point in run.points} & {point.round for point in reference[seed].points}
            both = zip(_cost(run, rounds), _cost(reference[seed], rounds), strict=True)
            ratios.append(tuple(own / other if other else None for own, other in both))
    relative = [_spread([ratio[place] for ratio in ratios]) for place in range(3)]
    passes, tokens, seconds = (_spread(column) for column in zip(*whole, strict=True))
    assert passes is not None
    assert tokens is not None
    assert seconds is not None
    return CostRow(arm, len(members), len(ratios), passes, tokens, seconds, *relative)


def _cost(run: Run, rounds: set[int] | None) -> _Cost:
    """Sum the cost of a run over some rounds; None takes all rounds."""
    costs = [point.cost for point in run.points if rounds is None or point.round in rounds]
    return _Cost(
        passes=sum(cost.get("forward_passes", 0.0) + 2 * cost.get("backward_passes", 0.0) for cost in costs) / 3,
        tokens=sum(cost.get("tokens", 0.0) for cost in costs),
        seconds=sum(cost.get("seconds", 0.0) for cost in costs),
    )


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread(sum(known) / len(known), min(known), max(known)) if known else None
