"""Progress that travels between processes as short messages."""

from __future__ import annotations

import pytest

from biorat_al.rounds.computing import messages
from biorat_al.rounds.computing.messages import Heard, SendingProgress


class Noted:
    """A bar that keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def advance(self, amount: int = 1) -> None:
        raise AssertionError("a message is no progress of the bar")

    def note(self, text: str) -> None:
        self.notes.append(text)

    def __enter__(self) -> Noted:
        return self

    def __exit__(self, *ignored: object) -> None:
        pass


def test_a_bar_tells_how_far_it_is_at_most_once_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(messages.time, "monotonic", lambda: now)
    sent: list[tuple[str, str, int | None]] = []
    with SendingProgress("rat", lambda *message: sent.append(message)).bar("training rat", 40, "step") as bar:
        for step in range(1, 41):
            now = step / 4
            bar.advance()
    assert sent == [("rat", "training rat", 10 * tenth) for tenth in range(1, 11)]


def test_a_bar_without_a_total_and_one_that_goes_too_far_tell_no_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(messages.time, "monotonic", lambda: now)
    sent: list[tuple[str, str, int | None]] = []
    progress = SendingProgress("rat", lambda *message: sent.append(message))
    for total in (None, 0, 2):
        with progress.bar("training rat", total) as bar:
            now += 5
            bar.advance(3)
            bar.note("loss 0.2")
    assert sent == [("rat", "training rat", 100)]


def test_lines_are_said_and_bars_stand_side_by_side_until_their_work_ends() -> None:
    bar, said = Noted(), list[str]()
    heard = Heard(bar, said.append)
    SendingProgress("rat", heard.hear).say("The loss rises.")
    heard.hear("rat", "training rat", 20)
    heard.hear("none", "training none", 30)
    heard.hear("rat", "training rat, relations", 5)
    heard.forget("none")
    heard.forget("none")
    assert said == ["The loss rises."]
    assert bar.notes == [
        "training rat 20 %",
        "training rat 20 %, training none 30 %",
        "training rat, relations 5 %, training none 30 %",
        "training rat, relations 5 %",
    ]
