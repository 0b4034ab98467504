"""One run of a simulation: the same code as ``biorat-al round``, with answers from the gold annotations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path

from biorat_al.desk.oracle import OracleDesk
from biorat_al.disk import writing
from biorat_al.efficiency.runs.model import Run, read_runs, write_runs
from biorat_al.efficiency.runs.of_project import live_runs
from biorat_al.efficiency.simulation.grid import Grid, Trial, trial_settings
from biorat_al.errors import LearnerError, NothingToDoYet, ProjectError
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.borrowing.kept import FOLDER
from biorat_al.rounds.borrowing.training import borrowed_key_of
from biorat_al.rounds.context import MODELS, RoundRequest
from biorat_al.rounds.runner import UNTIL_MEASURED, Audience, RunOptions, run_round
from biorat_al.settings import SETTINGS_FILE, Settings, settings_text
from biorat_al.store.answers import read_gold
from biorat_al.store.database.engine import SQLITE_FILE
from biorat_al.store.documents import count_documents
from biorat_al.store.models import models_of
from biorat_al.store.rounds import newest_round
from biorat_al.store.store import Store

CORPUS = "corpus"
"""Folder of a simulation with the database from which every run starts."""

STARTS = "starts"
"""Folder of a simulation with the models that were trained on borrowed documents, which the runs of a seed share."""

Done = Callable[[int], None]
"""Callback that gets the number of each finished round."""


def run_file(folder: Path, trial: Trial) -> Path:
    """Return the file in which the run of a trial is kept."""
    return folder / "runs" / f"{trial.id}.jsonl"


def run_trial(
    folder: Path, settings: Settings, grid: Grid, trial: Trial, done: Done | None = None, progress: Progress = SILENT
) -> Run:
    """Make the run of a trial, or finish one that was interrupted, and write it to its file.

    :param folder: folder of the simulation.
    :param settings: settings of the simulation.
    """
    with closing(trial_rounds(folder, settings, grid, trial, progress)) as rounds:
        while True:
            try:
                number = next(rounds)
            except StopIteration as end:
                run: Run = end.value
                return run
            if done is not None:
                done(number)


def trial_rounds(
    folder: Path, settings: Settings, grid: Grid, trial: Trial, progress: Progress = SILENT
) -> Generator[int, None, Run]:
    """Make the run of a trial as :func:`run_trial` does, yield the number of each finished round, and return the run.

    Until it is finished the run is an ordinary project in ``work/<id>``, which keeps only its newest models.
    """
    target = run_file(folder, trial)
    if target.exists():
        # an earlier call was killed after writing the run and before removing its work
        shutil.rmtree(folder / "work" / trial.id, ignore_errors=True)
        return read_runs(target)[0]
    work = _prepared(folder, settings, trial)
    store = Store.open("sqlite", work)
    try:
        with store.read() as session:
            pool = count_documents(session)["pool"]
        corpus, settings = settings.name, trial_settings(trial, settings, pool)
        desk = OracleDesk(partial(read_gold, store), work)
        picked = _picks(folder, trial)
        last = 1 if trial.kind == "full" else grid.rounds
        for number in range(_rounds_done(store), last + 1):
            request = RoundRequest(
                size=None if trial.kind == "full" else grid.size(number),
                documents=picked[number] if picked and number < len(picked) else None,
            )
            try:
                # after the last model nobody is asked for more answers
                run_round(
                    work,
                    _measuring(settings, only_f1=number < last),
                    store,
                    desk,
                    request,
                    Audience(progress),
                    RunOptions(UNTIL_MEASURED if number == last else None),
                )
            except NothingToDoYet:
                break  # the pool is used up
            _forget_models(store, work, number)
            share_start(work, start_folder(folder, trial))
            yield number
        run = _collected(store, settings, trial, corpus)
    finally:
        store.close()
    with writing(target, ProjectError):
        target.parent.mkdir(exist_ok=True)
    write_runs(target, [run])
    shutil.rmtree(work)
    return run


def trained_rounds(folder: Path, trial: Trial) -> int:
    """Return how many models an interrupted trial has trained."""
    work = folder / "work" / trial.id
    if not (work / SQLITE_FILE).is_file():
        return 0
    store = Store.open("sqlite", work)
    try:
        # the first round trains nothing
        return max(0, _rounds_done(store) - 1)
    finally:
        store.close()


def _prepared(folder: Path, settings: Settings, trial: Trial) -> Path:
    """Return the project folder of a trial; create it if it does not exist, and replace a half-finished one."""
    work = folder / "work" / trial.id
    if not work.exists():
        partial = work.with_name(f".{trial.id}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        with writing(partial, ProjectError):
            (partial / MODELS).mkdir(parents=True)
            shutil.copyfile(folder / CORPUS / SQLITE_FILE, partial / SQLITE_FILE)
            if (folder / CORPUS / FOLDER).is_dir():
                shutil.copytree(folder / CORPUS / FOLDER, partial / FOLDER)
            if (start := start_folder(folder, trial)).is_dir():
                shutil.copytree(start, partial / MODELS, dirs_exist_ok=True)
        store = Store.open("sqlite", partial)
        try:
            with store.read() as session:
                pool = count_documents(session)["pool"]
        finally:
            store.close()
        with writing(work, ProjectError):
            (partial / SETTINGS_FILE).write_text(settings_text(trial_settings(trial, settings, pool)), encoding="utf-8")
            partial.rename(work)
    return work


def _rounds_done(store: Store) -> int:
    """Return the number of finished rounds, round 0 included."""
    with store.read() as session:
        newest = newest_round(session)
    if newest is None:
        return 0
    return newest.number + (newest.state == "done")


def _picks(folder: Path, trial: Trial) -> list[tuple[str, ...]]:
    """Return what each round of the run that a passive trial follows has picked; empty for other trials."""
    if trial.of is None:
        return []
    followed = read_runs(folder / "runs" / f"{trial.of}.jsonl")[0]
    return [point.picks for point in followed.points]


def _measuring(settings: Settings, *, only_f1: bool) -> Settings:
    """Return the settings of a round; robustness is costly to measure, so only the last model is measured for it."""
    robustness = settings.evaluation.robustness and not only_f1
    return settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"robustness": robustness})})


def start_folder(folder: Path, trial: Trial) -> Path:
    """Return the folder of what the runs with a trial's seed begin from, which may not exist."""
    return folder / STARTS / f"s{trial.seed}"


def share_start(work: Path, target: Path) -> None:
    """Copy the borrowed model of a run, if it has one, to where the other runs of the seed find it."""
    for path in (work / MODELS).iterdir():
        if borrowed_key_of(path) is None or target.exists():
            continue
        # whole or not at all, and another run of the seed may be doing the same
        partial = target.with_name(f".{target.name}-{work.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        with writing(target, ProjectError):
            shutil.copytree(path, partial / path.name)
            try:
                partial.rename(target)
            except OSError:
                shutil.rmtree(partial, ignore_errors=True)
                if not target.exists():
                    raise


def _forget_models(store: Store, work: Path, number: int) -> None:
    """Remove the model folders of the rounds before `number`; their figures are in the store.

    The borrowed start stays, since every round begins from it.
    """
    with store.read() as session:
        kept = {model.version for model in models_of(session, number).values()}
    for path in (work / MODELS).iterdir():
        if path.name not in kept and borrowed_key_of(path) is None:
            shutil.rmtree(path, ignore_errors=True)


def _collected(store: Store, settings: Settings, trial: Trial, corpus: str) -> Run:
    """Return the run of a finished trial, read from its store."""
    runs = live_runs(store, settings)
    run = next((run for run in runs if run.arm == trial.arm), None)
    if run is None:
        raise LearnerError(f"the run {trial.id} has no model: no document that it picked holds any text")
    return run.model_copy(
        update={
            "id": trial.id,
            "kind": trial.kind,
            "corpus": corpus,
            "strategy": trial.strategy,
            "selected_by": trial.of,
        }
    )
