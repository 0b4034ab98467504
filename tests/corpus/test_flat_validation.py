"""The memory of a validation does not grow with the number of documents."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from biorat_al.corpus.convert import convert_corpus
from biorat_al.corpus.validate import validate_corpus

FEW, MANY = 200, 1200


def written(path: Path, documents: int) -> Path:
    """Write documents of a title alone, each with a mention."""
    entities = [{"id": "T1", "label": "Disease", "spans": [[0, 4]]}]
    passages = [{"kind": "title", "start": 0, "end": 5}]
    with path.open("w") as file:
        for number in range(documents):
            record = {"id": f"d{number}", "text": "Gout.", "passages": passages, "entities": entities}
            file.write(json.dumps(record) + "\n")
    return path


def highest(path: Path) -> int:
    """Return the most bytes of Python's objects at one time during a validation."""
    tracemalloc.start()
    try:
        validation = validate_corpus(path)
        assert not validation.problems
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["jsonl", "bigbio"])
def test_a_document_more_takes_no_memory(tmp_path: Path, form: str) -> None:
    """Its id and digest were in memory, and so was the place of each of its ids."""
    peaks = []
    for number in (FEW, FEW, MANY):
        path = written(tmp_path / "corpus.jsonl", number)
        if form == "bigbio":
            target = tmp_path / f"bigbio{len(peaks)}"
            convert_corpus(path, target, to="bigbio")
            path = target
        peaks.append(highest(path))
    # the first run imports what the others use
    assert peaks[2] - peaks[1] < 100 * (MANY - FEW)
