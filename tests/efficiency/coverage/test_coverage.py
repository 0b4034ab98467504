"""The share of all mentions that a project has found, on projects whose gold annotations are the truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.efficiency.coverage.coverage import FoundShare, MentionCoverage
from biorat_al.efficiency.coverage.hours import share_to_read
from biorat_al.efficiency.coverage.samples import random_samples
from biorat_al.efficiency.coverage.texts import pool_texts
from biorat_al.errors import NothingToDoYet
from biorat_al.presentation.coverage import coverage_text
from biorat_al.project import Project
from biorat_al.rounds.steps.select import FRAME, is_random_draw
from biorat_al.store.answers import gold_annotations, learnt_answers, load_answers
from biorat_al.store.documents import document_keys
from biorat_al.store.models import expected_mentions, models_of
from biorat_al.store.picks import picks_of
from biorat_al.store.rounds import steps_of
from tests.support.rounds import make_project, patient, settings_for

POOL = 40


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    settings = settings_for(tiny_encoder, selection={"size": 3, "unit": "sentence", "strategy": "entropy"})
    with make_project(tmp_path / "trial", settings, pool=POOL) as project:
        yield project


def truth() -> Counter[str]:
    """Return the gold mentions of the pool by label."""
    records = list(read_demo_corpus())[:POOL]
    return Counter(one.label for record in records for one in (record.annotation or Annotation()).entities)


def answered(project: Project) -> Counter[str]:
    """Return the mentions by label in the answers that models learn from."""
    with project.store.read() as session:
        chosen = learnt_answers(session, with_gold=False)
        loaded = list(load_answers(session, chosen))
    return Counter(one.label for _, annotation in loaded for one in annotation.entities)


def check(coverage: MentionCoverage, project: Project) -> None:
    """Check that what was found is right, and that the intervals hold what is left."""
    everything, found = truth(), answered(project)
    for row in (*coverage.labels, coverage.total):
        real = everything.total() if row.label is None else everything[row.label]
        assert row.found == (found.total() if row.label is None else found[row.label])
        assert row.interval is not None
        assert row.share_interval is not None
        assert row.interval[0] <= real - row.found <= row.interval[1]
        assert row.share_interval[0] <= row.found / real <= row.share_interval[1]


@pytest.mark.slow
def test_sentences_drawn_at_random_say_how_much_is_left(project: Project) -> None:
    with pytest.raises(NothingToDoYet, match="nothing has been annotated yet"):
        project.coverage()
    project.round(strategy="random", size=4)
    project.round()  # fetches the sample, and asks for sentences that a model chooses
    first = project.coverage()
    check(first, project)
    assert [weight for _, weight in first.samples] == [1.0]
    assert first.samples[0][0].endswith("sentences of round 0")
    assert "what the model expected" not in first.basis
    assert first.hours is not None
    hours, low, high = first.hours
    assert 0 < low <= hours <= high
    assert first.hours_varied is not None
    assert first.hours_varied[0] < hours < first.hours_varied[1]
    assert first.as_dict()["hours"]["most_with_one_price_changed"] == first.hours_varied[1]
    assert "with one price halved or doubled" in " ".join(coverage_text(first, "trial").split())
    project.round(strategy="random", size=4)
    project.round()
    second = project.coverage()
    check(second, project)
    assert second.total.found > first.total.found
    assert len(second.samples) == 2
    assert sum(weight for _, weight in second.samples) == pytest.approx(1)
    assert "what the model expected" in second.basis
    assert second.hours is not None
    assert second.hours[0] < hours


@pytest.mark.slow
def test_a_random_round_notes_what_its_model_expects_in_the_whole_text(project: Project) -> None:
    project.round(strategy="random", size=4)
    project.round(strategy="random", size=4)
    with project.store.read() as session:
        first, counts = (next(s.counts for s in steps_of(session, n) if s.name == "select") for n in (0, 1))
        model = next(row.version for row in models_of(session, 1).values() if row.selecting)
        texts = pool_texts(session, project.settings, project.settings.labels)
        frame = ~texts.asked_before(1)
        total: Counter[str] = Counter()
        for _, of_one in expected_mentions(session, model, texts.ids[frame].tolist()):
            total.update(of_one)
    assert FRAME not in first  # there was no model
    assert is_random_draw(first)
    assert counts[FRAME]["model"] == model
    assert counts[FRAME]["words"] == texts.words[frame].sum()
    assert counts[FRAME]["expected"] == pytest.approx(dict(total))
    project.round()
    with project.store.read() as session:
        texts = pool_texts(session, project.settings, project.settings.labels)
        drawn = random_samples(session, project.settings, texts)
        picked = [pick.document_id for pick in picks_of(session, 1)]
    assert [one.with_model for one in drawn] == [False, True]
    sample = drawn[1].sample
    assert sample.expected is not None
    assert sample.rest_expected is not None
    assert len(sample.words) == len(picked)
    own = np.isin(texts.ids, picked)
    assert sample.words.sum() == texts.words[own].sum()
    assert sample.rest == texts.words[frame & ~own].sum()
    assert (sample.expected.sum(axis=0) + sample.rest_expected).tolist() == pytest.approx(
        [total[label] for label in texts.labels]
    )
    assert sample.mentions.sum(axis=0).tolist() == texts.found[own].sum(axis=0).tolist()
    # what was found in the text around the second sample: nothing; around the first one: the second sample
    assert not sample.found.any()
    assert drawn[0].sample.found.tolist() == sample.mentions.sum(axis=0).tolist()


@pytest.mark.slow
def test_when_everything_is_annotated_everything_is_found(project: Project) -> None:
    project.round(strategy="random", size=4)
    project.round(unit="document", strategy="random", size=POOL)
    project.round(unit="document")
    coverage = project.coverage()
    check(coverage, project)
    assert coverage.total.found == truth().total()
    assert coverage.total.left == 0
    assert coverage.total.share_interval == (1.0, 1.0)
    assert coverage.hours == (0.0, 0.0, 0.0)
    assert coverage.words[1] == 0
    assert "95 % of all mentions are found" in coverage_text(coverage, "trial")


@pytest.mark.slow
def test_without_a_random_sample_there_is_no_interval_and_a_sentence_says_what_to_do(project: Project) -> None:
    project.round(strategy="diverse")
    # the test set of these projects came as a file, so it is not a random sample
    assert project.round().step("select").counts["strategy"] == "entropy"
    coverage = project.coverage()
    assert coverage.total.left is not None
    assert coverage.total.share is not None
    assert coverage.total.interval is coverage.total.share_interval is coverage.hours is None
    assert coverage.samples == ()
    text = " ".join(coverage_text(coverage, "trial").split())
    assert "the newest model's confidences alone" in text
    assert "biorat-al round --strategy random --unit sentence --size 10" in text
    assert json.loads(json.dumps(coverage.as_dict()))["total"]["share_interval"] is None


@pytest.mark.slow
def test_of_a_pool_that_was_predicted_in_part_the_rest_is_taken_to_be_like_the_random_sample(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    selection = {"size": 3, "score_all": 20, "candidates": 12, "at_random": 0.5}
    with make_project(tmp_path / "trial", settings_for(tiny_encoder, selection=selection), pool=POOL) as project:
        project.round(strategy="diverse")
        project.round()
        counts = project.round(strategy="margin").step("predict").counts
        coverage = project.coverage()
        with project.store.read() as session:
            texts = pool_texts(session, project.settings, project.settings.labels)
            by_id = dict(expected_mentions(session, counts["model"], texts.ids.tolist()))
        known = np.isin(texts.ids, list(by_id))
        assert 0 < known.sum() < texts.unseen.sum()
        left = sum(sum(by_id[one].values()) for one in texts.ids[known & texts.unseen].tolist())
        sample = counts["sample"]
        assert 0 < sample["words"] < float(texts.words.sum())
        left += sum(sample["expected"].values()) / sample["words"] * float(texts.words[~known & texts.unseen].sum())
        assert coverage.total.left == pytest.approx(left)


@pytest.mark.slow
def test_documents_drawn_at_random_say_it_too_and_so_does_a_test_set_that_was_drawn(
    tmp_path: Path, tiny_encoder: Path
) -> None:
    write_jsonl(tmp_path / "documents.jsonl", list(read_demo_corpus())[:POOL])
    settings = settings_for(tiny_encoder, selection={"size": 12, "seed_strategy": "random"})
    sources = Sources([tmp_path / "documents.jsonl"], test_size=11, gold=True)
    with Project.init(tmp_path / "trial", settings, sources)[0] as project:
        project.round()
        project.round()
        coverage = project.coverage()
        with project.store.read() as session:
            keys = [record.document.id for record in list(read_demo_corpus())[:POOL]]
            texts = pool_texts(session, settings, settings.labels)
            documents = gold_annotations(session, keys)
            assert len(documents) == POOL
    titles = [title for title, _ in coverage.samples]
    assert titles == ["11 test documents", "12 documents of round 0"]
    assert len(texts.ids) == POOL - 11
    assert coverage.total.found == texts.found.sum()
    assert coverage.total.interval is not None
    assert coverage.words[0] == texts.words.sum()


@pytest.mark.slow
def test_open_and_skipped_tasks_of_a_sample(project: Project) -> None:
    desk = patient(project)
    project.round(strategy="random", size=6)
    with project.store.read() as session:
        texts = pool_texts(session, project.settings, project.settings.labels)
        picked = [pick.document_id for pick in picks_of(session, 0)]
        keys = document_keys(session, picked)
    assert texts.unseen.all()
    answered_keys = [keys[one] for one in picked[:15]]
    desk.finish(*answered_keys)
    project.round(partial=True)
    with project.store.read() as session:
        texts = pool_texts(session, project.settings, project.settings.labels)
        drawn = random_samples(session, project.settings, texts)
    assert texts.seen.sum() == 15
    assert [one.title for one in drawn] == [f"15 of {len(picked)} sentences of round 0"]
    # what is open is text that nobody has read
    assert drawn[0].sample.rest == texts.words[~texts.seen].sum()


def test_the_share_of_the_text_to_read() -> None:
    left = np.array([0.0, 5.0, 100.0, 300.0])
    # of 100 found: nothing is left; 95 % are found; 95 of 200 are wanted besides; 280 of 400
    assert share_to_read(100, left, 0.95).tolist() == pytest.approx([0, 0, 0.9, 280 / 300])


def test_the_interval_of_a_share_turns_that_of_what_is_left() -> None:
    row = FoundShare("Gene", 30, 10.0, (0.0, 30.0))
    assert row.share == 0.75
    assert row.share_interval == (0.5, 1.0)
    assert FoundShare("Gene", 0, 0.0, (0.0, 3.0)).share is None
    assert FoundShare("Gene", 3, None).share is None


def test_text_lists_every_label() -> None:
    coverage = MentionCoverage(
        FoundShare(None, 1200, 300.4, (200.0, 400.0)),
        (FoundShare("Disease", 1200, 300.4, (200.0, 400.0)),),
        (("90 sentences of round 3", 1.0),),
        "It rests on 90 sentences of round 3, drawn at random.",
        (12.3, 8.04, 20.0),
        None,
        (100_000, 40_000),
        ("7 words that annotators skipped do not count",),
    )
    lines = coverage_text(coverage, "trial").splitlines()
    assert lines[0] == "trial: mentions found so far"
    assert lines[1].split() == ["found", "left", "share", "found", "95", "%", "interval"]
    assert lines[2].split() == ["all", "labels", "1,200", "300", "80.0", "%", "75.0", "to", "85.7", "%"]
    assert lines[3].split()[0] == "Disease"
    assert "40,000 of 100,000 words of the pool are not annotated yet" in "\n".join(lines)
    assert "12 h of annotation (8.0 h to 20 h) until 95 % are found" in " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 80
