"""What the study says: arm against arm, strategy against strategy, and how far labels go towards what there is.

Pairs of one seed, as `biorat-al report` compares them; here also across the stages, each of which is a simulation of
its own. A stage that has not been run, or not far enough for a pair, is left out and named.

Labels are counted in documents, word pieces, mentions, and annotator hours at a price from published studies of
annotation without pre-labels: 0.37 s for a word and 4.4 s for a mention (a fit to Wei et al. 2019, table 4, and Chen et
al. 2017, tables 10 and 11; clinical sentences). No time was measured here, and people differ more than that price can
say. The runs keep word pieces, not words: a word is taken as so many word pieces as it is on average in the training
documents of the corpus (MiniLM's vocabulary).

    python benchmarks/label_efficiency/answers.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import t

from biorat_al.efficiency.runs.model import Run, read_runs
from biorat_al.efficiency.statistics.comparison import compare
from biorat_al.efficiency.statistics.curves import read
from biorat_al.efficiency.statistics.estimates import LEVEL, Estimate, Unit
from biorat_al.efficiency.statistics.intervals import crossed_mean
from biorat_al.efficiency.statistics.seed_tables import Group
from biorat_al.errors import UsageError

RESULTS = Path(__file__).parent / "results"
SECONDS_PER_WORD, SECONDS_PER_MENTION = 0.37, 4.4
WORDS_PER_PIECE = {"NCBI disease": 0.644, "BC5CDR": 0.605}
HOURS = "hours"

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
        left, right = question.left.runs(), question.right.runs()
        for unit in ("documents", "tokens", "mentions"):
            answer(question, left, right, unit)
        answer(question, priced(left, question.corpus), priced(right, question.corpus), "tokens", HOURS)
    for words in dict.fromkeys(question.words for question in QUESTIONS if question.corpus == BC5CDR):
        over_both(words)
    share_of_all()


def answer(question: Question, left: list[Run], right: list[Run], unit: Unit, called: str | None = None) -> None:
    """Print a comparison: the mean over the curve, F1 at the most labels that both have, labels for the target.

    :param called: what is counted, where the runs hold it in the place of `unit`.
    """
    about = f"{question.words}, {question.corpus}, in {called or unit}"
    try:
        most = compare(left, right, unit).range[1]
        found = compare(left, right, unit, budgets=[most], targets=[question.target])
    except UsageError as error:
        print(f"{about}: {error}")
        return
    print(f"{about}: {len(found.seeds)} seeds, {found.documents} test documents")
    for effect in found.effects:
        at = effect.at / 3600 if called == HOURS and effect.kind == "f1" and effect.at else effect.at
        where = "mean over the curve" if at is None else f"{effect.kind} at {at:,.6g}"
        needed = ""
        if effect.needed:
            scale = 3600 if called == HOURS else 1
            digits = 1 if called == HOURS else 0
            both = (
                f"{'' if one.is_exact else one.relation + ' '}{one.value / scale:,.{digits}f}" for one in effect.needed
            )
            needed = f" ({' against '.join(both)})"
        print(f"  {where}: {in_words(effect.estimate)}{needed}")


def priced(runs: Sequence[Run], corpus: str) -> list[Run]:
    """Return the runs with annotators' seconds in the place of word pieces."""
    per_piece = SECONDS_PER_WORD * WORDS_PER_PIECE[corpus]
    return [
        run.model_copy(
            update={
                "points": tuple(
                    point.model_copy(
                        update={"tokens": round(per_piece * point.tokens + SECONDS_PER_MENTION * point.mentions)}
                    )
                    for point in run.points
                )
            }
        )
        for run in runs
    ]


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


def in_words(one: Estimate) -> str:
    """Return a value with its interval."""
    value = "–" if one.value is None else one.value.text(4)
    low, high = ("open" if end is None else f"{end:.4f}" for end in (one.low, one.high))
    return f"{value}, {100 * one.level:.0f} % interval {low} to {high}"


if __name__ == "__main__":
    main()
