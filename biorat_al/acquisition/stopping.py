"""Criteria for when more annotation may bring little: three from the literature, as advice. They stop nothing.

Performance plateau
    The F1 on the held-out test documents, averaged over the last :data:`WINDOW` rounds, is less than :data:`GAIN` above
    the average one round earlier: mean(f[t−k+1 … t]) − mean(f[t−k … t−1]) < ε. Laws and Schütze 2008,
    *Stopping criteria for active learning of named entity recognition* (COLING), gradient of the performance. The
    criterion of Vlachos 2008 (Computer Speech and Language 22), three rounds with a falling F1 in a row, is met later.

Overall uncertainty
    The mean uncertainty of the documents of the pool is at most :data:`UNCERTAINTY`. Zhu, Wang and Hovy 2008,
    *Multi-criteria-based strategy to stop active learning for data annotation* (COLING), section 3; Zhu, Wang, Hovy and
    Ma 2010, *Confidence-based stopping criteria for active learning for data annotation* (ACM TSLP 6). They measure the
    entropy of a class. Averaged over words, nearly all of which are outside of mentions, that is small from the first
    round on. So uncertainty here is one minus a document's confidence, the F1 that the model expects of itself.

Classification change
    At most a share of :data:`CHANGE` of the mentions that the model proposes in the pool differ from those that the
    previous round's model proposed in the same documents. Zhu, Wang and Hovy 2008, section 3, ask for no change at all.
    But each round trains a new model, and even two trainings on the same documents differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

Criterion = Literal["performance plateau", "overall uncertainty", "classification change"]

WINDOW = 3
"""Number of rounds over which the F1 is averaged; a plateau can be detected after one more round."""

GAIN = 0.005
"""A gain in F1 from one round to the next below this counts as a plateau: half a point."""

UNCERTAINTY = 0.1
"""Mean uncertainty of the pool at or below which the model is sure enough.

With MiniLM on NCBI disease it was 0.41, 0.24 and 0.19 after 25, 50 and 100 abstracts, which gave an F1 of 64 (50) and
71 (100); the normalised entropy of the words was 0.029, 0.016 and 0.013.
"""

CHANGE = 0.1
"""Share of the proposed mentions that may differ from those of the previous round.

In the same series it was 0.35 after 50 abstracts and 0.24 after 100.
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """The measurements of one round; None: not measured.

    :param f1: strict span F1 of the selecting arm on the test documents, a fraction.
    :param test_documents: number of documents on which F1 was measured.
    :param uncertainty: mean of 1 − confidence over the pool, in [0, 1].
    :param change: the result of :func:`classification_change`.
    """

    f1: float | None = None
    test_documents: int | None = None
    uncertainty: float | None = None
    change: float | None = None


@dataclass(frozen=True, slots=True)
class StoppingAdvice:
    """The result of one criterion after a round.

    :param value: the value that is compared with the limit.
    """

    criterion: Criterion
    holds: bool
    value: float


def verdicts(rounds: Sequence[Observation]) -> tuple[StoppingAdvice, ...]:
    """Apply the criteria to the newest round; leave out those that cannot be applied yet.

    :param rounds: all rounds that trained a model, in order.
    """
    if not rounds:
        return ()
    newest = rounds[-1]
    results = []
    gain = performance_gain(_comparable(rounds))
    if newest.f1 is not None and gain is not None:
        results.append(StoppingAdvice("performance plateau", gain < GAIN, gain))
    if newest.uncertainty is not None:
        results.append(StoppingAdvice("overall uncertainty", newest.uncertainty <= UNCERTAINTY, newest.uncertainty))
    if newest.change is not None:
        results.append(StoppingAdvice("classification change", newest.change <= CHANGE, newest.change))
    return tuple(results)


def performance_gain(f1: Sequence[float], window: int = WINDOW) -> float | None:
    """Return the gain in mean F1 of the last `window` rounds over the same number of rounds one round earlier.

    :return: None while there are fewer than `window` + 1 rounds.
    """
    if len(f1) <= window:
        return None
    return fmean(f1[-window:]) - fmean(f1[-window - 1 : -1])


def classification_change(pairs: Iterable[tuple[Collection[object], Collection[object]]]) -> float | None:
    """Return the share of mentions on which two models disagree: 1 − 2 |A ∩ B| / (|A| + |B|), summed over documents.

    It is one minus the strict F1 of one model with the other as gold.

    :param pairs: for each document, the mentions of the earlier model and of the later one.
    :return: in [0, 1]; None if neither proposes any mention.
    """
    common = total = 0
    for before, after in pairs:
        common += len(set(before) & set(after))
        total += len(set(before)) + len(set(after))
    return 1 - 2 * common / total if total else None


def _comparable(rounds: Sequence[Observation]) -> list[float]:
    """Return the F1 of the latest rounds measured on as many test documents as the newest one, oldest first."""
    scores: list[float] = []
    for observation in reversed(rounds):
        if observation.f1 is None:
            continue
        if observation.test_documents != rounds[-1].test_documents:
            break
        scores.append(observation.f1)
    return scores[::-1]
