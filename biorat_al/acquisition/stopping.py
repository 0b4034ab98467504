"""When more annotation may bring little: three criteria from the literature, as advice. Nothing is stopped by them.

Performance plateau
    The F1 on the held-out test documents, averaged over the last :data:`WINDOW` rounds, has gained less than
    :data:`GAIN` on the average one round earlier: mean(f[t−k+1 … t]) − mean(f[t−k … t−1]) < ε. Laws and Schütze 2008,
    *Stopping criteria for active learning of named entity recognition* (COLING), gradient of the performance. The
    criterion of Vlachos 2008 (Computer Speech and Language 22), a fall over three rounds in a row, is met later.

Overall uncertainty
    The mean uncertainty of the documents of the pool is at most :data:`UNCERTAINTY`. Zhu, Wang and Hovy 2008,
    *Multi-criteria-based strategy to stop active learning for data annotation* (COLING), section 3; Zhu, Wang, Hovy and
    Ma 2010, *Confidence-based stopping criteria for active learning for data annotation* (ACM TSLP 6). Theirs is the
    entropy of a class; averaged over words, nearly all of which are outside of any mention, that is small from the
    first round on, so here it is one minus a document's confidence, which is the F1 that the model expects of itself.

Classification change
    Of the mentions that the model proposes in the pool, at most :data:`CHANGE` differ from those that the model of the
    round before proposed in the same documents. Zhu, Wang and Hovy 2008, section 3, ask for no change at all; but each
    round trains anew, and two trainings on the same documents differ, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

Criterion = Literal["performance plateau", "overall uncertainty", "classification change"]

WINDOW = 3
"""Rounds over which the F1 is averaged; a plateau can be seen from one round more on."""

GAIN = 0.005
"""Gain in F1 from one round to the next below which it is a plateau: half a point."""

UNCERTAINTY = 0.1
"""Mean uncertainty of the pool at which the model is sure enough of it.

With MiniLM on NCBI disease it was 0.41, 0.24 and 0.19 after 25, 50 and 100 abstracts, which gave an F1 of 64 (50) and
71 (100); the normalised entropy of the words was 0.029, 0.016 and 0.013.
"""

CHANGE = 0.1
"""Share of the proposed mentions that may differ from those of the round before.

In the same series it was 0.35 after 50 abstracts and 0.24 after 100.
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one round measured; None where it did not.

    :param f1: strict span F1 of the selecting arm on the test documents, a fraction.
    :param test_documents: number of documents that this was measured on.
    :param uncertainty: mean of 1 − confidence over the pool, in [0, 1].
    :param change: as :func:`classification_change` has it.
    """

    f1: float | None = None
    test_documents: int | None = None
    uncertainty: float | None = None
    change: float | None = None


@dataclass(frozen=True, slots=True)
class StoppingAdvice:
    """What one criterion says after a round.

    :param value: what is compared with the limit.
    """

    criterion: Criterion
    holds: bool
    value: float


def verdicts(rounds: Sequence[Observation]) -> tuple[StoppingAdvice, ...]:
    """Judge by the newest round; what cannot be judged yet is left out.

    :param rounds: all rounds that trained a model, in order.
    """
    if not rounds:
        return ()
    newest = rounds[-1]
    found = []
    gain = performance_gain(_comparable(rounds))
    if newest.f1 is not None and gain is not None:
        found.append(StoppingAdvice("performance plateau", gain < GAIN, gain))
    if newest.uncertainty is not None:
        found.append(StoppingAdvice("overall uncertainty", newest.uncertainty <= UNCERTAINTY, newest.uncertainty))
    if newest.change is not None:
        found.append(StoppingAdvice("classification change", newest.change <= CHANGE, newest.change))
    return tuple(found)


def performance_gain(f1: Sequence[float], window: int = WINDOW) -> float | None:
    """What the mean F1 of the last `window` rounds has gained on that of as many rounds up to the one before.

    :return: None while there are fewer than `window` + 1 rounds.
    """
    if len(f1) <= window:
        return None
    return fmean(f1[-window:]) - fmean(f1[-window - 1 : -1])


def classification_change(pairs: Iterable[tuple[Collection[object], Collection[object]]]) -> float | None:
    """Share of mentions that two models do not agree on: 1 − 2 |A ∩ B| / (|A| + |B|), summed over the documents.

    It is one minus the strict F1 of one model measured by the other.

    :param pairs: of each document, the mentions of the earlier model and of the later one.
    :return: in [0, 1]; None where neither proposes any mention.
    """
    common = total = 0
    for before, after in pairs:
        common += len(set(before) & set(after))
        total += len(set(before)) + len(set(after))
    return 1 - 2 * common / total if total else None


def _comparable(rounds: Sequence[Observation]) -> list[float]:
    """The F1 of the newest rounds that were measured on as many test documents as the newest one."""
    found: list[float] = []
    for one in reversed(rounds):
        if one.f1 is None:
            continue
        if one.test_documents != rounds[-1].test_documents:
            break
        found.append(one.f1)
    return found[::-1]
