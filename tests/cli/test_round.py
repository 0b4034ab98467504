"""``round`` from the command line: what it prints, what stops it, and how it goes on."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Document, Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.project import Project
from biorat_al.rounds import runner
from tests.support.commands import (
    PUBTATOR,
    be_quick,
    call,
    call_process,
    everything_in,
    nowhere,
    one_sentence,
)
from tests.support.rounds import PatientDesk, demo_files
from tests.support.trials import Make, make, patient

__all__ = ["make", "nowhere", "patient"]


@pytest.fixture(autouse=True)
def _outside(nowhere: Path) -> None:
    """No test of this file may find a server, a database or a project by itself."""


def rounds_of(project: Path) -> list[tuple[int, str]]:
    with Project.open(project) as opened:
        return [(row.number, row.state) for row in opened.status(ask_desk=False).rounds]


# where there is no project, or a broken one


@pytest.mark.parametrize("words", [["round"], ["status"], ["export", "out"], ["predict", "x", "--output", "y"]])
def test_outside_of_a_project_it_says_how_to_get_one(nowhere: Path, words: list[str]) -> None:
    line = one_sentence(call(*words))
    assert re.search(r"is not inside a biorat-al project; .*--project, or make one: biorat-al init", line), line
    assert everything_in(nowhere) == set()


def test_a_folder_that_is_no_project_is_named(nowhere: Path) -> None:
    assert re.search(
        r"here is not a biorat-al project: it has no biorat\.toml", one_sentence(call("status", "--project", nowhere))
    )
    assert call("status", "--project", Path(__file__)).code == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old_text", "new_text", "sentence"),
    [
        ("[training]", "[training", r"is not valid TOML: .*line \d+"),
        ("epochs = 1", "epoch = 1", r"training\.epoch: there is no such setting"),
        ("epochs = 1", "epochs = 0", r"training\.epochs: .*greater than or equal to 1"),
        (
            'strategy = "mnlp"',
            'strategy = "mlp"',
            r"selection\.strategy: there is no query strategy 'mlp'; there are: ",
        ),
        ('url = "sqlite"', 'url = "postgresql://me:sesame@h/x"', r"database\.url: it holds a password"),
    ],
)
def test_broken_settings_are_named_before_anything_happens(
    make: Make, old_text: str, new_text: str, sentence: str
) -> None:
    project = make()
    file = project / "biorat.toml"
    text = file.read_text(encoding="utf-8")
    assert old_text in text
    file.write_text(text.replace(old_text, new_text, 1), encoding="utf-8")
    for words in (["round"], ["status"], ["export", "out"]):
        line = one_sentence(call(*words, "--project", project))
        assert re.search(sentence, line), line
        assert str(file) in line
        assert "sesame" not in line
    file.write_text(text, encoding="utf-8")
    assert rounds_of(project) == []


def test_a_database_that_is_gone_is_named(make: Make) -> None:
    project = make()
    (project / "biorat.sqlite3").unlink()
    assert re.search(
        r"the database file .*biorat\.sqlite3 is missing", one_sentence(call("round", "--project", project))
    )
    assert not (project / "biorat.sqlite3").exists()


# rounds


def test_wrong_use_begins_no_round(make: Make) -> None:
    project = make()
    for words, sentence in (
        (["--size", "0"], "0 is not in the range x>=1"),
        (["--tokens", "0"], "0 is not in the range x>=1"),
        (["--size", "1", "--tokens", "1"], "--size and --tokens exclude each other"),
        (["--strategy", "oops"], "there is no query strategy 'oops'; there are: random"),
        (["--nothing"], "No such option"),
    ):
        for more in ([], ["--dry-run"]):
            outcome = call("round", "--project", project, *words, *more)
            assert outcome.code == 2
            assert sentence in outcome.err
            assert "Traceback" not in outcome.err
    assert rounds_of(project) == []


@pytest.mark.slow
def test_a_round_waits_while_tasks_are_open(make: Make, patient: Callable[..., PatientDesk]) -> None:
    project = make()
    desk = patient(project)
    assert call("round", "--project", project).code == 0
    for _ in range(2):
        line = one_sentence(call("round", "--project", project), 3)
        assert re.search(r"^3 of 3 tasks are still open; .*biorat-al round --partial$", line), line
    assert "It would wait: 3 tasks are still open" in call("round", "--dry-run", "--project", project).out
    assert rounds_of(project) == [(0, "done"), (1, "waiting")]
    assert "Round 1 waits for annotators; then: biorat-al round" in call("status", "--project", project).out
    desk.finish()
    outcome = call("round", "--project", project)
    assert outcome.code == 0
    assert "pull      3 new answers" in outcome.out


@pytest.mark.slow
def test_ctrl_c_is_no_failure_and_the_same_command_goes_on(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make()
    call("round", "--project", project)

    def interrupt(context: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(runner.STEPS, "predict", interrupt)
        outcome = call("round", "--project", project)
    assert outcome.code == 130
    # what is long goes on in a further line, which begins further to the right
    told = [line.split()[0] for line in outcome.out.splitlines() if re.match(r" {0,2}\S", line)]
    assert told == ["Round", "pull", "train"]
    assert outcome.err.strip() == "Interrupted. What is finished is kept: run the same command again to go on."
    status = call("status", "--project", project).out
    assert "Round 1 has not ended (step predict); to go on with it: biorat-al round" in status
    assert "Round 1 would go on" in call("round", "--dry-run", "--project", project).out
    outcome = call("round", "--project", project)
    assert outcome.code == 0
    assert outcome.out.startswith("Round 1 of trial\n  went on where it was cut off\n")
    assert rounds_of(project) == [(0, "done"), (1, "done")]


@pytest.mark.slow
def test_a_plan_keeps_to_what_a_round_was_asked_when_it_began(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make()
    call("round", "--project", project)

    def fail(context: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(runner.STEPS, "select", fail)
        call("round", "--project", project, "--size", "5", "--strategy", "entropy")
    assert "5 documents, by entropy" in call("round", "--dry-run", "--project", project).out


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_leaves_no_half_model(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make()
    call("round", "--project", project)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("biorat_al.learner.encoder.saved_model.write_flushed", full)
        line = one_sentence(call("round", "--project", project), after="pull")
    assert re.search(
        r"the model of [\d.]+ .B cannot be written to .*models: the disk is full: [\d.]+ .B of [\d.]+ .B are free at /",
        line,
    )
    assert list((project / "models").iterdir()) == []
    assert call("round", "--project", project).code == 0
    assert len(list((project / "models").iterdir())) == 3, "two arms and their committee"


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--debug", "round"], ["round", "--debug"], ["round", "--size", "1", "--debug"]])
def test_debug_shows_where_wherever_it_stands(nowhere: Path, words: list[str]) -> None:
    outcome = call_process(*words)
    assert outcome.code == 1
    assert outcome.err.startswith("Traceback (most recent call last)")
    assert "ProjectError" in outcome.err


def test_what_should_not_happen_says_how_to_see_more(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make()

    def fail(context: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setitem(runner.STEPS, "select", fail)
        line = one_sentence(call("round", "--project", project), after="predict")
    assert line.endswith("(ZeroDivisionError); add --debug to the same command to see where")


# Label Studio that is not there


@pytest.mark.slow
def test_without_a_server_it_says_how_to_get_one(make: Make) -> None:
    project = make(desk="label-studio")
    line = one_sentence(call("round", "--project", project))
    assert re.search(r"no Label Studio is known: start the local one with `biorat-al label-studio start`, or set", line)
    assert rounds_of(project) == []
    # what needs no server works
    assert call("status", "--project", project).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "key", "sentence"),
    [
        ("http://127.0.0.1:1", "", "LABEL_STUDIO_API_KEY is not set"),
        ("", "sesame", "LABEL_STUDIO_URL is not set"),
        ("nonsense", "sesame", "LABEL_STUDIO_URL is not an address of the form http://host:port: 'nonsense'"),
        ("http://127.0.0.1:1", "sesame open", "the token in LABEL_STUDIO_API_KEY holds characters that no token has"),
        ("http://127.0.0.1:1", "sesame", "no answer from Label Studio at http://127.0.0.1:1: is it running?"),
        ("http://me:sesame@127.0.0.1:1", "sesame", "no answer from Label Studio at http://127.0.0.1:1: is it running?"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_without_the_token(
    make: Make, monkeypatch: pytest.MonkeyPatch, url: str, key: str, sentence: str
) -> None:
    project = make(desk="label-studio")
    monkeypatch.setenv("LABEL_STUDIO_URL", url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", key)
    # gold in the test set and none in the pool: there is something to push
    after = "select" if "no answer" in sentence else ""
    line = one_sentence(call("round", "--project", project), after=after)
    assert sentence in line
    assert "sesame" not in line


@pytest.mark.slow
def test_a_server_that_is_down_now_does_not_stop_the_round_later(
    make: Make, monkeypatch: pytest.MonkeyPatch, patient: Callable[..., PatientDesk]
) -> None:
    project = make(desk="label-studio")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        monkeypatch.setenv("LABEL_STUDIO_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", "sesame")
        assert "is it running?" in one_sentence(call("round", "--project", project), after="select")
    patient(project, empty=True)
    outcome = call("round", "--project", project)
    assert outcome.code == 0
    assert outcome.out.startswith("Round 0 of trial\n  went on where it was cut off\n")
    assert "push      3 tasks" in outcome.out


def test_status_says_that_the_server_is_down_and_goes_on(
    make: Make, monkeypatch: pytest.MonkeyPatch, patient: Callable[..., PatientDesk]
) -> None:
    project = make(desk="label-studio")
    patient(project, empty=True)
    assert call("round", "--project", project).code == 0
    monkeypatch.undo()
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "sesame")
    outcome = call("status", "--project", project)
    assert (outcome.code, outcome.err) == (0, "")
    assert "no answer from Label Studio" in outcome.out
    assert (
        "no answer from Label Studio" in json.loads(call("status", "--json", "--project", project).out)["desk_problem"]
    )
    assert "no answer from" not in call("status", "--offline", "--project", project).out


# unusual corpora


@pytest.mark.slow
def test_documents_in_which_nothing_is_annotated_are_learnt_from(make: Make, nowhere: Path) -> None:
    documents = nowhere / "empty.jsonl"
    write_jsonl(documents, ((record.document, Annotation()) for record in list(read_demo_corpus())[:8]))
    project = make("--test-size", "2", documents=documents)
    for _ in range(2):
        assert call("round", "--project", project).code == 0
    status = json.loads(call("status", "--json", "--project", project).out)
    assert status["rounds"][1]["labelled"] == 3
    assert status["mentions"] == {}
    assert call("export", nowhere / "out.jsonl", "--format", "jsonl", "--project", project).code == 0
    assert [record.annotation for record in read_corpus(nowhere / "out.jsonl")] == [Annotation()] * 5


@pytest.mark.slow
def test_one_label_is_enough(make: Make, nowhere: Path, tiny_encoder: Path) -> None:
    documents, _ = demo_files(nowhere / "files", pool=8)
    words = [
        "--documents",
        documents,
        "--entity",
        "Disease",
        "--ignore-label",
        "Chemical",
        "--gold",
        "--desk",
        "oracle",
    ]
    assert call("init", "one", *words, "--encoder", tiny_encoder, "--size", 3, "--test-size", 2).code == 0
    be_quick(nowhere / "one")
    for _ in range(2):
        assert call("round", "--project", "one").code == 0
    assert list(json.loads(call("status", "--json", "--project", "one").out)["mentions"]) == ["Disease"]


def test_no_label_is_wrong_use(nowhere: Path) -> None:
    outcome = call("init", "one", "--documents", "x")
    assert outcome.code == 2
    assert "--entity" in outcome.err


@pytest.mark.slow
def test_a_single_document_makes_a_project(make: Make, nowhere: Path) -> None:
    documents = nowhere / "one.txt"
    documents.write_text(PUBTATOR.split("\n\n")[0] + "\n\n", encoding="utf-8")
    project = make(documents=documents)
    first, second, third = (call("round", "--project", project) for _ in range(3))
    assert (first.code, second.code, third.code) == (0, 0, 3)
    assert "train     1 document, 2 mentions" in second.out
    assert "evaluate  there is no test set" in second.out
    assert "The pool is used up. Next: biorat-al export" in second.out
    assert "the pool is used up" in third.err
    assert "It would wait: the pool is used up" in call("round", "--dry-run", "--project", project).out


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 6])
def test_blank_documents_do_not_stop_a_round(make: Make, nowhere: Path, size: int) -> None:
    texts = [
        "",
        " ",
        "\n\t \r\n",
        "\u00a0",
        "Asthma is common.",
        "Migraine is common.",
        "Nothing here.",
        "Asthma again.",
    ]
    documents = nowhere / "blank.jsonl"
    write_jsonl(documents, (Record(Document(f"d{i}", text), Annotation(), "") for i, text in enumerate(texts)))
    project = make("--test-size", "0", documents=documents, size=size)
    assert [call("round", "--project", project).code for _ in range(2)] == [0, 0]
    for out in ("out", "out.jsonl"):
        kind = "jsonl" if out.endswith("l") else "bigbio"
        assert call("export", nowhere / out, "--format", kind, "--project", project).code == 0
    read = {record.document.id: record.document.text for record in read_corpus(nowhere / "out.jsonl")}
    assert len(read) == size
    assert all(text == texts[int(key[1:])] for key, text in read.items())
    assert call("predict", documents, "--output", nowhere / "all.jsonl", "--project", project).code == 0


@pytest.mark.slow
def test_a_batch_without_any_text_leaves_the_next_one_to_be_asked_for(make: Make, nowhere: Path) -> None:
    documents = nowhere / "blank.jsonl"
    write_jsonl(documents, (Record(Document(f"d{i}", " " * i), Annotation(), "") for i in range(3)))
    project = make("--test-size", "0", documents=documents, size=1)
    outcomes = [call("round", "--project", project) for _ in range(4)]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0, 0]
    assert "the annotated documents hold no text to train on" in " ".join(outcomes[1].out.split())
    assert "the pool is used up" in outcomes[3].out
    assert call("round", "--project", project).code == 3


def test_a_log_says_of_each_step_when_it_was_done_as_soon_as_it_is(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make()

    def fail(context: object) -> None:
        raise OSError(errno.EIO, "the machine goes down")

    with monkeypatch.context() as patched:
        patched.setitem(runner.STEPS, "push", fail)
        failed = call("round", "--project", project)
    assert failed.code == 1
    (select,) = re.findall(r"^  select    3 documents .*$", failed.out, re.M)
    (when,) = re.findall(r", done (\d{4}-\d\d-\d\d \d\d:\d\d)\)", " ".join(failed.out.split()))
    assert abs(datetime.now() - datetime.fromisoformat(when)) < timedelta(hours=1), "not the reader's own clock"  # noqa: DTZ005
    # the next run says it again, and what it did itself
    went_on = call("round", "--project", project)
    assert went_on.out.startswith("Round 0 of trial\n  went on where it was cut off\n")
    assert " ".join(select.split()) in " ".join(went_on.out.split())
    assert " ".join(went_on.out.split()).count(" done 20") == 2
    assert went_on.err.startswith("Round 0 was cut off")


@pytest.mark.slow
def test_a_round_is_quiet_where_nobody_watches(make: Make) -> None:
    project = make()
    call("round", "--project", project)
    outcome = call_process("round", cwd=project)  # one that trains, evaluates and predicts
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Round 1 of trial\n")
    assert max(map(len, outcome.out.splitlines())) <= 80
