"""What goes wrong in the middle of a project, on a real Label Studio and a real Postgres: the rounds go on, and what
each person answered is in the export."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import URL

from biorat_al.corpus.reading import read_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.project import Project
from biorat_al.store.database.engine import DATABASE_VARIABLE
from tests.rounds.test_lock import end_the_lock_s_connection
from tests.rounds.test_one_round_on_two_machines import wait_for_training
from tests.support.commands import Outcome, be_quick, call, nowhere, one_sentence
from tests.support.labelstudio import Annotator, RunningLabelStudio, drawn
from tests.support.rounds import demo_files, run_killed

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

__all__ = ["nowhere"]

Words = tuple[tuple[int, str], ...]
"""What somebody marks in a document: the numbers of words, each with its label."""


class Trial:
    """A project on both servers, the people who annotate in it, and what they said.

    :ivar said: by document, what each person answered last, by hand and not read back from anywhere.
    """

    def __init__(self, folder: Path, server: RunningLabelStudio, database: URL) -> None:
        self.folder = folder
        self.server = server
        self.database = database
        self.said: dict[str, dict[str, Words]] = {}

    @property
    def connection(self) -> Connection:
        return Connection(self.server.url, self.server.token)

    @property
    def reference(self) -> str:
        """The pool's project in Label Studio."""
        with Project.open(self.folder) as project:
            return project.status(ask_desk=False).urls["pool"].rstrip("/").rsplit("/", 1)[1]

    def round(self, *words: str, code: int = 0) -> str:
        """Run a round and return what it printed, on one line."""
        said = one_line(call("round", "--project", self.folder, *words), code)
        assert "Traceback" not in said
        return said

    def tasks(self) -> dict[str, list[str]]:
        """Return the ids of each document's tasks that are in Label Studio, the oldest first."""
        found: dict[str, list[str]] = {}
        for task in self.connection.tasks(self.reference, include="id,data"):
            found.setdefault(task["data"]["document_id"], []).append(str(task["id"]))
        return found

    def answer(self, person: Annotator, key: str, words: Words, *, task: str | None = None) -> str:
        """Let somebody mark words of a document and submit."""
        ident = task or self.tasks()[key][0]
        self.said.setdefault(key, {})[person.email] = words
        return person.submit(ident, self._regions(person, ident, words))

    def change(self, person: Annotator, key: str, answer: str, words: Words) -> None:
        """Let somebody change an answer."""
        self.said[key][person.email] = words
        person.edit(answer, self._regions(person, self.tasks()[key][0], words))

    def doubled(self, *keys: str) -> dict[str, str]:
        """Import tasks a second time; return the ids of the copies."""
        before = self.tasks()
        data = [self.connection.get(f"api/tasks/{before[key][0]}/")["data"] for key in keys]
        body = [{"data": one} for one in data]
        self.connection.request("POST", f"api/projects/{self.reference}/import", body=body)
        return {key: self.tasks()[key][1] for key in keys}

    def _regions(self, person: Annotator, task: str, words: Words) -> list[dict[str, Any]]:
        content = person.open(task)["data"]["text"]
        places = [found.span() for found in re.finditer(r"\w+", content)]
        return [drawn(content, *places[number], label) for number, label in words]

    def check_export(self, *people: Annotator) -> None:
        """Compare what is exported with what people said: who answered which document, and what counts.

        :param people: in the order of their first answers.
        """
        names = {person.email: f"annotator-{number}" for number, person in enumerate(people, start=1)}
        corpus = self.folder.parent / "corpus"
        for place, form in ((corpus, "bigbio"), (corpus.with_suffix(".jsonl"), "jsonl")):
            outcome = call("export", place, "--format", form, "--project", self.folder)
            assert outcome.code == 0, outcome
        exported = {}
        for record in read_corpus(corpus.with_suffix(".jsonl")):
            numbers = {found.span(): number for number, found in enumerate(re.finditer(r"\w+", record.document.text))}
            assert record.annotation is not None
            spans = [(tuple(entity.spans[0]), entity.label) for entity in record.annotation.entities]
            exported[record.document.id] = {(numbers[span], label) for span, label in spans}
        # where two answered the same document they said the same
        assert exported == {key: set(next(iter(said.values()))) for key, said in self.said.items()}
        rows = pq.read_table(corpus / "provenance" / "annotations.parquet").to_pylist()
        credited = {
            row["document_id"]: sorted(part["annotator"] for part in row["by"])
            for row in rows
            if row["item"] == "document"
        }
        assert credited == {key: sorted(names[email] for email in said) for key, said in self.said.items()}


@pytest.fixture
def trial(
    nowhere: Path,
    tiny_encoder: Path,
    label_studio: RunningLabelStudio,
    new_postgres_database: Callable[[], URL],
    monkeypatch: pytest.MonkeyPatch,
) -> Trial:
    """Return a project of twelve documents, of which four are asked for in a round; the first round has pushed them."""
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    database = new_postgres_database()
    monkeypatch.setenv(DATABASE_VARIABLE, database.render_as_string(hide_password=False))
    documents, _ = demo_files(nowhere / "files", pool=12, test=0, gold=False)
    options = ["--documents", documents, "--test-size", "0", "--encoder", tiny_encoder, "--size", "4"]
    outcome = call("init", nowhere / "trial", *options, "--entity", "Disease", "--entity", "Chemical")
    assert outcome.code == 0, outcome
    be_quick(nowhere / "trial")
    trial = Trial(nowhere / "trial", label_studio, database)
    trial.round()
    return trial


@pytest.fixture
def its_database(label_studio: RunningLabelStudio) -> Iterator[sqlite3.Connection]:
    """Label Studio's own database, beside the running server."""
    (file,) = Path(label_studio.server.home).rglob("label_studio.sqlite3")
    with closing(sqlite3.connect(file, timeout=30)) as database:
        yield database


def test_after_a_restore_a_doubled_import_and_a_clock_set_back_every_answer_is_in_the_export(
    trial: Trial, its_database: sqlite3.Connection
) -> None:
    ann, bob = trial.server.annotator(), trial.server.new_annotator()
    one, two, three, four = trial.tasks()
    first = trial.answer(ann, one, ((0, "Disease"),))
    trial.answer(ann, two, ())
    trial.answer(bob, three, ((1, "Chemical"), (3, "Disease")))
    assert "1 of 4 tasks are still open" in trial.round(code=3)

    with closing(sqlite3.connect(":memory:")) as backup:
        its_database.backup(backup)
        # what is fetched afterwards, and then lost by the restore
        trial.change(ann, one, first, ((0, "Chemical"), (2, "Disease")))
        trial.answer(bob, four, ((2, "Disease"),))
        trial.round()
        pushed = [key for key in trial.tasks() if key not in (one, two, three, four)]
        assert len(pushed) == 4
        trial.answer(ann, pushed[0], ((1, "Disease"),))
        assert "3 of 8 tasks are still open" in trial.round(code=3)
        backup.backup(its_database)
    assert list(trial.tasks()) == [one, two, three, four]
    said = trial.round("--partial")
    assert "2 of Label Studio's tasks are in an earlier state" in said
    assert "3 tasks had no answer and went with the backup that was restored: their documents can be asked for" in said

    new = [key for key in trial.tasks() if key not in (one, two, three, four)]
    assert len(new) == 4
    assert pushed[0] not in new

    # a proxy sends the import a second time, and each of the two is answered by somebody
    copies = trial.doubled(new[0], new[1])
    trial.answer(ann, new[0], ((0, "Disease"),), task=copies[new[0]])
    trial.answer(bob, new[0], ((0, "Disease"),))
    trial.answer(bob, new[1], (), task=copies[new[1]])
    trial.answer(ann, new[2], ((2, "Chemical"),))
    # he has answered it before the restore, and finds it open again
    trial.answer(bob, four, ((3, "Chemical"),))
    # the clock goes back to before all of that
    with its_database:
        for table, answered in (("task", "id"), ("task_completion", "task_id")):
            its_database.execute(
                f"UPDATE {table} SET updated_at = datetime(updated_at, '-1 day') WHERE {answered} IN (?, ?)",
                (trial.tasks()[new[2]][0], copies[new[1]]),
            )
    said = trial.round(code=3)
    assert "1 of " in said
    assert f"2 documents have more than one task in Label Studio ({new[0]}, {new[1]})" in said
    trial.answer(ann, new[3], ((1, "Disease"), (2, "Disease")))
    trial.round()
    trial.answer(bob, max(trial.tasks(), key=lambda key: int(trial.tasks()[key][-1])), ())
    trial.round("--partial")
    # of the twelve documents the one that was answered and went with the backup alone has no task by now
    assert (len(trial.tasks()), pushed[0] in trial.tasks()) == (11, False)
    trial.check_export(ann, bob)


def test_when_the_lock_s_connection_ends_in_training_one_of_two_machines_goes_on_and_nothing_is_pushed_twice(
    trial: Trial, tmp_path: Path
) -> None:
    ann, bob = trial.server.annotator(), trial.server.new_annotator()
    one, two, three, four = trial.tasks()
    for key, person, words in (
        (one, ann, ((0, "Disease"), (1, "Chemical"))),
        (two, bob, ((2, "Disease"),)),
        (three, ann, ()),
        (four, bob, ((1, "Chemical"),)),
    ):
        trial.answer(person, key, words)
    settings = trial.folder / "biorat.toml"
    settings.write_text(settings.read_text().replace("min_steps = 3\n", "min_steps = 200\n"))
    machines = trial.folder, tmp_path / "second machine" / "trial"
    shutil.copytree(*machines)

    words = [sys.executable, "-m", "biorat_al", "round", "--project", str(machines[0])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as running:
        try:
            wait_for_training(machines[0], running)
            refused = one_sentence(call("round", "--project", machines[1]))
            assert "another round of this project is running (database connection" in refused
            end_the_lock_s_connection(trial.database)
            trial.folder = machines[1]
            said = trial.round()
            out, err = running.communicate(timeout=120)
        finally:
            running.kill()
    assert "Round 1 was cut off; it goes on where it stopped" in said
    assert re.fullmatch(r"Error: this round has lost its lock \(.*run the same command again\n", err), err
    assert (running.returncode, "Traceback" in out) == (1, False)
    # what it had done by then, and nothing of how the round went on
    assert re.fullmatch(r"Round 1 of trial\n  pull +4 new answers .*\n", out), out
    assert [len(ids) for ids in trial.tasks().values()] == [1] * 8
    # whoever was stopped runs the same command again, and hears what there is to do
    assert "4 of 8 tasks are still open" in one_line(call("round", "--project", machines[0]), 3)

    # the folder of the model is lost between two steps of the next round
    for key in [key for key in trial.tasks() if key not in (one, two, three, four)]:
        trial.answer(bob, key, ((0, "Disease"),))
    settings = machines[1] / "biorat.toml"
    settings.write_text(settings.read_text().replace("min_steps = 200\n", "min_steps = 3\n"))
    assert run_killed(machines[1], "after:train") == -9
    shutil.rmtree(machines[1] / "models")
    assert "is gone from" in trial.round()
    assert [len(ids) for ids in trial.tasks().values()] == [1] * 12
    trial.check_export(ann, bob)


def one_line(outcome: Outcome, code: int) -> str:
    """Return what a command printed, on one line, if it ended as it should."""
    assert outcome.code == code, outcome
    return " ".join((outcome.out + outcome.err).split())
