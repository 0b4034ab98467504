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
    python benchmarks/interval_coverage.py --agreement [--experiments 1000] [--documents 20 40 100]
    python benchmarks/interval_coverage.py --pre-labels [--experiments 1000] [--documents 60 120 240] [--quantities …]
    python benchmarks/interval_coverage.py --upheld [--experiments 1000] [--documents 5 10 20 40 100]

With `--tables`, no runs: tables of seeds by documents drawn from the very layout that the interval assumes, by how much
of the variance of the mean the seeds make up, and how much of the rest the documents.

With `--agreement`, the intervals of `biorat-al agreement`: three annotators overlook mentions, move their boundaries,
use other labels and mark what is nothing, in some documents more than in others. The truth is their agreement on all
documents of a large collection, from which the documents of each experiment are drawn.

With `--pre-labels`, the intervals of the differences between answers with and without pre-labels, in rounds of twenty
documents: how often they hold 0 where pre-labels change nothing, and where they change minutes and mentions by 30 % and
let two people both mark 30 % of what they would not both have marked. `--quantities agreement` measures the documents
for two people alone.

With `--upheld`, the intervals of how often an annotator was upheld: one place and two more on average per document, of
which those of one document are judged alike more or less often. Beside them, the bootstrap over documents.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from scipy.special import expit
from scipy.stats import t

from biorat_al.corpus.model.document import Annotation, Document, Entity, Span
from biorat_al.efficiency.runs.model import Point, Run
from biorat_al.efficiency.statistics.comparison import compare
from biorat_al.efficiency.statistics.intervals import crossed_mean
from biorat_al.people import chance
from biorat_al.people.bootstrap import Array, interval, ratio
from biorat_al.people.compared_text import compare_text
from biorat_al.people.pre_label_bias import ComparedAnswers, GivenAnswer, Quantity, Sums, compare_answers
from biorat_al.people.share_interval import share_interval

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


Figures = dict[str, tuple[Array, Callable[[Array], Array]]]
"""Sums by document from which each figure is computed, and the function that computes it."""

COLLECTION = 4000
"""Documents from which those of an experiment on agreement are drawn."""

ANNOTATED = ("Chemical", "Disease")


def collection(seed: int) -> list[tuple[Document, list[Annotation]]]:
    """Draw documents with the annotations of three people."""
    generator = np.random.default_rng(seed)
    vocabulary = [f"{first}{second}" for first in "bcdfghkl" for second in "aeiou"]
    drawn = []
    for number in range(COLLECTION):
        words = generator.choice(vocabulary, int(generator.integers(120, 320)))
        text = " ".join(words)
        places = chance.tokens(text)
        mentions = min(int(generator.poisson(generator.gamma(2.0, 5.0))), len(words) // 4)
        begins = sorted(4 * generator.choice(len(words) // 4, mentions, replace=False))
        true = [(int(begin), int(generator.integers(1, 4)), int(generator.random() < 0.6)) for begin in begins]
        difficulty = 2.0 + generator.normal(0, 0.8)
        people = []
        for _ in range(3):
            care = float(expit(difficulty + generator.normal(0, 0.3)))
            marked = _annotate(true, len(words), care, generator)
            spans = [(Span(places[first][0], places[last][1]), label) for first, last, label in marked]
            people.append(
                Annotation(tuple(Entity(f"T{n}", ANNOTATED[label], (span,)) for n, (span, label) in enumerate(spans)))
            )
        drawn.append((Document(str(number), text), people))
    return drawn


def _annotate(
    true: Sequence[tuple[int, int, int]], words: int, care: float, generator: np.random.Generator
) -> list[tuple[int, int, int]]:
    """Return what one person marks: first and last word, and label.

    :param true: first word, number of words, and label of each mention.
    :param care: how probable it is that a mention is marked.
    """
    marked = []
    for begin, length, label in true:
        if generator.random() < care:
            longer, shorter, other = generator.random(3) < (0.12, 0.05, 0.04)
            first = begin + int(shorter and length > 1)
            marked.append((first, min(begin + length - 1 + int(longer), words - 1), 1 - label if other else label))
    for _ in range(generator.poisson(0.75 * (1 - care) * max(len(true), 1))):
        first = int(generator.integers(0, words - 2))
        marked.append((first, first + int(generator.integers(0, 2)), int(generator.integers(2))))
    return marked


def sums_of(
    documents: Sequence[tuple[Document, list[Annotation]]],
) -> Figures:
    """Return what the figures are computed from."""
    compared = [compare_text(document, *people[:2]) for document, people in documents]
    given = [
        [chance.categories(chance.tokens(document.text), one.entities) for one in people]
        for document, people in documents
    ]
    keys = [(name, None) for name in ("strict", "overlap", "place", "label", "document")]
    keys += [("strict", label) for label in ANNOTATED]
    found: Figures = {}
    for measure, label in keys:
        parts = np.array([one.parts.get((measure, label), (0, 0)) for one in compared], dtype=np.float64)
        name = measure if label is None else f"{measure} {label}"
        found[name] = parts, partial(ratio, empty=1.0 if label is None and measure != "label" else np.nan)
    found["kappa"] = chance.table([chance.contingency(*one[:2]) for one in given])[1], chance.kappa
    found["alpha"] = chance.table([chance.coincidences(one) for one in given])[1], chance.alpha
    return found


def agreement(experiments: int, documents: Sequence[int], seed: int) -> None:
    """Measure the coverage of the intervals of agreement, and print it for each number of documents."""
    sums = sums_of(collection(seed))
    truth = {name: float(figure(parts.sum(0)[None])[0]) for name, (parts, figure) in sums.items()}
    print(f"{'documents':<12}" + "".join(f"{name:>17}" for name in sums))
    print(f"{'truth':<12}" + "".join(f"{value:>17.3f}" for value in truth.values()))
    generator = np.random.default_rng(seed + 1)
    rows = []
    for number in documents:
        held = dict.fromkeys(sums, 0)
        for _ in range(experiments):
            drawn = generator.integers(0, COLLECTION, number)
            for name, (parts, figure) in sums.items():
                found = interval(parts[drawn], figure)
                held[name] += found is not None and found[0] <= truth[name] <= found[1]
        print(f"{number:<12}" + "".join(f"{100 * count / experiments:>16.1f}%" for count in held.values()), flush=True)
        rows.append({"documents": number, **{name: count / experiments for name, count in held.items()}})
    print(json.dumps({"experiments": experiments, "truth": truth, "rows": rows}))


QUANTITIES_OF_ANSWERS: tuple[Quantity, ...] = ("minutes", "minutes_per_100_words", "mentions_per_100_words")

BOTH: Quantity = "agreement"
"""What is compared on documents for two people."""

ROUND_SIZE = 20
"""Documents for one annotator in each round of an experiment on pre-labels."""

SPEED_UP = 0.7
"""Minutes with pre-labels as a share of those without, where they bias people; mentions grow by as much."""


def answers_of_project(
    documents: int, share: float, effect: float, generator: np.random.Generator
) -> list[GivenAnswer]:
    """Draw the answers of a project in which a share of the documents was given without pre-labels.

    Rounds differ in how many mentions their documents have and in how fast people are; so do people and documents.

    :param effect: what pre-labels multiply the minutes with; mentions are multiplied with 2 minus it.
    """
    answers: list[GivenAnswer] = []
    speed = np.exp(generator.normal(0, 0.3, 3))
    for number in range(documents // ROUND_SIZE):
        dense, pace = np.exp(generator.normal(0, 0.2, 2))
        blind = set(generator.permutation(ROUND_SIZE)[: round(share * ROUND_SIZE)].tolist())
        for place in range(ROUND_SIZE):
            shown = place not in blind
            words = int(np.clip(generator.normal(220, 70), 30, 500))
            mean = words / 100 * 4 * dense
            mentions = int(generator.poisson(generator.gamma(3.0, mean / 3) * (2 - effect if shown else 1)))
            usual = (20 + 0.25 * words + 6 * mean) * pace * speed[generator.integers(3)]
            seconds = float(usual * (effect if shown else 1) * np.exp(generator.normal(0, 0.5)))
            answers.append(GivenAnswer(len(answers), number, shown, words, mentions, seconds))
    return answers


def pairs_of_project(documents: int, share: float, effect: float, generator: np.random.Generator) -> list[Sums]:
    """Draw what two people have in common on documents of which a share was given to both without pre-labels.

    :param effect: 1 minus it is the share of the mentions that not both have marked which both have with pre-labels.
    """
    pairs: list[Sums] = []
    for number in range(documents // ROUND_SIZE):
        blind = set(generator.permutation(ROUND_SIZE)[: round(share * ROUND_SIZE)].tolist())
        level = generator.normal(1.5, 0.3)
        for place in range(ROUND_SIZE):
            shown = place not in blind
            there = int(generator.poisson(generator.gamma(2.0, 5.0)))
            care = float(expit(level + generator.normal(0, 0.8)))
            both = int(generator.binomial(there, care**2))
            if shown:
                both += int(generator.binomial(there - both, 1 - effect))
            alone = int(generator.binomial(there - both, min(1.0, 2 * care / (1 + care))))
            invented = int(generator.poisson((1 - care) * 2))
            pairs.append(Sums(len(pairs), number, shown, 2 * both, 2 * both + alone + invented))
    return pairs


def pre_labels(experiments: int, documents: Sequence[int], seed: int, quantities: Sequence[Quantity]) -> None:
    """Measure how often the intervals of the difference hold 0 without a bias, and do not hold it with one."""
    rows = []
    print(f"{'documents':<11}{'without':<9}{'bias':<6}" + "".join(f"{name:>24}" for name in quantities))
    for number, share, effect in product(documents, (0.1, 0.2, 0.5), (1.0, SPEED_UP)):
        generator, of_pairs = np.random.default_rng(seed), np.random.default_rng((seed, 1))
        held = dict.fromkeys(quantities, 0)
        for _ in range(experiments if effect == 1 else max(1, experiments // 5)):
            alone = answers_of_project(number, share, effect, generator) if set(quantities) - {BOTH} else []
            pairs = pairs_of_project(number, share, effect, of_pairs) if BOTH in quantities else []
            for figure in compare_answers(ComparedAnswers(alone, pairs, drawn=True, pairs_drawn=True)).figures:
                if figure.quantity in held and figure.interval is not None:
                    held[figure.quantity] += not figure.is_told
        tried = experiments if effect == 1 else max(1, experiments // 5)
        shares = {name: count / tried for name, count in held.items()}
        print(
            f"{number:<11}{share:<9.0%}{'no' if effect == 1 else 'yes':<6}"
            + "".join(f"{100 * value:>23.1f}%" for value in shares.values()),
            flush=True,
        )
        rows.append({"documents": number, "without": share, "bias": effect != 1, **shares})
    print(json.dumps({"experiments": experiments, "rows": rows}))


def upheld(experiments: int, documents: Sequence[int], seed: int) -> None:
    """Measure how often the intervals of the share of places in which somebody was upheld hold that share."""
    generator = np.random.default_rng(seed)
    rows = []
    print(f"{'alike':<7}{'share':<7}{'documents':<11}{'score':>9}{'bootstrap':>11}")
    for alike, share, number in product((0.05, 0.3), (0.5, 0.8, 0.95), documents):
        held = np.zeros(2)
        for _ in range(experiments):
            places = 1 + generator.poisson(2, number)
            concentration = (1 - alike) / alike
            of_document = generator.beta(share * concentration, (1 - share) * concentration, number)
            parts = np.stack((generator.binomial(places, of_document), places), axis=1).astype(np.float64)
            score = share_interval([(counted, of) for counted, of in parts.tolist()])
            for place, found in enumerate((score, interval(parts, partial(ratio, empty=np.nan)))):
                held[place] += found is not None and found[0] <= share <= found[1]
        of_score, of_bootstrap = (held / experiments).tolist()
        print(f"{alike:<7}{share:<7}{number:<11}{100 * of_score:>8.1f}%{100 * of_bootstrap:>10.1f}%", flush=True)
        rows.append({"alike": alike, "share": share, "documents": number, "score": of_score, "bootstrap": of_bootstrap})
    print(json.dumps({"experiments": experiments, "rows": rows}))


def main() -> None:
    """Measure and print a table, then the figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--tables", action="store_true", help="draw tables of seeds by documents instead of runs")
    parser.add_argument("--agreement", action="store_true", help="the intervals of agreement between annotators")
    parser.add_argument("--pre-labels", action="store_true", help="the intervals of what pre-labels do to people")
    parser.add_argument("--upheld", action="store_true", help="the intervals of how often somebody was upheld")
    quantities = (*QUANTITIES_OF_ANSWERS, BOTH)
    parser.add_argument("--quantities", nargs="+", choices=quantities, default=list(quantities))
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--documents", type=int, nargs="+", default=[40, 100])
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.tables:
        tables(arguments.experiments, arguments.seeds, arguments.documents, arguments.seed)
        return
    if arguments.agreement:
        agreement(arguments.experiments, arguments.documents, arguments.seed)
        return
    if arguments.pre_labels:
        pre_labels(arguments.experiments, arguments.documents, arguments.seed, arguments.quantities)
        return
    if arguments.upheld:
        upheld(arguments.experiments, arguments.documents, arguments.seed)
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
