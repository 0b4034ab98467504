"""The family of errors: exit codes, and where a message says that something is wrong."""

from __future__ import annotations

import inspect
import pickle

import pytest

from biorat_al import errors
from biorat_al.errors import BioratError, CorpusError, NothingToDoYet, OffsetError, UsageError

FAMILY = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


def test_every_error_is_of_the_family_and_says_what_it_is_for() -> None:
    assert len(FAMILY) > 10
    for kind in FAMILY:
        assert issubclass(kind, BioratError)
        assert inspect.getdoc(kind)


def test_only_wrong_use_and_waiting_have_exit_codes_of_their_own() -> None:
    codes = {kind.__name__: kind.exit_code for kind in FAMILY if kind.exit_code != 1}
    assert codes == {"UsageError": 2, "NothingToDoYet": 3}
    assert UsageError("x").exit_code == 2


@pytest.mark.parametrize(
    ("source", "document", "message"),
    [
        (None, None, "it is wrong"),
        ("a.txt:3", None, "a.txt:3: it is wrong"),
        (None, "123", "document 123: it is wrong"),
        ("a.txt:3", "123", "a.txt:3, document 123: it is wrong"),
    ],
)
def test_a_corpus_error_says_where(source: str | None, document: str | None, message: str) -> None:
    for kind in (CorpusError, OffsetError):
        error = kind("it is wrong", source=source, document=document)
        assert str(error) == message
        assert (error.source, error.document) == (source, document)


def test_an_offset_error_keeps_both_strings() -> None:
    error = OffsetError("differs", found="aspirin", expected="Aspirin")
    assert (error.found, error.expected) == ("aspirin", "Aspirin")


def test_waiting_counts_the_open_tasks() -> None:
    assert NothingToDoYet("wait", 4).open_tasks == 4
    assert NothingToDoYet("wait").open_tasks == 0
    assert str(pickle.loads(pickle.dumps(NothingToDoYet("wait", 4)))) == "wait"
