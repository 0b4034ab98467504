"""Time and memory of `status` and of the choice of a batch, in pools of up to a million documents.

A project of 1,000 invented documents of about 20 words, all with gold, is set up by the program. Then its rows are
multiplied in the database, each document with a word more, as `init` would take long; a model's predictions are added
likewise. `status` and the step that chooses run in processes that do nothing else, each strategy on its own. Prints
processor seconds without the start-up, the highest resident memory in MiB, and whether the picks are those of another
checkout. Of a Postgres, the server's own seconds and memory are not among them.

    python benchmarks/large_pool.py [--documents 10000 100000 1000000] [--strategies random mnlp]
        [--postgres] [--package OTHER_CHECKOUT] [--output FILE]

With `--package`, the same is measured with another checkout in turn, up to `--most` documents. Strategies that need no
model choose before there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from round_memory import HERE, peak, write_documents
from scale import Databases, databases

BEGUN = 1_000
VERSION = "large-r0-committee-0"
WITHOUT_MODEL = ("random", "diverse")


def make_project(folder: Path, encoder: Path) -> None:
    """Set up a project, and a round whose model has predicted its pool."""
    from sqlalchemy import select

    from biorat_al.corpus.sources import Sources
    from biorat_al.project import Project
    from biorat_al.rounds.runner import STEPS
    from biorat_al.settings import make_settings
    from biorat_al.store.models import add_predictions
    from biorat_al.store.store import now
    from biorat_al.store.tables import DocumentRow, ModelRow, RoundRow, StepRow

    write_documents(folder.parent, BEGUN, gold=BEGUN)
    settings = make_settings(
        {
            "name": "large",
            "entities": [{"name": "Disease"}],
            "encoder": {"name": str(encoder)},
            "desk": {"kind": "oracle"},
            "database": {"url": "environment" if os.environ["BIORAT_DATABASE_URL"] else "sqlite"},
        }
    )
    sources = Sources([folder.parent / "pool.jsonl"], [folder.parent / "test.jsonl"], gold=True)
    Project.init(folder, settings, sources)[0].close()
    with Project.open(folder) as project, project.store.write() as session:
        values = {"request": {}, "settings": {}, "program_version": "0", "started_at": now()}
        session.add(RoundRow(number=7, state="done", **values))
        session.flush()
        session.add_all(
            StepRow(round_number=7, name=name, position=position, state="done", counts={})
            for position, name in enumerate(STEPS)
        )
        kept = {"sha256": "", "summary": {}, "created_at": now()}
        session.add(ModelRow(version=VERSION, round_number=7, arm="committee", selecting=True, **kept))
        session.flush()
        pool = session.scalars(select(DocumentRow.id).where(DocumentRow.split == "pool")).all()
        numbers = ("confidence", "least_confidence", "margin", "entropy", "mnlp", "entity_entropy")
        add_predictions(
            session,
            [
                {"model_version": VERSION, "document_id": one, "tokens": 20, "entities": [], "relations": []}
                | dict.fromkeys(numbers, (one * 7919 % 1000) / 1000)
                for one in pool
            ],
        )


def multiply(folder: Path, documents: int) -> None:
    """Multiply the rows of the project's pool until it has so many documents."""
    from sqlalchemy import text

    from biorat_al.project import Project
    from biorat_al.store.tables import AnnotationRow, DocumentRow, EntityRow, PredictionRow

    with Project.open(folder) as project, project.store.write() as session:
        connection = session.connection()
        sha = "encode(sha256(convert_to(text || ' w' || (id + :more), 'UTF8')), 'hex')"
        if project.store.is_sqlite:
            driver: Any = connection.connection.driver_connection
            driver.create_function("digest", 1, lambda value: hashlib.sha256(value.encode()).hexdigest())
            sha = "digest(text || ' w' || (id + :more))"
        there = connection.scalar(text("SELECT max(id) FROM document"))
        changed = {
            DocumentRow: {
                "id": "id + :more", "key": "'x' || (id + :more)", "text": "text || ' w' || (id + :more)",
                "text_sha256": sha, "split": "'pool'",
            },
            AnnotationRow: {"id": "id + :more", "document_id": "document_id + :more"},
            EntityRow: {"annotation_id": "annotation_id + :more", "id": "id + :entities"},
            PredictionRow: {"document_id": "document_id + :more"},
        }  # fmt: skip
        last = connection.scalar(text("SELECT max(id) FROM entity"))
        for copy in range(1, documents // BEGUN):
            for table, values in changed.items():
                of: Any = table.__table__
                names = [column.name for column in of.columns if column.name != "checksum"]
                chosen = ", ".join(values.get(name, f'"{name}"') for name in names)
                of_pool = "(SELECT id FROM document WHERE split = 'pool' AND id <= :there)"
                limit = {
                    "document": f"id IN {of_pool}",
                    "entity": f"annotation_id IN (SELECT id FROM annotation WHERE document_id IN {of_pool})",
                }.get(of.name, f"document_id IN {of_pool}")
                listed = ", ".join(f'"{name}"' for name in names)
                connection.execute(
                    text(f"INSERT INTO {of.name} ({listed}) SELECT {chosen} FROM {of.name} WHERE {limit}"),
                    {"more": copy * there, "there": there, "entities": copy * last},
                )


def status(folder: Path) -> dict[str, Any]:
    """Measure the status of the project."""
    from biorat_al.project import Project

    with Project.open(folder) as project:
        began = time.process_time()
        found = project.status()
        return {"seconds": time.process_time() - began, "picks": [found.left, found.mentions]}


def choose(folder: Path, strategy: str) -> dict[str, Any]:
    """Measure the choice of 20 documents by a strategy, and return their ids."""
    from sqlalchemy import update

    from biorat_al.progress import SILENT
    from biorat_al.project import Project
    from biorat_al.rounds.context import Context, RoundRequest
    from biorat_al.rounds.steps import select
    from biorat_al.store.tables import DocumentRow, ModelRow, PickRow, RoundRow

    with Project.open(folder) as project:
        number = 8 if strategy in WITHOUT_MODEL else 7
        request = RoundRequest(strategy=strategy, size=20)
        context = Context(folder, project.settings, project.store, project.desk, number, request, SILENT)
        context.encoder.count_tokens(["a word"])
        began = time.process_time()
        finish = select.run(context)
        seconds = time.process_time() - began
        with project.store.write() as session:
            row = session.get_one(RoundRow, 7)
            session.execute(update(ModelRow).values(round_number=7))
            if number == 8:
                values = {"request": {}, "settings": {}, "program_version": "0", "started_at": row.started_at}
                session.add(RoundRow(number=8, state="running", **values))
                session.flush()
            finish(session)
            session.flush()
            picks = session.query(DocumentRow.key).join(PickRow, PickRow.document_id == DocumentRow.id)
            found = [key for (key,) in picks.order_by(PickRow.rank)]
            session.rollback()
    return {"seconds": seconds, "picks": found}


def child(package: Path, database: str, *arguments: str) -> Any:
    """Run this script as a child with the package of a checkout; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(package), "BIORAT_DATABASE_URL": database, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).resolve()), "--child", *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(
    options: argparse.Namespace, scratch: Path, size: int, kept: Databases, encoder: Path
) -> Iterator[dict[str, Any]]:
    """Measure one size with each checkout, in turn; yield a row for each figure."""
    packages = {"after": HERE}
    if options.package is not None and size <= options.most:
        packages = {"before": options.package.resolve(), **packages}
    made = {}
    for name, package in packages.items():
        folder = scratch / f"{size}-{name}"
        folder.mkdir()
        made[name] = folder / "project", kept.new()
        child(package, made[name][1], "make", str(made[name][0]), str(encoder))
        child(package, made[name][1], "multiply", str(made[name][0]), str(size))
        kept.analyze(made[name][1])
    for what in ("status", *options.strategies):
        picks = []
        for name, package in packages.items():
            found = child(package, made[name][1], what, str(made[name][0]))
            picks.append(found.pop("picks"))
            values = {"documents": size, "database": "Postgres" if options.postgres else "SQLite", "what": what}
            row = {**values, "checkout": name, **found}
            yield row | {"same": picks[0] == picks[1]} if len(picks) == 2 else row
    for _, database in made.values():
        kept.drop(database)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        what, folder, *others = sys.argv[2:]
        found: dict[str, Any] = {}
        if what == "make":
            make_project(Path(folder), Path(others[0]))
        elif what == "multiply":
            multiply(Path(folder), int(others[0]))
        else:
            found = status(Path(folder)) if what == "status" else choose(Path(folder), what)
        print(json.dumps({**found, "peak_mib": round(peak())}))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--strategies", nargs="*", default=["random", "mnlp"])
    parser.add_argument("--postgres", action="store_true", help="keep the projects in a Postgres")
    parser.add_argument("--package", type=Path, help="another checkout, measured before this one each time")
    parser.add_argument("--most", type=int, default=1_000_000, help="largest pool for the other checkout")
    parser.add_argument("--encoder", type=Path, help="a folder with an encoder; by default one of toy size is made")
    parser.add_argument("--output", type=Path, help="JSON lines, a row for each figure; added to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="large") as scratch, databases(options.postgres) as kept:
        encoder = options.encoder or Path(scratch) / "encoder"
        if options.encoder is None:
            script = f"from round_memory import make_encoder, Path; make_encoder(Path({str(encoder)!r}))"
            subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, check=True)
        for size in options.documents:
            for row in measure(options, Path(scratch), size, kept, encoder):
                print(json.dumps(row), flush=True)
                if options.output:
                    with options.output.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
