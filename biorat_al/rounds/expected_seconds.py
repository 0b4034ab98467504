"""The annotators' seconds that each candidate is expected to take, for strategies that divide by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.estimate import estimate_price
from biorat_al.acquisition.price.expected import expected_work, rates_of
from biorat_al.acquisition.price.work import words_in
from biorat_al.settings import Settings
from biorat_al.store.annotations import chunks
from biorat_al.store.models import measures

SHORTEST = 1.0
"""Seconds that a task takes at least, so that a price of 0 divides nothing by 0."""


def expected_seconds(
    session: Session, settings: Settings, keys: Mapping[int, str], texts: Iterable[str], version: str | None
) -> NDArray[np.float64]:
    """Return the expected seconds of annotation of each candidate, shape (n,).

    They follow from the store alone, so a round that goes on after an interruption gets the same.

    :param keys: document ids by row id, in the order of the candidates.
    :param texts: texts of the candidates.
    :param version: model whose pre-labels will be shown; None: there are none.
    """
    answers = answered_work(session)
    price, rates = estimate_price(answers, settings).price, rates_of(answers)
    words = np.array([words_in(text) for text in texts], dtype=np.float64)
    confidences: list[list[float] | None] = [None] * len(keys)
    if version is not None:
        confidences = []
        for some in chunks(list(keys)):
            rows = measures(session, version, some, ("entities",))
            # an entity without a score is as good as certain
            confidences += [[float(one.get("score", 1.0)) for one in rows[row_id].entities] for row_id in some]
    seconds = [
        price.seconds(expected_work(float(count), of_one, rates))
        for count, of_one in zip(words, confidences, strict=True)
    ]
    return np.maximum(np.array(seconds, dtype=np.float64), SHORTEST)
