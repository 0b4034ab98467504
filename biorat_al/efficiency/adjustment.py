"""Several comparisons at once: intervals and p-values that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from biorat_al.efficiency.comparison import Comparison, Effect, compare
from biorat_al.errors import UsageError


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment (1979, Scandinavian Journal of Statistics 6:65), in the same order.

    A None (a test that could not be made) stays one and is counted among the tests all the same.
    """
    ranked = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    found: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (value, place) in enumerate(ranked):
        largest = max(largest, min(value * (len(p_values) - rank), 1.0))
        found[place] = largest
    return found


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with Bonferroni intervals and Holm p-values, in the same order.

    With m comparisons each interval is widened to the level 1 − (1 − level) / m: all m intervals for the same figure
    (the area, F1 at one budget, the ratio for one target) hold together at `level`. The figures of one comparison are
    several views of one question and are not adjusted for each other: name the one that decides beforehand.

    :param comparisons: not adjusted before.
    :raises UsageError: one of them is adjusted already.
    """
    if any(comparison.comparisons > 1 for comparison in comparisons):
        raise UsageError("one of these comparisons is adjusted already; adjust the comparisons as they came")
    widened = [_widened(comparison, len(comparisons)) for comparison in comparisons]
    by_figure: dict[tuple[str, float | None], list[float | None]] = {}
    for comparison in widened:
        for effect in comparison.effects:
            by_figure.setdefault((effect.kind, effect.at), []).append(effect.estimate.p_value)
    # taken off in the order in which they were put there
    stepped = {figure: iter(holm(p_values)) for figure, p_values in by_figure.items()}

    def stepped_down(effect: Effect) -> Effect:
        return replace(effect, estimate=replace(effect.estimate, p_value=next(stepped[effect.kind, effect.at])))

    return [
        replace(
            comparison,
            area=stepped_down(comparison.area),
            budgets=tuple(stepped_down(effect) for effect in comparison.budgets),
            targets=tuple(stepped_down(effect) for effect in comparison.targets),
        )
        for comparison in widened
    ]


def _widened(comparison: Comparison, number: int) -> Comparison:
    again = compare(
        *comparison.runs,
        comparison.unit,
        budgets=[effect.at for effect in comparison.budgets if effect.at is not None],
        targets=[effect.at for effect in comparison.targets if effect.at is not None],
        names=(comparison.left, comparison.right),
        level=1 - (1 - comparison.level) / number,
    )
    return replace(again, comparisons=number)
