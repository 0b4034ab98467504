"""How many abstracts a second are read, by format, beside a bare parse of the same file.

The abstracts of the BC5CDR training set (from the folder that is named) are written in every format, each file is read
through the registry, and right after it by the least that could be done with it: splitting lines at tabs, parsing the
JSON or XML and dropping it, opening the Parquet. The two alternate, and the fastest of the passes of each counts.

    python benchmarks/reading_speed.py ../shared/corpora
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.corpus.reading import read_corpus, write_corpus

PASSES = 5
REPEATS = 4
"""How often the 500 abstracts are written, so that a pass takes long enough to be timed."""


def main() -> None:
    corpus = Path(sys.argv[1]) / "bc5cdr" / "CDR_TrainingSet.PubTator.txt"
    records = [
        record._replace(document=type(record.document)(f"{record.document.id}{turn}", *fields(record.document)))
        for turn in range(REPEATS)
        for record in read_corpus(corpus)
    ]
    print(f"{len(records)} abstracts, fastest of {PASSES} passes\n")
    print(f"{'format':<14}{'abstracts/s':>13}{'bare parse/s':>14}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for known in FORMATS:
            path = Path(folder) / known.name
            if not known.can_write and known.name != "plain-text":
                continue
            if known.name == "plain-text":
                path.mkdir()
                for record in records:
                    (path / f"{record.document.id}.txt").write_text(record.document.text)
            else:
                write_corpus(path, records, format=known.name)
            ours, bare = [], []
            for _ in range(PASSES):
                ours.append(seconds(lambda path=path, name=known.name: read(path, name, len(records))))
                bare.append(seconds(lambda path=path, name=known.name: parse(path, name)))
            speed, least = len(records) / min(ours), len(records) / min(bare)
            print(f"{known.name:<14}{speed:>13,.0f}{least:>14,.0f}{least / speed:>8.1f}")


def fields(document: object) -> tuple[object, ...]:
    return document.text, document.passages, document.metadata


def seconds(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def read(path: Path, name: str, expected: int) -> None:
    assert sum(1 for _ in read_corpus(path, format=name)) == expected


def parse(path: Path, name: str) -> None:
    """The least that can be done with the files of a format."""
    for file in list_files(path, format=name):
        for part in (file.path, *file.format.companions(file.path)):
            if name in ("bioc-xml", "ddi"):
                ElementTree.parse(part)
            elif name in ("bioc-json", "label-studio"):
                json.loads(part.read_bytes())
            elif name == "bigbio":
                import pyarrow.parquet as pq

                pq.read_table(part).to_pylist()
            else:
                with open(part, encoding="utf-8", newline="\n") as lines:
                    for line in lines:
                        json.loads(line) if name == "jsonl" else line.split("\t")


if __name__ == "__main__":
    main()
