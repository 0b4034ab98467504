"""How fast a project is exported, and whether memory stays flat.

Each size runs in a process of its own, on documents that are made up: 1,500 characters, 15 mentions with concepts and
five relations each; every fourth document was annotated by two people. Prints documents per second, peak memory, and
the ratio of the peak for the largest size to that for the smallest::

    python benchmarks/export_speed.py
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, select

from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Record, Relation, Span
from biorat_al.export.export import export_corpus
from biorat_al.settings import Settings, make_settings
from biorat_al.store import creation
from biorat_al.store.annotations import CHUNK, NewAnnotation, add_annotations, chunks
from biorat_al.store.store import Store, add_project
from biorat_al.store.tables import DocumentRow

TEXT = "the patients were given naloxone and aspirin for asthma with severe pain in both lungs " * 18


def settings() -> Settings:
    """Return the made-up project's settings."""
    return make_settings({"name": "speed", "entities": [{"name": "Chemical"}, {"name": "Disease"}]})


def annotation(text: str, shift: int = 0) -> Annotation:
    """Return mentions and relations on a made-up text; with a shift the last mention lies elsewhere."""
    entities = []
    for number in range(15):
        start = text.index(" ", 90 * number + (shift if number == 14 else 0)) + 1
        span = Span(start, text.index(" ", start))
        concept = Concept("MESH", f"D{number:06}")
        entities.append(Entity(f"T{number}", ("Chemical", "Disease")[number % 2], (span,), (concept,), origin="manual"))
    relations = tuple(Relation(f"R{number}", "CID", f"T{2 * number}", f"T{2 * number + 1}") for number in range(5))
    return Annotation(tuple(entities), relations)


def records(number: int) -> Iterator[Record]:
    """Yield documents that nobody has annotated."""
    for place in range(number):
        own = f"{TEXT}{place}"
        passages = (Passage("title", 0, 100), Passage("abstract", 100, len(own)))
        yield Record(Document(str(place), own, passages, {"journal": "Made up"}), None, "")


def fill(store: Store, number: int) -> None:
    """Write documents, and what two people said of them."""
    at = datetime(2024, 1, 1, tzinfo=UTC)
    with store.write() as session:
        add_project(session, "speed")
        creation.fill(session, settings=settings(), pool=records(number), test=(), test_size=0, gold=False)
        ids = list(session.scalars(select(DocumentRow.id).order_by(DocumentRow.id)))
        for some in chunks(ids, CHUNK):
            new = []
            for document_id in some:
                for who in ("ann", "bob")[: 2 if document_id % 4 == 0 else 1]:
                    columns = {"annotator": who, "updated_at": at, "desk_annotation_id": f"{who}{document_id}"}
                    new.append(NewAnnotation(document_id, "person", annotation(TEXT, 8 * (who == "bob")), columns))
            add_annotations(session, new)


def measure(database: Path, out: Path) -> dict[str, float]:
    """Export, and say how long it took and the most memory that this process has had, in MB."""
    store = Store(URL.create("sqlite", database=str(database)))
    began = time.perf_counter()
    report = export_corpus(settings(), store, out, format="bigbio", force=False)
    seconds = time.perf_counter() - began
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "linux" else 1024) / 1024
    return {"documents": sum(report.documents.values()), "ties": report.tie_count, "seconds": seconds, "peak": peak}


def main() -> None:
    """Measure both sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--one", nargs=2, metavar=("DATABASE", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*map(Path, options.one))))
        return
    peaks = []
    with tempfile.TemporaryDirectory() as room:
        for size in options.sizes:
            database = Path(room) / f"{size}.sqlite3"
            store = Store.create(URL.create("sqlite", database=str(database)))
            fill(store, size)
            store.close()
            command = [sys.executable, __file__, "--one", str(database), str(Path(room) / f"out-{size}")]
            found = json.loads(subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout)
            speed = found["documents"] / found["seconds"]
            print(
                f"{found['documents']:,} documents in {found['seconds']:.1f} s: {speed:,.0f} documents per second, "
                f"peak memory {found['peak']:,.0f} MB, {found['ties']:,} ties",
                flush=True,
            )
            peaks.append(found["peak"])
    print(f"peak memory for {options.sizes[-1]:,} against {options.sizes[0]:,} documents: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
