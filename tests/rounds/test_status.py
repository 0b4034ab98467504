"""The status and the plan of a project that asks for sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.efficiency.report.build import project_report
from biorat_al.efficiency.runs.of_project import live_runs
from biorat_al.presentation.plan import plan_text
from biorat_al.presentation.status import status_text
from biorat_al.project import Project
from biorat_al.store.answers import learnt_answers, load_answers
from biorat_al.store.documents import documents_by_id
from biorat_al.store.segments import never_asked_segments, shares_of
from tests.support.rounds import make_project, patient, settings_for

pytestmark = pytest.mark.slow

POOL = 12


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    settings = settings_for(tiny_encoder, selection={"size": 2, "unit": "sentence", "seed_strategy": "random"})
    with make_project(tmp_path / "trial", settings, pool=POOL) as project:
        yield project


def test_sentences_are_counted_beside_documents_from_the_first_round_to_the_last(project: Project) -> None:
    plan = project.plan()
    assert (plan.unit, plan.left, plan.uncut, plan.labelled) == ("sentence", 0, POOL, 0)
    assert "from those of 12 documents not cut yet" in " ".join(plan_text(plan).split())
    desk = patient(project)
    asked = project.round().step("push").counts["tasks"]
    before = project.status(ask_desk=True)
    assert before.labelled == {"pool": 0, "segment": 0, "test": 6}
    assert before.tasks["segment"]["open"] == asked
    assert before.open_now is not None
    assert before.open_now["segment"] == asked
    assert before.rounds[0].unit == "sentence"
    waiting = project.plan()
    # the tasks of sentences are open as well
    assert waiting.waits is not None
    assert f"{asked} tasks are still open" in waiting.waits

    desk.finish()
    report = project.round()
    assert report.step("train").counts["sentences"] == report.step("train").counts["documents"] == asked
    assert report.step("predict").counts["unit"] == "sentence"
    after = project.status(ask_desk=False)
    assert after.labelled["segment"] == asked
    assert after.wholeness is not None
    assert after.wholeness.segments == asked
    assert after.to_annotate == POOL - after.wholeness.whole
    with project.store.read() as session:
        assert after.left_sentences == len(never_asked_segments(session, without_gold=False))
        chosen = learnt_answers(session, with_gold=False)
        loaded = list(load_answers(session, chosen))
    marked = Counter(one.label for _, annotation in loaded for one in annotation.entities)
    # the test set, which came with annotations, is in the counts of status as it always was
    assert all(after.mentions[label] >= count for label, count in marked.items())
    assert "sentences" in status_text(after)
    assert project.plan().left == after.left_sentences

    # in the learning curve, a sentence is the share of its document that it is
    run = live_runs(project.store, project.settings)[0]
    with project.store.read() as session:
        ids = [answer.document_id for answer in chosen]
        shares = shares_of(session, ids)
        texts = documents_by_id(session, ids)
    assert set(shares) == set(ids)
    assert run.points[-1].documents == max(1, round(sum(shares.values())))
    assert run.points[-1].work is not None
    assert run.points[-1].work.tasks == asked
    assert all(0 < shares[one] < 1 and len(texts[one].text) > 0 for one in ids)
    report_page = project_report(project.folder, project.settings, project.store)
    assert f"Annotated by themselves: {asked} sentences" in str(report_page.as_dict())


def test_a_document_with_an_answer_as_a_whole_counts_once(project: Project) -> None:
    project.round()
    project.round(unit="document", size=POOL)
    project.round(unit="document")
    status = project.status(ask_desk=False)
    assert status.labelled == {"pool": POOL, "segment": 0, "test": 6}
    assert status.wholeness is not None
    assert (status.wholeness.whole, status.wholeness.begun) == (POOL, 0)
    assert status.to_annotate == status.left == status.left_sentences == 0
    assert status.is_used_up
    points = live_runs(project.store, project.settings)[0].points
    assert points[-1].documents == POOL
    assert points[0].documents < POOL
