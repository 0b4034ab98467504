"""The choice of a batch: the documents with the highest scores that a budget allows, without near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

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
says nothing of what it adds to them."""


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
    (see :class:`~biorat_al.acquisition.redundancy.Distinct`). A budget in word pieces is filled greedily: a document
    that no longer fits is skipped. If the first document alone exceeds the budget, it is the whole batch.

    :param seed: decides ties and everything that the strategy draws; there is no other source of randomness.
    :return: the whole pool if the budget is larger; an empty list if the pool is empty.
    :raises UsageError: the budget is not positive, or the strategy needs a model before there is one.
    :raises LearnerError: the model's uncertainties are not numbers.
    """
    _check(candidates, budget)
    if not len(candidates):
        return []
    purse = _Purse(budget)
    most = purse.most(candidates.tokens)
    of_set = candidates.seconds is not None and strategy.per_hour == "set"
    pool = replace(_by_id(candidates), wanted=SET_PER_HOUR * most if of_set else most)
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
    distinct = diverse and not purse.affords_all(pool.tokens)
    if not purse.affords(int(pool.tokens[first])):
        chosen = [_Chosen(first, f"alone above the budget of {budget.tokens} word pieces")]
    elif distinct:
        chosen = list(_unlike(pool, rank, purse, Distinct(pool.texts, ranking)))
    else:
        chosen = list(_best(pool, ranking, purse))
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


def _check(candidates: Candidates, budget: Budget) -> None:
    if budget.documents is None and budget.tokens is None:
        raise UsageError("the budget is missing: give a number of documents or of word pieces")
    for amount, unit in ((budget.documents, "documents"), (budget.tokens, "word pieces")):
        if amount is not None and amount < 1:
            raise UsageError(f"a budget of {amount} {unit} chooses nothing: give at least 1")
    if not len(candidates.ids) == len(candidates.texts) == len(candidates.tokens):
        raise UsageError("every candidate needs an id, a text and its number of word pieces")
    if len(set(candidates.ids)) != len(candidates.ids):
        raise UsageError("two candidates have the same id")


def _by_id(candidates: Candidates) -> Candidates:
    """Return the same candidates, sorted by id."""
    order = sorted(range(len(candidates)), key=candidates.ids.__getitem__)
    if order == list(range(len(candidates))):
        return candidates  # the texts may be read one by one
    return replace(
        candidates,
        ids=[candidates.ids[position] for position in order],
        texts=[candidates.texts[position] for position in order],
        tokens=candidates.tokens[order],
        uncertainty={measure: values[order] for measure, values in candidates.uncertainty.items()},
        features={name: values[order] for name, values in candidates.features.items()},
        seconds=None if candidates.seconds is None else candidates.seconds[order],
        history=candidates.history[order] if candidates.history.size else candidates.history,
    )


class _Purse:
    """The remaining budget. If it limits both documents and word pieces, both limits hold."""

    def __init__(self, budget: Budget) -> None:
        self._documents = budget.documents
        self._tokens = budget.tokens

    def affords(self, tokens: int) -> bool:
        """Return whether a document with this number of word pieces fits."""
        return self._documents != 0 and (self._tokens is None or tokens <= self._tokens)

    def affords_all(self, tokens: NDArray[np.int64]) -> bool:
        """Return whether documents with these numbers of word pieces all fit together."""
        return (self._documents is None or len(tokens) <= self._documents) and (
            self._tokens is None or int(tokens.sum()) <= self._tokens
        )

    def most(self, tokens: NDArray[np.int64]) -> int:
        """Return how many documents fit at most (if the shortest are taken), but at least 1."""
        number = len(tokens) if self._documents is None else min(self._documents, len(tokens))
        if self._tokens is not None:
            number = min(number, int(np.searchsorted(np.cumsum(np.sort(tokens)), self._tokens, side="right")))
        return max(number, 1)

    def too_dear(self, tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which documents do not fit, each on its own; the opposite of :meth:`affords`."""
        if self._documents == 0:
            return np.ones(tokens.shape, dtype=np.bool_)
        return tokens > self._tokens if self._tokens is not None else np.zeros(tokens.shape, dtype=np.bool_)

    def pay(self, tokens: int) -> None:
        """Subtract a document with this number of word pieces."""
        if self._documents is not None:
            self._documents -= 1
        if self._tokens is not None:
            self._tokens -= tokens


def _best(pool: Candidates, ranking: NDArray[np.int64], purse: _Purse) -> Iterator[_Chosen]:
    """Go down the ranking and take every document that fits."""
    for position in ranking.tolist():
        if purse.affords(int(pool.tokens[position])):
            purse.pay(int(pool.tokens[position]))
            yield _Chosen(position)


def _unlike(pool: Candidates, rank: NDArray[np.int64], purse: _Purse, distinct: Distinct) -> Iterator[_Chosen]:
    """Take documents that fit and are no near-duplicates; take near-duplicates only if nothing else is left."""
    passed_over = distinct.drop(purse.too_dear(pool.tokens))
    while distinct.next() is not None:
        position = distinct.take()
        purse.pay(int(pool.tokens[position]))
        yield _Chosen(position)
        passed_over |= distinct.drop(purse.too_dear(pool.tokens))
    if not passed_over:
        yield from _duplicates(pool, rank, purse, distinct.put_off)


def _duplicates(pool: Candidates, rank: NDArray[np.int64], purse: _Purse, put_off: list[PutOff]) -> Iterator[_Chosen]:
    """Fill the batch with documents that were put off: first all near-duplicates, then exact copies."""
    copies = [candidate for candidate in put_off if candidate.exact]
    added: dict[str, int] = {}
    for candidate in sorted(
        (candidate for candidate in put_off if not candidate.exact), key=lambda candidate: rank[candidate.position]
    ):
        text = pool.texts[candidate.position]
        if text in added:
            copies.append(PutOff(candidate.position, added[text], exact=True))
        elif purse.affords(int(pool.tokens[candidate.position])):
            added[text] = candidate.position
            yield _of_necessity(pool, purse, candidate)
        else:
            return
    for candidate in sorted(copies, key=lambda candidate: rank[candidate.position]):
        if purse.affords(int(pool.tokens[candidate.position])):
            yield _of_necessity(pool, purse, candidate)


def _of_necessity(pool: Candidates, purse: _Purse, candidate: PutOff) -> _Chosen:
    purse.pay(int(pool.tokens[candidate.position]))
    likeness = "has the same text as" if candidate.exact else "is nearly the same as"
    return _Chosen(
        candidate.position, f"{likeness} document {pool.ids[candidate.twin]}, taken since no other candidate was left"
    )
