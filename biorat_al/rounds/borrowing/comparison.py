"""The borrowed start against the base encoder, on the documents that the project's own annotators have answered.

The documents are cut into two halves at random. From each start, one plain model is trained on either half and predicts
the other, so that every document is predicted by a model that has not seen it. Both starts see the same halves, batches
and seed, and the difference of their strict span F1 is paired: its interval resamples the documents (percentile
bootstrap, Efron & Tibshirani 1993, section 13.3). What another seed would give is not in the interval.

The models of the comparison learn from half of the answers, where a borrowed start brings more than it does with all of
them. So a borrowed start that loses here would lose in the round as well.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from biorat_al.learner.types import Example
from biorat_al.progress import Titled
from biorat_al.rounds.context import Context

if TYPE_CHECKING:
    from biorat_al.learner.counts import Counts
    from biorat_al.learner.encoder.starting_weights import StartingWeights
    from biorat_al.learner.training.job import TrainingJob

LEAST = 4
"""Fewest documents that are compared on."""

LEVEL = 0.9
"""Level of the interval; so a start that is as good as the other is given up by chance one time in twenty."""

RESAMPLES = 2000

_STARTS = ("borrowed", "base")


@dataclass(frozen=True, slots=True)
class StartComparison:
    """The comparison of the two starts.

    :param documents: number of documents that both were measured on.
    :param borrowed: strict span F1 from the borrowed start, a fraction.
    :param base: the same from the base encoder.
    :param low: lower end of the interval of `borrowed` − `base`.
    :param high: its upper end.
    """

    documents: int
    borrowed: float
    base: float
    low: float
    high: float

    @property
    def base_is_better(self) -> bool:
        """Whether the base encoder is better: the whole interval of the difference is below 0."""
        return self.high < 0

    @property
    def sentence(self) -> str:
        """The result in words."""
        difference = self.borrowed - self.base
        return (
            f"F1 {100 * self.borrowed:.1f} from the borrowed start and {100 * self.base:.1f} from the base encoder, "
            f"cross-fitted on {self.documents:,} annotated documents (difference {100 * difference:+.1f}, "
            f"{LEVEL:.0%} interval {100 * self.low:+.1f} to {100 * self.high:+.1f})"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return asdict(self)


def compare(
    context: Context, examples: Sequence[Example], labels: Sequence[str], job: TrainingJob, start: StartingWeights
) -> StartComparison:
    """Compare the two starts.

    :param labels: labels that the models learn.
    :param job: how the round trains its plain models; its start is not used.
    :raises NotEnoughLabelsError: one of the halves has no text.
    """
    counts: dict[str, dict[str, Counts]] = {name: {} for name in _STARTS}
    halves = _halves(examples, job.seed)
    room = context.models_dir / f".partial-comparison-{os.getpid()}"
    for place, half in enumerate(halves):
        for name in _STARTS:
            number = 1 + 2 * place + _STARTS.index(name)
            title = f"comparing the starts, {number} of 4"
            progress = Titled(context.progress, title)
            of_start = replace(job, start=start if name == "borrowed" else None, progress=progress)
            counts[name] |= _counts(half, halves[1 - place], labels, of_start, room)
    return compared(counts["borrowed"], counts["base"], context.seed("compare starts"))


def compared(borrowed: Mapping[str, Counts], base: Mapping[str, Counts], seed: int) -> StartComparison:
    """Return the comparison of two starts from their counts by document, of the same documents.

    :param seed: decides the resamples.
    """
    names = sorted(borrowed)
    values = np.array(
        [[(one.tp, one.fp, one.fn) for one in (counts[name] for name in names)] for counts in (borrowed, base)],
        dtype=np.float64,
    )
    return StartComparison(len(names), *paired_f1(values, seed, LEVEL))


def paired_f1(values: NDArray[np.float64], seed: int, level: float) -> tuple[float, float, float, float]:
    """Return the F1 of two, and the ends of the interval of their difference (percentile bootstrap over documents).

    :param values: true positives, false positives and false negatives, shape (2, documents, 3).
    :param seed: decides the resamples.
    """
    number = values.shape[1]
    weights = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), RESAMPLES)
    difference = np.subtract(*(_f1(weights @ of_one) for of_one in values))
    low, high = np.quantile(difference, [(1 - level) / 2, (1 + level) / 2])
    ours, theirs = (float(_f1(of_one.sum(axis=0))) for of_one in values)
    return ours, theirs, float(low), float(high)


def _f1(counts: Any) -> Any:
    """Return F1 from sums of true positives, false positives and false negatives in the last dimension."""
    tp, fp, fn = counts[..., 0], counts[..., 1], counts[..., 2]
    total = 2 * tp + fp + fn
    # with nothing to find and nothing found, F1 is 1, as everywhere
    return np.where(total > 0, 2 * tp / np.maximum(total, 1), 1.0)


def _halves(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Cut examples into two halves at random, by a hash of seed and id; a document's examples stay together."""
    ids = {example.document.id for example in examples}
    drawn = sorted(ids, key=lambda one: hashlib.sha256(f"{seed}\nhalf\n{one}".encode()).digest())
    first = frozenset(drawn[: len(drawn) // 2])
    ordered = sorted(examples, key=lambda example: example.document.id)
    return (
        [example for example in ordered if example.document.id in first],
        [example for example in ordered if example.document.id not in first],
    )


def _counts(
    learn: Sequence[Example], held_out: Sequence[Example], labels: Sequence[str], job: TrainingJob, room: Path
) -> dict[str, Counts]:
    """Train on one half, and return the counts of the other by document."""
    from biorat_al.learner.entities.cross_fitting import read_held_out
    from biorat_al.learner.entities.scoring import score

    readings = read_held_out(learn, [one.document for one in held_out], job, labels=labels, room=room)
    predicted = {one.document_id: one.entities for one in readings}
    return dict(
        score(
            {example.document.id: example.entities for example in held_out},
            predicted,
            labels,
            {example.document.id: example.disputed.entities for example in held_out},
            {example.document.id: example.unasked.labels for example in held_out},
        ).by_document
    )
