"""The annotators' hours until a share of all mentions is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.estimate import LEVEL, estimate_price
from biorat_al.acquisition.price.expected import Rates, expected_work, rates_of
from biorat_al.acquisition.price.price import Price
from biorat_al.acquisition.price.work import Work
from biorat_al.efficiency.coverage.estimate import UnfoundMentions
from biorat_al.efficiency.coverage.texts import Texts
from biorat_al.settings import Settings
from biorat_al.store.models import confidences_of, newest_model

Hours = tuple[float, float, float]
"""Hours, and the ends of their interval."""


Varied = tuple[float, float]
"""The least and the most hours with one price halved or doubled."""


def hours_to(
    session: Session, settings: Settings, texts: Texts, left: UnfoundMentions, target: float
) -> tuple[Hours, Varied]:
    """Return the hours of annotation until a share of all mentions is found, if the text is asked for in random order.

    The interval covers what is not known of the mentions that are left, and of the price.

    :param target: the share, a fraction.
    """
    answers = answered_work(session)
    price = estimate_price(answers, settings)
    found = float(texts.found.sum())
    reading = _reading(texts, settings)
    mention = _of_a_mention(session, texts, rates_of(answers))
    number = min(len(price.draws), len(left.draws))
    drawn = _seconds(reading, mention, left.draws[:number], price.draws[:number])
    drawn = drawn * share_to_read(found, left.draws[:number], target)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)) / 3600
    to_read = share_to_read(found, left.left[-1:], target)

    def at(taken: Price) -> float:
        return float((_seconds(reading, mention, left.left[-1:], taken.vector()[None]) * to_read)[0]) / 3600

    middle, others = at(price.price), list(map(at, price.price.variations().values()))
    return (middle, min(float(low), middle), max(float(high), middle)), (min(others), max(others))


def share_to_read(found: float, left: NDArray[np.float64], target: float) -> NDArray[np.float64]:
    """Return which share of the text that is left has to be read, at random, to find a share of all mentions.

    :param left: numbers of mentions in the text that is left, any shape; the result has the same.
    :param target: share of all mentions, a fraction.
    """
    wanted = target * (found + left) - found
    return np.clip(np.divide(wanted, left, out=np.zeros_like(left, dtype=np.float64), where=left > 0), 0.0, 1.0)


def _seconds(
    reading: Work, mention: Work, mentions: NDArray[np.float64], prices: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the seconds of all the text that is left, shape (draws,).

    :param mentions: number of mentions in it, shape (draws,).
    :param prices: seconds of each kind of work, shape (draws, kinds).
    """
    seconds: NDArray[np.float64] = prices @ reading.vector() + mentions * (prices @ mention.vector())
    return seconds


def _reading(texts: Texts, settings: Settings) -> Work:
    """Return the work that the text which is left takes, without its mentions.

    Documents of which nothing has been annotated are asked for as the settings say; the rest of others by sentences.
    """
    unseen = texts.unseen
    begun = np.isin(texts.documents, texts.documents[texts.seen])
    alone = unseen if settings.selection.unit != "document" else unseen & begun
    whole = unseen & ~alone
    return Work(
        words=float(texts.words[unseen].sum() + texts.context[alone].sum()),
        tasks=float(alone.sum() + len(np.unique(texts.documents[whole]))),
    )


def _of_a_mention(session: Session, texts: Texts, rates: Rates) -> Work:
    """Return the work that a mention takes: with pre-labels of the newest model, if there is one."""
    model = newest_model(session)
    unseen = texts.unseen
    ids: Sequence[int] = np.union1d(texts.ids[unseen], texts.documents[unseen]).tolist()
    confidences = confidences_of(session, model.version, ids) if model is not None else []
    work = expected_work(0, confidences, rates)
    if work.mentions <= 0:
        return Work(added=1)
    return Work(0, work.added, work.changed, work.removed, work.confirmed) * (1 / work.mentions)
