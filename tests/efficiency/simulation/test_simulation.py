"""Simulated runs are rounds like any other, are resumed where they were cut off, and are comparable."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from biorat_al.acquisition import registry
from biorat_al.claims import temporary_name
from biorat_al.corpus.model.document import Annotation, ConceptRelation
from biorat_al.corpus.sources import Sources
from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.simulation import simulation as simulation_module
from biorat_al.efficiency.simulation.grid import Grid, Trial, trial_settings
from biorat_al.efficiency.simulation.options import simulation_grid, simulation_settings
from biorat_al.efficiency.simulation.simulation import PLAN, Simulation, read_simulation, simulation_lock
from biorat_al.efficiency.simulation.trial import CORPUS, run_file, run_trial
from biorat_al.efficiency.simulation.workers import available_memory, default_workers, threads_of_a_run
from biorat_al.errors import (
    CorpusError,
    LabelError,
    LearnerError,
    LockedError,
    ProjectError,
    SchemaVersionError,
    UsageError,
)
from biorat_al.progress import Bar, SilentProgress
from biorat_al.project import Project
from biorat_al.settings import Settings
from biorat_al.store.database import migration
from biorat_al.store.database.engine import SQLITE_FILE, database_url, open_engine
from biorat_al.store.store import Store
from tests.support.processes import forked
from tests.support.rounds import demo_files, related_records

_QUICK = ("training.epochs=1", "training.min_steps=3", "training.batch_size=4")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return demo_files(tmp_path_factory.mktemp("documents"), pool=24, test=5)


@pytest.fixture
def sources(files: tuple[Path, Path]) -> Sources:
    return Sources([files[0]], [files[1]])


@pytest.fixture
def settings(tiny_encoder: Path) -> Settings:
    return simulation_settings("demo", ["Disease", "Chemical"], encoder=str(tiny_encoder), size=6, changes=_QUICK)


def grid(*arms: str, strategies: tuple[str, ...] = ("mnlp",), seeds: int = 1, rounds: int = 2, **more: object) -> Grid:
    return simulation_grid(arms, strategies, seeds=seeds, rounds=rounds, **more)  # type: ignore[arg-type]


def make(folder: Path, settings: Settings, grid: Grid, sources: Sources) -> list[Run]:
    """Make the runs in this process: what is tested here is not that they go side by side."""
    simulation = Simulation.create(folder, settings, grid, sources)
    return [run_trial(folder, settings, grid, trial) for trial in simulation.grid.trials()]


def figures(run: Run) -> list[object]:
    return [(p.round, p.documents, p.tokens, p.mentions, p.picks, p.counts, p.by_label) for p in run.points]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mnlp", "fluctuation", "cluster-entity-entropy"])
def test_a_run_is_what_the_same_rounds_of_a_project_come_to(
    tmp_path: Path, settings: Settings, sources: Sources, files: tuple[Path, Path], strategy: str
) -> None:
    run = make(tmp_path / "simulation", settings, grid("rat", strategies=(strategy,)), sources)[0]
    own = trial_settings(Trial(kind="simulated", arm="rat", strategy=strategy, seed=0), settings, 24)
    with Project.init(tmp_path / "project", own, Sources([files[0]], [files[1]], gold=True))[0] as project:
        reports = [project.round() for _ in range(3)]
        status = project.status(ask_desk=False)
    assert [point.f1 for point in run.points] == [row.f1["rat"] for row in status.rounds if row.f1]
    assert [point.documents for point in run.points] == [6, 12]
    assert [point.mentions for point in run.points] == [
        report.step("train").counts["mentions"] for report in reports[1:]
    ]
    assert [point.tokens for point in run.points] == [
        sum(report.step("select").counts["tokens"] for report in reports[:n]) for n in (1, 2)
    ]
    assert all(point.cost["steps"] >= 3 and point.cost["seconds"] > 0 for point in run.points)


@pytest.mark.slow
def test_arms_of_a_seed_begin_with_the_same_documents(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    runs = make(tmp_path, settings, grid("none", "rat", strategies=("mnlp", "random"), seeds=2, rounds=1), sources)
    assert len({run.id for run in runs}) == len(runs) == 8
    for seed in (0, 1):
        first = {run.points[0].picks for run in runs if run.seed == seed}
        assert len(first) == 1
    assert {run.corpus for run in runs} == {"demo"}
    assert {tuple(sorted(run.points[0].counts)) for run in runs} == {tuple(sorted(runs[0].points[0].counts))}
    # one arm each, whatever the others do
    assert {(run.arm, run.cost_of_adversarial) for run in map(_Costs, runs)} == {("none", False), ("rat", True)}


class _Costs:
    def __init__(self, run: Run) -> None:
        self.arm = run.arm
        self.cost_of_adversarial = run.points[0].cost["adversarial_steps"] > 0


@pytest.mark.slow
def test_random_picks_do_not_depend_on_the_arm(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    none, rat = make(tmp_path, settings, grid("none", "rat", strategies=("random",), rounds=3), sources)
    assert [point.picks for point in none.points] == [point.picks for point in rat.points]


@pytest.mark.slow
def test_a_full_run_learns_from_everything_at_once(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    runs = make(tmp_path, settings, grid("none", rounds=1, full=True), sources)
    assert [(run.kind, [point.documents for point in run.points]) for run in runs] == [
        ("simulated", [6]),
        ("full", [24]),
    ]


@pytest.mark.slow
def test_a_run_ends_where_the_pool_is_used_up(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    run = make(tmp_path, settings, grid("none", rounds=6), sources)[0]
    assert [point.documents for point in run.points] == [6, 12, 18, 24]


@pytest.mark.slow
def test_a_killed_run_goes_on_and_comes_to_the_same(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    whole = grid("rat", rounds=3)
    undisturbed = make(tmp_path / "whole", settings, whole, sources)[0]
    cut = tmp_path / "cut"
    trial = next(Simulation.create(cut, settings, whole, sources).grid.trials())
    for killed_after in (0, 1, 2):
        process = forked.Process(target=_run_and_die, args=(cut, settings, whole, trial, killed_after))
        process.start()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
        assert (cut / "work" / trial.id).is_dir()
    assert figures(run_trial(cut, settings, whole, trial)) == figures(undisturbed)
    assert not list((cut / "work").iterdir())


@pytest.mark.slow
def test_work_that_a_killed_call_did_not_remove_goes_with_the_next(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    simulation = Simulation.create(tmp_path / "s", settings, grid("rat", rounds=1), sources)
    runs = simulation.run(1)
    (trial,) = simulation.grid.trials()
    left = tmp_path / "s" / "work" / trial.id / "models"
    left.mkdir(parents=True)
    assert list(map(figures, simulation.run(1))) == list(map(figures, runs))
    assert not left.parent.exists()


def _run_and_die(folder: Path, settings: Settings, grid: Grid, trial: Trial, number: int) -> None:
    def die(done: int) -> None:
        if done >= number:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

    run_trial(folder, settings, grid, trial, die)


@pytest.mark.slow
def test_the_bar_of_a_resumed_simulation_begins_where_it_was(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    """It began at nothing, and never came to its end."""
    both = grid("none", seeds=2, rounds=2)
    simulation = Simulation.create(tmp_path, settings, both, sources)
    done, half = both.trials()
    run_trial(tmp_path, settings, both, done)

    class Cut(Exception):
        pass

    def cut(number: int) -> None:
        if number == 1:
            raise Cut

    with pytest.raises(Cut):
        run_trial(tmp_path, settings, both, half, cut)
    bars: list[dict[str, Any]] = []

    class Watched(SilentProgress):
        def bar(self, description: str, total: int | None = None, unit: str = "", done: int = 0) -> Bar:
            bar = {"total": total, "begun": done, "done": done}
            bars.append(bar)

            class Counting(type(super().bar(""))):  # type: ignore[misc]
                def advance(self, amount: int = 1) -> None:
                    bar["done"] += amount

            return Counting()  # type: ignore[no-any-return]

    amount = both.work(half, settings, simulation.pool)
    begun = int(2 * sum(amount) - amount[1])
    runs = simulation.run(1, Watched())
    assert len(runs) == 2
    (bar,) = bars
    assert bar == {"total": round(2 * sum(amount)), "begun": begun, "done": round(2 * sum(amount))}


@pytest.mark.slow
def test_only_the_newest_model_stays_while_a_run_is_under_way(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    whole = grid("none", rounds=3)
    trial = next(Simulation.create(tmp_path, settings, whole, sources).grid.trials())
    seen = []
    run_trial(
        tmp_path,
        settings,
        whole,
        trial,
        lambda n: seen.append(len(list((tmp_path / "work" / trial.id / "models").iterdir()))),
    )
    assert seen == [0, 1, 1, 1]


@pytest.mark.slow
def test_more_seeds_can_be_asked_for_later(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    make(tmp_path, settings, grid("none", rounds=1), sources)
    simulation = Simulation.create(tmp_path, settings, grid("none", "at", seeds=2, rounds=1), sources)
    assert [trial.id for trial in simulation.missing()] == ["at-mnlp-s0", "none-mnlp-s1", "at-mnlp-s1"]


@pytest.mark.slow
def test_batches_can_grow(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    growing = grid("none", strategies=("random",), rounds=3, full=True, sizes=(2, 4, 8))
    simulated, full = make(tmp_path, settings, growing, sources)
    assert [point.documents for point in simulated.points] == [2, 6, 14]
    assert [point.documents for point in full.points] == [24]
    (trial, _) = growing.trials()
    assert growing.work(trial, settings, 10) == [2, 6, 10]
    with pytest.raises(UsageError, match="batches of other sizes"):
        Simulation.create(tmp_path, settings, grid("none", strategies=("random",), rounds=3), sources)
    with pytest.raises(UsageError, match="there are 2 sizes for 3 rounds"):
        grid("none", rounds=3, sizes=(2, 4))


def test_what_makes_runs_incomparable_is_refused(
    tmp_path: Path, settings: Settings, sources: Sources, files: tuple[Path, Path], tiny_encoder: Path
) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    with pytest.raises(UsageError, match="another number of rounds"):
        Simulation.create(tmp_path, settings, grid("none", rounds=3), sources)
    with pytest.raises(UsageError, match="other documents"):
        Simulation.create(tmp_path, settings, grid("none"), Sources([files[0]], test_size=3))
    other = simulation_settings(
        "demo", ["Disease", "Chemical"], encoder=str(tiny_encoder), size=6, changes=(*_QUICK, "adversarial.epsilon=0.2")
    )
    with pytest.raises(UsageError, match=r"other settings \(adversarial\.epsilon\)"):
        Simulation.create(tmp_path, other, grid("none"), sources)
    # another name for the corpus changes no figure
    Simulation.create(tmp_path, settings.model_copy(update={"name": "other"}), grid("none"), sources)


def test_a_simulation_that_an_older_version_began_goes_on(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    plan = tmp_path / PLAN
    values = json.loads(plan.read_text(encoding="utf-8"))
    # what it did not know of is as if it were not there
    del values["settings"]["relations"], values["settings"]["relation_extraction"]
    plan.write_text(json.dumps(values), encoding="utf-8")
    assert len(Simulation.create(tmp_path, settings, grid("none"), sources).missing()) == 1
    values["settings"]["training"]["epochs"] = 7
    plan.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UsageError, match=r"other settings \(training\.epochs\)"):
        Simulation.create(tmp_path, settings, grid("none"), sources)
    values["settings"]["training"]["of a newer version"] = 1
    plan.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UsageError, match=r"other settings"):
        Simulation.create(tmp_path, settings, grid("none"), sources)


def test_a_simulation_that_was_begun_before_committees_goes_on_with_its_defaults(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    plan = tmp_path / PLAN
    values = json.loads(plan.read_text(encoding="utf-8"))
    del values["settings"]["training"]["committee"]
    values["settings"]["training"]["dev_share"] = 0.1
    plan.write_text(json.dumps(values), encoding="utf-8")
    Simulation.create(tmp_path, settings, grid("none"), sources)
    # the plan was written again, and the same command goes on all the same
    again = Simulation.create(tmp_path, settings, grid("none"), sources)
    assert again.settings.training.dev_share == 0.1
    assert again.settings.training.epochs == settings.training.epochs
    changed = settings.model_copy(update={"training": settings.training.model_copy(update={"dev_share": 0.3})})
    with pytest.raises(UsageError, match=r"other settings \(training\.dev_share\)"):
        Simulation.create(tmp_path, changed, grid("none"), sources)


def test_a_simulation_that_was_begun_before_several_sentence_rules_goes_on_with_the_first(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    voting = settings.model_copy(update={"training": settings.training.model_copy(update={"committee": True})})
    Simulation.create(tmp_path, voting, grid("none"), sources)
    plan = tmp_path / PLAN
    values = json.loads(plan.read_text(encoding="utf-8"))
    assert values["settings"]["training"].pop("sentence_rules") == 2
    plan.write_text(json.dumps(values), encoding="utf-8")
    for _ in range(2):  # the plan is written again
        begun = Simulation.create(tmp_path, voting, grid("none"), sources).settings.training
        assert begun == voting.training.model_copy(update={"sentence_rules": 1})


def test_a_simulation_that_was_begun_before_large_pools_were_predicted_in_part_goes_on_with_the_whole(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    plan = tmp_path / PLAN
    values = json.loads(plan.read_text(encoding="utf-8"))
    for name in ("score_all", "candidates", "at_random"):
        del values["settings"]["selection"][name]
    plan.write_text(json.dumps(values), encoding="utf-8")
    for _ in range(2):  # the plan is written again
        begun = Simulation.create(tmp_path, settings, grid("none"), sources).settings
        assert begun == settings.model_copy(
            update={"selection": settings.selection.model_copy(update={"score_all": 1_000_000_000})}
        )


@pytest.mark.slow
def test_a_committee_is_simulated_as_a_project_has_it(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    (run,) = make(tmp_path, settings, grid("committee", rounds=1), sources)
    assert (run.id, run.arm, run.selected_by) == ("committee-mnlp-s0", "committee", None)
    (model,) = run.provenance["models"]
    assert model["selecting"]
    assert [version.split("-r1-")[1].split("-")[0] for version in model["members"]] == ["rat", "none"]
    (point,) = run.points
    assert point.counts
    assert point.cost["steps"] >= 2 * 3, "the sum of both arms"


class _Cut(Exception):
    """In the place of a power cut."""


def _cut_off_after_one_round(number: int) -> None:
    if number == 1:
        raise _Cut


def _as_of_an_older_version(folder: Path) -> None:
    """Put a database with the tables of the first release in the place of a folder's own."""
    for path in folder.glob(f"{SQLITE_FILE}*"):
        path.unlink()
    engine = open_engine(database_url("sqlite", folder))
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        configuration = migration._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
    engine.dispose()


def test_what_an_older_version_had_half_replaced_is_made_anew_too(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    (trial,) = Simulation.create(tmp_path, settings, grid("none"), sources).missing()
    # killed between the two renames
    replaced = temporary_name(tmp_path / "work" / trial.id) / "old"
    shutil.copytree(tmp_path / CORPUS, replaced)
    _as_of_an_older_version(replaced)
    Simulation.create(tmp_path, settings, grid("none"), sources)
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
def test_what_an_older_version_left_half_made_is_made_anew_and_its_runs_are_kept(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    both = grid("none", "rat")
    undisturbed = make(tmp_path / "whole", settings, both, sources)
    folder = tmp_path / "old"
    done, half = Simulation.create(folder, settings, both, sources).grid.trials()
    run_trial(folder, settings, both, done)
    kept = run_file(folder, done).read_bytes()
    with pytest.raises(_Cut):
        run_trial(folder, settings, both, half, _cut_off_after_one_round)
    # as it is, it goes on
    Simulation.create(folder, settings, both, sources)
    assert (folder / "work" / half.id / "models").is_dir()

    _as_of_an_older_version(folder / CORPUS)
    _as_of_an_older_version(folder / "work" / half.id)
    said: list[str] = []
    progress = SilentProgress()
    progress.say = said.append  # type: ignore[method-assign]
    simulation = Simulation.create(folder, settings, both, sources, progress)
    assert said == [f"The run {half.id} starts again: an older version of biorat-al started it"]
    assert not (folder / "work" / half.id).exists()
    assert simulation.missing() == [half]
    assert figures(run_trial(folder, settings, both, half)) == figures(undisturbed[1])
    assert run_file(folder, done).read_bytes() == kept


def test_a_simulation_of_a_newer_version_is_left_as_it_is(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    engine = open_engine(database_url("sqlite", tmp_path / CORPUS))
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(SchemaVersionError, match="upgrade the program"):
        Simulation.create(tmp_path, settings, grid("none"), sources)
    with pytest.raises(SchemaVersionError, match="upgrade the program"):
        Store.open("sqlite", tmp_path / CORPUS)


def test_a_corpus_that_was_removed_is_read_again(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    shutil.rmtree(tmp_path / CORPUS)
    Simulation.create(tmp_path, settings, grid("none"), sources)
    Store.open("sqlite", tmp_path / CORPUS).close()


@pytest.mark.slow
def test_relations_of_the_documents_change_nothing(tmp_path: Path, settings: Settings) -> None:
    related = related_records(30)
    bare = [record._replace(annotation=Annotation(record.annotation.entities)) for record in related]  # type: ignore[union-attr]
    between = ConceptRelation("treats", "aspirin", "pain")
    stated = [
        record._replace(annotation=replace(record.annotation, concept_relations=(between,)))  # type: ignore[type-var]
        for record in related
    ]
    found = []
    for name, records in (("with", stated), ("without", bare)):
        pool, test = demo_files(tmp_path / f"{name}-documents", pool=24, test=6, records=records)
        found.append(make(tmp_path / name, settings, grid("rat"), Sources([pool], [test]))[0])
    assert figures(found[0]) == figures(found[1])


@pytest.mark.parametrize("change", ["relation_extraction.level=document", "relations.name=treats"])
def test_settings_of_relations_are_refused(change: str) -> None:
    with pytest.raises(UsageError, match="a simulation is of mentions alone"):
        simulation_settings("demo", ["Disease"], encoder="minilm", size=6, changes=[change])


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    (tmp_path / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(ProjectError, match="holds no simulation"):
        Simulation.create(tmp_path, settings, grid("none"), sources)
    with pytest.raises(ProjectError, match="holds no simulation"):
        read_simulation(tmp_path)


def test_a_first_call_that_fails_leaves_nothing_behind(
    tmp_path: Path, settings: Settings, sources: Sources, tiny_encoder: Path
) -> None:
    folder = tmp_path / "simulation"
    wrong = simulation_settings("demo", ["Disaese"], encoder=str(tiny_encoder), size=6, changes=_QUICK)
    with pytest.raises(LabelError, match="Disaese"):
        Simulation.create(folder, wrong, grid("none"), sources)
    assert not folder.exists()


def test_a_strategy_that_cannot_run_is_refused_at_once(tmp_path: Path, sources: Sources, tiny_encoder: Path) -> None:
    flat = simulation_settings("x", ["Disease"], encoder=str(tiny_encoder), size=6, changes=["adversarial.epsilon=0"])
    with pytest.raises(UsageError, match="epsilon"):
        Simulation.create(tmp_path / "new", flat, grid("none", strategies=("adversarial",)), sources)
    assert not (tmp_path / "new").exists()


def test_a_first_call_that_was_killed_can_be_made_again(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    # as it is left while the documents are read, and between the two names that are given at the end
    for left in (".corpus.partial", "corpus"):
        folder = tmp_path / left.strip(".")
        (folder / left).mkdir(parents=True)
        (folder / left / "biorat.sqlite3").write_text("half", encoding="utf-8")
        assert Simulation.create(folder, settings, grid("none", rounds=1), sources).pool == 24
        assert (folder / "simulation.json").is_file()


def test_one_process_at_a_time_is_at_work(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    simulation = Simulation.create(tmp_path, settings, grid("none", rounds=1), sources)
    with simulation_lock(tmp_path):
        with pytest.raises(LockedError, match="another process"):
            simulation.run(workers=1)
        with pytest.raises(LockedError, match="another process"):
            Simulation.create(tmp_path, settings, grid("none", rounds=1), sources)


def test_a_simulation_that_another_process_begins_meanwhile_is_not_removed(
    tmp_path: Path, settings: Settings, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "simulation"
    with ExitStack() as other:

        def meanwhile(name: str) -> Any:
            folder.mkdir()
            other.enter_context(simulation_lock(folder))
            (folder / "corpus").mkdir()
            return registry.find_strategy(name)

        monkeypatch.setattr(simulation_module, "find_strategy", meanwhile)
        with pytest.raises(LockedError, match="another process"):
            Simulation.create(folder, settings, grid("none", rounds=1), sources)
        assert (folder / "corpus").is_dir()


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    three = grid("none", seeds=3, rounds=1)
    Simulation.create(tmp_path, settings, three, sources)
    parent = forked.Process(target=_simulate, args=(tmp_path, settings, three, sources))
    parent.start()
    assert parent.pid is not None
    deadline = time.monotonic() + 120
    while not (tmp_path / "work").is_dir() or not any((tmp_path / "work").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = _children(parent.pid)
    assert workers
    parent.kill()
    parent.join()
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.1)
    # and what was begun is finished by the next command
    assert len(Simulation.create(tmp_path, settings, three, sources).run(workers=1)) == 3


def _simulate(folder: Path, settings: Settings, grid: Grid, sources: Sources) -> None:
    Simulation.create(folder, settings, grid, sources).run(workers=2)


def _children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


@pytest.mark.slow
def test_another_arm_and_encoder_are_trained_on_what_a_run_picked(
    tmp_path: Path, settings: Settings, sources: Sources
) -> None:
    followed, same, other = make(
        tmp_path, settings, grid("rat", rounds=2, passive=("none", f"at@{settings.encoder.name}")), sources
    )
    for passive in (same, other):
        assert (passive.kind, passive.selected_by, passive.strategy) == ("passive", followed.id, "mnlp")
        assert [point.picks for point in passive.points] == [point.picks for point in followed.points]
        assert [point.tokens for point in passive.points] == [point.tokens for point in followed.points]
    assert (same.arm, other.arm) == ("none", "at")
    assert other.points[-1].cost["adversarial_steps"] == other.points[-1].cost["steps"]


def test_documents_without_answers_are_refused(
    tmp_path: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bare = demo_files(tmp_path_factory.mktemp("bare"), pool=4, test=2, gold=False)
    with pytest.raises(CorpusError, match="4 of the 6 documents come without"):
        Simulation.create(tmp_path / "a", settings, grid("none"), Sources([bare[0]], [bare[1]]))


def test_there_has_to_be_a_test_set(tmp_path: Path, settings: Settings, files: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="no test set"):
        Simulation.create(tmp_path, settings, grid("none"), Sources([files[0]], test_size=0))


@pytest.mark.slow
def test_runs_go_side_by_side_and_say_which_failed(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    both = grid("none", "rat", rounds=1)
    simulation = Simulation.create(tmp_path / "good", settings, both, sources)
    runs = simulation.run(workers=2)
    assert sorted(run.id for run in runs) == ["none-mnlp-s0", "rat-mnlp-s0"]
    assert simulation.run(workers=2) == runs
    alone = make(tmp_path / "alone", settings, both, sources)
    by_id = {run.id: run for run in runs}
    assert all(figures(by_id[run.id]) == figures(run) for run in alone)
    # an encoder that goes away between the first look and the runs
    gone = tmp_path / "gone"
    shutil.copytree(settings.encoder.name, gone)
    lost = settings.model_copy(update={"encoder": settings.encoder.model_copy(update={"name": str(gone)})})
    simulation = Simulation.create(tmp_path / "bad", lost, both, sources)
    shutil.rmtree(gone)
    with pytest.raises(LearnerError, match=r"the run (none|rat)-mnlp-s0 failed: .*gone"):
        simulation.run(workers=2)


def test_workers_are_bounded_by_cores_and_memory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIORAT_DEVICE", "cpu")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("biorat_al.efficiency.simulation.workers.available_memory", lambda: 5.2e9)
    assert default_workers(settings) == 3
    monkeypatch.setattr("biorat_al.efficiency.simulation.workers.available_memory", lambda: 1e6)
    assert default_workers(settings) == 1
    monkeypatch.setattr("biorat_al.efficiency.simulation.workers.available_memory", lambda: float("inf"))
    assert default_workers(settings) == 8
    assert available_memory() > 0


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIORAT_DEVICE", "cpu")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    for memory in ("total_memory", "available_memory"):
        monkeypatch.setattr(f"biorat_al.efficiency.simulation.workers.{memory}", lambda: float("inf"))


@pytest.mark.usefixtures("eight_cores")
def test_the_threads_of_a_run_rest_on_the_machine_and_the_simulation_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [threads_of_a_run(settings, runs) for runs in (1, 2, 3, 8, 90)] == [8, 4, 2, 1, 1]
    # as much as the machine has, not as is free by now
    monkeypatch.setattr("biorat_al.efficiency.simulation.workers.total_memory", lambda: 5.2e9)
    monkeypatch.setattr("biorat_al.efficiency.simulation.workers.available_memory", lambda: 1e6)
    assert (threads_of_a_run(settings, 90), default_workers(settings)) == (2, 1)


@pytest.mark.slow
@pytest.mark.usefixtures("eight_cores", "forked_processes")
def test_neither_workers_nor_an_interruption_change_with_how_many_threads_a_run_computes(
    tmp_path: Path, settings: Settings, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gave other models: the cores were shared among those runs that were just under way."""
    # more threads than the machine has cores would mostly wait for each other
    monkeypatch.setattr("os.cpu_count", lambda: 4)

    def threads(runs: list[Run]) -> dict[str, int]:
        return {run.id: run.provenance["threads"] for run in runs}

    two = grid("none", seeds=2, rounds=1)
    alone = Simulation.create(tmp_path / "alone", settings, two, sources).run(workers=1)
    side_by_side = Simulation.create(tmp_path / "side by side", settings, two, sources).run(workers=2)
    assert threads(alone) == threads(side_by_side) == {"none-mnlp-s0": 2, "none-mnlp-s1": 2}
    assert list(map(figures, alone)) == list(map(figures, side_by_side))

    # one is left, then four more are asked for
    run_file(tmp_path / "alone", next(iter(two.trials()))).unlink()
    assert set(threads(Simulation.create(tmp_path / "alone", settings, two, sources).run()).values()) == {2}
    more = Simulation.create(tmp_path / "alone", settings, grid("none", seeds=3, rounds=1), sources)
    assert (more.threads, set(threads(more.run(workers=3)).values())) == (2, {2})


@pytest.mark.usefixtures("eight_cores")
def test_a_simulation_of_an_older_version_shares_the_cores_as_before_and_says_so(
    tmp_path: Path, settings: Settings, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    plan = tmp_path / PLAN
    values = json.loads(plan.read_text(encoding="utf-8"))
    assert values.pop("threads") == 8
    plan.write_text(json.dumps(values), encoding="utf-8")
    asked: list[object] = []
    monkeypatch.setattr(
        "biorat_al.efficiency.simulation.simulation.run_side_by_side",
        lambda open_runner, *_: asked.append(open_runner.args[0].threads),
    )
    said: list[str] = []
    progress = SilentProgress()
    progress.say = said.append  # type: ignore[method-assign]
    for _ in range(2):
        simulation = Simulation.create(tmp_path, settings, grid("none"), sources)
        # no run was made, so there is nothing to read back
        with pytest.raises(CorpusError):
            simulation.run(workers=1, progress=progress)
    assert asked == [None, None]
    assert all("did not store the number of threads" in line for line in said)
    assert len(said) == 2


@pytest.mark.slow
@pytest.mark.parametrize("threads", [0, -1, "2", 1.5, True, []])
def test_a_number_of_threads_that_is_none_is_told(
    tmp_path: Path, settings: Settings, sources: Sources, threads: object
) -> None:
    Simulation.create(tmp_path, settings, grid("none"), sources)
    plan = tmp_path / PLAN
    plan.write_text(json.dumps(json.loads(plan.read_text(encoding="utf-8")) | {"threads": threads}), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"simulation\.json has been changed: threads is .*put back"):
        Simulation.create(tmp_path, settings, grid("none"), sources)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("adversarial.epsilon", "not of the form PART.NAME=VALUE"),
        ("epsilon=1", "not of the form"),
        ("training.arms=['rat']", "no setting to change here"),
        ("selection.size=3", "no setting to change here"),
        ("database.url=sqlite", "no setting to change here"),
        ("adversarial.epsilon=-1", "adversarial.epsilon"),
        ("training.speed=9", "there is no such setting"),
        ("selection.seed_strategy=best", "no query strategy 'best'"),
    ],
)
def test_a_wrong_change_is_named(change: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        simulation_settings("x", ["A"], encoder="minilm", size=5, changes=[change])


def test_changes_are_read_as_toml_or_as_text() -> None:
    settings = simulation_settings(
        "x",
        ["A=B,C"],
        encoder="minilm",
        size=5,
        changes=["adversarial.draw=example", 'adversarial.norm="linf"', "training.epochs=4", "selection.diverse=false"],
    )
    assert (settings.adversarial.draw, settings.adversarial.norm) == ("example", "linf")
    assert (settings.training.epochs, settings.selection.diverse) == (4, False)
    assert settings.entities[0].sources == ("B", "C")


def test_a_run_trains_one_arm_at_a_time_unless_it_is_told_otherwise() -> None:
    def side_by_side(*changes: str) -> bool:
        settings = simulation_settings("x", ["A"], encoder="minilm", size=5, changes=changes)
        return settings.computing.side_by_side

    assert not side_by_side()
    assert side_by_side("computing.side_by_side=true")


def test_a_grid_with_unknown_names_is_refused() -> None:
    with pytest.raises(UsageError, match="no query strategy 'best'"):
        simulation_grid(["none"], ["best"], seeds=1, rounds=1)
    with pytest.raises(UsageError, match="no arm 'cat'"):
        simulation_grid(["none"], ["mnlp"], seeds=1, rounds=1, passive=["cat@minilm"])
    found = simulation_grid(
        ["none", "none"], ["mnlp"], seeds=1, rounds=1, passive=["rat@/a/big one/", "rat@/b/big one", "rat", "rat"]
    )
    ids = [trial.id for trial in found.trials()]
    assert [ids[0], ids[3]] == ["none-mnlp-s0", "none-mnlp-s0-for-rat"]
    assert all(one.startswith("none-mnlp-s0-for-rat-big-one-") for one in ids[1:3])
    assert len(set(ids)) == len(ids) == 4


def test_what_was_asked_for_is_kept(tmp_path: Path, settings: Settings, sources: Sources) -> None:
    Simulation.create(tmp_path, settings, grid("none", "rat"), sources)
    kept = json.loads((tmp_path / "simulation.json").read_text(encoding="utf-8"))
    assert kept["grid"]["arms"] == ["none", "rat"]
    assert kept["documents"] == {"pool": 24, "test": 5}
    assert kept["settings"]["selection"]["size"] == 6


def test_the_threads_of_the_cluster_settings_are_kept_and_where_runs_are_made_may_change(
    tmp_path: Path, sources: Sources, tiny_encoder: Path
) -> None:
    def create(*changes: str) -> Simulation:
        more = tuple(f"cluster.{change}" for change in changes)
        asked = simulation_settings(
            "demo", ["Disease", "Chemical"], encoder=str(tiny_encoder), size=6, changes=(*_QUICK, *more)
        )
        return Simulation.create(tmp_path, asked, grid("none"), sources)

    assert create("threads=3", "gpus=0.5").threads == 3
    assert create("address=10.0.0.1:6379", "cpus=2").threads == 3
    with pytest.raises(UsageError, match="compute with 3 threads, and other threads give other models"):
        create("threads=2")
