"""What a terminal shows of long work: whole words, a clock that runs, nothing where there is no terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.progress import BYTES, BarState, TerminalProgress, bar_line

STATE = BarState("Predicting the pool", 120, "document", 30, 0, "loss 0.123")


def on_a_terminal(script: str, columns: int = 80) -> str:
    """Run a script with a terminal as its standard error, and return all that it drew there."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stderr=follower, stdin=follower, env=environment
    ) as process:
        os.close(follower)
        drawn = b""
        try:
            while part := os.read(leader, 4096):
                drawn += part
        except OSError:
            # Linux says so where the other end is closed
            pass
    os.close(leader)
    assert process.returncode == 0
    return drawn.decode()


def test_a_line_says_what_how_much_and_how_long() -> None:
    bar = "━" * 5 + "─" * 16
    text = f"Predicting the pool  {bar}  30 of 120 documents  1:05  about 3:15 left  loss 0.123"
    assert bar_line(STATE, 65, len(text)) == text
    assert bar_line(BarState("Training rat", 1, "step"), 7, 80, "#-") == f"Training rat  {'-' * 30}  0 of 1 step  0:07"


def test_work_of_unknown_length_shows_no_empty_count() -> None:
    """A line said ``0it [00:00, ?it/s]``."""
    assert bar_line(BarState("Fetching answers (pool)"), 0, 80) == "Fetching answers (pool)  0:00"
    assert bar_line(BarState("Predicting", None, "document", 1), 61, 80) == "Predicting  1 document  1:01"
    assert bar_line(BarState("Reading", 5_000_000, BYTES, 1_250_000), 2, 80).endswith("  1.2 of 5.0 MB  0:02")


def test_a_resumed_bar_begins_where_it_was_and_counts_its_own_time() -> None:
    resumed = BarState("Predicting the pool", 100, "document", 80, 80)
    assert "80 of 100 documents" in bar_line(resumed, 10, 80)
    assert "left" not in bar_line(resumed, 10, 80)
    resumed.done = 90
    assert "about 0:10 left" in bar_line(resumed, 10, 80)


WORDS = st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), min_size=1, max_size=6).map(" ".join)


@pytest.mark.slow
@given(
    st.builds(
        BarState,
        WORDS,
        st.none() | st.integers(0, 10**9),
        st.sampled_from(["", "document", "pass of documents", BYTES]),
        st.integers(0, 10**9),
        st.just(0),
        WORDS,
    ),
    st.floats(0, 10**6),
    st.integers(1, 120),
)
def test_no_word_is_cut_and_no_line_is_too_long(state: BarState, seconds: float, width: int) -> None:
    line = bar_line(state, seconds, width)
    assert len(line) <= width
    whole = bar_line(state, seconds, 10**4).split()
    assert set(re.sub("[━─]+", "", line).split()) <= set(whole)


def test_nothing_is_drawn_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress = TerminalProgress()
    with progress.bar("Reading", 10, "document") as bar:
        bar.advance()
        bar.note("x")
        progress.say("A line.")
    assert capsys.readouterr() == ("", "A line.\n")


def test_the_clock_runs_while_a_step_takes_its_time() -> None:
    drawn = on_a_terminal("""
        import time
        from biorat_al.progress import TerminalProgress
        with TerminalProgress().bar("Training rat", 3, "step") as bar:
            bar.advance()
            time.sleep(2.6)
    """)
    assert "1 of 3 steps  0:01" in drawn
    assert "1 of 3 steps  0:02" in drawn
    # taken away at the end
    assert drawn.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))


def test_lines_wrap_at_words_and_leave_the_bar_beneath_them() -> None:
    sentence = "The round was cut off; " + "it goes on with the settings that its models were trained with, " * 3
    drawn = on_a_terminal(f"""
        from biorat_al.progress import TerminalProgress
        progress = TerminalProgress()
        with progress.bar("Predicting the pool", 3, "document"), progress.bar("Inside", 2, "task"):
            progress.say({sentence!r})
    """)
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn).split()
    assert set(sentence.split()) <= set(words)


@pytest.mark.slow
def test_an_error_is_printed_on_a_line_of_its_own(tmp_path: Path) -> None:
    text = "1|t|A title.\n1|a|A text.\n1\t0\t1\tX\tDisease\tD1\n"
    (tmp_path / "broken.txt").write_text(text, encoding="utf-8")
    drawn = on_a_terminal(f"""
        import os
        from biorat_al.cli import main
        os.chdir({str(tmp_path)!r})
        try:
            main(["convert", "broken.txt", "out.jsonl", "--to", "jsonl"])
        except SystemExit as error:
            assert error.code == 1
    """)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn).replace("\r", "\n").strip().splitlines()[-1]
    assert "Converting" not in last
