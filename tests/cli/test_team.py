"""``biorat-al team``: inviting people, what each has done, and what happens to their names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, select

from biorat_al.corpus.model.document import Document, Record
from biorat_al.errors import NothingToDoYet
from biorat_al.project import Project
from biorat_al.store.answers import annotators
from biorat_al.store.database.engine import DATABASE_VARIABLE
from biorat_al.store.database.integrity import check_rows
from biorat_al.store.tables import AnnotationRow, Base, DocumentRow, RoundRow, SeatRow
from biorat_al.store.team.members import find_member, members
from biorat_al.store.team.seats import seats_in_state
from biorat_al.wording import plural
from tests.people.factories import AT, TEXT, add_answer, marked, mention, text_project
from tests.support.commands import call, nowhere, one_sentence
from tests.support.fake_label_studio import FakeLabelStudio, fake_label_studio
from tests.support.labelstudio import RunningLabelStudio
from tests.support.rounds import make_project, settings_for

__all__ = ["nowhere"]

ANN, BOB, CYD, LEAD = (f"{name}@example.org" for name in ("ann", "bob", "cyd", "lead"))
LINK = "/user/signup/?token=abc"

DRUG, HEADACHE, SEVERE = mention("Chemical", (0, 7)), mention("Disease", (22, 30)), mention("Disease", (15, 30))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Provide settings of a database, of each kind in turn."""
    if request.param == "sqlite":
        return {}
    url: URL = request.getfixturevalue("new_postgres_database")()
    monkeypatch.setenv(DATABASE_VARIABLE, url.render_as_string(hide_password=False))
    return {"database": {"url": "environment"}}


@pytest.fixture
def project(nowhere: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project on Label Studio that nobody has answered yet."""
    records = [Record(Document(f"p{number}", f"{TEXT} {number}"), None, "made") for number in range(10)]
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    with make_project(nowhere / "trial", settings, gold=False, pool=6, test=4, records=records) as made:
        yield made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLabelStudio]:
    """Provide a server that knows Ann and somebody of another organisation."""
    users = [
        {"id": 1, "email": ANN, "active_organization": 1, "last_activity": "2020-01-02T00:00:00Z"},
        {"id": 2, "email": "Away@example.org", "active_organization": 2},
        {"id": 3, "email": "Deleted", "active_organization": None},
    ]
    answers: dict[str, Any] = {
        "/api/users/": users,
        "/api/current-user/whoami": users[0],
        "/api/invite": {"token": "abc", "invite_url": LINK},
    }
    with fake_label_studio() as fake:
        fake.change = lambda method, path, right: answers.get(path, right)
        monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", "secret-token")
        yield fake


def flat(text: str) -> str:
    return " ".join(text.split())


def holds(project: Project, name: str) -> bool:
    """Return whether a name is anywhere in the project's database, or in a file of its folder."""
    with project.store.read() as session:
        rows = [str(row) for table in Base.metadata.sorted_tables for row in session.execute(table.select())]
    files = [path.read_bytes().lower() for path in project.folder.rglob("*") if path.is_file()]
    return name in "\n".join(rows).lower() or any(name.encode() in one for one in files)


def team_of(project: Project) -> dict[str, tuple[str, bool]]:
    with project.store.read() as session:
        return {row.name: (row.role, row.left_at is None) for row in members(session, with_left=True)}


def add_round(project: Project) -> None:
    with project.store.write() as session:
        session.add(
            RoundRow(number=0, state="done", request={}, settings={}, program_version="1", started_at=AT, ended_at=AT)
        )


def seat(project: Project, key: str, name: str, state: str = "open", **columns: Any) -> None:
    """Ask a member for a document."""
    with project.store.write() as session:
        member = find_member(session, name)
        (document,) = session.scalars(select(DocumentRow.id).where(DocumentRow.key == key))
        assert member is not None
        values = {"document_id": document, "member_id": member.id, "role": "pool", "state": state, "round_number": 0}
        session.add(SeatRow(**values, assigned_at=AT, **columns))


def test_added_people_get_a_link_and_a_letter_and_those_with_an_account_are_told_apart(
    project: Project, server: FakeLabelStudio
) -> None:
    outcome = call("team", "add", "Ann@Example.org", BOB, "--adjudicator", LEAD, "--project", project.folder)
    assert (outcome.code, outcome.err) == (0, "")
    text = flat(outcome.out)
    assert f"{ANN} annotator has an account" in text
    assert f"{BOB} annotator no account yet" in text
    assert f"{LEAD} adjudicator no account yet" in text
    assert f"{server.url}{LINK}" in text
    assert f"To send to {BOB}, {LEAD}:" in text
    assert f"To send to {ANN}:" in text
    assert "secret-token" not in outcome.out
    assert team_of(project) == {ANN: ("annotator", True), BOB: ("annotator", True), LEAD: ("adjudicator", True)}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["bob"], "'bob' is not an e-mail address"),
        (["bob@"], "'bob@' is not an e-mail address"),
        (["a b@example.org"], "is not an e-mail address"),
        ([f"{BOB},{CYD}"], "is not an e-mail address"),
        ([""], "'' is not an e-mail address"),
        (["x" * 300 + "@example.org"], "is not an e-mail address"),
        ([BOB, "BOB@example.org"], f"{BOB} is given twice"),
        ([CYD, "--adjudicator", CYD], f"{CYD} is given twice"),
        (["away@example.org"], "works in another organisation of the server"),
        ([CYD, LEAD], f"{LEAD} is in the team already, as adjudicator"),
        ([CYD, "gone@example.org"], "gone@example.org has answered in this project and is no longer a user"),
    ],
)
def test_whoever_cannot_be_added_is_named_and_nobody_is(
    project: Project, server: FakeLabelStudio, names: list[str], told: str
) -> None:
    call("team", "add", "--adjudicator", LEAD, "--project", project.folder)
    with project.store.write() as session:
        add_answer(session, "p4", "gone@example.org", marked(DRUG))
    assert told in one_sentence(call("team", "add", *names, "--project", project.folder), 2)
    assert team_of(project) == {LEAD: ("adjudicator", True)}


def test_nobody_named_is_wrong_use(project: Project) -> None:
    outcome = call("team", "add", "--project", project.folder)
    assert outcome.code == 2
    assert "Nobody is named" in outcome.err


def test_without_a_server_nobody_is_added(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "secret-token")
    assert "127.0.0.1:9" in one_sentence(call("team", "add", ANN, "--project", project.folder))
    assert team_of(project) == {}


def test_whoever_leaves_gets_no_more_tasks_and_can_come_back(project: Project, server: FakeLabelStudio) -> None:
    add_round(project)
    call("team", "add", ANN, BOB, "--project", project.folder)
    seat(project, "p4", BOB)
    seat(project, "p5", BOB, "answered")
    outcome = call("team", "leave", "Bob@example.org", "--project", project.folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{BOB} gets no more tasks" in flat(outcome.out)
    assert "1 task is still open there" in flat(outcome.out)
    assert f"biorat-al team reassign {BOB} --to {ANN}" in outcome.out
    assert team_of(project)[BOB] == ("annotator", False)
    again = one_sentence(call("team", "leave", BOB, "--project", project.folder), 2)
    assert again == f"Error: {BOB} is not in the team; in it: {ANN}"
    back = call("team", "add", BOB, "--project", project.folder)
    assert f"{BOB} annotator is back; no account yet" in flat(back.out)
    assert team_of(project)[BOB] == ("annotator", True)


def test_status_shows_tasks_time_without_breaks_and_agreement(project: Project, server: FakeLabelStudio) -> None:
    add_round(project)
    call("team", "add", ANN, BOB, "--adjudicator", LEAD, "--project", project.folder)
    for key, state in (("p4", "answered"), ("p5", "answered"), ("p6", "open"), ("p7", "skipped"), ("p8", "moved")):
        seat(project, key, ANN, state)
    seat(project, "p4", BOB, "answered")
    later = datetime(2020, 1, 3, tzinfo=UTC)
    with project.store.write() as session:
        add_answer(session, "p4", ANN, marked(DRUG, HEADACHE), lead_time=60.0)
        add_answer(session, "p5", ANN, marked(DRUG), lead_time=60.0)
        add_answer(session, "p7", ANN, marked(), lead_time=5.0, skipped=True)
        add_answer(session, "p4", BOB, marked(DRUG, SEVERE), lead_time=36_000.0, updated_at=later)
        add_answer(session, "p9", CYD, marked(DRUG))
    outcome = call("team", "status", "--project", project.folder, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    ann, bob, lead, cyd = json.loads(outcome.out)["people"]
    assert (ann["name"], ann["pseudonym"], ann["role"], ann["has_account"]) == (ANN, "annotator-1", "annotator", True)
    assert (ann["assigned"], ann["open"], ann["done"], ann["skipped"]) == (4, 1, 2, 1)
    assert (ann["seconds"], ann["timed_answers"], ann["breaks"], ann["untimed_answers"]) == (120.0, 2, 0, 0)
    assert ann["seen"] == "2020-01-02T00:00:00+00:00"
    assert ann["agreement"] == {"f1": 0.5, "interval": None, "documents": 1}
    assert (bob["has_account"], bob["assigned"], bob["done"], bob["breaks"]) == (False, 1, 1, 1)
    assert 5 < bob["seconds"] < 600
    assert datetime.fromisoformat(bob["seen"]) == later
    assert bob["agreement"] == ann["agreement"]
    assert (lead["role"], lead["assigned"], lead["seen"], lead["agreement"]) == ("adjudicator", 0, None, None)
    assert (cyd["role"], cyd["assigned"], cyd["done"], cyd["untimed_answers"]) == ("not in the team", 0, 1, 1)
    text = call("team", "status", "--project", project.folder)
    assert (text.code, text.err) == (0, "")
    assert f"1 {ANN} 2 {BOB} 3 {LEAD} (adjudicator) 4 {CYD} (not in the team) assigned" in flat(text.out)
    assert "1 4 1 2 1 2 2020-01-02 50.0 on 1 2 1 0 1 0" in flat(text.out)
    assert "1 answer was interrupted by a break" in flat(text.out)
    assert f"No account on the desk: {BOB}, {LEAD}." in flat(text.out)
    assert max(map(len, text.out.splitlines())) <= 80


def test_status_without_a_server_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "secret-token")
    empty = call("team", "status", "--project", project.folder)
    assert (empty.code, empty.out) == (0, "Nobody is in the team. To add somebody: biorat-al team add\n")
    with project.store.write() as session:
        add_answer(session, "p4", ANN, marked(DRUG), updated_at=datetime.now(UTC) - timedelta(minutes=5))
    outcome = call("team", "status", "--project", project.folder)
    assert outcome.code == 0
    assert "5 minutes ago" in flat(outcome.out)
    assert "the desk did not answer" in flat(outcome.out)


def test_invited_people_sign_up_and_are_known(
    project: Project, label_studio: RunningLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    someone = label_studio.invited()
    outcome = call("team", "add", someone.email, BOB, "--project", project.folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{someone.email} annotator has an account" in flat(outcome.out)
    assert f"{label_studio.url}/user/signup/?token=" in outcome.out
    people = project.team.status().people
    assert {one.name: one.has_account for one in people} == {someone.email: True, BOB: False}
    assert people[0].seen is not None


def test_a_forgotten_name_is_nowhere_in_the_project_and_the_work_counts_as_before(
    nowhere: Path, tiny_encoder: Path, server: FakeLabelStudio, database: dict[str, Any]
) -> None:
    with text_project(nowhere, tiny_encoder, pool=6, test=4, **database) as project:
        forgets(project)


def forgets(project: Project) -> None:
    add_round(project)
    call("team", "add", ANN, BOB, "--project", project.folder)
    raw = {"completed_by": {"id": 2, "email": BOB, "first_name": "Bob", "last_name": "Builder"}, "note": f"by {BOB}"}
    with project.store.write() as session:
        add_answer(session, "d4", ANN, marked(DRUG), revises=BOB)
        add_answer(session, "d5", ANN, marked(DRUG))
        columns = {"raw": raw, "problems": [f"{BOB} drew nothing"], "desk_annotation_id": "2"}
        add_answer(session, "d5", BOB, marked(DRUG, SEVERE), **columns)
        session.get_one(RoundRow, 0).settings = {"team": {"ties": f"prefer:{BOB}"}}
    assert holds(project, BOB)
    before = project.agreement().as_dict(examples=3)
    outcome = call("team", "forget", BOB.upper(), "--project", project.folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert "1 answer stays under the pseudonym annotator-1" in flat(outcome.out)
    assert not holds(project, BOB)
    with project.store.read() as session:
        assert check_rows(session) == 0
        assert annotators(session) == ["annotator-1", ANN]
        row = session.scalars(select(AnnotationRow).where(AnnotationRow.annotator == "annotator-1")).one()
        assert row.raw == {"completed_by": {"id": 2}, "note": "by annotator-1"}
        assert session.get_one(RoundRow, 0).settings == {"team": {"ties": "prefer:annotator-1"}}
    assert project.agreement().as_dict(examples=3) == before
    assert team_of(project) == {ANN: ("annotator", True), "annotator-1": ("annotator", False)}
    again = one_sentence(call("team", "forget", BOB, "--project", project.folder), 2)
    assert f"'{BOB}' has not answered in this project" in again
    assert "was removed from this project" in one_sentence(call("team", "add", BOB, "--project", project.folder), 2)


def test_what_still_has_the_name_is_listed(project: Project) -> None:
    with project.store.write() as session:
        add_answer(session, "p4", BOB, marked(DRUG))
    (project.folder / "notes.txt").write_text(f"ask {BOB}", encoding="utf-8")
    outcome = call("team", "forget", BOB, "--project", project.folder)
    assert "- the file notes.txt" in outcome.out
    assert "the account and its answers on the desk, Label Studio" in flat(outcome.out)


def test_a_name_is_not_forgotten_while_tasks_wait_for_that_person(project: Project, server: FakeLabelStudio) -> None:
    add_round(project)
    call("team", "add", ANN, BOB, "--project", project.folder)
    seat(project, "p4", BOB)
    told = one_sentence(call("team", "forget", BOB, "--project", project.folder), 2)
    assert f"1 task is open for {BOB}" in told
    assert f"biorat-al team reassign {BOB} --to NAME" in told


def test_a_member_who_never_answered_is_forgotten_too(project: Project, server: FakeLabelStudio) -> None:
    call("team", "add", ANN, BOB, "--project", project.folder)
    assert call("team", "forget", BOB, "--project", project.folder).code == 0
    assert team_of(project) == {ANN: ("annotator", True), "member-2": ("annotator", False)}


@pytest.mark.slow
def test_a_group_moves_tasks_and_forgets_somebody_on_a_real_server(
    nowhere: Path, tiny_encoder: Path, label_studio: RunningLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in label_studio.environment.items():
        monkeypatch.setenv(name, value)
    ann, bob = label_studio.invited(), label_studio.invited()
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"}, team={"double_test": 0.0})
    with make_project(nowhere / "trial", settings, gold=False, pool=12, test=4) as project:
        assert call("team", "add", ann.email, bob.email, "--project", project.folder).code == 0
        project.round()
        with project.store.read() as session:
            member = find_member(session, bob.email)
            assert member is not None
            tasks = [row.desk_task_id or "" for row in seats_in_state(session, "open", member_id=member.id)]
            everybodys = len(seats_in_state(session, "open"))
        answered, begun, *free = tasks
        answer = bob.submit(answered, [])
        bob.draft(begun, [])
        outcome = call("team", "reassign", bob.email, "--to", ann.email, "--project", project.folder)
        assert outcome.code == 0, outcome.err
        assert f"{plural(len(free), 'task')} moved from {bob.email} to {ann.email}." in flat(outcome.out)
        assert "2 tasks are left there" in flat(outcome.out)
        refused = one_sentence(call("team", "forget", bob.email, "--project", project.folder), 2)
        assert f"2 tasks are open for {bob.email}" in refused
        bob.submit(begun, [])
        with pytest.raises(NothingToDoYet):
            project.round()
        people = {one.name: one for one in project.team.status().people}
        assert (people[bob.email].assigned, people[bob.email].open, people[bob.email].done) == (2, 0, 2)
        assert (people[ann.email].open, people[ann.email].done) == (everybodys - 2, 0)
        assert call("team", "forget", bob.email, "--project", project.folder).code == 0
        # the server still has the name, and sends it with every change
        bob.edit(answer, [])
        with pytest.raises(NothingToDoYet):
            project.round()
        with project.store.read() as session:
            assert annotators(session) == ["annotator-1"]
            assert check_rows(session) == 0
        address = bob.email.encode()
        assert [path for path in project.folder.rglob("*") if path.is_file() and address in path.read_bytes()] == []
