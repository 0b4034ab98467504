"""What is remembered of each document of a corpus."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.io.on_disk import OnDisk

KEYS = st.text(st.characters(exclude_categories=()), max_size=3)


@given(st.lists(st.tuples(KEYS, st.binary(max_size=3))))
def test_the_first_value_of_a_key_stays(pairs: list[tuple[str, bytes]]) -> None:
    kept, expected = OnDisk(), dict[str, bytes]()
    for key, value in pairs:
        assert kept.add(key, value) == expected.get(key)
        expected.setdefault(key, value)
    for key, value in expected.items():
        assert kept.get(key) == value
    assert kept.get("a key that is not there") is None
