"""Doubles: documents drawn at random for two people, before a query strategy selects the others.

Agreement is then measured on documents that no model chose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from biorat_al.acquisition.base import Budget, Pick
from biorat_al.acquisition.uniform import Random
from biorat_al.rounds.context import Context
from biorat_al.rounds.expected_seconds import expected_seconds
from biorat_al.store.documents import document_keys, documents_by_id
from biorat_al.store.team.members import members

DOUBLES = "doubles"
"""Entry of the counts of the step ``select`` with the row ids of the documents drawn for two people."""

STRATEGY = Random.name

REASON = "drawn at random for two annotators, before anything was selected"

CHUNK = 50
"""Documents of which the costs are looked up at once."""

Costs = Callable[[Sequence[int]], Mapping[int, tuple[int, float]]]
"""A function that returns the word pieces of documents, and what each costs of the budget, by row id."""


@dataclass(frozen=True, slots=True)
class DrawnDoubles:
    """Documents drawn for two people.

    :param picks: by row id, in the order in which they were drawn.
    :param left: what is left of the budget for the others; None: nothing.
    """

    picks: Mapping[int, Pick]
    left: Budget | None


NO_DOUBLES = DrawnDoubles({}, None)


def draw_doubles(context: Context, row_ids: Sequence[int], budget: Budget) -> DrawnDoubles:
    """Draw the settings' share of a batch for two people; nothing where the group does not have two annotators.

    :param row_ids: of what can be asked for.
    """
    share = context.settings.team.double
    if not share:
        return DrawnDoubles({}, budget)
    with context.store.read() as session:
        several = len(members(session, "annotator")) > 1
        # in an order that does not depend on how the documents were read
        pool = document_keys(session, row_ids) if several else {}
    if not several:
        return DrawnDoubles({}, budget)
    order = np.random.default_rng(context.seed("doubles")).permutation(np.asarray(list(pool), dtype=np.int64)).tolist()

    def costs(some: Sequence[int]) -> Mapping[int, tuple[int, float]]:
        with context.store.read() as session:
            documents = documents_by_id(session, some, check=True)
            texts = [documents[row_id].text for row_id in some]
            tokens = [int(number) for number in context.encoder.count_tokens(texts)]
            cost = [float(number) for number in tokens]
            if budget.seconds is not None:
                keys = {row_id: pool[row_id] for row_id in some}
                cost = expected_seconds(session, context.settings, keys, texts, None).tolist()
        return dict(zip(some, zip(tokens, cost, strict=True), strict=True))

    taken, spent = take_share(order, budget, share, costs)
    picks = {row_id: Pick(pool[row_id], 0.0, REASON, tokens) for row_id, tokens in taken.items()}
    return DrawnDoubles(picks, rest_of(budget, len(picks), spent))


def take_share(order: Sequence[int], budget: Budget, share: float, costs: Costs) -> tuple[dict[int, int], float]:
    """Take from the front of a random order what a share of the budget pays for.

    A number of documents is rounded to the nearest. A budget in word pieces or seconds ends with the first document
    that no longer fits: to go on to shorter ones would make these more likely.

    :returns: the word pieces of what is taken, by row id, and what it costs.
    """
    most = None if budget.documents is None else round(budget.documents * share)
    amount = None if budget.amount is None else budget.amount * share
    taken: dict[int, int] = {}
    spent = 0.0
    for start in range(0, len(order) if most is None else min(most, len(order)), CHUNK):
        some = list(order[start : start + CHUNK])
        for row_id, (tokens, cost) in costs(some).items():
            if len(taken) == most or (amount is not None and spent + cost > amount):
                return taken, spent
            taken[row_id] = tokens
            spent += cost
    return taken, spent


def rest_of(budget: Budget, documents: int, spent: float) -> Budget | None:
    """Return what is left of a budget; None if that buys nothing."""
    left = budget
    if budget.documents is not None:
        left = replace(left, documents=budget.documents - documents)
    if budget.tokens is not None:
        left = replace(left, tokens=budget.tokens - round(spent))
    if budget.seconds is not None:
        left = replace(left, seconds=budget.seconds - spent)
    over = (left.documents, left.tokens, left.seconds)
    return None if any(one is not None and one <= 0 for one in over) else left
