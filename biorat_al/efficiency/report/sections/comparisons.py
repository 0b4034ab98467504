"""Sections that compare arms, query strategies, and models trained on documents that others chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from biorat_al.efficiency.report.sections.curves_and_cost import curve_of, curve_plot
from biorat_al.efficiency.report.sections.sensitivity import sensitivity_table
from biorat_al.efficiency.report.study import PLAIN, Study, intervals, range_of_all, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section, estimated, labels_form, words
from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.adjustment import adjusted
from biorat_al.efficiency.statistics.comparison import Comparison, Effect, compare, reachable_target
from biorat_al.efficiency.statistics.curves import area_under_curve, f1_at, groups, labels_needed
from biorat_al.efficiency.statistics.estimates import UNIT_NAMES, Unit, counted, labels_in
from biorat_al.efficiency.statistics.verdict import verdict
from biorat_al.wording import plural

NO_TARGET = "no F1 is reached clearly by both"

CHOSEN_AFTER = (
    "No target F1 was named: a comparison takes the highest multiple of 5 points that its own curves reach clearly, "
    "which is chosen after the fact. Better is one that is named beforehand (--target)."
)

ONE_SEED = "A project has one seed: this is how its arms came out here, not which of them is better."


def comparisons(study: Study) -> tuple[dict[Unit, list[Comparison]], list[str]]:
    """Compare the arms in each unit; return the comparisons, and the reasons why others cannot be made.

    If the first of the study's pairs can be compared, it comes first in each unit and is not adjusted. The others are
    adjusted for each other.
    """
    found: dict[Unit, list[Comparison]] = {}
    problems: list[str] = []
    # what prevents it by the main unit is named first
    for unit in sorted(study.units, key=lambda unit: unit != study.main_unit):
        # the main pair is the question of the report, fixed beforehand; the others are secondary
        main, besides = [], []
        for left, right in study.pairs:
            comparison, why = tried(_compared, study, left, right, unit)
            if comparison is None:
                problems.append(f"{left} against {right} by {UNIT_NAMES[unit]}: {why}.")
            elif (left, right) == study.pairs[0]:
                main.append(comparison)
            else:
                besides.append(comparison)
        found[unit] = [*main, *(adjusted(besides) if len(besides) > 1 else besides)]
    return {unit: found[unit] for unit in study.units}, problems


def main_of(study: Study, made: Sequence[Comparison]) -> Comparison | None:
    """Return the comparison of the study's first pair, the question of the report; None if it is not among these."""
    return next((one for one in made if (one.left, one.right) in study.pairs[:1]), None)


def comparison_section(study: Study, found: Mapping[Unit, Sequence[Comparison]], problems: Sequence[str]) -> Section:
    """Return the section that compares the arms, in all units."""
    every = [comparison for made in found.values() for comparison in made]
    texts = list(problems)
    if study.live:
        texts += [ONE_SEED] if every else []
    else:
        main = main_of(study, found[study.main_unit])
        verdicts = [tried(verdict, comparison)[0] for comparison in found[study.main_unit] if comparison is not main]
        texts += [conclusion.sentence for conclusion in verdicts if conclusion]
    if not every and not texts:
        texts = ["There is nothing to compare: all runs have the same arm."]
    tables = []
    if every:
        note = _compared_note(study, every, f" of the comparisons besides {' against '.join(study.pairs[0])}")
        tables.append(
            FigureTable(
                "comparisons",
                f"By {words(UNIT_NAMES[unit] for unit in study.units)}",
                _COMPARED,
                _compared_rows(every),
                note,
            )
        )
        varied = sensitivity_table("comparisons-price", every, study.price)
        tables += [varied] if varied else []
        rows = _effect_rows(every)
        tables.append(FigureTable("effects", "Every figure, with p-values", _EFFECTS, rows, note, folded=True))
    return Section("comparisons", "Arms compared", texts, tables)


def strategies_section(study: Study) -> Section | None:
    """Return the section that compares the query strategies within each arm; None with a single strategy."""
    strategies = list(dict.fromkeys(key.strategy for key in study.active))
    if len(strategies) < 2:
        return None
    baseline = "random" if "random" in strategies else study.strategy
    unit = study.main_unit
    by_arm: dict[str, dict[str, list[Run]]] = {}
    for key, runs in study.active.items():
        by_arm.setdefault(key.arm, {})[key.strategy] = runs
    # prefer an arm with several strategies: a single curve compares nothing
    preferred = [arm for arm in (study.main_arm, PLAIN, *by_arm) if arm in by_arm]
    shown = max(preferred, key=lambda arm: len(by_arm[arm]) > 1)
    rows: list[dict[str, Cell]] = []
    texts: list[str] = []
    made: list[Comparison] = []
    plots = []
    for arm, runs_of in by_arm.items():
        shared, why = tried(range_of_all, runs_of.values(), unit)
        if shared is None:
            texts.append(f"{arm}: {why}.")
            continue
        for strategy, runs in runs_of.items():
            area, _ = tried(area_under_curve, runs, unit, over=shared)
            last, _ = tried(f1_at, runs, shared[1], unit)
            rows.append(
                {
                    "arm": arm,
                    "strategy": strategy,
                    "seeds": len(runs),
                    "area": estimated(area, "percent"),
                    "labels": Figure(shared[1], labels_form(unit)),
                    "f1": estimated(last, "percent"),
                }
            )
            if strategy != baseline and baseline in runs_of:
                names = (f"{strategy} ({arm})", f"{baseline} ({arm})")
                comparison, why = tried(_between, runs, runs_of[baseline], unit, names, study.target)
                made += [comparison] if comparison else []
                texts += [f"{strategy} against {baseline} ({arm}): {why}."] if why else []
        if arm == shown:
            curves = {name: tried(curve_of, runs, unit)[0] for name, runs in runs_of.items()}
            title = f"F1 against {labels_in(unit)}, by query strategy (arm {arm})"
            drawn = {name: curve for name, curve in curves.items() if curve is not None}
            plots.append(curve_plot("strategies", title, unit, drawn))
    everyone = [run for runs in study.active.values() for run in runs]
    columns = {
        "arm": "arm",
        "strategy": "strategy",
        "seeds": "seeds",
        "area": "mean F1 over the range (%)",
        "labels": f"{UNIT_NAMES[unit]} at the end",
        "f1": "F1 there (%)",
    }
    shared_range = "The range is the one that all strategies of the arm share."
    seeds = {f"{key.strategy} ({key.arm})": len(runs) for key, runs in study.active.items()}
    note = f"{study.basis(everyone)}. {intervals(seeds)} {shared_range}"
    tables = [FigureTable("strategies", "Strategies", columns, rows, note)]
    if made:
        made = adjusted(made) if len(made) > 1 else made
        title = f"Strategies against {baseline}"
        tables.append(
            FigureTable("strategy-comparisons", title, _COMPARED, _compared_rows(made), _compared_note(study, made))
        )
        varied = sensitivity_table("strategies-price", made, study.price)
        tables += [varied] if varied else []
    return Section("strategies", "Query strategies", texts, tables, plots)


def reuse_section(study: Study) -> Section | None:
    """Return the section on models trained on others' picks or on the whole pool; None without such models."""
    rows: list[dict[str, Cell]] = []
    seeds: dict[str, int] = {}
    others = [run for run in study.runs if run.kind in ("passive", "full")]
    # all runs, since a passive run is grouped by the arm of the run that chose for it
    for key, runs in groups(study.runs).items():
        if key.kind not in ("passive", "full"):
            continue
        documents = min(run.points[-1].documents for run in runs)
        last, why = tried(f1_at, runs, documents)
        trained = f"{key.arm}, {PurePath(key.encoder).name}"
        chosen = "nobody: the whole pool" if key.kind == "full" else f"{key.selected_by} ({key.strategy})"
        seeds[f"{trained} (chosen by {chosen})"] = len(runs)
        rows.append(
            {
                "trained": trained,
                "chosen": chosen,
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
    note = f"{study.basis(others)}. {intervals(seeds)}"
    table = FigureTable("reuse", "Other models on the same labels", columns, rows, note)
    return Section("reuse", "Labels used again, and the whole pool", texts, [table])


def _compared(study: Study, left: str, right: str, unit: Unit) -> Comparison:
    return _between(study.arms[left], study.arms[right], unit, (left, right), study.target)


def _between(
    left: Sequence[Run], right: Sequence[Run], unit: Unit, names: tuple[str, str], wanted: float | None
) -> Comparison:
    reachable = reachable_target(left, right, unit=unit)
    # the user's target comes last, since the verdict is about the last one
    targets = [target for target in (reachable, wanted) if target is not None]
    _, end = range_of_all([left, right], unit)
    return compare(left, right, unit, budgets=[end], targets=list(dict.fromkeys(targets)), names=names)


_COMPARED = {
    "compared": "compared",
    "unit": "labels in",
    "pairs": "seeds",
    "target": "for F1",
    "left": "left needs",
    "right": "right needs",
    "ratio": "left by right",
    "f1": "F1 at the end (points)",
    "area": "mean F1 (points)",
}

_EFFECTS = {
    "compared": "compared",
    "what": "figure",
    "pairs": "seeds",
    "left": "left",
    "right": "right",
    "effect": "effect",
    "p": "p",
}


def _compared_rows(made: Sequence[Comparison]) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    for comparison in made:
        ratio = comparison.targets[-1] if comparison.targets else None
        left, right = _needed(comparison, ratio)
        rows.append(
            {
                "compared": f"{comparison.left} against {comparison.right}",
                "unit": UNIT_NAMES[comparison.unit],
                "pairs": len(comparison.seeds),
                "target": Figure(ratio.at, "percent") if ratio else None,
                "left": left,
                "right": right,
                "ratio": estimated(ratio.estimate, "ratio") if ratio else Figure(None, "ratio", note=NO_TARGET),
                "f1": estimated(comparison.budgets[-1].estimate, "points"),
                "area": estimated(comparison.area.estimate, "points"),
            }
        )
    return rows


def _effect_rows(made: Sequence[Comparison]) -> list[dict[str, Cell]]:
    """Return a row for each figure of each comparison."""
    return [
        {
            "compared": f"{comparison.left} against {comparison.right}",
            "what": _what(comparison, effect),
            "pairs": len(comparison.seeds),
            "left": needed[0],
            "right": needed[1],
            "effect": estimated(effect.estimate, "ratio" if effect.kind == "ratio" else "points"),
            "p": None if effect.estimate.p_value is None else _p(effect.estimate.p_value),
        }
        for comparison in made
        for effect in comparison.effects
        for needed in [_needed(comparison, effect)]
    ]


def _needed(comparison: Comparison, effect: Effect | None) -> tuple[Figure | None, Figure | None]:
    """Return the labels that left and right need for a target, with intervals at the comparison's level."""
    if effect is None or effect.kind != "ratio" or effect.at is None:
        return None, None
    left, right = (labels_needed(runs, effect.at, comparison.unit, level=comparison.level) for runs in comparison.runs)
    form = labels_form(comparison.unit)
    return estimated(left, form), estimated(right, form)


def _what(comparison: Comparison, effect: Effect) -> str:
    """Describe a figure of a comparison in words."""
    unit = UNIT_NAMES[comparison.unit]
    if effect.kind == "ratio":
        return f"{unit} needed for an F1 of {100 * (effect.at or 0):.1f}"
    if effect.kind == "f1":
        return f"F1 at {counted(effect.at or 0, comparison.unit)} (points)"
    low, high = comparison.range
    digits = 1 if comparison.unit == "hours" else 0
    return f"mean F1 from {low:,.{digits}f} to {counted(high, comparison.unit)} (points)"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _compared_note(study: Study, made: Sequence[Comparison], besides: str = "") -> str:
    seeds = sorted({seed for comparison in made for seed in comparison.seeds})
    pairs = {f"{one.left} against {one.right}": len(one.seeds) for one in made}
    count = max(comparison.comparisons for comparison in made)
    documents = max(comparison.documents for comparison in made)
    parts = [
        f"{'Up to ' if len(set(pairs.values())) > 1 else ''}{plural(len(seeds), 'pair')} of one seed "
        f"({', '.join(map(str, seeds))}), {plural(documents, 'test document')}.",
        "F1: left less right, at the most labels that both have, and on average over the range that both have.",
        intervals(pairs),
    ]
    if count > 1:
        parts.append(f"Intervals and p-values{besides} are adjusted for {count} comparisons (Bonferroni, Holm).")
    parts.append("The figures and units of one comparison are views of one question, not adjusted for each other.")
    if study.target is None and any(comparison.targets for comparison in made):
        parts.append(CHOSEN_AFTER)
    return " ".join(parts)
