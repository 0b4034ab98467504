"""The annotators' seconds that each candidate is expected to take, for strategies that divide by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.estimate import estimate_price
from biorat_al.acquisition.price.expected import expected_work, rates_of
from biorat_al.acquisition.price.work import Work, words_in
from biorat_al.settings import Settings
from biorat_al.store.annotations import CHUNK
from biorat_al.store.documents import documents_by_id
from biorat_al.store.models import confidences_by_document
from biorat_al.store.parts.segments import context_words
from biorat_al.store.tables import DocumentRow

SHORTEST = 1.0
"""Seconds that a task takes at least, so that a price of 0 divides nothing by 0."""


SAMPLE = 500
"""Pool documents from which the length of a document is estimated."""


def seconds_of_a_document(session: Session, settings: Settings) -> float:
    """Return the seconds that a document of the pool is expected to take without pre-labels, on average.

    Its length is the mean of at most :data:`SAMPLE` documents, evenly spaced in the order in which they were read.
    """
    answers = answered_work(session)
    ids = list(session.scalars(select(DocumentRow.id).where(DocumentRow.split == "pool").order_by(DocumentRow.id)))
    drawn = ids[:: max(len(ids) // SAMPLE, 1)][:SAMPLE]
    words = [words_in(document.text) for document in documents_by_id(session, drawn).values()]
    work = expected_work(float(np.mean(words)), None, rates_of(answers))
    return max(estimate_price(answers, settings).price.seconds(work), SHORTEST)


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
    seconds = np.empty(len(keys))
    row_ids, following = iter(keys), iter(texts)
    for start in range(0, len(keys), CHUNK):
        some = list(islice(row_ids, CHUNK))
        around = context_words(session, some)
        predicted = {} if version is None else confidences_by_document(session, version, some)
        for place, (row_id, text) in enumerate(zip(some, following, strict=False), start=start):
            of_one = None if version is None else predicted[row_id]
            # of a segment, the neighbouring sentences are read as well, and no mention is expected in these
            beside = Work(words=float(around.get(row_id, 0)))
            seconds[place] = price.seconds(expected_work(float(words_in(text)), of_one, rates) + beside)
    return np.maximum(seconds, SHORTEST)
