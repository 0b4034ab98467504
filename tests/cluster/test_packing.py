"""A folder comes out of its package as it went in."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.cluster.packing import pack, unpack

NAMES = st.text(st.characters(whitelist_categories=("Ll", "Nd")), min_size=1, max_size=8)


@given(st.dictionaries(st.tuples(NAMES, NAMES), st.binary(max_size=50), max_size=6))
def test_files_and_folders_come_out_as_they_went_in(files: dict[tuple[str, str], bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        origin, copy = Path(name) / "origin", Path(name) / "copy"
        origin.mkdir()
        for (folder, file), content in files.items():
            (origin / folder).mkdir(exist_ok=True)
            (origin / folder / file).write_bytes(content)
        unpack(pack(origin), copy)
        assert {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()} == {
            Path(folder) / file: content for (folder, file), content in files.items()
        }


def test_only_what_is_named_is_packed_and_what_does_not_exist_is_left_out(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    for name in ("a", "b"):
        (origin / name).mkdir(parents=True)
        (origin / name / "file").write_text(name, encoding="utf-8")
    unpack(pack(origin, ["b", "c"]), tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["b"]


def test_a_database_that_is_open_is_packed_with_all_that_is_committed(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    with closing(sqlite3.connect(origin / "biorat.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE numbers (number)")
        database.execute("INSERT INTO numbers VALUES (7)")
        assert (origin / "biorat.sqlite3-wal").stat().st_size > 0
        unpack(pack(origin), tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["biorat.sqlite3"]
    with closing(sqlite3.connect(tmp_path / "copy" / "biorat.sqlite3")) as database:
        assert database.execute("SELECT number FROM numbers").fetchall() == [(7,)]
