"""Rounds from the first to the last: what each step does, when a round waits, and how it goes on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Record
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.base import Pull
from biorat_al.errors import EncoderNotFoundError, LockedError, NothingToDoYet, UsageError
from biorat_al.learner.entities import training
from biorat_al.progress import SilentProgress
from biorat_al.project import Project
from biorat_al.rounds import runner
from biorat_al.rounds.lock import round_lock
from biorat_al.settings import make_settings
from biorat_al.store.answers import answers
from biorat_al.store.models import models_of
from biorat_al.store.tables import RoundRow, StepRow
from tests.support.rounds import USUAL_STEPS, make_project, patient, picture_of, settings_for


def picked(project: Project, number: int) -> list[str]:
    return [key for _, key, *_ in picture_of(project)["picks"][number]]


def test_the_first_round_selects_for_diversity_and_trains_nothing(project: Project) -> None:
    report = project.round()
    assert report.number == 0
    assert {step.name: step.state for step in report.steps} == {
        "pull": "skipped",
        "train": "skipped",
        "evaluate": "skipped",
        "predict": "skipped",
        "select": "done",
        "push": "done",
    }
    assert report.step("select").counts["strategy"] == "diverse"
    assert report.step("push").counts == {
        "tasks": 6,
        "test_tasks": 0,
        "pre_labelled": 0,
        "relabelled": 0,
        "notices": [],
    }
    assert len(set(picked(project, 0))) == 6


@pytest.mark.slow
def test_the_second_round_learns_measures_predicts_and_asks(project: Project) -> None:
    project.round()
    report = project.round(size=4)
    assert all(step.state == "done" for step in report.steps)
    assert report.step("pull").counts["new"] == 6
    trained = report.step("train").counts
    assert trained["documents"] == 6
    assert list(trained["models"]) == ["rat", "none"]
    assert report.step("evaluate").counts["documents"] == 6
    assert report.step("predict").counts["documents"] == 34
    assert report.step("select").counts | {"tokens": 0} == {"documents": 4, "tokens": 0, "of": 34, "strategy": "mnlp"}
    assert report.step("push").counts["pre_labelled"] == 4
    assert not set(picked(project, 0)) & set(picked(project, 1))
    for version in trained["models"].values():
        assert version.startswith("trial-r1-")
        kept = json.loads((project.folder / "models" / version / "training.json").read_text(encoding="utf-8"))
        assert kept["provenance"]["round"] == 1
        assert kept["summary"]["documents"] == 6


@pytest.mark.slow
def test_the_whole_pool_is_asked_for_once_and_then_there_is_nothing_left(tmp_path: Path, tiny_encoder: Path) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=10) as project:
        for _ in range(2):
            project.round(size=5)
        last = project.round(size=5)
        assert last.step("train").counts["documents"] == 10
        assert last.step("select").counts["reason"].startswith("the pool is used up")
        with pytest.raises(NothingToDoYet, match=r"used up.*biorat-al export") as caught:
            project.round()
        assert caught.value.open_tasks == 0
        assert sorted(picked(project, 0) + picked(project, 1)) == sorted(picture_of(project)["tasks"])


def test_a_batch_larger_than_the_pool_takes_all_of_it(tmp_path: Path, tiny_encoder: Path) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=4) as project:
        assert project.round(size=50).step("select").counts["documents"] == 4


def test_a_budget_in_word_pieces_is_kept(project: Project) -> None:
    counts = project.round(tokens=400).step("select").counts
    assert 0 < counts["tokens"] <= 400


@pytest.mark.slow
def test_a_round_waits_for_annotators_and_says_how_many_tasks_are_open(project: Project) -> None:
    desk = patient(project)
    project.round()
    with pytest.raises(NothingToDoYet, match=r"6 of 6 tasks are still open.*--partial") as caught:
        project.round()
    assert caught.value.open_tasks == 6
    desk.finish(*picked(project, 0)[:2])
    with pytest.raises(NothingToDoYet, match="4 of 6"):
        project.round()
    # what was finished is kept, though the round waits
    with project.store.read() as session:
        assert len(answers(session, "pool", with_gold=False)) == 2
    desk.finish()
    report = project.round()
    assert (report.number, report.step("pull").counts["new"]) == (1, 6)


@pytest.mark.slow
def test_a_round_that_waits_tells_of_model_output_in_a_persons_name_and_goes_on_without_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    key = picked(project, 0)[0]
    pull = project.desk.pull

    def clicked(*arguments: Any) -> Pull:
        """The answer to one task was made from a prediction by an action."""
        found = pull(*arguments)
        tasks, opened = [], set()
        for state in found.tasks:
            if state.key == key:
                made = (replace(answer, made_from="prediction") for answer in state.annotations)
                state = replace(state, annotations=tuple(made))
                opened.add(state.task_id)
            tasks.append(state)
        return replace(found, tasks=tuple(tasks), open_tasks=frozenset(opened))

    monkeypatch.setattr(project.desk, "pull", clicked)
    with pytest.raises(NothingToDoYet, match="1 of 6 tasks are still open") as caught:
        project.round()
    (note,) = caught.value.notes
    assert note.startswith("1 annotation in Label Studio does not count")
    assert f"document {key} (task " in note
    report = project.round(partial=True)
    assert report.step("train").counts["documents"] == 5
    status = project.status(ask_desk=False)
    assert (status.labelled["pool"], [one.place.document for one in status.findings.unattended]) == (5, [key])


@pytest.mark.slow
def test_a_task_that_wants_a_second_answer_is_open_and_what_it_has_is_learnt_from(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    pull = project.desk.pull

    def half_done(*arguments: Any) -> Pull:
        """Two tasks need further answers."""
        found = pull(*arguments)
        wanting = sorted(found.existing)[:2]
        return replace(found, open_tasks=frozenset(wanting), seats={wanting[1]: 2})

    monkeypatch.setattr(project.desk, "pull", half_done)
    with pytest.raises(NothingToDoYet, match="2 of 6 tasks are still open and want 3 answers") as caught:
        project.round()
    assert caught.value.open_tasks == 2
    assert "2 tasks are still open and want 3 answers" in str(project.plan().waits)
    report = project.round(partial=True)
    assert report.step("train").counts["documents"] == 6
    # others are to see what the first one saw
    assert report.step("push").counts["relabelled"] == 0
    status = project.status()
    assert (status.tasks["pool"]["open"], status.seats["pool"]) == (8, 9)
    assert (status.open_now, status.seats_now) == ({"pool": 2}, {"pool": 3})


@pytest.mark.slow
def test_partial_goes_on_and_gives_open_tasks_newer_pre_labels(project: Project) -> None:
    desk = patient(project)
    project.round()
    with pytest.raises(NothingToDoYet, match="nobody has annotated anything yet"):
        project.round(partial=True)
    desk.finish(*picked(project, 0)[:2])
    report = project.round(partial=True)
    assert report.step("train").counts["documents"] == 2
    assert report.step("push").counts["relabelled"] == 4
    version = report.step("train").counts["models"]["rat"]
    shown = picture_of(project)["shown"]
    assert {shown[key] for key in picked(project, 0)[2:]} == {version}
    assert {shown[key] for key in picked(project, 1)} == {version}


def test_a_strategy_that_needs_a_model_gives_way_in_the_first_round(project: Project) -> None:
    counts = project.round(strategy="entropy").step("select").counts
    assert (counts["strategy"], counts["instead_of"]) == ("diverse", "entropy")


def test_an_unknown_strategy_begins_nothing(project: Project) -> None:
    with pytest.raises(UsageError, match="no query strategy 'oops'"):
        project.round(strategy="oops")
    assert project.status(ask_desk=False).rounds == ()


def test_size_and_tokens_exclude_each_other(project: Project) -> None:
    with pytest.raises(UsageError, match="exclude"):
        project.round(size=1, tokens=1)


def test_one_round_at_a_time(project: Project) -> None:
    with round_lock(project.folder, project.store), pytest.raises(LockedError, match=r"process \d+ on .*, since 20"):
        project.round()


@pytest.mark.slow
@pytest.mark.parametrize("step", USUAL_STEPS)
def test_an_interrupted_round_goes_on(project: Project, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project.round()

    def interrupt(context: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(runner.STEPS, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            project.round(size=3)
    report = project.round(size=3)
    assert report.number == 1
    assert report.step("push").counts["tasks"] == 3
    # before anything depends on the request, a round is simply begun again
    assert report.resumed == (step != "pull")


@pytest.mark.slow
def test_a_round_that_was_cut_off_keeps_to_what_it_was_asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.round()

    cut_off(project, "select", monkeypatch, size=3)
    with pytest.raises(UsageError, match=r"begun with size = 3; finish it first, without --size"):
        project.round(size=5)
    report = project.round()
    assert report.resumed
    assert report.step("push").counts["tasks"] == 3


def cut_off(project: Project, step: str, monkeypatch: pytest.MonkeyPatch, **request: object) -> None:
    """Run a round that dies at the beginning of a step."""
    with monkeypatch.context() as patched:
        patched.setitem(runner.STEPS, step, _power_cut)
        with pytest.raises(RuntimeError, match="power cut"):
            project.round(**request)  # type: ignore[arg-type]


class Said(SilentProgress):
    """A progress that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.slow
def test_a_round_that_was_cut_off_keeps_to_the_settings_its_models_were_trained_with(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    cut_off(project, "select", monkeypatch)
    with project.store.write() as session:
        row = session.get_one(RoundRow, 1)
        # as an older version wrote it
        del (values := dict(row.settings))["evaluation"]
        row.settings = values
    arms = {**project.settings.training.model_dump(), "arms": ["at", "none"], "selecting_arm": "at"}
    before = project.settings
    project.settings = make_settings({**before.model_dump(), "training": arms, "selection": {"size": 9}})
    plan = project.plan()
    assert (plan.resumes, plan.arms, plan.budget) == (True, ("rat", "none"), "6 documents")
    said = Said()
    report = project.round(progress=said)
    assert (report.step("select").counts["strategy"], report.step("select").counts["documents"]) == ("mnlp", 6)
    assert said.lines == [
        "Round 1 was cut off; it goes on where it stopped.",
        "Round 1 keeps to the settings it was begun with; changes in biorat.toml to training.arms, "
        "training.selecting_arm, selection.size count from the next round on.",
    ]
    with project.store.read() as session:
        assert session.get_one(RoundRow, 1).settings == before.model_dump(mode="json")
    assert list(project.round().step("train").counts["models"]) == ["at", "none"]


@pytest.mark.slow
def test_an_arm_that_was_not_trained_yet_is_trained_as_the_first_one_was(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    train, trained = training.train, []

    def once(*arguments: Any, **options: Any) -> Any:
        if trained:
            raise RuntimeError("power cut")
        trained.append(arguments[1].arm)
        return train(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(training, "train", once)
        with pytest.raises(RuntimeError, match="power cut"):
            project.round()
    assert trained == ["rat"]
    values = project.settings.model_dump()
    project.settings = make_settings({**values, "training": {**values["training"], "min_steps": 30}})
    project.round()
    with project.store.read() as session:
        assert {row.arm: row.summary["steps"] for row in models_of(session, 1).values()} == {"rat": 9, "none": 9}


@pytest.mark.slow
def test_what_made_the_training_fail_can_be_changed(project: Project) -> None:
    project.round()
    good = project.settings
    project.settings = make_settings({**good.model_dump(), "encoder": {"name": str(project.folder / "gone")}})
    with pytest.raises(EncoderNotFoundError):
        project.round()
    project.settings = good
    said = Said()
    report = project.round(progress=said)
    assert report.resumed
    assert said.lines == ["Round 1 was cut off; it goes on where it stopped."]
    with project.store.read() as session:
        assert session.get_one(RoundRow, 1).settings == good.model_dump(mode="json")


def test_a_strategy_that_cannot_run_with_the_settings_begins_nothing(project: Project) -> None:
    values = project.settings.model_dump()
    project.settings = make_settings({**values, "adversarial": {"epsilon": 0.0}})
    for ask in (project.round, project.plan):
        with pytest.raises(UsageError, match=r"'adversarial' .* adversarial\.epsilon is 0: set it above 0"):
            ask(strategy="adversarial")
    assert project.status(ask_desk=False).rounds == ()
    values = project.settings.model_dump()
    project.settings = make_settings({**values, "selection": {"size": 6, "strategy": "adversarial"}})
    with pytest.raises(UsageError, match=r"adversarial\.epsilon is 0"):
        project.round()
    # asked for another strategy, it is not in the way
    assert project.round(strategy="mnlp").number == 0


@pytest.mark.slow
def test_the_plan_knows_what_a_round_had_fetched_when_it_was_cut_off(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=6) as project:
        project.round()
        with monkeypatch.context() as patched:
            patched.setattr(runner, "_check_that_there_is_work", _power_cut)
            with pytest.raises(RuntimeError, match="power cut"):
                project.round()
        plan = project.plan()
        assert (plan.number, plan.left, plan.waits) == (1, 0, None)
        assert project.round().step("train").counts["documents"] == 6
        assert project.plan().waits == "the pool is used up and nothing has changed since the last round"


def _power_cut(context: object) -> None:
    raise RuntimeError("power cut")


@pytest.mark.slow
def test_a_model_whose_folder_was_lost_is_trained_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.round()

    cut_off(project, "evaluate", monkeypatch)
    models = project.folder / "models"
    before = sorted(folder.name for folder in models.iterdir())
    shutil.rmtree(models)
    with project.store.write() as session:
        session.get_one(StepRow, (1, "train")).state = "running"
    assert project.round().step("evaluate").state == "done"
    # the arm that nobody waits for is trained by the evaluation
    assert sorted(folder.name for folder in models.iterdir() if "-none-" not in folder.name) == before


@pytest.mark.slow
def test_the_same_seed_gives_the_same_rounds_and_another_gives_others(tmp_path: Path, tiny_encoder: Path) -> None:
    pictures = []
    for number, seed in enumerate((13, 13, 14)):
        with make_project(tmp_path / f"p{number}", settings_for(tiny_encoder, seed=seed)) as project:
            project.round()
            project.round()
            pictures.append(picture_of(project))
    assert pictures[0] == pictures[1]
    assert pictures[0]["picks"] != pictures[2]["picks"]


@pytest.mark.slow
def test_documents_with_gold_are_learnt_from_at_once_where_people_annotate(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    with make_project(tmp_path / "trial", settings) as project:
        patient(project)
        report = project.round()
        assert report.step("train").counts["documents"] == 40
        assert report.step("select").counts["reason"].startswith("the pool is used up")


def test_a_test_set_without_gold_is_pushed_blind(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, desk={"kind": "label-studio"})
    file = tmp_path / "documents.jsonl"
    write_jsonl(file, (Record(r.document, None, r.source) for r in list(read_demo_corpus())[:30]))
    project, report, _ = Project.init(tmp_path / "trial", settings, Sources([file], test_size=5))
    with project:
        assert report.test_documents == 5
        patient(project, empty=True)
        counts = project.round().step("push").counts
        assert (counts["tasks"], counts["test_tasks"]) == (6, 5)
        assert set(project.status(ask_desk=False).urls) == {"pool", "test"}


@pytest.mark.slow
def test_a_plan_changes_nothing(project: Project) -> None:
    before = picture_of(project)
    plan = project.plan(size=3)
    assert (plan.number, plan.resumes, plan.waits, plan.left, plan.budget) == (0, False, None, 40, "3 documents")
    assert picture_of(project) == before
    desk = patient(project)
    project.round()
    before = picture_of(project)
    assert project.plan().waits == "6 tasks are still open"
    desk.finish()
    plan = project.plan()
    assert (plan.number, plan.waits, plan.strategy) == (1, None, "mnlp")
    assert picture_of(project) == before


@pytest.mark.slow
def test_status_tells_what_the_desk_says_now(project: Project) -> None:
    desk = patient(project)
    project.round()
    desk.finish(*picked(project, 0)[:4])
    status = project.status()
    assert status.open_now == {"pool": 2}
    assert status.tasks["pool"]["open"] == 6
    json.dumps(status.as_dict())
