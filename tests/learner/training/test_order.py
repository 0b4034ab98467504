from __future__ import annotations

from biorat_al.learner.training.order import development_ids


def test_the_development_part_is_drawn_by_seed_and_id() -> None:
    ids = [f"d{number}" for number in range(100)]
    drawn = development_ids(ids, 0.1, 13)
    assert len(drawn) == 10
    assert drawn == development_ids(ids[::-1] * 2, 0.1, 13)
    assert drawn != development_ids(ids, 0.1, 14)
    more = development_ids([*ids, *(f"e{number}" for number in range(20))], 0.1, 13)
    assert len(drawn & more) >= 7, "a document mostly stays where it was"
    assert development_ids(ids, 0.0, 13) == frozenset()
    assert development_ids(ids[:19], 0.5, 13) == frozenset()
    assert len(development_ids(ids[:20], 0.01, 13)) == 1
