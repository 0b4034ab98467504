"""Processor seconds of short commands, for which a person waits.

The project has had no round yet, so what is measured is mostly what the commands import. With an older checkout, both
run in turn, and the ratio of the least seconds of each is printed: the least is the one that other work on the machine
disturbed least. Each command runs once before, so that Python has compiled the modules.

    python benchmarks/start_up.py [--package OLDER_CHECKOUT] [--repeats 5]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent

CACHE = str(Path(tempfile.gettempdir()) / "biorat-start-up")


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the words of each command."""
    documents, project = str(folder / "documents.jsonl"), str(folder / "project")
    return {
        "--help": ["--help"],
        "status": ["status", "--project", project],
        "validate": ["validate", documents],
        "convert": ["convert", documents, str(folder / "out.jsonl"), "--to", "jsonl", "--force"],
        "db upgrade": ["db", "upgrade", "--project", project],
    }


def seconds(package: Path, words: list[str]) -> float:
    """Run a command of a checkout, and return its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(package), "BIORAT_DATABASE_URL": "", "PYTHONPYCACHEPREFIX": CACHE}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, "-m", "biorat_al", *words], env=environment, cwd="/", check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_project(folder: Path, package: Path) -> None:
    """Make a project on the demo corpus; the older checkout makes it, so that both can open it after an upgrade."""
    from biorat_al import write_corpus
    from biorat_al.demo.corpus import read_demo_corpus

    documents = folder / "documents.jsonl"
    write_corpus(documents, list(read_demo_corpus())[:60])
    seconds(
        package,
        ["init", str(folder / "project"), "--documents", str(documents), "--gold", "--desk", "oracle", "--entity",
         "Chemical", "--entity", "Disease", "--encoder", "minilm", "--test-size", "10"],
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, help="an older checkout to compare with")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    checkouts = {"now": HERE} | ({"before": options.package.resolve()} if options.package else {})
    with tempfile.TemporaryDirectory() as name:
        folders = {}
        for checkout, package in checkouts.items():
            folders[checkout] = Path(name) / checkout
            folders[checkout].mkdir()
            make_project(folders[checkout], package)
        print(f"{'':<12}{'before':>8}{'now':>8}{'ratio':>8}")
        for command in commands(Path(name)):
            found: dict[str, list[float]] = {checkout: [] for checkout in checkouts}
            for repeat in range(options.repeats + 1):
                for checkout, package in checkouts.items():
                    once = seconds(package, commands(folders[checkout])[command])
                    if repeat:
                        found[checkout].append(once)
            now, before = min(found["now"]), min(found.get("before", [float("nan")]))
            print(f"{command:<12}{before:>8.2f}{now:>8.2f}{now / before:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
