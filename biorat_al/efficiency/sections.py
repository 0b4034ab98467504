"""The report's first parts: learning curves, what training cost, arms and strategies compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biorat_al.efficiency.figures import Cell, Figure, Section, Table, amount, estimated, plural, spread
from biorat_al.efficiency.plots import Plot, Series
from biorat_al.efficiency.runs import Run
from biorat_al.efficiency.statistics import (
    Comparison,
    CostRow,
    Curve,
    Effect,
    Spread,
    Unit,
    adjusted,
    area_under_curve,
    common_range,
    compare,
    cost_table,
    f1_at,
    groups,
    learning_curve,
    reachable_target,
)
from biorat_al.efficiency.study import PLAIN, UNIT_NAMES, UNITS, Study, range_of_all, tried

_FEW = 12
"""Curves with no more points than this are drawn at their points alone, longer ones on a grid."""


def curves_section(study: Study) -> Section:
    """Learning curves of the arms in all three units, with their values."""
    texts = [study.who_selected, *study.notes]
    plots, rows = [], []
    for unit in UNITS:
        curves: dict[str, Curve] = {}
        for arm, runs in study.arms.items():
            curve, why = tried(_curve, runs, unit)
            if curve is None:
                texts.append(f"No curve of {arm} by {UNIT_NAMES[unit]}: {why}.")
            else:
                curves[arm] = curve
                rows += _curve_rows(arm, curve)
        if curves:
            title = f"Strict span F1 on the test documents against annotated {UNIT_NAMES[unit]}, by arm"
            plots.append(_curve_plot(f"curves-{unit}", title, unit, curves))
    everyone = [run for runs in study.arms.values() for run in runs]
    note = (
        f"{study.basis(everyone)}. Bands: pointwise {study.intervals(everyone)} "
        "Between a run's models its F1 is interpolated in a line."
    )
    columns = {"unit": "unit", "labels": "labels", "arm": "arm", "f1": "F1 (%)"}
    return Section(
        "curves",
        "Learning curves",
        texts,
        [Table("curves", "Values of the curves", columns, rows, note, folded=True)],
        plots,
    )


def cost_section(study: Study) -> Section:
    """What training each arm took, against the plain one."""
    everyone = [run for runs in study.arms.values() for run in runs]
    found: list[CostRow] = cost_table(everyone)
    memory = _memory(study.arms)
    rows: list[dict[str, Cell]] = []
    for row in found:
        used, relative = memory[row.arm]
        rows.append(
            {
                "arm": row.arm,
                "passes": spread(row.passes, "count", row.seeds),
                "passes_relative": spread(row.relative_passes, "ratio", row.pairs),
                "tokens": spread(row.tokens, "count", row.seeds),
                "tokens_relative": spread(row.relative_tokens, "ratio", row.pairs),
                "seconds": spread(row.seconds, "seconds", row.seeds),
                "seconds_relative": spread(row.relative_seconds, "ratio", row.pairs),
                "memory": spread(used, "bytes", row.seeds),
                "memory_relative": spread(relative, "ratio", row.pairs),
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
        "Of training alone, over all rounds of a run: forward and backward passes of batches, word pieces in all "
        "passes (padding left out), seconds, and the most memory in use. Below each: times the plain arm (none) of the "
        "same seed. "
        f"{_ranges(everyone)} Time depends on the machine and on what else it did."
    )
    return Section("cost", "What training cost", tables=[Table("cost", "Cost by arm", columns, rows, note, below)])


def comparisons(study: Study) -> tuple[dict[Unit, list[Comparison]], list[str]]:
    """The arms' comparisons by unit, those of one unit adjusted for each other, and why others cannot be made."""
    found: dict[Unit, list[Comparison]] = {}
    problems: list[str] = []
    for unit in UNITS:
        made = []
        for left, right in study.pairs:
            comparison, why = tried(_compared, study, left, right, unit)
            if comparison is None:
                problems.append(f"{left} against {right} by {UNIT_NAMES[unit]}: {why}.")
            else:
                made.append(comparison)
        found[unit] = adjusted(made) if len(made) > 1 else made
    return found, problems


def comparison_section(study: Study, found: Mapping[Unit, Sequence[Comparison]], problems: Sequence[str]) -> Section:
    """Every figure of the comparisons between arms, in all three units."""
    every = [comparison for made in found.values() for comparison in made]
    tables = []
    if every:
        tables.append(Table("comparisons", "Arms compared", _COMPARED, _compared_rows(every), _compared_note(every)))
    return Section("comparisons", "Arms compared", problems, tables)


def strategies_section(study: Study) -> Section | None:
    """The query strategies compared, arm by arm; None where there is one strategy."""
    strategies = list(dict.fromkeys(key.strategy for key in study.active))
    if len(strategies) < 2:
        return None
    baseline = "random" if "random" in strategies else study.strategy
    by_arm: dict[str, dict[str, list[Run]]] = {}
    for key, runs in study.active.items():
        by_arm.setdefault(key.arm, {})[key.strategy] = runs
    rows: list[dict[str, Cell]] = []
    texts: list[str] = []
    made: list[Comparison] = []
    plots = []
    for arm, runs_of in by_arm.items():
        shared, why = tried(range_of_all, runs_of.values(), "documents")
        if shared is None:
            texts.append(f"{arm}: {why}.")
            continue
        for strategy, runs in runs_of.items():
            area, _ = tried(area_under_curve, runs, over=shared)
            last, _ = tried(f1_at, runs, shared[1])
            rows.append(
                {
                    "arm": arm,
                    "strategy": strategy,
                    "seeds": len(runs),
                    "area": estimated(area, "percent"),
                    "labels": Figure(shared[1], "count"),
                    "f1": estimated(last, "percent"),
                }
            )
            if strategy != baseline and baseline in runs_of:
                names = (f"{strategy} ({arm})", f"{baseline} ({arm})")
                comparison, why = tried(_between, runs, runs_of[baseline], "documents", names, study.target)
                made += [comparison] if comparison else []
                texts += [f"{strategy} against {baseline} ({arm}): {why}."] if why else []
        if arm == study.main_arm or (study.main_arm is None and arm == PLAIN):
            curves = {name: tried(_curve, runs, "documents")[0] for name, runs in runs_of.items()}
            title = f"Strict span F1 on the test documents against annotated documents, by query strategy (arm {arm})"
            drawn = {name: curve for name, curve in curves.items() if curve is not None}
            plots.append(_curve_plot("strategies", title, "documents", drawn))
    everyone = [run for runs in study.active.values() for run in runs]
    columns = {
        "arm": "arm",
        "strategy": "strategy",
        "seeds": "seeds",
        "area": "mean F1 over the range (%)",
        "labels": "documents at the end",
        "f1": "F1 there (%)",
    }
    shared_range = "The range is the one that all strategies of the arm share."
    note = f"{study.basis(everyone)}. {study.intervals(everyone)} {shared_range}"
    tables = [Table("strategies", "Strategies", columns, rows, note)]
    if made:
        made = adjusted(made) if len(made) > 1 else made
        title = f"Strategies against {baseline}"
        tables.append(Table("strategy-comparisons", title, _COMPARED, _compared_rows(made), _compared_note(made)))
    return Section("strategies", "Query strategies", texts, tables, plots)


def reuse_section(study: Study) -> Section | None:
    """Models trained on what another chose, and on the whole pool; None where there are none."""
    rows: list[dict[str, Cell]] = []
    others = [run for run in study.runs if run.kind in ("passive", "full")]
    for key, runs in groups(others).items():
        documents = min(run.points[-1].documents for run in runs)
        last, why = tried(f1_at, runs, documents)
        rows.append(
            {
                "trained": f"{key.arm}, {key.encoder}",
                "chosen": "nobody: the whole pool" if key.kind == "full" else f"{key.selected_by} ({key.strategy})",
                "seeds": len(runs),
                "documents": documents,
                "f1": estimated(last, "percent", missing=why),
            }
        )
    if not rows:
        return None
    columns = {
        "trained": "trained",
        "chosen": "documents chosen by",
        "seeds": "seeds",
        "documents": "documents",
        "f1": "F1 (%)",
    }
    texts = [
        "Labels outlive the model that chose them. Here other models learn from documents that were chosen for "
        "another, or from all documents of the pool at once."
    ]
    note = f"{study.basis(others)}. {study.intervals(others)}"
    table = Table("reuse", "Other models on the same labels", columns, rows, note)
    return Section("reuse", "Labels used again, and the whole pool", texts, [table])


def _curve(runs: Sequence[Run], unit: Unit) -> Curve:
    low, high = common_range(runs, unit)
    places = sorted({getattr(point, unit) for run in runs for point in run.points})
    inside = [float(place) for place in places if low <= place <= high]
    return learning_curve(runs, unit, grid=inside if len(inside) <= _FEW or low == high else None)


def _curve_rows(arm: str, curve: Curve) -> list[dict[str, Cell]]:
    return [
        {
            "unit": UNIT_NAMES[curve.unit],
            "labels": Figure(labels, "count"),
            "arm": arm,
            "f1": Figure(mean, "percent", low, high, interval=True),
        }
        for labels, mean, low, high in zip(curve.grid, curve.mean, curve.low, curve.high, strict=True)
    ]


def _curve_plot(name: str, title: str, unit: Unit, curves: Mapping[str, Curve]) -> Plot:
    series = [
        Series(arm, curve.grid, *([100 * value for value in values] for values in (curve.mean, curve.low, curve.high)))
        for arm, curve in curves.items()
    ]
    return Plot(name, title, f"annotated {UNIT_NAMES[unit]}", "strict span F1 (%)", series)


def _compared(study: Study, left: str, right: str, unit: Unit) -> Comparison:
    return _between(study.arms[left], study.arms[right], unit, (left, right), study.target)


def _between(
    left: Sequence[Run], right: Sequence[Run], unit: Unit, names: tuple[str, str], wanted: float | None
) -> Comparison:
    reachable = reachable_target(left, right, unit=unit)
    # the user's target last: it is the one that the verdict is about
    targets = [target for target in (reachable, wanted) if target is not None]
    _, end = range_of_all([left, right], unit)
    return compare(left, right, unit, budgets=[end], targets=list(dict.fromkeys(targets)), names=names)


_COMPARED = {
    "compared": "compared",
    "what": "figure",
    "left": "left",
    "right": "right",
    "effect": "effect",
    "p": "p",
}


def _compared_rows(made: Sequence[Comparison]) -> list[dict[str, Cell]]:
    return [
        {
            "compared": f"{comparison.left} against {comparison.right}",
            "what": _what(comparison, effect),
            "left": amount(effect.needed[0]) if effect.needed else None,
            "right": amount(effect.needed[1]) if effect.needed else None,
            "effect": estimated(effect.estimate, "ratio" if effect.kind == "ratio" else "points"),
            "p": NO_P if effect.estimate.p_value is None else _p(effect.estimate.p_value),
        }
        for comparison in made
        for effect in comparison.effects
    ]


NO_P = "–"


def _what(comparison: Comparison, effect: Effect) -> str:
    unit = UNIT_NAMES[comparison.unit]
    if effect.kind == "ratio":
        return f"{unit} needed for an F1 of {100 * (effect.at or 0):.0f}"
    if effect.kind == "f1":
        return f"F1 at {effect.at or 0:,.0f} {unit} (points)"
    low, high = comparison.range
    return f"mean F1 from {low:,.0f} to {high:,.0f} {unit} (points)"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _compared_note(made: Sequence[Comparison]) -> str:
    seeds = sorted({seed for comparison in made for seed in comparison.seeds})
    count = max(comparison.comparisons for comparison in made)
    documents = max(comparison.documents for comparison in made)
    adjustment = (
        f"Intervals and p-values are adjusted for {count} comparisons (Bonferroni, Holm). " if count > 1 else ""
    )
    over = "seeds and test documents" if len(seeds) > 1 else "test documents alone, since there is one seed"
    return (
        f"{plural(len(seeds), 'pair')} of one seed ({', '.join(map(str, seeds))}), "
        f"{plural(documents, 'test document')}; left less right, or left by right (×); 95 % confidence intervals over "
        f"{over}. {adjustment}"
    ).strip()


def _ranges(runs: Sequence[Run]) -> str:
    if len({run.seed for run in runs}) > 1:
        return "Means over the seeds, from the smallest to the largest."
    return "One seed, so there is no range."


def _memory(arms: Mapping[str, Sequence[Run]]) -> dict[str, tuple[Spread | None, Spread | None]]:
    """The most memory that each arm used, and that against the plain arm of the same seed."""
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
