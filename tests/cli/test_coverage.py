"""``coverage`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import call, everything_in, nowhere, one_sentence
from tests.support.trials import Make, make, old

__all__ = ["make", "nowhere", "old"]


@pytest.fixture(autouse=True)
def _outside(nowhere: Path) -> None:
    """No test of this file may find a server, a database or a project by itself."""


def test_before_the_first_answer_there_is_nothing_to_estimate(make: Make) -> None:
    project = make()
    before = everything_in(project)
    line = one_sentence(call("coverage", "--project", project), 3)
    assert line.startswith("nothing has been annotated yet, so nothing can be said about what has been found; ")
    assert everything_in(project) == before


@pytest.mark.slow
def test_text_and_json_say_the_same_and_change_nothing(old: Path) -> None:
    before = everything_in(old)
    text, values = call("coverage", "--project", old), call("coverage", "--project", old, "--json")
    assert (text.code, text.err, values.code, values.err) == (0, "", 0, "")
    found = json.loads(values.out)
    assert {"total", "labels", "hours", "samples", "basis", "advice", "notes", "words"} <= found.keys()
    assert found["total"]["found"] == sum(row["found"] for row in found["labels"])
    assert f"{found['total']['found']:,}" in text.out
    assert " ".join(found["basis"].split()) in " ".join(text.out.split())
    assert everything_in(old) == before
