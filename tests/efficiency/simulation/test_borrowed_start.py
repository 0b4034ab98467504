"""The runs of a simulation can begin from a corpus that others annotated."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.efficiency.simulation.simulation import PLAN
from biorat_al.efficiency.simulation.trial import STARTS
from tests.support.commands import call
from tests.support.rounds import demo_files

QUICK = ("training.epochs=1", "training.min_steps=3", "evaluation.robustness=false")


@pytest.fixture
def words(tmp_path: Path, tiny_encoder: Path) -> list[str | Path]:
    pool, test = demo_files(tmp_path / "files", pool=20, test=4)
    write_jsonl(tmp_path / "others.jsonl", list(read_demo_corpus())[24:54])
    return [
        *("simulate", "--documents", pool, "--test-documents", test, "--entity", "Disease", "--entity", "Chemical"),
        *("--arm", "none", "--strategy", "random", "--seeds", "1", "--rounds", "2", "--size", "4"),
        *("--encoder", tiny_encoder, "--workers", "1", "--output", tmp_path / "study"),
        *(word for change in QUICK for word in ("--set", change)),
    ]


@pytest.mark.slow
def test_every_round_of_a_run_begins_from_the_borrowed_start(words: list[str | Path], tmp_path: Path) -> None:
    outcome = call(*words, "--borrow", tmp_path / "others.jsonl")
    assert outcome.code == 0, outcome.err
    (run,) = (tmp_path / "study" / "runs").glob("*.jsonl")
    text = run.read_text("utf-8")
    # both models have the same start, which was trained once
    assert text.count('"start":') == 2
    assert text.count('"version":"none-random-s0-borrowed-') == 2
    assert '"documents":4' in text
    assert '"documents":30' not in text
    # the same call goes on with it, another corpus does not
    assert call(*words, "--borrow", tmp_path / "others.jsonl").code == 0
    write_jsonl(tmp_path / "others.jsonl", list(read_demo_corpus())[24:50])
    outcome = call(*words, "--borrow", tmp_path / "others.jsonl")
    assert outcome.code == 2
    assert "holds a simulation with other documents" in outcome.err


@pytest.mark.slow
def test_the_arms_of_a_seed_share_one_training_on_borrowed_documents(words: list[str | Path], tmp_path: Path) -> None:
    outcome = call(*words, "--arm", "rat", "--borrow", tmp_path / "others.jsonl")
    assert outcome.code == 0, outcome.err
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "study" / "runs").glob("*.jsonl"))
    assert text.count('"start":') == 4
    assert text.count('"version":"none-random-s0-borrowed-') == 4
    # it is of no use any more
    assert not (tmp_path / "study" / STARTS).exists()


@pytest.mark.slow
def test_a_simulation_that_did_not_borrow_refuses_to_go_on_with_a_borrowed_start(
    words: list[str | Path], tmp_path: Path
) -> None:
    assert call(*words).code == 0
    assert '"corpora": []' in (tmp_path / "study" / PLAN).read_text("utf-8")
    outcome = call(*words, "--borrow", tmp_path / "others.jsonl")
    assert outcome.code == 2
    assert "choose another --output" in outcome.err
