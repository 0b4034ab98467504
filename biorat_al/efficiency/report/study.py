"""The study that a report describes: the runs that can be compared, and who chose the documents in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ParamSpec, TypeVar

from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.efficiency.report.tables import words
from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.curves import GroupKey, common_range, groups
from biorat_al.efficiency.statistics.estimates import UNIT_NAMES, Unit
from biorat_al.errors import UsageError
from biorat_al.settings import COMMITTEE
from biorat_al.store.evaluations import Triple
from biorat_al.wording import inflected, plural

P = ParamSpec("P")
T = TypeVar("T")

PLAIN = "none"
_ORDER = {arm: place for place, arm in enumerate((PLAIN, "matched", "rat", "at", COMMITTEE))}
UNITS: tuple[Unit, ...] = ("hours", "mentions", "tokens", "documents")

UNCOUNTED = (
    "There are no hours: the version of the program that made these runs did not count what annotators did, so their "
    "curves are in mentions, word pieces and documents only."
)
UNWORKED = (
    "There are no hours: some models have learnt only from documents that came with annotations, which took nobody "
    "here any time."
)


@dataclass(frozen=True)
class Study:
    """Runs on one corpus with one encoder.

    :param runs: the runs, with only the points that can be compared (see :func:`comparable`).
    :param whole: the same runs with all their points and all test documents, as they were read.
    :param live: whether this is a real project rather than a simulation.
    :param target: F1 that the user named; None: only the target that the curves suggest.
    :param notes: sentences on what was left out of the runs.
    :param price: price of annotation behind the hours of the runs; None: they have none.
    """

    corpus: str
    runs: Sequence[Run]
    whole: Sequence[Run]
    live: bool
    target: float | None = None
    notes: Sequence[str] = field(default=())
    price: PriceEstimate | None = None

    @cached_property
    def has_hours(self) -> bool:
        """Whether every model rests on work of annotators that was counted."""
        return bool(self.runs) and all(point.hours for run in self.runs for point in run.points)

    @property
    def why_no_hours(self) -> str:
        """A sentence on why there are no hours; empty if there are."""
        if self.has_hours or not self.runs:
            return ""
        unknown = any(point.hours is None for run in self.runs for point in run.points)
        return UNCOUNTED if unknown else UNWORKED

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units in which labels are counted, the most important one first."""
        return tuple(unit for unit in UNITS if unit != "hours" or self.has_hours)

    @property
    def main_unit(self) -> Unit:
        """The unit of the headline: hours, or documents where the hours are unknown."""
        return "hours" if self.has_hours else "documents"

    @cached_property
    def active(self) -> dict[GroupKey, list[Run]]:
        """The groups with their own learning curves (simulated or live), the plain arm first."""
        found = groups(run for run in self.runs if run.kind in ("simulated", "live"))
        return {key: found[key] for key in sorted(found, key=lambda key: _ORDER.get(key.arm, len(_ORDER)))}

    @cached_property
    def strategy(self) -> str:
        """The strategy that was used with most arms; the first one if there are several."""
        arms: dict[str, set[str]] = {}
        for key in self.active:
            arms.setdefault(key.strategy, set()).add(key.arm)
        return max(arms, key=lambda name: len(arms[name]), default="")

    @cached_property
    def arms(self) -> dict[str, list[Run]]:
        """The runs of each arm under :attr:`strategy`."""
        return {key.arm: runs for key, runs in self.active.items() if key.strategy == self.strategy}

    @cached_property
    def main_arm(self) -> str | None:
        """The arm that the report tests: in a project what selects, in a simulation ``rat`` if it was run."""
        others = [arm for arm in self.arms if arm != PLAIN]
        chooser = selecting_run(self.runs) if self.live else None
        preferred = chooser.arm if chooser is not None else "rat"
        return preferred if preferred in others else next(iter(others), None)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs of arms to compare: each with the plain arm, and the main arm with ``matched`` (equal compute)."""
        ordered = sorted((arm for arm in self.arms if arm != PLAIN), key=lambda arm: arm != self.main_arm)
        found = [(arm, PLAIN) for arm in ordered] if PLAIN in self.arms else []
        if self.main_arm not in (None, "matched") and "matched" in self.arms:
            found.insert(1, (str(self.main_arm), "matched"))
        return found

    @property
    def who_selected(self) -> str:
        """A sentence on who chose the documents."""
        if not self.live:
            return f"Each arm chose its documents itself (query strategy {self.strategy})."
        # several arms may have chosen in turn
        selecting = dict.fromkeys(arm for run in self.runs for arm in (run.selected_by or run.arm).split(", "))
        single = [arm for arm in selecting if arm != COMMITTEE]
        who = [f"{inflected(len(single), 'arm')} {words(single)}"] if single else []
        who += [COMMITTEE] if COMMITTEE in selecting else []
        chose = f"{' and the '.join(who)} chose the documents ({self.strategy})"
        if len(self.arms) < 2:
            return f"The {chose}."
        return (
            f"All arms learnt from the same corrections; the {chose} for all of them. How another arm would have "
            "done with its own choice of documents is not known."
        )

    def basis(self, runs: Sequence[Run]) -> str:
        """Return the numbers of seeds and test documents behind the figures of these runs, in words."""
        seeds = sorted({run.seed for run in runs})
        tested = max((len(run.points[-1].counts) for run in runs), default=0)
        return f"{plural(len(seeds), 'seed')} ({', '.join(map(str, seeds))}), {plural(tested, 'test document')}"

    def measured(self, run: Run) -> int:
        """Return the number of test documents on which a run's last model was measured, including those left out."""
        number = run.points[-1].round
        return max(
            len(point.counts)
            for whole in self.whole
            if whole.id == run.id
            for point in whole.points
            if point.round == number
        )


def intervals(seeds: Mapping[str, int]) -> str:
    """Return a sentence that says what the intervals cover.

    :param seeds: number of seeds behind each figure, by the name of what the figure is about.
    """
    single = [name for name, count in seeds.items() if count < 2]
    if len(single) == len(seeds):
        return (
            "95 % confidence intervals over test documents alone: there is one seed, so they do not cover how another "
            "seed would come out."
        )
    if not single:
        return "95 % confidence intervals over seeds and test documents."
    return (
        f"95 % confidence intervals over seeds and test documents, but over test documents alone for {words(single)}: "
        "there is one seed, so they do not cover how another seed would come out."
    )


def selecting_run(runs: Sequence[Run]) -> Run | None:
    """Return the run of the arm that chose a project's documents; if several did in turn, of the last one."""
    chose = {
        run.id: [model["round"] for model in run.provenance.get("models", ()) if model.get("selecting")] for run in runs
    }
    return max((run for run in runs if chose[run.id]), key=lambda run: max(chose[run.id]), default=None)


def comparable(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Return the runs reduced to comparable points, and sentences on what was left out.

    At every point that remains, the counts are of the same labels on the same test documents. Labels can be edited
    between rounds, and F1 on other labels cannot be compared: points with other labels than the newest are left out.
    The test set is annotated over time: points measured on fewer than half of the largest number of test documents are
    left out too. Of the other points, only the documents that all of them share count.
    """
    measured = [point for run in runs for point in run.points if point.counts]
    if not measured:
        return [], []
    labels = set(max(measured, key=lambda point: point.round).by_label)
    same_labels = [point for point in measured if set(point.by_label) == labels]
    most = max(len(point.counts) for point in same_labels)
    points = {
        run.id: [p for p in run.points if p.counts and set(p.by_label) == labels and 2 * len(p.counts) >= most]
        for run in runs
    }
    kept = [run for run in runs if points[run.id]]
    shared = set.intersection(*(set(point.counts) for run in kept for point in points[run.id]))
    notes = []
    shown = {point.round for run in kept for point in points[run.id]}
    early = {point.round for point in same_labels} - shown
    relabelled = {point.round for point in measured} - shown - early
    unmeasured = {point.round for run in runs for point in run.points} - shown - early - relabelled
    for rounds, why in (
        (relabelled, f"are left out: they have other entity labels than the newest ({words(sorted(labels))})"),
        (early, "are left out: far fewer test documents were annotated then"),
        (unmeasured, "are left out: they have not been measured"),
    ):
        if rounds:
            notes.append(f"Models of round {words(str(number) for number in sorted(rounds))} {why}.")
    if len(shared) < most:
        notes.append(f"{len(shared)} of {most} test documents count: those that every model was measured on.")
    same = []
    for run in kept:
        changed = tuple(
            point.model_copy(
                update={
                    "counts": _only(point.counts, shared),
                    "robustness": {name: _only(counts, shared) for name, counts in point.robustness.items()},
                }
            )
            for point in points[run.id]
        )
        same.append(run.model_copy(update={"points": changed}))
    return same, notes


def tested_mentions(runs: Iterable[Run]) -> int:
    """Return the number of annotated mentions in the test documents."""
    return max((_gold(point.counts.values()) for run in runs for point in run.points), default=0)


def range_of_all(sides: Iterable[Sequence[Run]], unit: Unit) -> tuple[float, float]:
    """Return the range of labels that all groups cover.

    :raises UsageError: they have no range in common.
    """
    ranges = [common_range(side, unit) for side in sides]
    low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
    if low > high:
        raise UsageError(f"their curves have no range of {UNIT_NAMES[unit]} in common")
    return low, high


def tried(statistic: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> tuple[T | None, str]:
    """Compute a statistic; return it with an empty reason, or None with the reason why it cannot be computed."""
    try:
        return statistic(*arguments, **options), ""
    except UsageError as error:
        return None, str(error)


def _only(counts: Mapping[str, Triple], keys: set[str]) -> dict[str, Triple]:
    return {key: triple for key, triple in counts.items() if key in keys}


def _gold(counts: Iterable[Triple]) -> int:
    return sum(tp + fn for tp, _, fn in counts)
