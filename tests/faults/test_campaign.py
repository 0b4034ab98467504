"""A small part of the campaign, and whether it would find anything: what is planted here must turn up in its table."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.model.document import Record, Span
from tests.faults.campaign import files
from tests.faults.campaign.__main__ import show
from tests.faults.campaign.corpora import Seed, seeds
from tests.faults.campaign.files import try_file
from tests.faults.campaign.ledger import Ledger, Trial, markdown, table
from tests.faults.campaign.mutations import MUTATIONS
from tests.faults.campaign.secret_words import PASSWORD, TOKEN, shown_in, spellings

ROOT = Path(__file__).parent.parent.parent
CORPORA = list(seeds())


@pytest.mark.slow
@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.name)
def test_hostile_files_give_our_own_errors_and_move_no_span(corpus: Seed, tmp_path: Path) -> None:
    harms = [try_file(corpus, "suite", number, tmp_path) for number in range(25)]
    assert [(fault, harm) for fault, harm in harms if harm] == []


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.name)
def test_the_files_that_are_changed_can_be_read_as_they_are(corpus: Seed, tmp_path: Path) -> None:
    for name, content in corpus.files.items():
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_bytes(content)
    found = list(files.read_corpus(tmp_path / "x" / corpus.target))
    assert found
    assert list(files.moved_spans(corpus, corpus.files, found)) == []


def with_reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reader: Any) -> set[str]:
    """Return what the campaign says of a reader that is wrong."""
    monkeypatch.setattr(files, "read_corpus", reader)
    corpus = next(corpus for corpus in CORPORA if corpus.name == "pubtator")
    return {harm for number in range(12) for harm in try_file(corpus, "planted", number, tmp_path)[1]}


def test_a_reader_that_moves_spans_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    right = files.read_corpus

    def moving(*arguments: Any, **options: Any) -> list[Record]:
        records = []
        for record in right(*arguments, **options):
            if record.annotation is not None:
                moved = [
                    replace(one, spans=tuple(Span(start + 1, end) for start, end in one.spans))
                    for one in record.annotation.entities
                ]
                record = record._replace(annotation=replace(record.annotation, entities=tuple(moved)))
            records.append(record)
        return records

    assert "silent" in with_reader(monkeypatch, tmp_path, moving)


def test_a_reader_that_fails_in_another_way_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failing(*_: Any, **__: Any) -> list[Record]:
        raise ValueError("list index out of range")

    assert "unclear" in with_reader(monkeypatch, tmp_path, failing)


def campaign(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the campaign in a process without threads, which can be forked."""
    script += "\nimport sys\nfrom tests.faults.campaign.__main__ import main\nsys.exit(main())"
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300, check=False)


KILLS = ("--kills", "8", "--signals", "3", "--scenes", "convert (file)")


@pytest.mark.slow
def test_conversions_that_are_killed_and_interrupted_end_as_undisturbed_ones(tmp_path: Path) -> None:
    done = campaign("", *KILLS, "--results", str(tmp_path / "trials.jsonl"))
    assert done.returncode == 0, done.stdout + done.stderr
    ledger = Ledger(tmp_path / "trials.jsonl")
    assert (ledger.tried("kills"), ledger.tried("signals"), ledger.harmed) == (8, 3, [])


NOT_REMOVED = """
from biorat_al import claims, files
claims.clear_partials = files.clear_partials = lambda path: None
"""


@pytest.mark.slow
def test_a_kill_that_leaves_files_behind_is_found() -> None:
    done = campaign(NOT_REMOVED, *KILLS)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "  left behind: " in done.stdout


def test_every_spelling_of_a_secret_is_found() -> None:
    for secret in (TOKEN, PASSWORD):
        for spelling in spellings(secret):
            assert shown_in(f"<{spelling}>"), spelling
    assert shown_in("the token c4mp and the password are not shown") == ""
    assert shown_in("got s3cret-of-a-server", "s3cret-of-a-server")


def test_the_table_counts_what_was_tried_and_what_held(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger(tmp_path / "trials.jsonl")
    ledger.add(Trial("files", "brat", "batch 0", {}, 249, 1.0))
    ledger.add(Trial("files", "brat", "nested (1/0/3)", {"silent": "moved", "unclear": "KeyError"}))
    ledger.add(Trial("files", "ddi", "batch 1", {}, 250, 59.0))
    again = Ledger(tmp_path / "trials.jsonl")
    assert again.trials == ledger.trials
    assert again.has("files", "ddi", "batch 1")
    assert not again.has("files", "ddi", "batch 2")
    rows = table(again.trials)
    assert rows[1:] == [
        ["files", "brat", "250", "249", "0", "0", "1", "1", "0", "0", "0.0"],
        ["files", "ddi", "250", "250", "0", "0", "0", "0", "0", "0", "1.0"],
        ["files", "all", "500", "499", "0", "0", "1", "1", "0", "0", "1.0"],
    ]
    assert len({len(line) for line in markdown(rows).split("\n")}) == 1
    assert show(again.trials) == 1
    assert "files, brat: nested (1/0/3)\n  silent: moved" in capsys.readouterr().out
    assert show(again.trials[:1]) == 0
    # nothing tried is nothing shown
    assert show([]) == 1


def test_every_change_of_a_file_changes_it() -> None:
    data = b'{"id": "1", "text": "Xalvo1n 12 34"}\nmore\twords here 5\n<a>x</a>\n'
    for name, (_, change) in MUTATIONS.items():
        assert any(change(data, random.Random(number)) != data for number in range(5)), name
