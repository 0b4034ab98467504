"""Time and memory of the commands against the number of documents, on one machine.

For each size, invented documents of about 20 words are written, a project is set up on them with an encoder of toy
size, and the commands run one after the other, each in a process that does nothing else: `init`, `status`, a first
round with each strategy that needs no model, a later one with each strategy that needs one, `status` again, `export`,
`validate` and `convert`. The oracle answers. Prints processor seconds and the highest resident memory of each, and the
slope: the exponent with which the seconds grow from the size before (1: linearly). Rounds of a strategy begin from
copies of the same project.

    python benchmarks/scale.py [--documents 10000 100000] [--first random diverse] [--later mnlp cluster-margin]
        [--package OTHER_CHECKOUT] [--output FILE]

The encoder is so small that a document takes a fraction of a millisecond: what the rounds show is everything else.
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
from pathlib import Path
from typing import Any

from round_memory import HERE, write_documents

ANSWERED = 40


class Commands:
    """Runs commands of a checkout, and keeps what each took."""

    def __init__(self, package: Path, documents: int) -> None:
        self._package = package
        self._documents = documents
        self.rows: list[dict[str, Any]] = []

    def run(self, name: str, *words: str) -> None:
        """Run a command, and keep its processor seconds, its seconds, and its peak in MiB under `name`."""
        environment = {**os.environ, "PYTHONPATH": str(self._package), "BIORAT_DATABASE_URL": ""}
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


def measure(package: Path, size: int, first: list[str], later: list[str], encoder: Path) -> list[dict[str, Any]]:
    """Run all commands on a pool of a size; return a row for each."""
    with tempfile.TemporaryDirectory(prefix="scale") as name:
        folder = Path(name)
        commands = Commands(package, size)
        write_documents(folder, size, gold=size)
        pool, project = str(folder / "pool.jsonl"), folder / "project"
        commands.run(
            "init", "init", str(project), "--documents", pool, "--test-documents", str(folder / "test.jsonl"),
            "--gold", "--desk", "oracle", "--entity", "Disease", "--encoder", str(encoder), "--size", str(ANSWERED),
        )  # fmt: skip
        settings = project / "biorat.toml"
        lines = settings.read_text(encoding="utf-8").splitlines()
        lines = [line for line in lines if line.split(" = ")[0] not in ("min_steps", "epochs")]
        lines.insert(lines.index("[training]") + 1, "min_steps = 20\nepochs = 1")
        settings.write_text("\n".join(lines), encoding="utf-8")
        commands.run("status", "status", "--project", str(project))
        for strategy in first:
            copy = folder / f"first-{strategy}"
            shutil.copytree(project, copy)
            commands.run(f"first round, {strategy}", "round", "--strategy", strategy, "--project", str(copy))
            shutil.rmtree(copy)
        made = Commands(package, size)
        made.run("(first round)", "round", "--strategy", "random", "--project", str(project))
        for strategy in later:
            copy = folder / f"later-{strategy}"
            shutil.copytree(project, copy)
            commands.run(f"later round, {strategy}", "round", "--strategy", strategy, "--project", str(copy))
            if strategy != later[-1]:
                shutil.rmtree(copy)
        commands.run("status after rounds", "status", "--project", str(copy if later else project))
        commands.run(
            "export", "export", str(folder / "corpus"), "--project", str(copy if later else project),
        )  # fmt: skip
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
    parser.add_argument("--package", type=Path, default=HERE, help="another checkout")
    parser.add_argument("--output", type=Path, help="JSON lines, a row for each command and size")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        encoder = Path(name) / "encoder"
        # in another process: the peak of a command cannot be told below that of the process that starts it
        script = f"from round_memory import make_encoder, Path; make_encoder(Path({str(encoder)!r}))"
        subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, check=True)
        for size in sorted(options.documents):
            rows += measure(options.package.resolve(), size, options.first, options.later, encoder)
            if options.output:
                options.output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
