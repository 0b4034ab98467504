"""What is published: the wheel and the source distribution hold the program, what it needs, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

import biorat_al

ROOT = Path(__file__).parent.parent


def files_below(*folders: str) -> set[str]:
    """Return the files of the checkout below some folders, as POSIX paths from its root."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the wheel and the source distribution; the wheel is built from the latter, as an installer would."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


@pytest.fixture(scope="session")
def unpacked(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the wheel's files are unpacked to."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(built[0]) as wheel:
        wheel.extractall(folder)
    return folder


@pytest.mark.slow
def test_the_wheel_holds_the_package_its_templates_and_migrations_and_nothing_else(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
    about = f"biorat_al-{biorat_al.__version__}.dist-info"
    shipped = {f"biorat_al/{name}" for name in files_below("templates", "migrations")}
    meta = {f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert names == files_below("biorat_al") | shipped | meta
    assert names >= {"biorat_al/py.typed", "biorat_al/templates/labelling.xml.j2", "biorat_al/migrations/env.py"}


@pytest.mark.slow
def test_the_source_distribution_holds_what_the_wheel_is_built_from_and_nothing_else(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as source:
        names = {PurePosixPath(member.name) for member in source.getmembers() if member.isfile()}
    top = f"biorat_al-{biorat_al.__version__}"
    assert {name.parts[0] for name in names} == {top}
    found = {name.relative_to(top).as_posix() for name in names}
    beside = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "PKG-INFO", ".gitignore"}
    assert found == files_below("biorat_al", "migrations", "templates") | beside


def test_what_the_wheel_says_of_itself(unpacked: Path) -> None:
    (about,) = unpacked.glob("*.dist-info")
    metadata = Parser().parsestr((about / "METADATA").read_text(encoding="utf-8"))
    assert (metadata["Name"], metadata["Version"]) == ("biorat-al", biorat_al.__version__)
    assert (metadata["License-Expression"], metadata["License-File"]) == ("Apache-2.0", "LICENSE")
    assert metadata["Requires-Python"].startswith(">=3.11")
    assert "biorat-al = biorat_al.cli:main" in (about / "entry_points.txt").read_text(encoding="utf-8")
    assert "Apache License" in (about / "licenses" / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_wheel_works_without_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    """Templates and migrations are found inside it: a database can be made."""
    script = (
        "import biorat_al\n"
        "from sqlalchemy import make_url\n"
        "from biorat_al.resources import resource\n"
        "from biorat_al.store.store import Store\n"
        "Store.create(make_url('sqlite:///database.sqlite')).close()\n"
        "print(biorat_al.__file__, resource('templates/labelling.xml.j2'), resource('migrations'), sep='|')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "database.sqlite").stat().st_size
    assert all(Path(path).is_relative_to(unpacked) for path in done.stdout.strip().split("|"))
