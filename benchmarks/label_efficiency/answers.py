"""What the study says: arm against arm, strategy against strategy, and how far labels go towards what there is.

Pairs of one seed, as `biorat-al report` compares them; here also across the stages, each of which is a simulation of
its own. A stage that has not been run, or not far enough for a pair, is left out and named.

    python benchmarks/label_efficiency/answers.py
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from biorat_al.efficiency.curves import read
from biorat_al.efficiency.estimates import LEVEL, Estimate, Unit
from biorat_al.efficiency.intervals import crossed_mean
from biorat_al.efficiency.runs import Run, read_runs
from biorat_al.efficiency.statistics import compare
from biorat_al.efficiency.tables import Group
from biorat_al.errors import UsageError

RESULTS = Path(__file__).parent / "results"
SHARE = 0.95
"""Of the F1 that all documents give, which is to be reached."""


class Side(NamedTuple):
    """The runs of one arm in a stage."""

    stage: str
    arm: str

    def runs(self) -> list[Run]:
        """The runs that chose for themselves."""
        path = RESULTS / f"{self.stage}.jsonl"
        found = read_runs(path) if path.exists() else []
        return [run for run in found if run.kind == "simulated" and run.arm == self.arm and len(run.points) > 1]


class Question(NamedTuple):
    """Two sides, and the F1 for which labels are counted."""

    words: str
    left: Side
    right: Side
    target: float


QUESTIONS = (
    Question("rat against none, NCBI disease", Side("ncbi", "rat"), Side("ncbi", "none"), 0.7),
    Question("rat against matched, NCBI disease", Side("ncbi", "rat"), Side("ncbi", "matched"), 0.7),
    Question("rat against at, NCBI disease", Side("ncbi", "rat"), Side("ncbi-at", "at"), 0.7),
    Question("mnlp against random (none), NCBI disease", Side("ncbi", "none"), Side("ncbi-random", "none"), 0.7),
    Question(
        "cluster-margin against random (none), NCBI disease",
        Side("ncbi-cluster", "none"),
        Side("ncbi-random", "none"),
        0.7,
    ),
    Question("rat against none, BC5CDR", Side("bc5cdr", "rat"), Side("bc5cdr", "none"), 0.75),
    Question("rat against matched, BC5CDR", Side("bc5cdr", "rat"), Side("bc5cdr", "matched"), 0.75),
)


def main() -> None:
    for question in QUESTIONS:
        left, right = question.left.runs(), question.right.runs()
        for unit in ("documents", "tokens"):
            answer(question, left, right, unit)
    share_of_all()


def answer(question: Question, left: list[Run], right: list[Run], unit: Unit) -> None:
    """Print a comparison: the mean over the curve, F1 at the most labels that both have, labels for the target."""
    try:
        most = compare(left, right, unit).range[1]
        found = compare(left, right, unit, budgets=[most], targets=[question.target])
    except UsageError as error:
        print(f"{question.words}, in {unit}: {error}")
        return
    print(f"{question.words}, in {unit}: {len(found.seeds)} seeds, {found.documents} test documents")
    for effect in found.effects:
        where = "mean over the curve" if effect.at is None else f"{effect.kind} at {effect.at:,.6g}"
        print(f"  {where}: {in_words(effect.estimate)}")


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


def in_words(one: Estimate) -> str:
    """A value with its interval."""
    value = "–" if one.value is None else one.value.text(4)
    low, high = ("open" if end is None else f"{end:.4f}" for end in (one.low, one.high))
    return f"{value}, {100 * one.level:.0f} % interval {low} to {high}"


if __name__ == "__main__":
    main()
