"""Two annotators of a group on a real server, each with projects of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.people.doubles import several_answers
from biorat_al.store.tables import SeatRow
from biorat_al.store.team.members import member_projects
from tests.support.group import join, seats
from tests.support.labelstudio import RunningLabelStudio, drawn
from tests.support.rounds import make_project, settings_for
from tests.test_end_to_end import environment
from tests.test_two_annotators import waiting

pytestmark = pytest.mark.slow

__all__ = ["environment"]


def test_two_people_work_in_projects_of_their_own(
    environment: RunningLabelStudio, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"}, selection={"size": 5}, team={"double": 0.4})
    with make_project(tmp_path / "trial", settings, gold=False) as project:
        people = {person.email: person for person in (environment.annotator(), environment.invited())}
        join(project, *people)
        ann, bob = people
        project.round()
        given = {(name, key): row for name, key, row in seats(project)}
        assert len(given) == 7
        doubles = sorted({key for (_, key), row in given.items() if row.double})
        with project.store.read() as session:
            rows = {row.member_id: row for row in member_projects(session, "pool")}
        shown = {name: people[name].project(rows[row.member_id].reference) for (name, _), row in given.items()}
        assert {name: settings["title"] for name, settings in shown.items()} == {
            name: f"trial · {name}"[:50] for name in people
        }
        assert len({settings["color"] for settings in shown.values()}) == 2

        def submit(who: str, row: SeatRow) -> None:
            task = str(row.desk_task_id)
            text = people[who].open(task)["data"]["text"]
            people[who].submit(task, [drawn(text, 0, 5, "Disease")])

        # the first one does all of hers, and one of the second one's
        for (name, _), row in given.items():
            if name == ann:
                submit(ann, row)
        single = next(key for (name, key), row in given.items() if name == bob and not row.double)
        submit(ann, given[bob, single])
        submit(bob, given[bob, doubles[0]])
        error = waiting(project)
        missing = sum(name == bob for name, _ in given) - 2
        assert f"tasks are still open ({bob}: {missing})" in str(error).replace("task is", "tasks are")
        assert f"({ann} in that of {bob})" in " ".join(error.notes)
        states = {(name, key): row.state for name, key, row in seats(project)}
        assert states[bob, single] == "answered"
        assert states[bob, doubles[1]] == "open"
        with project.store.read() as session:
            (compared,) = several_answers(session).chosen
        assert {vote.annotator for vote in compared[1].independent} == {ann, bob}

        # somebody deletes the second one's project
        gone = rows[given[bob, single].member_id].reference
        people[ann].request("DELETE", f"/api/projects/{gone}/")
        error = waiting(project)
        assert f"the project of {bob} (pool) was deleted on the desk" in " ".join(error.notes)
        again = {key: row for name, key, row in seats(project, "open") if name == bob}
        assert len(again) == missing
        # with SQLite, Label Studio gives the ids of deleted tasks to new ones
        for key, row in again.items():
            assert people[bob].open(str(row.desk_task_id))["data"]["document_id"] == key
        for row in again.values():
            submit(bob, row)
        status = project.status()
        assert (status.open_now, status.seats_now) == ({"pool": 0}, {"pool": 0})
        assert project.plan().waits is None
