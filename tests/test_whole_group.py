"""Three annotators and an adjudicator on a real server, from the invitation to the published corpus.

Each of them does one task in the front end, and the others through its interface. All figures are counted by hand.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.project import Project
from biorat_al.store.tables import SeatRow
from biorat_al.store.team.members import member_projects
from tests.support.browser import drag, log_in, open_label_stream, shown_task, sign_up
from tests.support.commands import call
from tests.support.group import seats
from tests.support.labelstudio import Annotator, RunningLabelStudio, drawn
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import database, environment
from tests.test_two_in_the_front_end import submit

pytestmark = pytest.mark.slow(300)

__all__ = ["database", "environment"]


@dataclass
class Person:
    """Somebody with an account, in the front end and through the interface."""

    email: str
    password: str
    annotator: Annotator


@dataclass
class Group:
    """The project, its server, and a browser in which one person at a time works."""

    server: RunningLabelStudio
    project: Project
    page: Any
    people: dict[str, Person] = field(default_factory=dict)

    def run(self, *words: str, code: int = 0) -> str:
        outcome = call(*words, "--project", str(self.project.folder))
        assert outcome.code == code, (outcome.out, outcome.err)
        return outcome.out

    def join(self) -> Person:
        """Let somebody follow the invitation in the browser."""
        email, password = f"{secrets.token_hex(4)}@example.org", secrets.token_urlsafe(12)
        link = self.server.url + str(self.server.annotator().request("GET", "/api/invite")["invite_url"])
        sign_up(self.page, link, email, password)
        http = httpx.Client(base_url=self.server.url, timeout=60, trust_env=False)
        for cookie in self.page.context.cookies():
            http.cookies.set(cookie["name"], cookie["value"])
        person = Person(email, password, Annotator.logged_in(http, email))
        self.people[email] = person
        return person

    def given(self, *states: str, role: str | None = None) -> dict[tuple[str, str], SeatRow]:
        """Return the seats by name and document."""
        found = {(name, key): row for name, key, row in seats(self.project, *states)}
        return {place: row for place, row in found.items() if role in (None, row.role)}

    def text(self, task: str) -> str:
        return str(self.server.annotator().open(task)["data"]["text"])

    def in_the_browser(self, person: Person, reference: str, *, mark: bool) -> str:
        """Submit the first task that a person is offered, with its first word marked; return its id."""
        self.page.context.clear_cookies()
        log_in(self.page, self.server.url, person.email, person.password)
        open_label_stream(self.page, f"{self.server.url}/projects/{reference}")
        task = shown_task(self.page)
        if mark:
            self.page.keyboard.press("1")
            drag(self.page, first_word(self.text(task)))
        submit(self.page)
        return task


def first_word(text: str) -> str:
    found = re.match(r"\w+", text)
    assert found is not None
    return found[0]


def words_of(text: str, *labels: str) -> list[dict[str, Any]]:
    """Return the first words of a text, marked with these labels."""
    places = [found.span() for found in re.finditer(r"\w+", text)]
    return [drawn(text, *place, label) for place, label in zip(places, labels, strict=False)]


def content(annotation: Annotation, text: str) -> list[tuple[str, str]]:
    return sorted((entity.label, entity.surface(text)) for entity in annotation.entities)


def test_a_group_goes_from_the_invitation_to_a_published_corpus(
    environment: RunningLabelStudio,
    database: Callable[[], dict[str, Any]],
    tiny_encoder: Path,
    page: Any,
    tmp_path: Path,
) -> None:
    settings = settings_for(
        tiny_encoder,
        **database(),
        desk={"kind": "label-studio"},
        team={"double": 0.5},
        training={"epochs": 1, "min_steps": 3, "batch_size": 4, "arms": ("none",), "selecting_arm": "none"},
    )
    bare = [Record(one.document, None, one.source) for one in read_demo_corpus()]
    with make_project(tmp_path / "trial", settings, gold=False, records=bare, pool=14, test=2) as project:
        group = Group(environment, project, page)
        ann, bob, cyd, lead = (group.join() for _ in range(4))
        said = group.run("team", "add", ann.email, bob.email, cyd.email, "--adjudicator", lead.email)
        assert len(re.findall("has an account", said)) == 4
        group.run("round")
        both = {key for (_, key), row in group.given().items() if row.double}
        pairs = Counter(tuple(sorted(name for name, other in group.given() if other == key)) for key in both)
        # half of six documents and both test documents, spread over three pairs
        assert sorted(pairs.values()) == [1, 2, 2]
        assert Counter(key for _, key in group.given(role="test")) == dict.fromkeys(
            {key for _, key in group.given(role="test")}, 2
        )
        assert len(group.given()) == 6 + 3 + 2 * 2

        # one task of hers goes to somebody else before she has seen it
        group.run("team", "reassign", cyd.email, "--to", ann.email, "--limit", "1")
        given = group.given("open")
        assert len(given) == 6 + 3 + 2 * 2

        # each does one task in the front end
        with project.store.read() as session:
            rows = {row.member_id: row.reference for row in member_projects(session, "pool")}
        done = {
            group.in_the_browser(person, rows[row.member_id], mark=True)
            for person in (ann, bob, cyd)
            for row in [next(row for (name, _), row in given.items() if name == person.email and row.role == "pool")]
        }
        assert done <= {str(row.desk_task_id) for row in given.values()}

        # and the others through the interface: the first word is a disease; once, somebody sees a chemical beside it
        disputed, differing = next(
            (key, place)
            for place, row in given.items()
            for key in [place[1]]
            if row.double and row.role == "pool" and str(row.desk_task_id) not in done
        )
        for place, row in given.items():
            task = str(row.desk_task_id)
            if task not in done:
                labels = ("Disease", "Chemical") if place == differing else ("Disease",)
                group.people[place[0]].annotator.submit(task, words_of(group.text(task), *labels))

        # somebody changes what another one said
        times = Counter(key for _, key in given)
        hers = next(
            row for (name, key), row in given.items() if name == ann.email and times[key] == 1 and row.role == "pool"
        )
        task = bob.annotator.open(str(hers.desk_task_id))
        bob.annotator.edit(str(task["annotations"][0]["id"]), words_of(task["data"]["text"], "Chemical"))

        said = " ".join(group.run("round").split())
        assert "6 documents, 6 mentions" in said
        assert "1 disputed mention masked" in said
        assert f"{bob.email} after {ann.email}" in said

        # three documents of the pool and two blind ones, a mention each that both have, and one that one has
        found = json.loads(group.run("agreement", "--json"))
        assert found["documents"] == 5
        assert found["all_pairs"]["overall"]["strict"]["value"] == pytest.approx(2 * 5 / (5 + 6))
        status = json.loads(group.run("status", "--json"))
        assert status["disputes"]["mentions"] == 1
        assert status["labelled"]["pool"] == 6

        # the adjudicator finds that both are right, and submits what is marked
        assert group.run("adjudicate").startswith("1 task made")
        reference = project.status(ask_desk=False).urls["disputes"].rstrip("/").rsplit("/", 1)[1]
        group.in_the_browser(lead, reference, mark=False)
        for (name, _), row in group.given("open").items():
            group.people[name].annotator.submit(str(row.desk_task_id), [])
        group.run("round")
        status = json.loads(group.run("status", "--json"))
        assert status["labelled"]["pool"] == 12
        assert status["disputes"]["mentions"] == 0

        work = {one["name"]: one for one in json.loads(group.run("team", "status", "--json"))["people"]}
        for person in (ann, bob, cyd):
            own = [row.state for (name, _), row in group.given("open", "answered").items() if name == person.email]
            one = work[person.email]
            assert (one["assigned"], one["open"]) == (len(own), own.count("open"))
            # what bob changed is his, and no longer hers
            assert one["done"] == own.count("answered") + (person is bob) - (person is ann)
        assert work[lead.email]["role"] == "adjudicator"

        group.run("export", str(tmp_path / "corpus.jsonl"), "--format", "jsonl")
        corpus = {one.document.id: one for one in read_corpus(tmp_path / "corpus.jsonl")}
        texts = {key: one.document.text for key, one in corpus.items()}
        annotation = corpus[disputed].annotation
        assert annotation is not None
        first, second = (found.group() for found in list(re.finditer(r"\w+", texts[disputed]))[:2])
        assert content(annotation, texts[disputed]) == [("Chemical", second), ("Disease", first)]
        group.run("export", str(tmp_path / "corpus"))
        page_of_report, _ = project.report(tmp_path / "report.html")
        published = [page_of_report.read_text(encoding="utf-8")] + [
            path.read_text(encoding="utf-8") for path in (tmp_path / "corpus").rglob("*.md")
        ]
        for text in published:
            assert not [email for email in group.people if email in text]
