"""How often the 95 % intervals of label efficiency hold the truth, where the truth is known.

Runs are drawn from a model of what simulated annotation does: test documents of differing length and difficulty, seeds
that are better or worse throughout, points of a run that are better or worse by chance, an arm that needs a known
share of the labels of the other, and mentions found or missed by chance (binomial) or made up (Poisson). F1 is computed
from the summed counts, as in a real run. The truth is the F1 of the expected counts over all documents, averaged
over all seeds, and what follows from it along the curve.

Reported is the share of the drawn experiments in which the interval held the truth, for the difference in area, the
difference in F1 at a budget, and the ratio of labels needed; beside it that of two intervals that are in common use,
on the same data: the percentile bootstrap over seeds, and Satterthwaite's t.

    python benchmarks/interval_coverage.py [--experiments 1000] [--seeds 3 5 10] [--documents 40 100] [--seed 1]
    python benchmarks/interval_coverage.py --tables [--experiments 4000] [--seeds 2 3 5 10]

With `--tables`, no runs: tables of seeds by documents drawn from the very layout that the interval assumes, by how much
of the variance of the mean the seeds make up, and how much of the rest the documents.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import expit
from scipy.stats import t

from biorat_al.efficiency.runs.model import Point, Run
from biorat_al.efficiency.statistics.comparison import compare
from biorat_al.efficiency.statistics.intervals import crossed_mean

LABELS = (10, 20, 40, 60, 80, 120, 160)
BUDGET = 70
TARGETS = {"ratio": 0.65, "late ratio": 0.74}


@dataclass(frozen=True)
class World:
    """What runs are drawn from; standard deviations are on the scale of the log odds.

    :param ratio: labels that the left arm needs over those of the right one, for the same expected F1.
    :param seed: of what a seed does to both arms alike.
    :param arm: of what a seed does to one arm.
    :param point: of what befalls one model.
    :param document: of a document's difficulty.
    :param taste: of what a document is to one arm, whatever the seed.
    :param cell: of one document under one model.
    """

    ratio: float = 0.8
    seed: float = 0.15
    arm: float = 0.1
    point: float = 0.05
    document: float = 0.7
    taste: float = 0.1
    cell: float = 0.2

    def level(self, labels: float, side: int) -> float:
        """Log odds that a mention is found, in the mean."""
        effective = labels / self.ratio if side == 0 else labels
        return 1.6 - 8.0 * effective**-0.5


COLUMNS = ("area", "f1", "ratio", "late ratio", "ratio open", "late ratio open", "bootstrap", "satterthwaite")

WORLDS = {
    "seeds and documents": World(),
    "seeds above all": World(arm=0.3, taste=0.02, cell=0.05),
    "documents above all": World(seed=0.05, arm=0.02, point=0.02, taste=0.4, cell=0.2),
    "no difference": World(ratio=1.0),
}

SHARES = (0.0, 0.1, 0.3, 0.6, 0.9, 1.0)
"""Of the seeds in the variance of a table's mean; and of the documents in the rest of it."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_GOLD = 10.0


def draw(world: World, seeds: int, documents: int, generator: np.random.Generator) -> tuple[list[Run], list[Run]]:
    """Return one experiment: the runs of both arms."""
    gold = generator.poisson(generator.gamma(2.0, _GOLD / 2, documents))
    difficulty = generator.normal(0, world.document, documents)
    taste = generator.normal(0, world.taste, (2, documents))
    sides: tuple[list[Run], list[Run]] = ([], [])
    for seed in range(seeds):
        both = generator.normal(0, world.seed)
        for side, runs in enumerate(sides):
            own = both + generator.normal(0, world.arm)
            points = []
            for number, labels in enumerate(LABELS):
                mean = world.level(labels, side) + own + generator.normal(0, world.point)
                odds = mean + difficulty + taste[side] + generator.normal(0, world.cell, documents)
                found = generator.binomial(gold, expit(odds))
                # what is made up is rarer where the model is better
                false = generator.poisson(0.5 * _GOLD * expit(-odds))
                points.append(
                    Point(
                        round=number,
                        documents=labels,
                        tokens=250 * labels,
                        mentions=10 * labels,
                        counts={
                            str(place): (int(tp), int(fp), int(total - tp))
                            for place, (tp, fp, total) in enumerate(zip(found, false, gold, strict=True))
                        },
                        by_label={},
                        cost={},
                    )
                )
            arm = ("rat", "none")[side]
            runs.append(
                Run(
                    id=f"{arm}-{seed}",
                    kind="simulated",
                    corpus="drawn",
                    encoder="none",
                    arm=arm,
                    strategy="mnlp",
                    seed=seed,
                    points=tuple(points),
                )
            )
    return sides


def expected_f1(world: World, labels: float, side: int) -> float:
    """Return F1 of the expected counts over all documents, averaged over all seeds."""
    of_seeds = np.sqrt(world.seed**2 + world.arm**2 + world.point**2) * _NODES
    of_documents = np.sqrt(world.document**2 + world.taste**2 + world.cell**2) * _NODES
    odds = world.level(labels, side) + of_seeds[:, None] + of_documents[None, :]
    found, false = expit(odds) @ _WEIGHTS, 0.5 * expit(-odds) @ _WEIGHTS
    # 2tp + fp + fn = tp + fp + all that there is to find
    return float((2 * found / (found + false + 1)) @ _WEIGHTS)


def truth(world: World) -> dict[str, float]:
    """Return what the intervals should hold."""
    curves = [[expected_f1(world, labels, side) for labels in LABELS] for side in (0, 1)]
    areas = [np.sum(np.diff(LABELS) * (np.array(c[1:]) + c[:-1]) / 2) / (LABELS[-1] - LABELS[0]) for c in curves]
    at_budget = [np.interp(BUDGET, LABELS, curve) for curve in curves]
    needed = {name: [np.interp(target, curve, LABELS) for curve in curves] for name, target in TARGETS.items()}
    return {
        "area": float(areas[0] - areas[1]),
        "f1": float(at_budget[0] - at_budget[1]),
        **{name: float(left / right) for name, (left, right) in needed.items()},
    }


def coverage(world: World, seeds: int, documents: int, experiments: int, seed: int) -> dict[str, float]:
    """Return the shares of the experiments in which the intervals held the truth.

    :returns: ``area``, ``f1``, ``ratio`` and ``late ratio`` (for a target near the curves' end); ``… open``: share of
        those intervals with an open side; ``bootstrap`` and ``satterthwaite``: the area's coverage by the two
        intervals in common use.
    """
    generator = np.random.default_rng(seed)
    expected = truth(world)
    held = dict.fromkeys(COLUMNS, 0)
    for _ in range(experiments):
        left, right = draw(world, seeds, documents, generator)
        found = compare(left, right, budgets=[BUDGET], targets=list(TARGETS.values()))
        for name, effect in zip(expected, found.effects, strict=True):
            low, high = effect.estimate.low, effect.estimate.high
            held[name] += (low is None or low <= expected[name]) and (high is None or expected[name] <= high)
            if effect.kind == "ratio":
                held[f"{name} open"] += low is None or high is None
        area = found.area.estimate
        assert area.value is not None
        assert area.standard_error is not None
        error = abs(area.value.value - expected["area"])
        held["satterthwaite"] += error <= t.ppf(0.975, area.degrees) * area.standard_error
        low, high = percentile_bootstrap(left, right, generator)
        held["bootstrap"] += low <= expected["area"] <= high
    return {name: count / experiments for name, count in held.items()}


def percentile_bootstrap(
    left: Sequence[Run], right: Sequence[Run], generator: np.random.Generator
) -> tuple[float, float]:
    """Percentile bootstrap over pairs of seeds, for the difference in area: what is often done."""
    differences = np.array(
        [
            _area([point.f1 for point in a.points]) - _area([point.f1 for point in b.points])
            for a, b in zip(left, right, strict=True)
        ]
    )
    means = generator.choice(differences, (2000, len(differences))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _area(curve: Sequence[float]) -> float:
    values = np.array(curve)
    return float(np.sum(np.diff(LABELS) * (values[1:] + values[:-1]) / 2) / (LABELS[-1] - LABELS[0]))


def coverage_of_tables(
    seeds: int, documents: int, of_seeds: float, of_documents: float, experiments: int, seed: int
) -> float:
    """Share of tables drawn from the crossed layout whose 95 % interval holds the mean; that mean's variance is 1.

    :param of_seeds: share of the seeds in that variance.
    :param of_documents: share of the documents in the rest of it; what is left is the cells' own.
    """
    generator = np.random.default_rng(seed)
    scale = np.sqrt(
        [
            of_seeds * seeds,
            (1 - of_seeds) * of_documents * documents,
            (1 - of_seeds) * (1 - of_documents) * seeds * documents,
        ]
    )
    held = 0
    for _ in range(experiments):
        by_seed, by_document = generator.normal(size=(seeds, 1)), generator.normal(size=documents)
        table = scale[0] * by_seed + scale[1] * by_document + scale[2] * generator.normal(size=(seeds, documents))
        # the interval holds 0 where this is above 5 %, and it need not be found
        held += crossed_mean(table).p_value() >= 0.05
    return held / experiments


def tables(experiments: int, seeds: Sequence[int], documents: Sequence[int], seed: int) -> None:
    """Measure the coverage on drawn tables, and print it for each number of seeds, the least and the most first."""
    for rows in seeds:
        found = {
            (columns, *shares): coverage_of_tables(rows, columns, *shares, experiments, seed)
            for columns in documents
            for shares in product(SHARES, SHARES)
        }
        print(f"{rows} seeds: {min(found.values()):.1%} to {max(found.values()):.1%}", flush=True)
        for (columns, of_seeds, of_documents), share in found.items():
            print(
                f"    {columns} documents, seeds {of_seeds:.0%}, documents {of_documents:.0%} of the rest: {share:.1%}"
            )


def main() -> None:
    """Measure and print a table, then the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--tables", action="store_true", help="draw tables of seeds by documents instead of runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--documents", type=int, nargs="+", default=[40, 100])
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.tables:
        tables(arguments.experiments, arguments.seeds, arguments.documents, arguments.seed)
        return
    print(f"{'what varies':<22}{'seeds':>6}{'docs':>6}" + "".join(f"{name:>17}" for name in COLUMNS))
    rows = []
    for name in arguments.worlds:
        for seeds in arguments.seeds:
            for documents in arguments.documents:
                shares = coverage(WORLDS[name], seeds, documents, arguments.experiments, arguments.seed)
                print(
                    f"{name:<22}{seeds:>6}{documents:>6}" + "".join(f"{100 * shares[key]:>16.1f}%" for key in COLUMNS),
                    flush=True,
                )
                rows.append({"world": name, "seeds": seeds, "documents": documents, **shares})
    print(json.dumps({"experiments": arguments.experiments, "rows": rows}))


if __name__ == "__main__":
    main()
