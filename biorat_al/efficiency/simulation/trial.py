"""One run of a simulation, through the very code of ``round``, with answers from gold."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from biorat_al.desk.oracle import OracleDesk
from biorat_al.disk import writing
from biorat_al.efficiency.runs.model import Run, read_runs, write_runs
from biorat_al.efficiency.runs.of_project import live_runs
from biorat_al.efficiency.simulation.grid import Grid, Trial, trial_settings
from biorat_al.errors import LearnerError, NothingToDoYet, ProjectError
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.context import MODELS, RoundRequest
from biorat_al.rounds.runner import run_round
from biorat_al.settings import SETTINGS_FILE, Settings, settings_text
from biorat_al.store.answers import read_gold
from biorat_al.store.database.engine import SQLITE_FILE
from biorat_al.store.documents import count_documents
from biorat_al.store.models import models_of
from biorat_al.store.rounds import newest_round
from biorat_al.store.store import Store

CORPUS = "corpus"
"""Folder of a simulation that holds the database from which every run starts."""

Done = Callable[[int], None]
"""Told the number of each round that is done."""


def run_file(folder: Path, trial: Trial) -> Path:
    """Where the run of a trial is kept."""
    return folder / "runs" / f"{trial.id}.jsonl"


def run_trial(
    folder: Path, settings: Settings, grid: Grid, trial: Trial, done: Done | None = None, progress: Progress = SILENT
) -> Run:
    """Run a trial, or finish one that was cut off, and keep its run.

    While it is under way it is a project like any other in ``work/<id>``; of its models only the newest stays.

    :param folder: the simulation's.
    :param settings: the simulation's.
    """
    target = run_file(folder, trial)
    if target.exists():
        # killed behind its last line
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
            request = RoundRequest(documents=picked[number] if picked and number < len(picked) else None)
            try:
                # behind the last model nobody is asked any more
                run_round(
                    work,
                    _measuring(settings, only_f1=number < last),
                    store,
                    desk,
                    request,
                    progress,
                    until="evaluate" if number == last else None,
                )
            except NothingToDoYet:
                break  # the pool is used up
            _forget_models(store, work, number)
            if done is not None:
                done(number)
        run = _collected(store, settings, trial, corpus)
    finally:
        store.close()
    with writing(target, ProjectError):
        target.parent.mkdir(exist_ok=True)
    write_runs(target, [run])
    shutil.rmtree(work)
    return run


def trained_rounds(folder: Path, trial: Trial) -> int:
    """Return how many models of a trial that was cut off have been made."""
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
    """The project of a trial, made if it is not there; half-made ones do not count."""
    work = folder / "work" / trial.id
    if not work.exists():
        partial = work.with_name(f".{trial.id}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        with writing(partial, ProjectError):
            (partial / MODELS).mkdir(parents=True)
            shutil.copyfile(folder / CORPUS / SQLITE_FILE, partial / SQLITE_FILE)
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
    with store.read() as session:
        newest = newest_round(session)
    if newest is None:
        return 0
    return newest.number + (newest.state == "done")


def _picks(folder: Path, trial: Trial) -> list[tuple[str, ...]]:
    """What each round of the run that a passive one follows has picked."""
    if trial.of is None:
        return []
    followed = read_runs(folder / "runs" / f"{trial.of}.jsonl")[0]
    return [point.picks for point in followed.points]


def _measuring(settings: Settings, *, only_f1: bool) -> Settings:
    """The settings, with the costly measures left to the last model."""
    robustness = settings.evaluation.robustness and not only_f1
    return settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"robustness": robustness})})


def _forget_models(store: Store, work: Path, number: int) -> None:
    """Remove the folders of the models of the rounds before `number`; their figures are in the store."""
    with store.read() as session:
        kept = {model.version for model in models_of(session, number).values()}
    for path in (work / MODELS).iterdir():
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _collected(store: Store, settings: Settings, trial: Trial, corpus: str) -> Run:
    runs = live_runs(store, settings)
    if not runs:
        raise LearnerError(f"the run {trial.id} has no model: no document that it picked holds any text")
    return runs[0].model_copy(
        update={
            "id": trial.id,
            "kind": trial.kind,
            "corpus": corpus,
            "strategy": trial.strategy,
            "selected_by": trial.of,
        }
    )
