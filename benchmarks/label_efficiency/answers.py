"""What the study says: arm against arm, strategy against strategy, and how far labels go towards what there is.

Pairs of one seed, as `biorat-al report` compares them; here also across the stages, each of which is a simulation of
its own. A stage that has not been run, or not far enough for a pair, is left out and named.

Labels are counted in annotator hours, mentions, word pieces and documents. Hours are the work of the simulated
annotator (words read, mentions added, pre-labels changed, removed and confirmed, tasks) at the prior price of
`biorat_al.acquisition.price`: published studies of other people on other texts, and guesses for what none has measured.
No time was measured here, and people differ more than that price can say. So each ratio in hours is repeated with every
price halved and doubled. Runs that were made before the program counted work keep word pieces and mentions only: they
are priced as if every mention had been added by hand, without pre-labels, with as many words as their word pieces are
on average in the training documents of the corpus (MiniLM's vocabulary). That is not what the tool shows to annotators,
and `answers.py` says which it is.

    python benchmarks/label_efficiency/answers.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import t

from biorat_al.acquisition.price.price import PRIOR
from biorat_al.acquisition.price.work import Work
from biorat_al.efficiency.runs.model import Point, Run, priced, read_runs
from biorat_al.efficiency.statistics.comparison import compare
from biorat_al.efficiency.statistics.curves import read
from biorat_al.efficiency.statistics.estimates import LEVEL, Estimate, Unit
from biorat_al.efficiency.statistics.intervals import crossed_mean
from biorat_al.efficiency.statistics.seed_tables import Group
from biorat_al.errors import UsageError

RESULTS = Path(__file__).parent / "results"
PRICE = PRIOR.price
WORDS_PER_PIECE = {"NCBI disease": 0.644, "BC5CDR": 0.605}

UNITS: tuple[Unit, ...] = ("hours", "mentions", "tokens", "documents")

SHARE = 0.95
"""Of the F1 that all documents give, which is to be reached."""


class Side(NamedTuple):
    """The runs of one arm in a stage."""

    stage: str
    arm: str

    def runs(self) -> list[Run]:
        """Return the runs that chose for themselves."""
        path = RESULTS / f"{self.stage}.jsonl"
        found = read_runs(path) if path.exists() else []
        return [run for run in found if run.kind == "simulated" and run.arm == self.arm and len(run.points) > 1]


class Question(NamedTuple):
    """Two sides on one corpus, and the F1 for which labels are counted."""

    words: str
    left: Side
    right: Side
    target: float
    corpus: str = "NCBI disease"


NCBI, BC5CDR = "NCBI disease", "BC5CDR"

QUESTIONS = (
    Question("rat against none", Side("ncbi", "rat"), Side("ncbi", "none"), 0.7),
    Question("rat against matched", Side("ncbi", "rat"), Side("ncbi", "matched"), 0.7),
    Question("matched against none", Side("ncbi", "matched"), Side("ncbi", "none"), 0.7),
    Question("rat against at", Side("ncbi", "rat"), Side("ncbi-at", "at"), 0.7),
    Question("mnlp against random (none)", Side("ncbi", "none"), Side("ncbi-random", "none"), 0.7),
    Question("cluster-margin against random (none)", Side("ncbi-cluster", "none"), Side("ncbi-random", "none"), 0.7),
    Question("rat against none", Side("bc5cdr", "rat"), Side("bc5cdr", "none"), 0.75, BC5CDR),
    Question("rat against matched", Side("bc5cdr", "rat"), Side("bc5cdr", "matched"), 0.75, BC5CDR),
    Question("matched against none", Side("bc5cdr", "matched"), Side("bc5cdr", "none"), 0.75, BC5CDR),
)


def main() -> None:
    for question in QUESTIONS:
        left, right = (with_work(side.runs(), question.corpus) for side in (question.left, question.right))
        for unit in UNITS:
            answer(question, priced(left, PRICE), priced(right, PRICE), unit)
        sensitivity(question, left, right)
    for words in dict.fromkeys(question.words for question in QUESTIONS if question.corpus == BC5CDR):
        over_both(words)
    share_of_all()
    mentions_per_document()


def mentions_per_document() -> None:
    """Print how many mentions the documents hold that each strategy has picked."""
    for stage in ("ncbi", "ncbi-cluster", "ncbi-random", "ncbi-long", "ncbi-long-random"):
        for run in Side(stage, "none").runs():
            last = run.points[-1]
            per = last.mentions / last.documents
            print(f"mentions per document, {run.strategy}, seed {run.seed}: {per:.1f} in {last.documents} documents")


def answer(question: Question, left: list[Run], right: list[Run], unit: Unit) -> None:
    """Print a comparison: the mean over the curve, F1 at the most labels that both have, labels for the target."""
    about = f"{question.words}, {question.corpus}, in {unit}"
    try:
        most = compare(left, right, unit).range[1]
        found = compare(left, right, unit, budgets=[most], targets=[question.target])
    except UsageError as error:
        print(f"{about}: {error}")
        return
    print(f"{about}: {len(found.seeds)} seeds, {found.documents} test documents")
    for effect in found.effects:
        where = "mean over the curve" if effect.at is None else f"{effect.kind} at {effect.at:,.6g}"
        needed = ""
        if effect.needed:
            needed = f" ({' against '.join(one.text(1 if unit == 'hours' else 0) for one in effect.needed)})"
        print(f"  {where}: {in_words(effect.estimate)}{needed}")


def sensitivity(question: Question, left: list[Run], right: list[Run]) -> None:
    """Print the ratio in hours with each price halved and doubled, and what the hours are made of."""
    if not left or not right:
        return
    counted = "as counted" if has_work(left) and has_work(right) else "as if without pre-labels"
    print(f"{question.words}, {question.corpus}, ratio in hours for F1 {100 * question.target:g}, work {counted}:")
    for name, price in PRICE.variations().items():
        try:
            found = compare(priced(left, price), priced(right, price), "hours", targets=[question.target])
        except UsageError as error:
            print(f"  {error}")
            return
        print(f"  {name}: {in_words(found.targets[0].estimate)}")


def has_work(runs: Sequence[Run]) -> bool:
    """Return whether the program counted the work of these runs: pre-labels were shown, or there were none to show."""
    return any(point.work and (point.work.confirmed or point.work.removed) for run in runs for point in run.points)


def with_work(runs: Sequence[Run], corpus: str) -> list[Run]:
    """Return the runs with the work of every point; where it was not counted, that of annotation without pre-labels."""

    def counted(point: Point) -> Point:
        words = WORDS_PER_PIECE[corpus] * point.tokens
        blind = Work(words, added=point.mentions, tasks=point.documents)
        return point if point.work is not None else point.model_copy(update={"work": blind})

    return [run.model_copy(update={"points": tuple(map(counted, run.points))}) for run in runs]


def over_both(words: str) -> None:
    """Print the mean over the curves by documents, as a mean over both corpora, weighted by precision and equally.

    The corpora are fixed: the intervals are over seeds and test documents of these two, not over other corpora. The
    variances that give the weights come from five and three seeds, so the weights are uncertain themselves.
    """
    found = []
    for question in QUESTIONS:
        if question.words == words:
            try:
                area = compare(question.left.runs(), question.right.runs(), "documents").area.estimate
            except UsageError as error:
                print(f"{words}, {question.corpus}: {error}")
                return
            assert area.value is not None
            found.append((area.value.value, area.standard_error or 0.0, area.degrees or 1.0))
    values, errors, degrees = map(np.array, zip(*found, strict=True))
    for weighted, weights in (("by precision", errors**-2.0), ("equally", np.ones(len(found)))):
        shares = weights / weights.sum()
        parts = (shares * errors) ** 2
        # Satterthwaite's degrees of freedom
        half = t.ppf((1 + LEVEL) / 2, parts.sum() ** 2 / np.sum(parts**2 / degrees)) * np.sqrt(parts.sum())
        mean = float(shares @ values)
        print(
            f"{words}, both corpora weighted {weighted}, mean over the curves: "
            f"{mean:.4f}, 95 % interval {mean - half:.4f} to {mean + half:.4f}"
        )


def share_of_all() -> None:
    """Print what the long runs came to, against the same arm trained on all documents from the same seed."""
    path = RESULTS / "ncbi-full.jsonl"
    whole = {run.seed: run for run in (read_runs(path) if path.exists() else []) if run.kind == "full"}
    long = {run.seed: run for run in Side("ncbi-long", "none").runs()}
    seeds = sorted(whole.keys() & long.keys())
    if not seeds:
        print("ncbi-long and ncbi-full have no seed in common")
        return
    ends = [tuple(run.points[-1] for run in (long[seed], whole[seed])) for seed in seeds]
    for seed, (part, full) in zip(seeds, ends, strict=True):
        print(
            f"seed {seed}: {part.documents} documents, {part.tokens / full.tokens:.1%} of the word pieces of all: "
            f"F1 {100 * part.f1:.1f}, all: {100 * full.f1:.1f}"
        )
    tables = []
    for number, runs in enumerate(([long[seed] for seed in seeds], [whole[seed] for seed in seeds])):
        last = [run.model_copy(update={"points": run.points[-1:]}) for run in runs]
        tables.append(Group.of(read(last, "documents")).table(float(ends[0][number].documents)))
    over = crossed_mean(tables[0] - SHARE * tables[1]).estimate(LEVEL)
    print(f"F1 minus {SHARE:.0%} of that of all documents, over {len(seeds)} seeds: {in_words(over)}")


def in_words(one: Estimate, digits: int = 4) -> str:
    """Return a value with its interval, to so many digits after the point."""
    value = "–" if one.value is None else one.value.text(digits)
    low, high = ("open" if end is None else f"{end:.{digits}f}" for end in (one.low, one.high))
    return f"{value}, {100 * one.level:.0f} % interval {low} to {high}"


if __name__ == "__main__":
    main()
