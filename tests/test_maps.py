"""Finding one's way: the map at the top of each folder names what is in it, and no class name occurs twice."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "biorat_al"

FEW = 4
"""Modules in a folder that needs no map."""

OTHER_NAMES = {
    "acquisition": {"badge", "diverse", "random"},
    "corpus/formats/bigbio": {"datasets"},
    "desk/labelstudio": {"connect"},
    "efficiency/report": {"status"},
    "presentation": {"adjudicate", "convert", "simulate", "validate"},
    "presentation/people": {"adjudicate"},
    "project": {"init"},
    "rounds/steps": {"model_folder"},
}
"""Names in a folder's map that look like those of modules: strategies, commands, functions, another package."""


def children(folder: Path) -> set[str]:
    """Return the modules and sub-folders of a folder."""
    modules = {path.stem for path in folder.glob("*.py") if path.name != "__init__.py"}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


def folders() -> list[Path]:
    """Return all folders of the package but the package itself, whose map is in docs/architecture.md."""
    return sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)


def quoted(folder: Path) -> set[str]:
    """Return what the docstring of a folder has in backticks."""
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    return {name for _, name in re.findall(r"(`+)([^`\n]+)\1", docstring)}


def name_of(folder: Path) -> str:
    return folder.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("folder", folders(), ids=name_of)
def test_a_map_names_everything_in_its_folder(folder: Path) -> None:
    inside = children(folder)
    if len(inside) > FEW or any(folder.glob("*/__init__.py")):
        assert inside - {name.rstrip("/") for name in quoted(folder)} == set()


@pytest.mark.parametrize("folder", folders(), ids=name_of)
def test_a_map_names_nothing_that_does_not_exist(folder: Path) -> None:
    around = (folder, *folder.glob("*/"), *(parent for parent in folder.parents if parent.is_relative_to(PACKAGE)))
    known = set().union(*map(children, around)) | OTHER_NAMES.get(name_of(folder), set())
    names = {name for name in quoted(folder) if re.fullmatch(r"[a-z][a-z0-9_]*/?", name)}
    assert {name for name in names if name.rstrip("/") not in known} == set()


@pytest.mark.parametrize("folder", folders(), ids=name_of)
def test_a_map_names_no_path_that_does_not_exist(folder: Path) -> None:
    paths = [name for name in quoted(folder) if re.fullmatch(r"biorat_al(\.[a-z0-9_]+)+", name)]
    places = [ROOT.joinpath(*path.split(".")) for path in paths]
    assert [place for place in places if not place.is_dir() and not place.with_suffix(".py").is_file()] == []


def test_no_two_classes_have_one_name() -> None:
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name_of(path))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
