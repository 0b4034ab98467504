"""The choice of a batch: the documents with the highest scores that a budget allows, without near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from operator import eq, le
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Budget, Candidates, Pick, QueryStrategy
from biorat_al.acquisition.redundancy import Distinct, PutOff
from biorat_al.errors import LearnerError, UsageError

SET_PER_HOUR = 3
"""Batches that a strategy for sets chooses if its scores are divided by seconds, so that there is something to choose
from: the scores fall along its order, and those that are worth most per hour are taken."""

OUTSIDE = -1.0
"""Worth per hour of a document outside of that set: its score was not measured against the documents of the batch, and
does not tell what it adds to them."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The position of a chosen document in the pool, and a remark for its reason."""

    position: int
    remark: str = ""


def select(
    candidates: Candidates, strategy: QueryStrategy, budget: Budget, *, seed: int, diverse: bool = True
) -> list[Pick]:
    """Choose a batch within the budget, best first.

    The pool is ordered by score, or by score per hour if the candidates have expected seconds (see
    :data:`~biorat_al.acquisition.base.PerHour`); the seed decides ties. The order of the candidates makes no
    difference. With `diverse`, near-duplicates of a document in the batch stay out as long as another candidate is left
    (see :class:`~biorat_al.acquisition.redundancy.Distinct`). A budget in word pieces or seconds is filled greedily: a
    document that no longer fits is skipped. If the first document alone exceeds the budget, it is the whole batch.

    :param seed: decides ties and everything that the strategy draws; there is no other source of randomness.
    :return: the whole pool if the budget is larger; an empty list if the pool is empty.
    :raises UsageError: the budget is not positive, or the strategy needs a model before there is one.
    :raises LearnerError: the model's uncertainties are not numbers.
    """
    _check(candidates, budget)
    if not len(candidates):
        return []
    purse = _Purse(budget)
    most = purse.most(_prices(candidates, budget))
    of_set = candidates.seconds is not None and strategy.per_hour == "set"
    pool = replace(_by_id(candidates), wanted=SET_PER_HOUR * most if of_set else most)
    if any(map(eq, pool.ids, islice(pool.ids, 1, None))):
        raise UsageError("two candidates have the same id")
    prices = _prices(pool, budget)
    generator = np.random.default_rng(seed)
    scores = strategy.scores(pool, generator)
    if scores.shape != (len(pool),) or not np.isfinite(scores).all():
        raise LearnerError(f"the query strategy {strategy.name!r} gave scores that are missing or are not numbers")
    ties = generator.permutation(len(pool))
    worth = scores if strategy.per_hour == "itself" else _per_hour(scores, pool.seconds)
    if of_set:
        outside = np.lexsort((ties, -scores))[pool.batch :]
        worth[outside] = np.minimum(scores[outside], OUTSIDE)
    ranking = np.lexsort((ties, -scores, -worth))
    rank = np.empty(len(pool), dtype=np.int64)
    rank[ranking] = np.arange(len(pool))
    first = int(ranking[0])
    # a budget for the whole pool leaves nothing to choose
    distinct = diverse and not purse.affords_all(prices)
    if not purse.affords(prices[first]):
        what = f"{budget.tokens} word pieces" if budget.seconds is None else f"{budget.seconds:,.0f} s"
        chosen = [_Chosen(first, f"alone above the budget of {what}")]
    elif distinct:
        chosen = list(_unlike(_Priced(pool, prices), rank, purse, Distinct(pool.texts, ranking)))
    else:
        chosen = list(_best(prices, ranking, purse))
    return [
        Pick(
            document_id=pool.ids[choice.position],
            score=float(worth[choice.position]),
            reason=", ".join(
                [
                    strategy.reason(float(scores[choice.position])),
                    *([remark] if (remark := strategy.remark(pool, choice.position)) else []),
                    *([] if pool.seconds is None else [f"about {pool.seconds[choice.position]:,.0f} s to annotate"]),
                    f"rank {rank[choice.position] + 1} of {len(pool)}" + (" before diversity" if distinct else ""),
                    *([choice.remark] if choice.remark else []),
                ]
            ),
            tokens=int(pool.tokens[choice.position]),
        )
        for choice in chosen
    ]


def _per_hour(scores: NDArray[np.float64], seconds: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the scores per hour of expected annotation, shape (n,); without seconds, the scores themselves.

    A score below 0 marks a document that the strategy would not take, and stays as it is.
    """
    return scores if seconds is None else np.where(scores > 0, 3600 * scores / seconds, scores)


class _Priced(NamedTuple):
    """The pool, and what each candidate costs of the budget, shape (n,)."""

    pool: Candidates
    prices: NDArray[np.float64]


def _prices(candidates: Candidates, budget: Budget) -> NDArray[np.float64]:
    """Return what each candidate costs: word pieces, or seconds if the budget is in seconds, shape (n,)."""
    if budget.seconds is None:
        return candidates.tokens.astype(np.float64)
    if candidates.costs is None:
        raise UsageError("a budget in seconds needs the expected seconds of every candidate")
    return candidates.costs


def _check(candidates: Candidates, budget: Budget) -> None:
    if budget.documents is None and budget.amount is None:
        raise UsageError("the budget is missing: give a number of documents or of word pieces")
    if budget.tokens is not None and budget.seconds is not None:
        raise UsageError("a budget is in word pieces or in seconds, not in both")
    if budget.seconds is not None and not budget.seconds > 0:
        raise UsageError(f"a budget of {budget.seconds} seconds chooses nothing: give more than 0")
    for amount, unit in ((budget.documents, "documents"), (budget.tokens, "word pieces")):
        if amount is not None and amount < 1:
            raise UsageError(f"a budget of {amount} {unit} chooses nothing: give at least 1")
    if not len(candidates.ids) == len(candidates.texts) == len(candidates.tokens):
        raise UsageError("every candidate needs an id, a text and its number of word pieces")


def _by_id(candidates: Candidates) -> Candidates:
    """Return the same candidates, sorted by id."""
    if all(map(le, candidates.ids, islice(candidates.ids, 1, None))):
        return candidates  # the texts may be read one by one
    order = sorted(range(len(candidates)), key=candidates.ids.__getitem__)
    return replace(
        candidates,
        ids=[candidates.ids[position] for position in order],
        texts=[candidates.texts[position] for position in order],
        tokens=candidates.tokens[order],
        uncertainty={measure: values[order] for measure, values in candidates.uncertainty.items()},
        features={name: values[order] for name, values in candidates.features.items()},
        seconds=None if candidates.seconds is None else candidates.seconds[order],
        costs=None if candidates.costs is None else candidates.costs[order],
        strata=candidates.strata[order] if candidates.strata.size else candidates.strata,
        asked=candidates.asked[order] if candidates.asked.size else candidates.asked,
        history=candidates.history[order] if candidates.history.size else candidates.history,
    )


class _Purse:
    """The remaining budget. If it limits documents and what they cost, both limits hold.

    Prices are in what the budget is in: word pieces or seconds.
    """

    def __init__(self, budget: Budget) -> None:
        self._documents = budget.documents
        self._amount = budget.amount

    def affords(self, price: float) -> bool:
        """Return whether a document of this price fits."""
        return self._documents != 0 and (self._amount is None or price <= self._amount)

    def affords_all(self, prices: NDArray[np.float64]) -> bool:
        """Return whether documents of these prices all fit together."""
        return (self._documents is None or len(prices) <= self._documents) and (
            self._amount is None or float(prices.sum()) <= self._amount
        )

    def most(self, prices: NDArray[np.float64]) -> int:
        """Return how many documents fit at most (if the cheapest are taken), but at least 1."""
        number = len(prices) if self._documents is None else min(self._documents, len(prices))
        if self._amount is not None:
            number = min(number, int(np.searchsorted(np.cumsum(np.sort(prices)), self._amount, side="right")))
        return max(number, 1)

    def too_dear(self, prices: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which documents do not fit, each on its own; the opposite of :meth:`affords`."""
        if self._documents == 0:
            return np.ones(prices.shape, dtype=np.bool_)
        return prices > self._amount if self._amount is not None else np.zeros(prices.shape, dtype=np.bool_)

    def pay(self, price: float) -> None:
        """Subtract a document of this price."""
        if self._documents is not None:
            self._documents -= 1
        if self._amount is not None:
            self._amount -= price


def _best(prices: NDArray[np.float64], ranking: NDArray[np.int64], purse: _Purse) -> Iterator[_Chosen]:
    """Go down the ranking and take every document that fits."""
    for position in ranking.tolist():
        if purse.affords(prices[position]):
            purse.pay(prices[position])
            yield _Chosen(position)


def _unlike(priced: _Priced, rank: NDArray[np.int64], purse: _Purse, distinct: Distinct) -> Iterator[_Chosen]:
    """Take documents that fit and are no near-duplicates; take near-duplicates only if nothing else is left."""
    prices = priced.prices
    passed_over = distinct.drop(purse.too_dear(prices))
    while distinct.next() is not None:
        position = distinct.take()
        purse.pay(prices[position])
        yield _Chosen(position)
        passed_over |= distinct.drop(purse.too_dear(prices))
    if not passed_over:
        yield from _duplicates(priced, rank, purse, distinct.put_off)


def _duplicates(priced: _Priced, rank: NDArray[np.int64], purse: _Purse, put_off: list[PutOff]) -> Iterator[_Chosen]:
    """Fill the batch with documents that were put off: first all near-duplicates, then exact copies."""
    pool, prices = priced
    copies = [candidate for candidate in put_off if candidate.exact]
    added: dict[str, int] = {}
    for candidate in sorted(
        (candidate for candidate in put_off if not candidate.exact), key=lambda candidate: rank[candidate.position]
    ):
        text = pool.texts[candidate.position]
        if text in added:
            copies.append(PutOff(candidate.position, added[text], exact=True))
        elif purse.affords(prices[candidate.position]):
            added[text] = candidate.position
            yield _of_necessity(priced, purse, candidate)
        else:
            return
    for candidate in sorted(copies, key=lambda candidate: rank[candidate.position]):
        if purse.affords(prices[candidate.position]):
            yield _of_necessity(priced, purse, candidate)


def _of_necessity(priced: _Priced, purse: _Purse, candidate: PutOff) -> _Chosen:
    purse.pay(priced.prices[candidate.position])
    likeness = "has the same text as" if candidate.exact else "is nearly the same as"
    return _Chosen(
        candidate.position,
        f"{likeness} document {priced.pool.ids[candidate.twin]}, taken since no other candidate was left",
    )
