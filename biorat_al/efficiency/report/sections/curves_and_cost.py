"""Sections on learning curves and on the cost of training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from biorat_al.efficiency.report.plots import Plot, PlotLine
from biorat_al.efficiency.report.study import PLAIN, Study, intervals, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section, labels_form, spread
from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.cost import CostRow, Spread, cost_table
from biorat_al.efficiency.statistics.curves import Curve, common_range, learning_curve
from biorat_al.efficiency.statistics.estimates import UNIT_NAMES, Unit, labels_in

_FEW = 12
"""Curves with at most this many points are drawn at their points only, longer ones on a grid."""


def curves_section(study: Study) -> Section:
    """Return the section with the learning curves of the arms in all units, and their values."""
    texts = [text for text in (*study.notes, study.why_no_hours) if text]
    drawn: dict[Unit, dict[str, Curve]] = {}
    rows = []
    for unit in study.units:
        curves = drawn.setdefault(unit, {})
        for arm, runs in study.arms.items():
            curve, why = tried(curve_of, runs, unit)
            if curve is None:
                texts.append(f"No curve of {arm} by {UNIT_NAMES[unit]}: {why}.")
            else:
                curves[arm] = curve
                rows += _curve_rows(arm, curve)
    limits = _limits([curve for curves in drawn.values() for curve in curves.values()])
    plots = [
        curve_plot(f"curves-{unit}", f"F1 against {labels_in(unit)}, by arm", unit, curves, limits)
        for unit, curves in drawn.items()
        if curves
    ]
    everyone = [run for runs in study.arms.values() for run in runs]
    note = (
        f"{study.basis(everyone)}. Bands: pointwise {intervals({arm: len(runs) for arm, runs in study.arms.items()})} "
        "Between a run's models its F1 is interpolated in a line."
    )
    columns = {"unit": "unit", "labels": "labels", "arm": "arm", "f1": "F1 (%)"}
    return Section(
        "curves",
        "Learning curves",
        texts,
        [FigureTable("curves", "Values of the curves", columns, rows, note, folded=True)],
        plots,
    )


def cost_section(study: Study) -> Section:
    """Return the section on the cost of training each arm, absolute and relative to the plain arm."""
    everyone = [run for runs in study.arms.values() for run in runs]
    found: list[CostRow] = cost_table(everyone)
    memory = _memory(study.arms)
    rows: list[dict[str, Cell]] = []
    for row in found:
        used, relative = memory[row.arm]
        rows.append(
            {
                "arm": row.arm,
                "passes": spread(row.passes, "large", row.seeds),
                "passes_relative": spread(row.relative_passes, "ratio", row.pairs) if row.arm != PLAIN else None,
                "tokens": spread(row.tokens, "large", row.seeds),
                "tokens_relative": spread(row.relative_tokens, "ratio", row.pairs) if row.arm != PLAIN else None,
                "seconds": spread(row.seconds, "seconds", row.seeds),
                "seconds_relative": spread(row.relative_seconds, "ratio", row.pairs) if row.arm != PLAIN else None,
                "memory": spread(used, "bytes", row.seeds),
                "memory_relative": spread(relative, "ratio", row.pairs) if row.arm != PLAIN else None,
            }
        )
    columns = {
        "arm": "arm",
        "passes": "passes",
        "passes_relative": "relative to plain",
        "tokens": "word pieces",
        "tokens_relative": "relative to plain",
        "seconds": "time",
        "seconds_relative": "relative to plain",
        "memory": "memory",
        "memory_relative": "relative to plain",
    }
    below = {key.removesuffix("_relative"): key for key in columns if key.endswith("_relative")}
    note = (
        "Of training alone, over all rounds of a run: passes of batches (forward and backward; a backward pass counts "
        "twice as much as a forward pass), word pieces in all "
        "passes (padding left out), seconds, and the most memory in use. Below each: times the plain arm (none) of the "
        "same seed. "
        f"{_ranges(everyone)} Time depends on the machine and on what else it did."
    )
    return Section(
        "cost",
        "What training cost",
        tables=[FigureTable("cost", "Cost by arm", columns, rows, note, below, inline=True)],
    )


def curve_of(runs: Sequence[Run], unit: Unit) -> Curve:
    """Return the learning curve of a group, at its points or, if these are many, on a grid.

    :raises UsageError: see :func:`~biorat_al.efficiency.statistics.curves.learning_curve`.
    """
    low, high = common_range(runs, unit)
    places = sorted({getattr(point, unit) for run in runs for point in run.points})
    inside = [float(place) for place in places if low <= place <= high]
    return learning_curve(runs, unit, grid=inside if len(inside) <= _FEW or low == high else None)


def _curve_rows(arm: str, curve: Curve) -> list[dict[str, Cell]]:
    return [
        {
            "unit": UNIT_NAMES[curve.unit],
            "labels": Figure(labels, labels_form(curve.unit)),
            "arm": arm,
            "f1": Figure(mean, "percent", low, high, interval=True),
        }
        for labels, mean, low, high in zip(curve.grid, curve.mean, curve.low, curve.high, strict=True)
    ]


def _limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return limits of the y axis in multiples of 5 points of F1, the same for all units so that plots compare."""
    low = min((value for curve in curves for value in curve.low), default=0.0)
    high = max((value for curve in curves for value in curve.high), default=1.0)
    return 5.0 * math.floor(20 * low), max(5.0 * math.ceil(20 * high), 5.0 * math.floor(20 * low) + 5.0)


def curve_plot(
    name: str, title: str, unit: Unit, curves: Mapping[str, Curve], limits: tuple[float, float] | None = None
) -> Plot:
    """Return a plot of learning curves by name.

    :param limits: limits of the y axis, in points of F1; None lets matplotlib choose.
    """
    series = [
        PlotLine(
            arm, curve.grid, *([100 * value for value in values] for values in (curve.mean, curve.low, curve.high))
        )
        for arm, curve in curves.items()
    ]
    return Plot(name, title, labels_in(unit), "strict span F1 (%)", series, limits)


def _ranges(runs: Sequence[Run]) -> str:
    """Return a sentence on what the ranges of the costs are."""
    if len({run.seed for run in runs}) > 1:
        return "Means over the seeds, from the smallest to the largest."
    return "One seed, so there is no range."


def _memory(arms: Mapping[str, Sequence[Run]]) -> dict[str, tuple[Spread | None, Spread | None]]:
    """Return the peak memory of each arm, and its ratio to that of the plain arm with the same seed."""
    used = {
        arm: {run.seed: most for run in runs if (most := max(p.cost.get("peak_memory", 0.0) for p in run.points))}
        for arm, runs in arms.items()
    }
    plain = used.get(PLAIN, {})
    return {
        arm: (_spread(list(of.values())), _spread([of[seed] / plain[seed] for seed in of if seed in plain]))
        for arm, of in used.items()
    }


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread(sum(values) / len(values), min(values), max(values)) if values else None
