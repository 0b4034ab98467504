"""Annotation projects whose true price is known."""

from __future__ import annotations

from dataclasses import astuple
from typing import NamedTuple

import numpy as np

from biorat_al.acquisition.price.fit import TimedWork
from biorat_al.acquisition.price.price import PRIOR
from biorat_al.acquisition.price.work import Work


class Simulated(NamedTuple):
    """Timed answers, the true seconds for each kind of work (shape (6,)), and the true speed of each annotator."""

    timed: list[TimedWork]
    price: np.ndarray
    speeds: dict[str, float]


def project(seed: int, answers: int, annotators: int, *, breaks: float = 0.05, pace: float = 1.0) -> Simulated:
    """Draw a project: its price from the prior times `pace`, its annotators, and answers, a quarter without pre-labels.

    A break adds one minute to two hours.
    """
    random = np.random.default_rng([seed, answers, annotators])
    spread = np.array(list(PRIOR.spread.values()))
    price = pace * np.exp(random.normal(np.log(PRIOR.price.vector()), spread))
    speeds = np.exp(random.normal(0, PRIOR.speeds, annotators))
    timed, shares = [], np.zeros(annotators)
    for number in range(answers):
        who = int(random.integers(annotators))
        work = _work(random, shown=number > answers / 4)
        seconds = speeds[who] * float(price @ work.vector()) * np.exp(random.normal(-(0.45**2) / 2, 0.45))
        if random.random() < breaks:
            seconds += float(np.exp(random.uniform(np.log(60), np.log(7200))))
        timed.append(TimedWork(f"a{who}", work, seconds))
        shares[who] += 1 / answers
    return Simulated(timed, price * float(shares @ speeds), {f"a{who}": speed for who, speed in enumerate(speeds)})


def _work(random: np.random.Generator, *, shown: bool) -> Work:
    words = int(random.integers(60, 320))
    mentions = int(random.poisson(words / 18))
    if not shown:
        return Work(words, added=mentions, tasks=1)
    confirmed = int(random.binomial(mentions, 0.6))
    changed = int(random.binomial(mentions - confirmed, 0.4))
    removed = int(random.poisson(0.2 * mentions))
    return Work(words, mentions - confirmed - changed, changed, removed, confirmed, tasks=1)


def scaled(work: TimedWork, factor: float) -> TimedWork:
    """The same answer in another time."""
    return TimedWork(work.annotator, Work(*astuple(work.work)), factor * work.seconds)
