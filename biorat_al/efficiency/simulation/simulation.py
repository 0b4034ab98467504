"""The folder of a simulation: create or continue it, make its runs, read them.

Each arm selects documents with its own model; runs with the same seed begin with the same seed set, order and weights.
A simulation is a folder::

    simulation.json      what was asked for, and the number of threads of each run
    corpus/              the database from which every run starts
    work/<run>/          an unfinished run, an ordinary project
    starts/s<seed>/      what unfinished runs with borrowed documents begin from
    runs/<run>.jsonl     a finished run

A database from an older version of the program holds nothing that cannot be computed again: the corpus is read again,
and an unfinished run starts again. Finished runs are kept.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError
from sqlalchemy import select

from biorat_al.acquisition.registry import find_strategy
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.reading import read_with
from biorat_al.corpus.sources import Sources
from biorat_al.disk import writing
from biorat_al.efficiency.runs.model import Run, read_runs
from biorat_al.efficiency.simulation.grid import Grid, Trial
from biorat_al.efficiency.simulation.on_ray import ray_runner
from biorat_al.efficiency.simulation.scheduling import SimulationJob, TrialWork, Workload, run_side_by_side
from biorat_al.efficiency.simulation.sending import restore_state
from biorat_al.efficiency.simulation.trial import CORPUS, STARTS, run_file, start_folder, trained_rounds
from biorat_al.efficiency.simulation.workers import process_pool, threads_of_a_run
from biorat_al.errors import CorpusError, LockedError, ProjectError, UsageError
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.borrowing.copying import borrow, check_borrowing
from biorat_al.rounds.borrowing.kept import KeptCorpus
from biorat_al.settings import Settings, with_older_defaults
from biorat_al.store import creation
from biorat_al.store.database import migration
from biorat_al.store.database.engine import SQLITE_FILE, database_errors, database_url, open_engine
from biorat_al.store.documents import ImportReport, count_documents
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import AnnotationRow, DocumentRow, EntityRow

PLAN = "simulation.json"
LOCK = ".lock"

_EACH_ITS_OWN = {"name", "database", "cluster"}
"""Settings that may differ between calls: runs remain comparable."""


class Simulation:
    """The folder of a simulation; :meth:`create` makes a new one or continues an existing one.

    :ivar threads: number of threads of each run, however many runs go at the same time; None if an older version of the
        program started the simulation, which shared out the cores again at each call.

    >>> from pathlib import Path
    >>> from biorat_al import Grid, Simulation, Sources, make_settings, write_corpus
    >>> from biorat_al.demo.corpus import read_demo_corpus
    >>> write_corpus(Path("demo.jsonl"), read_demo_corpus())
    180
    >>> settings = make_settings({
    ...     "name": "trial",
    ...     "entities": [{"name": "Chemical"}, {"name": "Disease"}],
    ...     "encoder": {"name": encoder},
    ... })
    >>> grid = Grid(arms=("none", "rat"), strategies=("random",), seeds=1, rounds=2)
    >>> simulation = Simulation.create(Path("simulation"), settings, grid, Sources(["demo.jsonl"], test_size=12))
    >>> [trial.id for trial in simulation.missing()]
    ['none-random-s0', 'rat-random-s0']

    ``simulation.run()`` makes these runs and returns them.
    """

    def __init__(self, folder: Path, settings: Settings, grid: Grid, pool: int, threads: int | None) -> None:
        self.folder = folder
        self.settings = settings
        self.grid = grid
        self.pool = pool
        self.threads = threads

    @classmethod
    def create(
        cls, folder: Path, settings: Settings, grid: Grid, sources: Sources, progress: Progress = SILENT
    ) -> Simulation:
        """Read the corpus and create the folder, or continue a simulation of the same corpus and settings.

        The grid may have more arms, strategies or seeds than before. Everything else must be the same, since the runs
        are compared.

        :raises UsageError: the folder holds another simulation, or a strategy cannot run with the settings.
        :raises ProjectError: the folder holds something else.
        :raises CorpusError: a document cannot be read, or has no annotations.
        """
        plan, corpus, partial = folder / PLAN, folder / CORPUS, folder / f".{CORPUS}.partial"
        # what an interrupted first call leaves behind
        begun = {corpus, partial, folder / LOCK}
        if not plan.exists() and folder.exists() and set(folder.iterdir()) - begun:
            raise ProjectError(f"{folder} already exists and holds no simulation; choose another name")
        for name in grid.strategies:
            find_strategy(name).check(settings)
        is_new = _made(folder)
        with simulation_lock(folder):
            try:
                return cls._create(folder, settings, grid, sources, progress)
            except BaseException:
                # we still hold the lock, so nobody else has started in the folder
                if is_new:
                    shutil.rmtree(folder, ignore_errors=True)
                raise

    @classmethod
    def _create(cls, folder: Path, settings: Settings, grid: Grid, sources: Sources, progress: Progress) -> Simulation:
        plan, corpus, partial = folder / PLAN, folder / CORPUS, folder / f".{CORPUS}.partial"
        if plan.exists():
            settings = _as_begun(settings, json.loads(plan.read_text(encoding="utf-8")).get("settings", {}))
        shutil.rmtree(partial, ignore_errors=True)
        with writing(partial, ProjectError):
            partial.mkdir()
        counts, sha256, settings = _read_corpus(partial, settings, sources, progress)
        fixed = {
            "settings": settings.model_dump(mode="json", exclude=_EACH_ITS_OWN),
            "rounds": grid.rounds,
            **({"sizes": list(grid.sizes)} if grid.sizes else {}),
            "corpus_sha256": sha256,
        }
        if plan.exists():
            before = json.loads(plan.read_text(encoding="utf-8"))
            _check_same(before, fixed, folder)
            threads = _threads_kept(before, folder, settings.cluster.threads)
        else:
            threads = settings.cluster.threads or threads_of_a_run(settings, len(list(grid.trials())))
        if plan.exists() and _is_up_to_date(corpus):
            shutil.rmtree(partial)
        else:
            shutil.rmtree(corpus, ignore_errors=True)
            partial.rename(corpus)
        values = fixed | {"grid": grid.model_dump(mode="json"), "documents": counts}
        if threads is not None:
            values["threads"] = threads
        draft = corpus / f"{PLAN}.partial"
        with writing(plan, ProjectError):
            draft.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            draft.replace(plan)
        simulation = cls(folder, settings, grid, counts["pool"], threads)
        for trial in simulation.missing():
            restore_state(folder, trial)
            work = folder / "work" / trial.id
            if work.exists() and not _is_up_to_date(work):
                shutil.rmtree(work)
                progress.say(f"The run {trial.id} starts again: an older version of biorat-al started it")
        return simulation

    def missing(self) -> list[Trial]:
        """Return the trials whose runs do not exist yet."""
        return [trial for trial in self.grid.trials() if not run_file(self.folder, trial).exists()]

    def run(self, workers: int | None = None, progress: Progress = SILENT, *, ray: str | None = None) -> list[Run]:
        """Make the missing runs, and return all runs.

        :param workers: number of runs at the same time; None: as many as cores and memory allow.
        :param ray: address of the Ray cluster that makes the runs; empty: the one of the settings, or else Ray on this
            machine. None: processes of this machine make them.
        :raises LockedError: another process is at work on this simulation.
        :raises ClusterError: the cluster cannot make them.
        """
        with simulation_lock(self.folder):
            amount = {trial: tuple(self.grid.work(trial, self.settings, self.pool)) for trial in self.grid.trials()}
            missing = self.missing()
            for trial in missing:
                restore_state(self.folder, trial)
            for trial in self.grid.trials():
                if trial not in missing:
                    # an earlier call was killed after writing the run and before removing its work
                    shutil.rmtree(self.folder / "work" / trial.id, ignore_errors=True)
            work = [TrialWork(trial, amount[trial], trained_rounds(self.folder, trial)) for trial in missing]
            finished = sum(sum(rounds) for trial, rounds in amount.items() if trial not in missing)
            if self.threads is None and missing:
                progress.say(
                    "An older version of biorat-al started this simulation and did not store the number of threads of "
                    "its runs: the cores are shared among the runs under way, so models may differ slightly with "
                    "another number of --workers, or in a new simulation"
                )
            job = SimulationJob(self.folder, self.settings, self.grid, workers, self.threads)
            open_runner = (
                partial(process_pool, job, len(work)) if ray is None else partial(ray_runner, job, ray, progress)
            )
            shared = partial(start_folder, self.folder) if self.settings.borrow.corpora else None
            run_side_by_side(open_runner, Workload(work, finished, shared), progress)
            # more seeds would need others
            shutil.rmtree(self.folder / STARTS, ignore_errors=True)
        return read_simulation(self.folder)


def _made(folder: Path) -> bool:
    """Create a folder; return False if it already existed, perhaps because another process has just created it."""
    try:
        with writing(folder, ProjectError):
            folder.mkdir(parents=True)
    except ProjectError as error:
        if isinstance(error.__cause__, FileExistsError) and folder.is_dir():
            return False
        raise
    return True


@contextmanager
def simulation_lock(folder: Path) -> Iterator[None]:
    """Keep other processes out of the folder of a simulation.

    :raises LockedError: another process is at work in it.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        with writing(folder / LOCK, ProjectError):
            lock.acquire()
    except Timeout:
        raise LockedError(f"another process is at work on the simulation in {folder}; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()


def read_simulation(folder: Path) -> list[Run]:
    """Read the finished runs of a simulation.

    :raises ProjectError: the folder holds no simulation.
    """
    if not (folder / PLAN).is_file():
        raise ProjectError(f"{folder} holds no simulation (there is no {PLAN} in it)")
    return read_runs(folder / "runs")


def _read_corpus(
    folder: Path, settings: Settings, sources: Sources, progress: Progress
) -> tuple[dict[str, int], str, Settings]:
    """Fill the database from which all runs start, and copy what they borrow beside it.

    Return the number of documents by split, a hash of the data, and the settings, which name what is borrowed.
    """
    sources.check()
    check_borrowing(settings, sources)
    if sources.pre_labels or sources.dictionaries:
        raise UsageError("a simulation has no pre-labels from files or dictionaries: its annotator sees none")
    read = ReadReport()
    borrowed: list[KeptCorpus] = []

    def records(paths: Sequence[str | Path]) -> Any:
        return read_with(sources.reading, paths, report=read)

    store = Store.create(database_url("sqlite", folder))
    try:
        with progress.bar("Reading documents"), store.write() as session:
            add_project(session, settings.name)
            report: ImportReport = creation.fill(
                session,
                settings=settings,
                pool=records(sources.documents),
                test=records(sources.test) if sources.test else None,
                test_size=sources.test_size,
                gold=True,
                ignore=sources.ignore_labels,
            )
            if report.annotated < report.documents:
                raise CorpusError(
                    f"{report.documents - report.annotated:,} of the {report.documents:,} documents come without "
                    "annotations, not even empty ones: leave them out"
                )
            counts = count_documents(session)
            if sources.borrow:
                settings, borrowed = borrow(session, folder, settings, sources, progress)
            for line in reading_lines(read):
                progress.say(line)
            if not counts["test"]:
                raise UsageError("there is no test set to measure on: give --test-documents, or a larger --test-size")
        return counts, _fingerprint(store, borrowed), settings
    finally:
        store.close()


def _is_up_to_date(folder: Path) -> bool:
    """Return whether a folder has a database that is not from an older version of the program.

    :raises SchemaVersionError: the database is from a newer version.
    """
    if not (folder / SQLITE_FILE).is_file():
        return False
    url = database_url("sqlite", folder)
    engine = open_engine(url)
    try:
        with database_errors(url), engine.connect() as connection:
            return not migration.is_older(connection)
    finally:
        engine.dispose()


def _fingerprint(store: Store, borrowed: Sequence[KeptCorpus]) -> str:
    """Return the sha256 of ids, texts, splits and gold mentions, and of borrowed corpora, if there are any."""
    digest = hashlib.sha256()
    with store.read() as session:
        documents = select(DocumentRow.key, DocumentRow.split, DocumentRow.text_sha256).order_by(DocumentRow.key)
        mentions = (
            select(DocumentRow.key, EntityRow.label, EntityRow.spans)
            .join(AnnotationRow, AnnotationRow.id == EntityRow.annotation_id)
            .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
            .order_by(DocumentRow.key, EntityRow.id)
        )
        for statement in (documents, mentions):
            for row in session.execute(statement):
                digest.update(json.dumps(list(row)).encode())
    for corpus in borrowed:
        digest.update(corpus.sha256.encode())
    return digest.hexdigest()


def _check_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise unless a plan has the same corpus, rounds and settings as before.

    :raises UsageError: something differs; the message names it.
    """
    parts = {
        "corpus_sha256": "other documents",
        "rounds": "another number of rounds",
        "sizes": "batches of other sizes",
    }
    for name, words in parts.items():
        if before.get(name) != now.get(name):
            raise UsageError(f"{folder} holds a simulation with {words}; choose another --output, or remove it first")
    settings = _with_defaults(before.get("settings", {}))
    if settings != now["settings"]:
        differing = sorted(
            f"{part}.{key}"
            for part, values in now["settings"].items()
            for key in (values if isinstance(values, dict) else [])
            if (settings.get(part) or {}).get(key) != values[key]
        )
        raise UsageError(
            f"{folder} holds a simulation with other settings ({', '.join(differing) or 'labels'}); "
            "choose another --output, or remove it first"
        )


def _threads_kept(plan: dict[str, Any], folder: Path, wanted: int | None) -> int | None:
    """Return the number of threads of the runs of a plan; None if an older version wrote the plan.

    :param wanted: the number in the settings.
    :raises ProjectError: the number has been edited into something that is not one.
    :raises UsageError: another number is wanted.
    """
    threads = plan.get("threads")
    if threads is None or (type(threads) is int and threads >= 1):
        if wanted is not None and wanted != threads:
            raise UsageError(
                f"{folder} holds a simulation whose runs compute with {threads or 'an unknown number of'} threads, and "
                "other threads give other models: leave cluster.threads out, or choose another --output"
            )
        return threads
    raise ProjectError(
        f"{folder / PLAN} has been changed: threads is {threads!r}, and must be a whole number of at least 1; put "
        "back the old number, which is also in the provenance of the runs in runs/"
    )


def _as_begun(settings: Settings, before: dict[str, Any]) -> Settings:
    """Return the settings of a simulation that goes on: the defaults of the older version that began it, if one did.

    :param before: the settings in the plan.
    """
    kept = with_older_defaults(before)
    training = kept.get("training", {})
    if not isinstance(training, dict):
        return settings
    # with a committee, only what is younger than committees can have an older default
    older = with_older_defaults({} if training.get("committee") is False else {"training": {"committee": True}})
    changed = {}
    for name, defaults in older.items():
        part, values = getattr(settings, name), kept.get(name)
        fields = type(part).model_fields
        changes = {
            key: value
            for key, value in defaults.items()
            if isinstance(values, dict) and values.get(key) == value and getattr(part, key) == fields[key].default
        }
        changed[name] = part.model_copy(update=changes)
    return settings.model_copy(update=changed)


def _with_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    """Fill in defaults for settings that an older version of the program, which wrote these, did not know."""
    try:
        known = Settings.model_validate(with_older_defaults({"name": "before", **settings}))
    except ValidationError:
        return settings
    return known.model_dump(mode="json", exclude=_EACH_ITS_OWN)
