"""What a round predicts of a pool that is too large to be predicted as a whole.

First a random sample and the tasks that are open; then, if the query strategy prefers a high measure of uncertainty,
the documents with the highest guess of it (:mod:`biorat_al.acquisition.guess`), and else nothing more, since what it
chooses from must then be a random sample. All of it follows from the store and the round's seed, so a round that goes
on after an interruption predicts the same.

A document that is not predicted in a round keeps its older prediction. Only the guess looks at that: what annotators
are shown was predicted in the same round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.acquisition.base import QueryStrategy
from biorat_al.acquisition.guess import Guess, highest
from biorat_al.acquisition.price.work import words_in
from biorat_al.acquisition.registry import find_strategy
from biorat_al.rounds.context import Context
from biorat_al.rounds.expected_seconds import expected_seconds
from biorat_al.rounds.pool import waiting
from biorat_al.store.annotations import chunks
from biorat_al.store.documents import document_keys, texts_by_id
from biorat_al.store.models import earlier_measure, expected_by_label, measures

CHOICE = 3
"""Budgets that the documents drawn from a large pool must be able to fill, so that there is a choice."""

AT_ONCE = 10_000
"""Documents whose texts are in memory at once, while their measures are guessed."""


@dataclass(frozen=True, slots=True)
class FirstPart:
    """What is predicted first of a large pool.

    :param first: row ids of the random sample and of open tasks, sorted.
    :param sample: row ids of the random sample, sorted.
    :param others: row ids of all other documents, sorted, shape (n,).
    :param number: how many of the others are predicted as well.
    """

    first: list[int]
    sample: list[int]
    others: NDArray[np.int64]
    number: int


def strategy_of(context: Context, *, has_model: bool) -> QueryStrategy:
    """Return the query strategy of a round: that of its request, or else of the settings."""
    selection = context.settings.selection
    return find_strategy(context.request.strategy or (selection.strategy if has_model else selection.seed_strategy))


def draw(context: Context, targets: Sequence[int]) -> FirstPart | None:
    """Draw what is predicted first; return None if the pool is small enough to be predicted as a whole.

    :param targets: row ids of all that has no answer, sorted.
    """
    selection = context.settings.selection
    number = max(selection.candidates, CHOICE * (context.request.size or selection.size))
    with context.store.read() as session:
        open_tasks = np.array(sorted(set(waiting(session))), dtype=np.int64)
    pool = np.setdiff1d(np.array(targets, dtype=np.int64), open_tasks, assume_unique=True)
    if len(pool) <= max(selection.score_all, number):
        return None
    order = np.random.default_rng(context.seed("candidates")).permutation(pool)
    follows_a_measure = strategy_of(context, has_model=True).prefers is not None
    at_random = max(1, round(selection.at_random * number)) if follows_a_measure else number
    sample = np.sort(order[:at_random])
    first = np.union1d(sample, np.intersect1d(open_tasks, np.array(targets, dtype=np.int64)))
    return FirstPart(first.tolist(), sample.tolist(), np.sort(order[at_random:]), number - at_random)


def likeliest(context: Context, version: str, part: FirstPart) -> list[int]:
    """Return the row ids of the documents besides the sample that the strategy is most likely to choose, sorted.

    :param version: of the model, which has predicted the sample.
    """
    measure = strategy_of(context, has_model=True).prefers
    if measure is None or not part.number:
        return []
    sample = np.array(part.sample, dtype=np.int64)
    with context.store.read() as session:
        texts = texts_by_id(session, part.sample)
        measured = _worth(context, session, version, measure, texts)
        earlier = earlier_measure(session, measure, context.number, np.union1d(sample, part.others))
    everything = np.union1d(sample, part.others)
    guess = Guess(list(texts.values()), earlier[np.searchsorted(everything, sample)], measured)
    guessed = np.empty(len(part.others))
    for start in range(0, len(part.others), AT_ONCE):
        some = part.others[start : start + AT_ONCE]
        with context.store.read() as session:
            texts = texts_by_id(session, some.tolist())
        guessed[start : start + AT_ONCE] = guess.of(list(texts.values()), earlier[np.searchsorted(everything, some)])
    chosen: list[int] = part.others[highest(guessed, part.number)].tolist()
    return chosen


def _worth(
    context: Context, session: Session, version: str, measure: str, texts: Mapping[int, str]
) -> NDArray[np.float64]:
    """Return what a strategy likes in the documents of the sample: their measure, or that per second, shape (n,)."""
    rows = measures(session, version, list(texts), (measure,))
    worth = np.array([getattr(rows[row_id], measure) or 0.0 for row_id in texts], dtype=np.float64)
    if context.settings.selection.per == "hour":
        keys = document_keys(session, list(texts))
        seconds = dict(
            zip(
                keys,
                expected_seconds(session, context.settings, keys, [texts[one] for one in keys], version),
                strict=True,
            )
        )
        worth /= np.array([seconds[row_id] for row_id in texts])
    return worth


def about_sample(session: Session, version: str, sample: Sequence[int]) -> dict[str, Any]:
    """Return for the counts how many documents were drawn at random, their words, and the mentions expected in them."""
    words = sum(words_in(text) for some in chunks(sample) for text in texts_by_id(session, some).values())
    return {"documents": len(sample), "words": words, "expected": expected_by_label(session, version, sample)}
