"""The price of a project: what its settings say, what its own times say, and for the rest what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import AnsweredWork, answered_work
from biorat_al.acquisition.price.fit import TimedWork, expected_times, fit
from biorat_al.acquisition.price.price import UNIT_OF_WORK, Price
from biorat_al.acquisition.price.work import KINDS, Work
from biorat_al.settings import Settings
from biorat_al.wording import plural

LEVEL = 0.95

NEWEST = 1000
"""Timed answers that the price is fitted to, at most; people become faster, so the newest count."""

NOBODY = "?"
"""Stands for annotators whom the desk does not name; they count as one."""


@dataclass(frozen=True)
class PriceEstimate:
    """The price of a project's annotation, and what it rests on.

    :param price: expected seconds for each kind of work, for the project's annotators as they have shared the work.
    :param draws: the same, drawn from what is known, shape (draws, 6); prices that were written do not vary.
    :param written: kinds of work whose price is written in the settings.
    :param answers: timed answers that it was fitted to, breaks included; 0: the prior alone, or the settings.
    :param breaks: answers left out because they took far too long.
    :param slips: answers left out because they took far too little time.
    :param untold: timed answers that could not be used: it is not known what was done with their pre-labels, or several
        people had a part in them.
    :param speeds: annotator → seconds of theirs for each second of an average annotator, with its interval.
    """

    price: Price
    draws: NDArray[np.float64]
    written: tuple[str, ...] = ()
    answers: int = 0
    breaks: int = 0
    slips: int = 0
    untold: int = 0
    speeds: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def is_fitted(self) -> bool:
        """Whether times of this project are in it."""
        return self.answers > 0

    @property
    def is_written(self) -> bool:
        """Whether the settings give all of it."""
        return len(self.written) == len(KINDS)

    def interval(self, kind: str, level: float = LEVEL) -> tuple[float, float]:
        """Return the interval of the seconds for one kind of work."""
        return self._between(self.draws[:, KINDS.index(kind)], level)

    def seconds(self, work: Work, level: float = LEVEL) -> tuple[float, float, float]:
        """Return the expected seconds of some work, and their interval: that of the price, not of a single task."""
        return self.price.seconds(work), *self._between(self.draws @ work.vector(), level)

    @staticmethod
    def _between(values: NDArray[np.float64], level: float) -> tuple[float, float]:
        low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2))
        return float(low), float(high)

    @cached_property
    def basis(self) -> str:
        """Say in words what the price rests on."""
        if self.is_written:
            return "as written in the settings"
        parts = []
        if self.is_fitted:
            parts.append(f"fitted to {plural(self.answers, 'timed answer')} of {plural(len(self.speeds), 'annotator')}")
            if self.breaks:
                parts.append(f"{plural(self.breaks, 'answer')} left out as interrupted by a break")
            if self.slips:
                parts.append(f"{plural(self.slips, 'answer')} left out as too short")
        else:
            parts.append("from published studies, since no answer of this project has a time yet")
        if self.untold:
            parts.append(f"{plural(self.untold, 'timed answer')} not used, as it is not known who did what in them")
        if self.written:
            parts.append(f"the price of {', '.join(self.written)} as written in the settings")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return price, intervals and basis as JSON values."""
        return {
            "seconds": {
                kind: {
                    "per": UNIT_OF_WORK[kind],
                    "value": getattr(self.price, kind),
                    "low": self.interval(kind)[0],
                    "high": self.interval(kind)[1],
                    "written": kind in self.written,
                }
                for kind in KINDS
            },
            "level": LEVEL,
            "basis": self.basis,
            "answers": self.answers,
            "annotators": len(self.speeds),
            "breaks": self.breaks,
            "too_short": self.slips,
            "not_used": self.untold,
        }


def written_prices(settings: Settings) -> dict[str, float]:
    """Return the prices that the settings give, by kind of work."""
    values = settings.cost.model_dump()
    return {kind: values[kind] for kind in KINDS if values[kind] is not None}


def estimate_price(answers: Sequence[AnsweredWork], settings: Settings) -> PriceEstimate:
    """Estimate the price from answers with a recorded time, with what the settings give taken as it is.

    :param answers: all answers of the project; those without a time are left out.
    """
    written = written_prices(settings)
    timed = [one for one in answers if one.seconds is not None and one.seconds > 0]
    usable = [
        TimedWork(one.annotator or NOBODY, one.work, one.seconds)
        for one in timed
        if one.exact and one.alone and one.seconds is not None
    ]
    used = usable[-NEWEST:] if len(written) < len(KINDS) else []
    fitted = fit(used, written=written, seed=settings.seed)
    return PriceEstimate(
        Price(*fitted.mean.tolist()),
        fitted.draws,
        tuple(written),
        len(used),
        fitted.breaks,
        fitted.slips,
        len(timed) - len(usable),
        {name: (float(np.median(of)), *PriceEstimate._between(of, LEVEL)) for name, of in fitted.speeds.items()},
    )


@dataclass(frozen=True, slots=True)
class TimeWorked:
    """The time that one annotator worked.

    :param seconds: of all answers with a recorded time; of one that a break interrupted, the expected seconds count.
    :param answers: number of answers with a recorded time, breaks included.
    :param breaks: number of answers that a break interrupted.
    :param untimed: number of answers without a recorded time, which are not in `seconds`.
    """

    seconds: float = 0.0
    answers: int = 0
    breaks: int = 0
    untimed: int = 0


def time_worked(answers: Sequence[AnsweredWork], settings: Settings) -> dict[str, TimeWorked]:
    """Return the time that each annotator worked, without breaks; an edit by somebody else is time of that person."""
    timed = [
        (one, TimedWork(one.annotator or NOBODY, one.work, one.seconds))
        for one in answers
        if one.seconds is not None and one.seconds > 0
    ]
    usable = [work for one, work in timed if one.exact and one.alone]
    expected = expected_times(usable, [work for _, work in timed], written=written_prices(settings))
    found: dict[str, TimeWorked] = {}
    for (_, work), says in zip(timed, expected, strict=True):
        before = found.get(work.annotator, TimeWorked())
        seconds = says.seconds if says.is_break else work.seconds
        found[work.annotator] = TimeWorked(
            before.seconds + seconds, before.answers + 1, before.breaks + says.is_break, before.untimed
        )
    for one in answers:
        if one.seconds is None or one.seconds <= 0:
            before = found.get(one.annotator or NOBODY, TimeWorked())
            found[one.annotator or NOBODY] = replace(before, untimed=before.untimed + 1)
    return found


def project_price(session: Session, settings: Settings) -> PriceEstimate:
    """Return the price of a project from its settings and its store."""
    return estimate_price(answered_work(session), settings)
