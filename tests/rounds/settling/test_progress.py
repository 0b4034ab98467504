"""How much is settled: the same as if all answers were compared anew, without doing so."""

from __future__ import annotations

import pytest

from biorat_al.people.settling import contested as comparing
from biorat_al.people.settling.contested import contested, outdated
from biorat_al.project import Project
from biorat_al.rounds.settling.progress import SettlingProgress
from biorat_al.store.answers import adjudicated_documents
from biorat_al.store.documents import document_keys
from biorat_al.store.settling.settlements import settlements, task_key
from tests.people.factories import marked
from tests.support.settling import (
    ANN,
    ASPIRIN,
    ASTHMA,
    ASTHMA_IS,
    BOB,
    HurriedDesk,
    change_answer,
    hurried,
)


def progress(project: Project) -> SettlingProgress:
    found = project.status(ask_desk=False).settling
    assert found is not None
    return found


def settle(project: Project, *keys: str) -> None:
    """Let an adjudicator answer the tasks of some documents, and fetch that."""
    with project.store.read() as session:
        names = document_keys(session, [row.document_id for row in settlements(session, "disputes")])
        tasks = [task_key(names[row.document_id], row.digest) for row in settlements(session, "disputes")]
    desk = project.desk
    assert isinstance(desk, HurriedDesk)
    desk.finish(*(task for task in tasks if task.split()[0] in keys))
    project.settling.adjudicate()


def compared_anew(project: Project) -> tuple[int, int, int]:
    """Return how many documents are disputed, how many of them settled, and how many of the settled outdated."""
    with project.store.read() as session:
        disputed = {one.document_id for one in contested(session) if one.compared.disputed}
        return len(disputed), len(disputed.intersection(adjudicated_documents(session))), len(outdated(session))


def test_what_is_disputed_settled_and_outdated_is_counted(project: Project) -> None:
    hurried(project)
    assert progress(project) == SettlingProgress(disputed=3)
    project.settling.adjudicate()
    assert progress(project) == SettlingProgress(disputed=3, open=3)
    settle(project, "p4", "p1")
    assert progress(project) == SettlingProgress(disputed=3, settled=2, open=1)
    # one of the settled documents is disputed in another way, and nobody disagrees on the other
    change_answer(project, "p1", BOB, marked(ASTHMA_IS))
    change_answer(project, "p4", BOB, marked(ASTHMA, ASPIRIN, treats=(ASPIRIN, ASTHMA)))
    assert progress(project) == SettlingProgress(disputed=2, settled=1, open=1, outdated=2)
    assert compared_anew(project) == (2, 1, 2)


@pytest.mark.parametrize("ties", ["mask", "drop", f"prefer:{ANN}"])
def test_it_does_not_depend_on_how_ties_count(project: Project, ties: str) -> None:
    hurried(project)
    project.settling.adjudicate()
    settle(project, "p2")
    team = project.settings.team.model_copy(update={"ties": ties})
    project.settings = project.settings.model_copy(update={"team": team})
    found = progress(project)
    assert (found.disputed, found.settled, found.outdated) == compared_anew(project) == (3, 1, 0)


def test_only_what_was_settled_is_compared_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried(project)
    calls = []
    compare = comparing.compare
    monkeypatch.setattr(comparing, "compare", lambda *given: calls.append(given) or compare(*given))
    progress(project)
    assert calls == []
    project.settling.adjudicate()
    settle(project, "p2")
    calls.clear()
    progress(project)
    assert len(calls) == 1
