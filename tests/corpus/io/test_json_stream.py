"""The items of a large JSON file, one by one, with little memory whatever the file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.io import json_stream
from biorat_al.corpus.io.json_stream import DEEPEST
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError

values = st.recursive(
    st.text(alphabet='[]{}"\\\\n,:aé🫁') | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}"\\\\a'), inner, max_size=3),
    max_leaves=20,
)


class Pieces:
    """A source that gives a text in pieces."""

    name = "file.json"

    def __init__(self, text: str, size: int) -> None:
        self._pieces = [text[start : start + size] for start in range(0, len(text), size)]

    def chunks(self) -> Any:
        return iter(self._pieces)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@pytest.mark.parametrize("begin", ["[", '{"a":', '[1, {"b": "]", "a":'])
def test_a_file_that_is_nested_a_hundred_thousand_deep_is_refused_and_does_not_fill_the_memory(
    tmp_path: Path, begin: str
) -> None:
    (tmp_path / "file.json").write_text('{"documents": [{"x": ' + begin * 100_000)
    with pytest.raises(FormatError, match=r"file\.json: .*nested more than 200 deep"):
        list(read_corpus(tmp_path / "file.json", format="bioc-json"))


@given(values, st.integers(1, 9), st.booleans())
def test_the_depth_is_counted_outside_of_strings_wherever_the_file_is_cut(value: Any, size: int, plain: bool) -> None:
    text = json.dumps(value, ensure_ascii=plain)
    read = json_stream._Bytes(Pieces(text, size))  # type: ignore[arg-type]
    seen = [0]
    while read.read(1):
        seen.append(read._level)
    assert read._level == 0
    if size == 1:
        assert max(seen) == depth(value)


def test_what_is_just_deep_enough_is_read() -> None:
    text = "[" * DEEPEST + "]" * DEEPEST
    (value,) = json_stream.items(Pieces(text, 7), "")  # type: ignore[arg-type]
    assert depth(value) == DEEPEST
