"""Make the runs of a simulation that are missing from a file of results, and keep them in that file."""

from __future__ import annotations

import sys
from pathlib import Path

from biorat_al.efficiency.runs.model import Run, read_runs, write_runs
from biorat_al.efficiency.simulation.simulation import Simulation
from biorat_al.progress import TerminalProgress
from biorat_al.settings import Settings, with_older_defaults

_OF_THE_RUN = {"arms", "selecting_arm", "committee"}
"""Settings of training that a run fills in by itself."""


def make_runs(simulation: Simulation, results: Path, workers: int | None) -> None:
    """Make the runs that are not in the file yet, and write all runs to it, however it ends.

    A run that was interrupted goes on in the folder of the simulation.
    """
    results.parent.mkdir(parents=True, exist_ok=True)
    runs = simulation.folder / "runs"
    runs.mkdir(exist_ok=True)
    for run in read_runs(results) if results.exists() else []:
        check_same(run, simulation.settings, results)
        write_runs(runs / f"{run.id}.jsonl", [run])
    try:
        simulation.run(workers, TerminalProgress())
    finally:
        write_runs(results, sorted(read_runs(runs), key=lambda run: (run.seed, run.id)))


def check_same(run: Run, settings: Settings, results: Path) -> None:
    """Refuse a run that was made with other settings than the program's of today: it could not be compared."""
    made = Settings.model_validate(with_older_defaults(run.provenance["settings"]))
    for part in ("entities", "encoder", "adversarial", "evaluation"):
        if getattr(made, part) != getattr(settings, part):
            sys.exit(f"{results}: the run {run.id} was made with other settings ({part}); move the file away first")
    if made.training.model_dump(exclude=_OF_THE_RUN) != settings.training.model_dump(exclude=_OF_THE_RUN):
        sys.exit(f"{results}: the run {run.id} was made with other settings (training); move the file away first")
