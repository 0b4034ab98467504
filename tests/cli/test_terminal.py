"""Text on a terminal: wrapped at words, and nowhere else."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.cli.terminal import show, wrapped


@given(st.text("ab \n/-", max_size=200), st.integers(5, 40))
def test_no_word_is_broken_and_none_is_lost(text: str, width: int) -> None:
    shown = wrapped(text, width)
    assert shown.split() == text.split()
    longest = max(map(len, text.split()), default=0)
    indent = max((len(line) - len(line.lstrip()) for line in text.split("\n")), default=0)
    assert all(len(line) <= max(width, longest + indent) for line in shown.split("\n"))


def test_what_follows_begins_where_its_line_begins() -> None:
    assert wrapped("Wrote it\n  a.txt: the reason is long\n", 14) == "Wrote it\n  a.txt: the\n  reason is\n  long\n"


def test_only_a_terminal_is_wrapped_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "20")
    sentence = "A sentence that does not fit in twenty columns."
    for stream, expected in (
        (io.StringIO(), f"{sentence}\n"),
        (Terminal(), "A sentence that does\nnot fit in twenty\ncolumns.\n"),
    ):
        monkeypatch.setattr("sys.stdout", stream)
        show(sentence)
        assert stream.getvalue() == expected
