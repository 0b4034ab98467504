"""A share of the budget pays for documents that are drawn for two people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.acquisition.base import Budget
from biorat_al.rounds.team.doubles import CHUNK, rest_of, take_share

amounts = st.integers(1, 500)


def costs(of: Sequence[int], looked_up: list[int] | None = None) -> Callable[[Sequence[int]], Mapping]:
    def look_up(row_ids: Sequence[int]) -> Mapping[int, tuple[int, float]]:
        if looked_up is not None:
            looked_up.extend(row_ids)
        return {row_id: (of[row_id], float(of[row_id])) for row_id in row_ids}

    return look_up


@given(st.lists(amounts, max_size=120), st.integers(1, 100), st.floats(0, 1))
def test_a_share_of_a_number_of_documents_is_rounded(of: list[int], size: int, share: float) -> None:
    order = list(range(len(of)))[::-1]
    taken, spent = take_share(order, Budget(documents=size), share, costs(of))
    assert list(taken) == order[: round(size * share)]
    assert spent == sum(taken.values()) == sum(of[row_id] for row_id in taken)


@given(st.lists(amounts, max_size=120), st.integers(1, 20_000), st.floats(0, 1), st.booleans())
def test_the_first_document_that_does_not_fit_ends_the_draw(
    of: list[int], amount: int, share: float, seconds: bool
) -> None:
    budget = Budget(seconds=amount) if seconds else Budget(tokens=amount)
    taken, spent = take_share(range(len(of)), budget, share, costs(of))
    assert list(taken) == list(range(len(taken)))
    assert spent <= amount * share
    assert len(taken) == len(of) or spent + of[len(taken)] > amount * share


def test_no_more_documents_are_looked_up_than_needed() -> None:
    looked_up: list[int] = []
    take_share(range(1000), Budget(documents=10), 0.5, costs([1] * 1000, looked_up))
    assert len(looked_up) <= CHUNK


@pytest.mark.parametrize(
    ("budget", "documents", "spent", "left"),
    [
        (Budget(documents=10), 4, 900.0, Budget(documents=6)),
        (Budget(documents=10), 10, 900.0, None),
        (Budget(tokens=1000), 4, 900.0, Budget(tokens=100)),
        (Budget(tokens=1000), 4, 1000.0, None),
        (Budget(seconds=60.0), 4, 20.0, Budget(seconds=40.0)),
        (Budget(documents=10), 0, 0.0, Budget(documents=10)),
    ],
)
def test_the_rest_of_the_budget_is_for_the_others(
    budget: Budget, documents: int, spent: float, left: Budget | None
) -> None:
    assert rest_of(budget, documents, spent) == left
