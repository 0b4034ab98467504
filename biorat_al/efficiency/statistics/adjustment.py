"""Adjustment for several comparisons: intervals and p-values that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from biorat_al.efficiency.statistics.comparison import Comparison, Effect, compare
from biorat_al.errors import UsageError


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values by Holm's step-down method (1979, Scandinavian Journal of Statistics 6:65); keep their order.

    None stands for a test that could not be done. It stays None, but counts as one of the tests.
    """
    ranked = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    found: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (value, place) in enumerate(ranked):
        largest = max(largest, min(value * (len(p_values) - rank), 1.0))
        found[place] = largest
    return found


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with Bonferroni intervals and Holm p-values, in the same order.

    With m comparisons each interval is widened to the level 1 − (1 − level) / m, so that all m intervals of the same
    figure hold together at `level`. Figures are the same if they answer the same question: the area, the last of the
    budgets, the last of the targets, the last but one, and so on. Their budgets or targets may differ, as each
    comparison has its own range. The figures of one comparison are several views of one question and are not adjusted
    for each other: choose beforehand which of them decides.

    :param comparisons: comparisons that have not been adjusted.
    :raises UsageError: one of them has been adjusted already.
    """
    if any(comparison.comparisons > 1 for comparison in comparisons):
        raise UsageError("one of these comparisons is adjusted already; adjust the comparisons as they came")
    widened = [_widened(comparison, len(comparisons)) for comparison in comparisons]
    areas = _stepped_down([(comparison.area,) for comparison in widened])
    budgets = _stepped_down([comparison.budgets for comparison in widened])
    targets = _stepped_down([comparison.targets for comparison in widened])
    return [
        replace(comparison, area=area, budgets=at_budgets, targets=for_targets)
        for comparison, (area,), at_budgets, for_targets in zip(widened, areas, budgets, targets, strict=True)
    ]


def _stepped_down(effects: Sequence[Sequence[Effect]]) -> list[tuple[Effect, ...]]:
    """Adjust the p-values of effects of one kind; those at the same place from the end are adjusted together.

    A comparison without an effect at that place is counted too, as it is in the width of the intervals.

    :param effects: effects by comparison.
    """
    by_place = [
        holm([None if effect is None else effect.estimate.p_value for effect in of_place])
        for of_place in zip_longest(*(of_one[::-1] for of_one in effects))
    ]
    return [
        tuple(
            replace(effect, estimate=replace(effect.estimate, p_value=by_place[place][number]))
            for place, effect in enumerate(of_one[::-1])
        )[::-1]
        for number, of_one in enumerate(effects)
    ]


def _widened(comparison: Comparison, number: int) -> Comparison:
    """Compare the same runs again, with intervals that are adjusted for `number` comparisons."""
    again = compare(
        *comparison.runs,
        comparison.unit,
        budgets=[effect.at for effect in comparison.budgets if effect.at is not None],
        targets=[effect.at for effect in comparison.targets if effect.at is not None],
        names=(comparison.left, comparison.right),
        level=1 - (1 - comparison.level) / number,
    )
    return replace(again, comparisons=number)
