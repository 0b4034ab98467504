from __future__ import annotations

from biorat_al.wording import plural


def test_numbers_in_words() -> None:
    assert [plural(n, "task") for n in (0, 1, 2, 1000)] == ["0 tasks", "1 task", "2 tasks", "1,000 tasks"]
