"""What a model has read, in files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.errors import ProjectError
from biorat_al.learner.entities.tagger import UncalibratedReading
from biorat_al.rounds.out_of_fold.kept import kept_readings, make_folder, remove_others, write_readings

LABELS = ("Chemical", "Disease")


def reading(name: str, words: int, seed: int) -> UncalibratedReading:
    generator = np.random.default_rng(seed)
    starts = np.arange(words, dtype=np.int64) * 5
    entities = tuple(
        Entity(f"T{number + 1}", LABELS[seed % 2], (Span(5 * number, 5 * number + 4),), score=float(generator.random()))
        for number in range(words // 2)
    )
    return UncalibratedReading(name, entities, starts, starts + 4, generator.random((words, len(LABELS))))


def values(one: UncalibratedReading) -> tuple[object, ...]:
    return one.document_id, one.entities, one.starts.tolist(), one.ends.tolist(), one.inside.tolist()


NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(st.lists(st.tuples(NAMES, st.integers(0, 6), st.integers(0, 99)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=40)
def test_what_was_read_comes_back_as_it_was(drawn: list[tuple[str, int, int]]) -> None:
    readings = [reading(*one) for one in drawn]
    with tempfile.TemporaryDirectory() as folder:
        write_readings(Path(folder), "key", readings, LABELS)
        found = kept_readings(Path(folder), "key", LABELS)
    assert found is not None
    assert [values(one) for one in found] == [values(one) for one in readings]


def test_a_file_that_is_missing_or_damaged_is_as_none(tmp_path: Path) -> None:
    assert kept_readings(tmp_path / "audit", "key", LABELS) is None
    write_readings(tmp_path / "audit", "key", [reading("a", 40, 1)], LABELS)
    (path,) = (tmp_path / "audit").iterdir()
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:100] + b"xxxx" + whole[104:], b"PK\x03\x04"):
        path.write_bytes(damaged)
        assert kept_readings(tmp_path / "audit", "key", LABELS) is None


@pytest.mark.parametrize("keys", [(), ("a",), ("a", "b")])
def test_what_belongs_to_other_annotations_is_removed(tmp_path: Path, keys: tuple[str, ...]) -> None:
    for key in ("a", "b", "c"):
        write_readings(tmp_path, key, [reading("d", 2, 1)], LABELS)
    (tmp_path / "notes.txt").write_text("mine")
    remove_others(tmp_path, keys)
    assert {path.name for path in tmp_path.iterdir()} == {*(f"{key}.npz" for key in keys), "notes.txt"}


def test_a_file_in_the_place_of_the_folder_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a report\n")
    with pytest.raises(ProjectError, match=r"cannot be kept in the folder .*audit.*give it another one"):
        make_folder(tmp_path / "audit")
    assert (tmp_path / "audit").read_text() == "a report\n"
