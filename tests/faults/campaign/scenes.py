"""Small projects for each command, and what of them is held against an undisturbed run."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.campaign.processes import ask, copied, run_command
from tests.faults.campaign.secret_words import TOKEN
from tests.support.commands import be_quick
from tests.support.encoders import make_tiny_encoder
from tests.support.rounds import demo_files, picture_of

ENVIRONMENT = {"LABEL_STUDIO_API_KEY": TOKEN, "LABEL_STUDIO_URL": "", "BIORAT_DATABASE_URL": "", "OMP_NUM_THREADS": "1"}

_DATE = re.compile(
    rb"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?|\d+(?:\.\d+)? (?:seconds|minutes)|\d\d:\d\d(?: UTC)?"
)
_OF_THE_DATABASE = re.compile(r"biorat\.sqlite3-(?:wal|shm)|\.biorat\.(?:lock|holder).*|.*\.lock")

Picture = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """A command, and where it is run.

    :param name: the command's.
    :param before: commands that make the folder that it begins with.
    :param seen: what is compared, beside the names of all files.
    :param complete: what the command may say after a kill at its very end instead of doing anything.
    :param repeats: a further run does further work (a round).
    """

    name: str
    words: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    seen: Callable[[Path], Picture] = field(default=lambda folder: {})
    complete: str = ""
    repeats: bool = False
    prepare: Callable[[Path], None] | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)


def the_project(folder: Path) -> Picture:
    """What a project has decided."""
    from biorat_al.project import Project

    with Project.open(folder / "trial") as project:
        return picture_of(project)


def the_files(folder: Path) -> Picture:
    """The content of everything outside of the project, without times."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(_DATE.sub(b"", path.read_bytes())).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".png", ".svg") and "sqlite3" not in path.name
    }


def the_tables(folder: Path) -> Picture:
    """All rows of a project's database."""
    connection = sqlite3.connect(folder / "trial" / "biorat.sqlite3")
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    rows = {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in names}
    connection.close()
    return {"rows": rows}


def the_simulation(folder: Path) -> Picture:
    """What a simulation has measured."""
    from biorat_al.efficiency.simulation.simulation import read_simulation

    return {"runs": sorted(_without_times(run.model_dump_json()) for run in read_simulation(folder / "simulation"))}


def _without_times(text: str) -> str:
    return re.sub(r'"\w*seconds":(?:\{[^}]*\}|[^,}]+)|"peak_memory":[\d.]+', "", text)


def an_old_database(folder: Path) -> None:
    """Put a database of the first version into the project."""
    from alembic import command

    from biorat_al.store.database import migration
    from biorat_al.store.database.engine import database_url, open_engine
    from tests.store.test_upgrade import _fill

    for path in (folder / "trial").glob("biorat.sqlite3*"):
        path.unlink()
    engine = open_engine(database_url("sqlite", folder / "trial"))
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        configuration = migration._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
        _fill(connection, "0001")
    engine.dispose()


def here_and_now() -> None:
    """Let a simulation compute in the process itself, which can then be killed anywhere."""
    from biorat_al.efficiency.simulation import simulation
    from biorat_al.efficiency.simulation.trial import run_trial

    def one_after_the_other(open_runner: Any, workload: Any, *_: Any) -> None:
        job = open_runner.args[0]
        for one in sorted(workload.missing, key=lambda one: one.trial.of is not None):
            run_trial(job.folder, job.settings, job.grid, one.trial, lambda number: None)

    simulation.run_side_by_side = one_after_the_other


_LABELS = ("--entity", "Disease", "--entity", "Chemical")
_FILES = ("--documents", "files/pool.jsonl", "--test-documents", "files/test.jsonl")
INIT = ("init", "trial", *_FILES, "--gold", "--desk", "oracle", *_LABELS, "--size", "3", "--encoder", "{encoder}")
ROUND = ("round", "--project", "trial")
_TWO_ROUNDS = (INIT, ROUND, ROUND)


def scenes() -> list[Scene]:
    """Every command that writes anything, and what it begins with."""
    export = ("export", "corpus", "--project", "trial")
    report = ("report", "--project", "trial")
    convert = ("convert", "files/pool.jsonl", "out")
    simulate = (
        "simulate", "--documents", "files/pool.jsonl", "--test-documents", "files/test.jsonl", *_LABELS, "--arm", "rat",
        "--seeds", "1", "--rounds", "2", "--size", "3", "--workers", "1", "--output", "simulation", "--encoder",
        "{encoder}", "--set", "training.epochs=1", "--set", "training.min_steps=3",
    )  # fmt: skip
    as_lines = ("export", "c.jsonl", "--format", "jsonl", "--project", "trial")
    predict = ("predict", "files/test.jsonl", "--output", "p.jsonl", "--project", "trial")
    complete = "is complete"
    return [
        Scene("init", INIT, seen=the_project, complete="a complete project"),
        Scene("init (folder exists)", INIT, (("mkdir", "trial"),), the_project, complete="a complete project"),
        Scene("round (first)", ROUND, (INIT,), the_project, repeats=True),
        Scene("round (trains)", ROUND, (INIT, ROUND), the_project, repeats=True),
        Scene("export", export, _TWO_ROUNDS, the_files, complete),
        Scene("export --force", (*export, "--force"), (*_TWO_ROUNDS, export), the_files),
        Scene("export jsonl", as_lines, _TWO_ROUNDS, the_files, complete),
        Scene("report", report, _TWO_ROUNDS, the_files, complete),
        Scene("report --force", (*report, "--force"), (*_TWO_ROUNDS, report), the_files),
        Scene("convert (file)", (*convert, "--to", "bioc-xml"), seen=the_files, complete=complete),
        Scene("convert (folder)", (*convert, "--to", "brat"), seen=the_files, complete=complete),
        Scene("convert --force", (*convert, "--to", "brat", "--force"), ((*convert, "--to", "brat"),), the_files),
        Scene("predict", predict, _TWO_ROUNDS, the_files, complete),
        Scene("db upgrade", ("db", "upgrade", "--project", "trial"), (INIT,), the_tables, prepare=an_old_database),
        Scene("simulate", simulate, seen=the_simulation),
    ]


class Stage:
    """A folder in which scenes are played, one after the other, always under the same path.

    :param folder: an empty folder; made in memory where the machine has such.
    """

    def __init__(self, folder: Path | None = None) -> None:
        memory = Path("/dev/shm")
        self._made = tempfile.TemporaryDirectory(prefix="campaign-", dir=memory if memory.is_dir() else None)
        self.folder = Path(self._made.name) if folder is None else folder
        self.place = self.folder / "place"
        self._number = 0
        self._templates: dict[tuple[object, ...], Path] = {}
        self.encoder = self.folder / "encoder"

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._made.cleanup()

    def words(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The command with the encoder in its place, which is made where one is needed."""
        if any("{encoder}" in word for word in words) and not self.encoder.exists():
            ask(lambda: str(make_tiny_encoder(self.encoder)), self.folder)
        return tuple(word.replace("{encoder}", str(self.encoder)) for word in words)

    def template(self, scene: Scene) -> Path:
        """A folder as the scene begins with it."""
        key = (scene.before, scene.prepare, tuple(scene.environment.items()))
        if key not in self._templates:
            copied(self._made_by(scene.before, scene), self.place)
            if scene.prepare is not None:
                ask(lambda: scene.prepare and scene.prepare(self.place), self.place)
            self._templates[key] = self._kept()
        return self._templates[key]

    def forget(self) -> None:
        """Make every folder anew from now on: those that were made go with a database that has gone."""
        self._templates.clear()

    def _made_by(self, before: tuple[tuple[str, ...], ...], scene: Scene) -> Path:
        key = (before, tuple(scene.environment.items()))
        if key not in self._templates:
            if not before:
                shutil.rmtree(self.place, ignore_errors=True)
                self.place.mkdir()
                ask(lambda: str(demo_files(self.place / "files", pool=12, test=3)), self.place)
            else:
                copied(self._made_by(before[:-1], scene), self.place)
                self._do(before[-1], scene)
            self._templates[key] = self._kept()
        return self._templates[key]

    def _do(self, words: tuple[str, ...], scene: Scene) -> None:
        if words[0] == "mkdir":
            (self.place / words[1]).mkdir()
            return
        ended = run_command(self.words(words), cwd=self.place, environment=scene.environment, learn=True)
        assert ended.code == 0, ended.text
        if words[0] == "init":
            be_quick(self.place / "trial")

    def _kept(self) -> Path:
        self._number += 1
        kept = self.folder / f"template-{self._number}"
        copied(self.place, kept)
        return kept


def names_in(folder: Path) -> set[str]:
    """The paths of all that is in a folder, but for what a database in use needs."""
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not _OF_THE_DATABASE.fullmatch(path.name)
    }
