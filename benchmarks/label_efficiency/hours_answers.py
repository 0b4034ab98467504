"""What the runs of `hours.py` say: hours to a share of the F1 of all documents, way against way, with intervals.

Hours are the work of the simulated annotator at the prior price of `biorat_al.acquisition.price`: published studies of
other people on other texts, and guesses for what none has measured. No time was measured here. So each ratio is
repeated with every price halved and doubled. `today` and `today-sentences` show no pre-labels: all their mentions are
added by hand. The defaults are also priced without pre-labels, which tells what these save: the rest is the curve.

    python benchmarks/label_efficiency/hours_answers.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from answers import in_words
from hours import CORPORA_OF_THE_STUDY, RESULTS, WAYS

from biorat_al.acquisition.price.price import PRIOR, Price
from biorat_al.acquisition.price.work import Work
from biorat_al.efficiency.runs.model import Point, Run, priced, read_runs
from biorat_al.efficiency.statistics.comparison import compare
from biorat_al.efficiency.statistics.estimates import Unit
from biorat_al.errors import UsageError

sys.path.insert(0, str(Path(__file__).parent.parent))
from paired import difference

SHARES = (0.8, 0.9, 0.95)
"""Of the F1 of all documents."""

BLIND = ("today", "today-sentences")
"""Ways that show no pre-labels."""

UNITS: tuple[Unit, ...] = ("hours", "mentions", "tokens", "documents")


def main() -> None:
    for corpus in CORPORA_OF_THE_STUDY:
        today = without_pre_labels(runs_of(corpus, "today"))
        whole = [run.points[-1].f1 for run in runs_of(corpus, "today", kind="full")]
        if not today or not whole:
            print(f"{corpus}: `today` has not been run", file=sys.stderr)
            continue
        print(f"\n## {corpus}: F1 of all documents {100 * mean(whole):.1f} ({len(whole)} seeds)\n")
        for way in WAYS:
            if way == "today":
                curve(way, today)
            elif found := runs_of(corpus, way):
                if way in BLIND:
                    found = without_pre_labels(found)
                curve(way, found)
                against(found, today, mean(whole), "today's")
                if way == "defaults":
                    by_hand = without_pre_labels(found)
                    curve("defaults without pre-labels", by_hand)
                    against(by_hand, today, mean(whole), "today's")
        defaults = runs_of(corpus, "defaults")
        for way in WAYS:
            if defaults and way not in ("defaults", *BLIND) and (part := runs_of(corpus, way)):
                parts_of_defaults(defaults, part, way, mean(whole))
    print("\n## over all corpora\n")
    for way in WAYS:
        if way not in ("defaults", *BLIND) and (found := over_corpora("defaults", way)):
            print(f"- defaults less {way}, mean over the curve in hours: {found}")


def runs_of(corpus: str, way: str, kind: str = "simulated") -> list[Run]:
    """Return the finished runs of a way."""
    path = RESULTS / f"{corpus}-{way}.jsonl"
    return [run for run in (read_runs(path) if path.exists() else []) if run.kind == kind]


def without_pre_labels(runs: Sequence[Run]) -> list[Run]:
    """Return runs as if every mention had been added by hand."""

    def blind(point: Point) -> Point:
        assert point.work is not None
        work = Work(point.work.words, added=point.mentions, tasks=point.documents)
        return point.model_copy(update={"work": work})

    return [run.model_copy(update={"points": tuple(map(blind, run.points))}) for run in runs]


def curve(way: str, runs: Sequence[Run]) -> None:
    """Print a way's mean F1 and hours at each size."""
    columns = zip(*(run.points for run in priced(runs, PRIOR.price)), strict=False)
    points = [
        f"{points[0].documents} documents: {100 * mean(point.f1 for point in points):.1f} "
        f"({mean(point.hours or 0.0 for point in points):.1f} h)"
        for points in columns
    ]
    print(f"- {way}, {len(runs)} seeds: {'; '.join(points)}")


def parts_of_defaults(defaults: Sequence[Run], part: Sequence[Run], way: str, whole: float) -> None:
    """Print what the defaults give against a way with one part of them changed, in hours."""
    print(f"- defaults less {way}, mean over the curve in hours: {gain(defaults, part)} points of F1")
    for name, price in PRIOR.price.variations().items():
        print(f"  - {name}: {gain(defaults, part, price)}")
    seeds = {run.seed for run in part}
    curve("defaults, the same seeds", [run for run in defaults if run.seed in seeds])
    against(defaults, part, whole, f"{way}'s")


def against(way: Sequence[Run], other: Sequence[Run], whole: float, name_of_other: str) -> None:
    """Print the labels that a way needs, over those that another way needs."""
    targets = [share * whole for share in SHARES]
    for unit in UNITS:
        try:
            sides = priced(way, PRIOR.price), priced(other, PRIOR.price)
            found = compare(*sides, unit, targets=targets).targets
        except UsageError as error:
            print(f"  - {unit}: {error}")
            continue
        ratios = (f"{share:.0%} {in_words(one.estimate, 2)}" for share, one in zip(SHARES, found, strict=True))
        print(f"  - {unit} against {name_of_other}: {'; '.join(ratios)}")
    for name, price in PRIOR.price.variations().items():
        try:
            found = compare(priced(way, price), priced(other, price), "hours", targets=targets).targets
        except UsageError:
            continue
        print(f"  - {name}: {'; '.join(in_words(one.estimate, 2) for one in found)}")


def gain(left: Sequence[Run], right: Sequence[Run], price: Price = PRIOR.price) -> str:
    """Return the difference of the mean F1 over the hours that both cover, in points."""
    try:
        estimate = compare(priced(left, price), priced(right, price), "hours").area.estimate
    except UsageError as error:
        return str(error)
    assert estimate.value is not None
    ends = " to ".join("open" if end is None else f"{100 * end:+.1f}" for end in (estimate.low, estimate.high))
    return f"{100 * estimate.value.value:+.1f} (95 % interval {ends})"


def over_corpora(left: str, right: str) -> str:
    """Return the mean difference over the pairs of runs with the same corpus and seed, with Student's 95 % interval.

    It treats the seeds of all corpora alike, and does not extend to other test documents. Empty without a pair.
    """
    found: dict[str, float] = {}
    for corpus in CORPORA_OF_THE_STUDY:
        others = {run.seed: run for run in runs_of(corpus, right)}
        for run in runs_of(corpus, left):
            if run.seed in others:
                pair = (priced([one], PRIOR.price) for one in (run, others[run.seed]))
                value = compare(*pair, "hours").area.estimate.value
                assert value is not None
                found[f"{corpus} {run.seed}"] = 100 * value.value
    if not found:
        return ""
    each = ", ".join(f"{name}: {value:+.1f}" for name, value in found.items())
    return f"{difference(list(found.values()), 2)}; {each}"


if __name__ == "__main__":
    main()
