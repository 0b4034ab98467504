"""Texts for a terminal: they fit into 80 columns, and say what they should."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.acquisition.price.price import Price
from biorat_al.acquisition.stopping import StoppingAdvice
from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.learner.entities import encoding
from biorat_al.learner.relations import candidates
from biorat_al.people.disputes import Disputes
from biorat_al.presentation.plan import plan_text
from biorat_al.presentation.round import _NOT_CANDIDATES, _UNREPRESENTABLE, RoundLines, round_text
from biorat_al.presentation.status import status_text
from biorat_al.presentation.text import duration, notes_text, percent, table
from biorat_al.rounds.notes import finding_notes
from biorat_al.rounds.plan import RoundPlan
from biorat_al.rounds.runner import RoundReport, StepReport
from biorat_al.rounds.status import ProjectStatus, RoundStatus
from biorat_al.store.findings import AnswerPlace, Findings, NotUnderstood, Revised, Tidied, Unattended
from biorat_al.store.parts.wholeness import Wholeness


def a_round(number: int, *, state: str = "done", strategy: str = "least-confidence", **changes: object) -> RoundStatus:
    values: dict[str, object] = {
        "number": number,
        "state": state,
        "started_at": "2025-11-23T10:00:00+00:00",
        "seconds": 3599.0,
        "labelled": None if number == 0 else 1200 * number,
        "f1": {} if number == 0 else {"rat": 0.7134, "none": 1.0},
        "evaluated": 0 if number == 0 else 1000,
        "strategy": strategy,
        "asked_for": 1000,
        "waiting_for": None,
        "models": {},
    }
    return RoundStatus(**(values | changes))  # type: ignore[arg-type]


def a_status(rounds: Sequence[RoundStatus] = (), **changes: object) -> ProjectStatus:
    tasks = {"pushing": 0, "open": 1000, "answered": 12000, "skipped": 345, "deleted": 12}
    labels = ("Disease or phenotype", "Chemical substance", "Gene or gene product", "Cell line", "Species")
    values: dict[str, object] = {
        "name": "rare-disease-mentions-in-case-reports-26",
        "folder": "/home/somebody/projects/rare-disease-mentions",
        "database": "SQLite",
        "desk": "label-studio",
        "encoder": "pubmedbert",
        "labels": labels,
        "documents": {"pool": 44_482, "test": 1000},
        "labelled": {"pool": 12_000, "test": 1000},
        "left": 31_137,
        "mentions": dict.fromkeys(labels, 12_345),
        "tasks": {"pool": tasks, "test": {**tasks, "open": 3}},
        "urls": {"pool": "http://127.0.0.1:8080/projects/1/", "test": "http://127.0.0.1:8080/projects/2/"},
        "rounds": tuple(rounds),
        "open_now": {"pool": 998, "test": 2},
        "desk_problem": "no answer from Label Studio at http://127.0.0.1:8080: is it running? Start it and try again",
    }
    return ProjectStatus(**(values | changes))  # type: ignore[arg-type]


def a_report(**changes: dict[str, object]) -> RoundReport:
    counts: dict[str, dict[str, object]] = {
        "pull": {"new": 1000, "changed": 12, "deleted": 3, "skipped": 45, "deleted_tasks": 2, "drafts": 17},
        "train": {
            "documents": 12_000, "empty_documents": 345, "mentions": 123_456,
            "models": {"rat": "trial-r12-rat-0123456789", "none": "trial-r12-none-0123456789"},
        },
        "evaluate": {"documents": 950, "of": 1000, "f1": {"rat": 0.713, "none": None}},
        "predict": {"documents": 31_137, "model": "trial-r12-rat-0123456789"},
        "select": {"documents": 1000, "of": 31_137, "tokens": 312_345, "strategy": "least-confidence"},
        "push": {"tasks": 1000, "test_tasks": 3, "pre_labelled": 1000, "relabelled": 345, "notices": []},
    }  # fmt: skip
    steps = tuple(StepReport(name, "done", 3599.0, counts[name] | changes.get(name, {})) for name in counts)
    return RoundReport(12, True, {}, steps)


def too_long(text: str) -> list[str]:
    return [line for line in text.splitlines() if len(line) > 80]


@pytest.mark.parametrize("strategy", ["mnlp", "least-confidence"])
def test_a_status_of_twelve_rounds_and_two_arms_fits(strategy: str) -> None:
    rounds = [a_round(number, strategy=strategy) for number in range(12)]
    rounds.append(a_round(12, state="running", waiting_for="evaluate", strategy=strategy))
    text = status_text(a_status(rounds))
    assert too_long(text) == []
    assert "Round 12 has not ended (step evaluate); to go on with it: biorat-al round" in text
    text = status_text(a_status(rounds, running="process 7 on host, since 2026-01-01T09:00:00+00:00"))
    assert too_long(text) == []
    assert "Round 12 is under way (step evaluate):\n  process 7 on host, since 2026-01-01T09:00:00+00:00" in text
    row = next(line for line in text.splitlines() if line.startswith("   11"))
    assert row.split() == ["11", "13,200", "71.3", "100.0", "1,000", "1,000", strategy, "59", "min", "59", "s"]


def test_a_status_says_what_people_have_to_know() -> None:
    text = " ".join(status_text(a_status([a_round(0), a_round(1, state="waiting")])).split())
    for part in (
        "44,482 documents: 12,000 annotated, 1,000 open, 345 skipped, 31,137 never asked for",
        "test set 1,000 documents: 1,000 annotated",
        "12 tasks deleted on the desk; answers fetched before are kept",
        "right now 998 open (pool), 2 open (test)",
        "no answer from Label Studio at http://127.0.0.1:8080: is it running?",
        "pool http://127.0.0.1:8080/projects/1/",
        "Round 1 waits for annotators; then: biorat-al round",
        "F1: strict spans on the test documents",
    ):
        assert part in text
    assert "No round yet. Next: biorat-al round" in status_text(a_status())


def sentences(**changes: object) -> ProjectStatus:
    """Return the status of a project that asks for sentences."""
    done = {"pushing": 0, "open": 0, "answered": 0, "skipped": 0, "deleted": 0}
    values: dict[str, object] = {
        "documents": {"pool": 40, "segment": 360, "test": 6},
        "labelled": {"pool": 3, "segment": 57, "test": 6},
        "wholeness": Wholeness(whole=5, begun=12, segments=75, of=40),
        "left": 30,
        "left_sentences": 250,
        "unit": "sentence",
        "tasks": {"pool": done, "segment": {**done, "open": 9, "skipped": 2, "deleted": 1}, "test": done},
        "urls": {"segment": "http://127.0.0.1:8080/projects/3/"},
        "open_now": {"segment": 8},
    }
    return a_status([a_round(1, strategy="mnlp", unit="sentence", learnt_sentences=57)], **(values | changes))


def test_a_status_tells_sentences_from_documents() -> None:
    text = " ".join(status_text(sentences()).split())
    for part in (
        "pool 40 documents: 5 annotated as a whole, 12 begun by sentences, 0 open, 0 skipped, 30 never asked for",
        "sentences 360 sentences: 57 annotated by themselves, 9 open, 2 skipped, 250 can be asked for",
        "1 task deleted on the desk",
        "right now 8 open (sentences)",
        "sentences http://127.0.0.1:8080/projects/3/",
        "trained, asked: numbers of documents and sentences; tested: of documents",
        "mnlp, sentences",
    ):
        assert part in text
    assert too_long(status_text(sentences())) == []
    values = sentences().as_dict()
    assert values["wholeness"] == {"whole": 5, "begun": 12, "segments": 75, "of": 40}
    assert (values["labelled"]["segment"], values["left_sentences"], values["unit"]) == (57, 250, "sentence")
    assert sentences().to_annotate == 35


def test_a_round_says_what_it_did_with_sentences() -> None:
    report = a_report(
        train={"documents": 60, "sentences": 57, "last_model": {"documents": 9, "f1": 0.5}},
        predict={"unit": "sentence"},
        select={"unit": "sentence", "documents": 30},
    )
    text = " ".join(round_text(report, sentences()).split())
    assert "train 3 documents and 57 sentences" in text
    assert "the last model's proposals in 9 texts annotated since" in text
    assert "select 30 sentences of" in text
    assert "sentences (" in text[text.index("predict") :]
    assert "Next: 9 open sentences at http://127.0.0.1:8080/projects/3/ then: biorat-al round" in text
    only = a_report(train={"documents": 57, "sentences": 57})
    assert "train 57 sentences (" in " ".join(round_text(only, sentences()).split())


def test_the_pool_is_used_up_when_nothing_is_left_of_what_is_asked_for() -> None:
    done = {"pushing": 0, "open": 0, "answered": 1, "skipped": 0, "deleted": 0}
    tasks = dict.fromkeys(("pool", "segment", "test"), done)
    end = "The pool is used up. Next: biorat-al export corpus"
    assert round_text(a_report(), sentences(tasks=tasks, left_sentences=0)).endswith(end)
    # as documents, they can still be asked for
    for unit in ("document", "auto"):
        assert not round_text(a_report(), sentences(tasks=tasks, left_sentences=0, unit=unit)).endswith(end)
    assert round_text(a_report(), sentences(tasks=tasks, left=0, unit="auto")).endswith(end)


def test_tasks_of_a_group_are_in_the_projects_of_its_members() -> None:
    tasks = {"pool": {"open": 4, "deleted": 0}, "test": {"open": 2, "deleted": 0}}
    said = round_text(a_report(), a_status(urls={"test": "http://ls/projects/1/"}, tasks=tasks, seats={}))
    assert "Next: 4 open tasks, who has them: biorat-al team status\n" in said
    assert "and 2 blind test tasks at http://ls/projects/1/" in said


def test_a_path_or_address_stays_in_one_piece() -> None:
    folder = "/home/somebody/" + "a-rather-long-name/" * 6
    url = "http://annotation.example.org/" + "label-studio/" * 7
    text = status_text(a_status(folder=folder, urls={"pool": url}))
    assert folder in text
    assert url in text


def test_a_round_that_is_shown_step_by_step_has_the_same_text() -> None:
    report, status, shown = a_report(), a_status(), list[str]()
    lines = RoundLines(status.name, shown.append)
    for ended in range(1, len(report.steps) + 1):
        lines.follow(replace(report, steps=report.steps[:ended]))
        assert len(shown) == ended, "a step's line comes when the step has ended"
    assert shown[0].startswith("Round 12 of ")
    assert [text.split()[0] for text in shown[1:]] == ["train", "evaluate", "predict", "select", "push"]
    lines.end(report, status)
    assert "\n".join(shown) == round_text(report, status)


def test_a_round_says_when_tasks_are_there_and_nothing_of_what_it_has_not_done() -> None:
    report, shown = a_report(), list[str]()
    lines = RoundLines("trial", shown.append)
    pushed = [step for step in report.steps if step.name != "evaluate"]
    waiting = replace(report.step("evaluate"), state="pending", counts={})
    lines.follow(replace(report, steps=tuple(pushed)))
    told = " ".join(shown[-1].split())
    assert "there for annotators, 0.0 s after the start. What follows measures the models" in told
    open_round = replace(report, steps=(*pushed, waiting))
    lines.end(open_round, a_status())
    assert "The models are not measured yet: the next `biorat-al round` does that" in " ".join(shown[-1].split())
    lines.follow(replace(report, steps=(*pushed, report.step("evaluate"))))
    assert shown[-1].split()[0] == "evaluate"
    assert "evaluate  F1" not in round_text(open_round, a_status())


def test_a_round_says_which_arms_are_trained_after_the_tasks_are_there() -> None:
    models = {"rat": "trial-r12-rat-0123456789"}
    report, shown = a_report(train={"models": models, "later": ["none"]}, evaluate={"trained": ["none"]}), list[str]()
    lines = RoundLines("trial", shown.append)
    lines.follow(replace(report, steps=tuple(step for step in report.steps if step.name != "evaluate")))
    told = " ".join(" ".join(shown).split())
    assert "arms: rat (after the push: none) (" in told
    assert "What follows trains the other arms and measures the models; nobody need wait for it." in told
    flat = " ".join(round_text(report, a_status([a_round(0)])).split())
    assert "evaluate trained none; F1 71.3 (rat), F1 – (none) on 950 of 1,000 test documents" in flat


def test_a_round_says_which_part_of_a_large_pool_was_predicted() -> None:
    sample = {"documents": 5000, "words": 1.0, "expected": {}}
    report = a_report(
        predict={"documents": 20_007, "of": 1_000_000, "sample": sample},
        select={"of": 1_000_000, "candidates": 20_000},
    )
    flat = " ".join(round_text(report, a_status([a_round(0)])).split())
    assert "predict 20,007 of 1,000,000 documents, 5,000 of them drawn at random" in flat
    assert "documents of 20,000, " in flat


def test_a_step_that_ran_again_is_shown_again() -> None:
    report, shown = a_report(), list[str]()
    lines = RoundLines("trial", shown.append)
    lines.follow(report)
    again = replace(report.steps[-1], attempts=2)
    lines.follow(replace(report, steps=(*report.steps[:-1], again)))
    assert len(shown) == 2
    assert "in the last of 2 attempts" in " ".join(shown[1].split())
    assert shown[1].split()[0] == "push"


def test_a_log_that_cannot_be_written_ends_no_round() -> None:
    def full(text: str) -> None:
        raise OSError("the disk is full")

    lines = RoundLines("trial", full)
    lines.follow(a_report())
    with pytest.raises(OSError, match="full"):
        lines.end(a_report(), a_status())


def test_a_round_with_everything_in_it_fits() -> None:
    text = round_text(
        a_report(
            select={"strategy": "diverse", "instead_of": "least-confidence"},
            push={
                "notices": [
                    "annotators renamed the label 'Disease or phenotype' to 'Disorder'; its answers are kept " * 2
                ]
            },
        ),
        a_status(),
    )
    assert too_long(text) == []
    flat = " ".join(text.split())
    for part in (
        "Round 12 of rare-disease-mentions-in-case-reports-26 went on where it was cut off",
        "pull 1,000 new answers, 12 edited, 3 deleted, 45 skipped, 2 tasks deleted, 17 drafts left alone",
        "train 12,000 documents (345 empty), 123,456 mentions; arms: rat, none (59 min 59 s)",
        "evaluate F1 71.3 (rat), F1 – (none) on 950 of 1,000 test documents",
        "by diverse (least-confidence needs a model; none has been trained yet)",
        "push 1,000 tasks, 1,000 with pre-labels, 345 open tasks with newer pre-labels, 3 blind test tasks",
        "Note: annotators renamed the label",
        "Next: 1,000 open tasks at http://127.0.0.1:8080/projects/1/",
        "and 3 blind test tasks at http://127.0.0.1:8080/projects/2/",
    ):
        assert part in flat


DISPUTES = Disputes(12, 3, 1204, 1, 0, AgreementF1(12, 0.876, (0.8, 0.9261)), ())


def test_what_is_disputed_and_how_far_people_agree_is_said_by_round_and_status() -> None:
    status = a_status([a_round(0)], disputes=DISPUTES)
    disputed = {"mentions": 1204, "relations": 1, "documents": 3}
    report = a_report(train={"disputed": disputed}, evaluate={"disputed": disputed | {"mentions": 1, "relations": 0}})
    sentence = (
        "agreement annotators agree with F1 87.6 (95 % interval 80.0 to 92.6) on 12 documents with several answers; "
        "1,204 disputed mentions and 1 disputed relation in 3 documents, masked"
    )
    for text in (status_text(status), round_text(report, status)):
        assert too_long(text) == []
        assert sentence in " ".join(text.split())
    flat = " ".join(round_text(report, status).split())
    assert "123,456 mentions; 1,204 disputed mentions and 1 disputed relation masked; arms: rat, none" in flat
    assert "on 950 of 1,000 test documents; 1 disputed mention masked" in flat


def test_a_round_says_that_the_arms_vote_and_what_they_were_calibrated_on() -> None:
    models = {arm: f"trial-r12-{arm}-0123456789" for arm in ("rat", "none", "committee")}
    report = a_report(train={"models": models, "calibrated_on": 1204, "last_model": {"documents": 20, "f1": 0.5}})
    flat = " ".join(round_text(report, a_status([a_round(0)])).split())
    assert (
        "arms: rat, none and their committee; calibrated on 1,204 answered proposals; the last model's proposals in 20 "
        "documents annotated since: F1 50.0"
    ) in flat
    for text in (status_text(a_status([a_round(0)])), round_text(a_report(), a_status())):
        assert "agree" not in text
        assert "disputed" not in text


def test_agreement_without_an_interval_and_settled_ties_are_said() -> None:
    one = replace(DISPUTES, documents=1, disputed_documents=0, mentions=0, relations=0, settled=2)
    one = replace(one, agreement=AgreementF1(1, 1.0, None))
    assert one.sentence == (
        "annotators agree with F1 100.0 on 1 document with several answers; nothing is disputed; "
        "2 ties decided by the preferred annotator"
    )


def test_a_note_is_given_once() -> None:
    report = a_report(pull={"notices": ["the same"]}, push={"notices": ["the same"]})
    assert round_text(report, a_status()).count("Note: the same") == 1


def advice(*verdicts: StoppingAdvice) -> list[str]:
    """Return the sentence in a round's text, on one line."""
    flat = " ".join(round_text(replace(a_report(), verdicts=verdicts), a_status()).split())
    return re.findall(r"Advice: .*?(?= Next: )", flat)


def test_what_the_stopping_criteria_say_is_one_sentence_of_advice() -> None:
    plateau = StoppingAdvice("performance plateau", True, 0.0012)
    unsure = StoppingAdvice("overall uncertainty", False, 0.3)
    stable = StoppingAdvice("classification change", True, 0.0704)
    assert advice(plateau, unsure, stable) == [
        "Advice: 2 of 3 stopping criteria hold (performance plateau +0.1 points of F1, classification change 7.0%): "
        "more annotation may bring little"
    ]
    assert advice(unsure, stable) == [
        "Advice: 1 of 2 stopping criteria holds (classification change 7.0%): go on annotating"
    ]
    assert advice(unsure, StoppingAdvice("classification change", False, 0.5)) == [
        "Advice: 0 of 2 stopping criteria hold: go on annotating"
    ]
    # not enough has been seen
    assert advice(stable) == []
    assert advice() == []
    assert too_long(round_text(replace(a_report(), verdicts=(plateau, unsure, stable)), a_status())) == []


def test_a_subsample_is_told() -> None:
    text = " ".join(round_text(a_report(select={"drawn": 10_000}), a_status()).split())
    assert "select 1,000 documents of 10,000 drawn from 31,137, 312,345 word pieces, by least-confidence" in text


def test_blind_tasks_alone_are_asked_for_too() -> None:
    done = {"pushing": 0, "open": 0, "answered": 5, "skipped": 0, "deleted": 0}
    status = a_status(tasks={"pool": done, "test": {**done, "open": 1}})
    assert "Next: 1 blind test task at http://127.0.0.1:8080/projects/2/" in round_text(a_report(), status)
    finished = a_status(tasks={"pool": done, "test": done}, left=0)
    assert round_text(a_report(), finished).endswith("The pool is used up. Next: biorat-al export corpus")


def a_plan(**changes: object) -> RoundPlan:
    values: dict[str, object] = {
        "number": 3, "resumes": False, "waits": None, "labelled": 1, "left": 4482, "arms": ("rat", "none"),
        "budget": "20 documents", "strategy": "mnlp",
    }  # fmt: skip
    return RoundPlan(**(values | changes))  # type: ignore[arg-type]


def test_a_plan_in_words() -> None:
    assert plan_text(a_plan()).splitlines() == [
        "Round 3 would begin; nothing has been done.",
        "  train on  1 annotated document or more, arms: rat, none",
        "  ask for   20 documents, by mnlp, from 4,482 documents",
    ]
    voting = plan_text(a_plan(selecting="committee")).splitlines()
    assert [line.strip() for line in voting if "committee" in line] == ["predict   with the committee of these arms"]
    assert "train     nothing yet" in plan_text(a_plan(labelled=0))
    assert plan_text(a_plan(resumes=True)).startswith("Round 3 would go on;")
    assert plan_text(a_plan(waits="2 tasks are still open")).splitlines()[1:] == [
        "  It would wait: 2 tasks are still open"
    ]


def test_a_plan_of_sentences_in_words() -> None:
    plan = a_plan(
        labelled=60, learnt_sentences=57, left=250, unit="sentence", budget="sentences worth 20 documents in time"
    )
    text = " ".join(plan_text(plan).split())
    assert "train on 3 annotated documents and 57 annotated sentences or more, arms: rat, none" in text
    assert text.endswith("ask for sentences worth 20 documents in time, by mnlp, from 250 sentences")
    uncut = a_plan(labelled=0, left=0, uncut=40, unit="sentence", budget="sentences worth 1 document in time")
    assert " ".join(plan_text(uncut).split()).endswith("from those of 40 documents not cut yet")
    assert "57 annotated sentences or more" in plan_text(a_plan(labelled=57, learnt_sentences=57))
    assert "document" not in plan_text(a_plan(labelled=57, learnt_sentences=57, left=1, unit="sentence", budget="b"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (58.4, "58 s"), (119.4, "119 s"), (119.6, "2 min 00 s"),
        (200, "3 min 20 s"), (7199.6, "2 h 00 min"), (7500, "2 h 05 min"), (90_000, "25 h 00 min"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_shares_and_tables() -> None:
    assert [percent(value) for value in (None, 0.0, 0.71349, 1.0)] == ["–", "0.0", "71.3", "100.0"]
    assert table([["a", "bb"], ["ccc", "d"]]) == ["  a  bb", "ccc   d"]


def test_what_could_not_be_learnt_is_said() -> None:
    train = a_report().step("train").counts | {"unrepresentable": {"discontinuous": 1, "same_type_nesting": 12}}
    text = round_text(a_report(train=train), a_status())
    assert "Note: 1 mention in several pieces" in text
    assert "Note: 12 mentions inside or across another of the same label" in text
    assert max(map(len, text.splitlines())) <= 80


def test_every_kind_of_what_cannot_be_learnt_has_words() -> None:
    assert encoding.__doc__ is not None
    assert set(_UNREPRESENTABLE) == set(re.findall(r"^- ``(\w+)``:", encoding.__doc__, re.MULTILINE))
    assert candidates.__doc__ is not None
    assert set(_NOT_CANDIDATES) == set(re.findall(r"^- ``(\w+)``:", candidates.__doc__, re.MULTILINE))


RELATION_F1 = {
    "gold": {"mention": 0.713, "document": 0.8149},
    "predicted": {"mention": 1.0, "document": None},
}


def test_a_round_says_what_came_of_relations() -> None:
    report = a_report(
        train={
            "relations": 4321,
            "not_candidates": {"outside_window": 1200, "unlinked": 1, "too_many": 2},
            "cut_documents": 3,
        },
        evaluate={"relation_f1": {"rat": RELATION_F1, "none": RELATION_F1}, "relation_level": "document"},
    )
    text = round_text(report, a_status())
    assert too_long(text) == []
    flat = " ".join(text.split())
    for part in (
        "123,456 mentions, 4,321 relations; arms: rat, none",
        "relations between annotated mentions / end to end: 81.5 / – (rat), 81.5 / – (none)",
        "Note: 1,200 relations farther apart than the window of sentences; not learnt, all are kept",
        "Note: 1 relation between concepts one of which no mention is linked to",
        "Note: 2 relations farther apart than the 10,000 nearest pairs of the document; not learnt, all are kept",
        "Note: 3 documents with more than 10,000 pairs that could be related; the nearest were learnt from",
    ):
        assert part in flat
    alone = a_report(train={"relations": 0, "no_relation_model": "no annotated document has a relation"})
    flat = " ".join(round_text(alone, a_status()).split())
    assert "Note: The models predict mentions alone: no annotated document has a relation" in flat
    assert "0 relations; arms" in flat


def test_a_status_has_relations_beside_the_mentions() -> None:
    rounds = [a_round(0), a_round(1, relation_f1={"rat": RELATION_F1}), a_round(2)]
    rounds.append(a_round(12, relation_f1=dict.fromkeys(("rat", "none", "matched", "at"), RELATION_F1)))
    status = a_status(rounds, relations={"causes": 1234, "treats": 2}, relation_level="mention")
    text = status_text(status)
    assert too_long(text) == []
    lines = text.splitlines()
    assert "  relations causes 1,234, treats 2" in lines
    begin = lines.index("round  relations rat  relations none  relations matched  relations at")
    assert lines[begin + 1].split() == ["1", "71.3", "/", "100.0", "–", "–", "–"]
    assert lines[begin + 2].split() == ["12", *["71.3", "/", "100.0"] * 4]
    assert lines[begin + 3] == "F1 of relations as pairs of mentions: between annotated mentions / end to end"
    assert "between concepts" not in text
    text = status_text(replace(status, concept_relations={"CID": 3}, relation_level="document"))
    assert "81.5 / –" in text
    assert "F1 of relations as pairs of concepts" in text
    assert "            between concepts: CID 3" in text.splitlines()


def test_relations_are_shown_at_the_level_of_the_settings_where_that_was_measured() -> None:
    measured = {between: {"mention": levels["mention"]} for between, levels in RELATION_F1.items()}
    before = a_round(2, relation_f1={"rat": measured})
    text = status_text(a_status([a_round(1, relation_f1={"rat": RELATION_F1}), before], relation_level="document"))
    assert "F1 of relations as pairs of concepts" in text
    assert "– / –" in text
    text = status_text(a_status([before], relation_level="document"))
    assert "F1 of relations as pairs of mentions" in text
    assert "71.3 / 100.0" in text


def test_a_status_says_nothing_of_relations_where_none_are_asked_for() -> None:
    assert "relations" not in status_text(a_status([a_round(1)]))


def a_finding(number: int, **more: object) -> AnswerPlace:
    values = {"document": f"d{number}", "role": "pool", "task": str(number), "annotation": f"{number}0"}
    return AnswerPlace(**(values | {"annotator": "ann@example.org"} | more))  # type: ignore[arg-type]


FOUND = Findings(
    unattended=(
        *(Unattended(a_finding(number), "prediction") for number in range(1, 24)),
        Unattended(a_finding(30), "propagated"),
    ),
    problems=tuple(NotUnderstood(a_finding(number), f"problem {number}") for number in range(40, 62)),
    slips=(Tidied(a_finding(70), 2, 0), Tidied(a_finding(71), 1, 1)),
    revised=(
        Revised(a_finding(80, annotator="bob@example.org"), "ann@example.org"),
        Revised(a_finding(81), "bob@example.org"),
    ),
)


@pytest.mark.parametrize("of", ["round", "status"])
def test_what_is_wrong_with_answers_is_told_in_every_round_and_status(of: str) -> None:
    status = a_status([a_round(0)], findings=FOUND)
    shown = round_text(a_report(), status) if of == "round" else status_text(status)
    assert too_long(shown) == []
    text = " ".join(shown.split())
    for part in (
        "23 annotations in Label Studio do not count: model output",
        "in the name of ann@example.org, which nobody has looked at: document d1 (task 1, annotation 10), document d2",
        "document d20 (task 20, annotation 200) and 3 more (biorat-al status --json has all)",
        "1 annotation in Label Studio does not count: copies of another task's annotation",
        "Actions, Delete Annotations, and choose ann@example.org",
        "3 mentions began or ended with a blank, which was cut off, and 1 mention was drawn twice",
        "document d40 (task 40, annotation 400): problem 40",
        "2 more parts of answers could not be understood",
        "bob@example.org after ann@example.org: document d80 (task 80, annotation 800)",
        "ann@example.org after bob@example.org: document d81",
    ):
        assert part in text


def test_nothing_is_told_of_answers_that_are_as_they_should_be() -> None:
    assert finding_notes(Findings()) == []
    assert notes_text([]) == []


def test_open_tasks_say_how_many_answers_they_want() -> None:
    seats = {"pool": 1500, "test": 3}
    status = a_status([a_round(0)], seats=seats, seats_now={"pool": 1400, "test": 2})
    text = " ".join(status_text(status).split())
    assert "1,000 open (for 1,500 more answers), 345 skipped" in text
    assert "right now 998 open (for 1,400 more answers) (pool), 2 open (test)" in text
    text = " ".join(round_text(a_report(), status).split())
    assert "1,000 open tasks (for 1,500 more answers) at" in text
    assert "3 blind test tasks at" in text


def test_a_round_counts_what_it_did_not_take() -> None:
    pulled = {"changed": 3, "revised": 2, "unattended": 4, "unknown_tasks": 1}
    text = " ".join(round_text(a_report(pull=pulled), a_status([a_round(0)])).split())
    assert "3 edited, 2 of them by somebody else than the author" in text
    assert "4 not counted, since nobody has looked at them" in text
    assert "1 task that this project did not make, left alone" in text


def test_the_price_is_shown_with_its_interval_and_what_it_rests_on() -> None:
    price = PriceEstimate(Price(0.371, 4.4, 4.4, 2.0, 1.5, 3.0), np.tile([0.2, 4, 4, 2, 1, 3], (9, 1)), ("added",), 12)
    text = " ".join(status_text(a_status(price=price)).split())
    assert "price in seconds: 0.37 a word read (0.20–0.20), 4.4 a mention added (as written), " in text
    assert "3.0 a task (3.0–3.0); fitted to 12 timed answers of 0 annotators; the price of added as written" in text
