"""What Ray costs: the same grid of small trainings with processes of this machine and with Ray on this machine.

Simulates `--runs` runs of `--rounds` rounds each on NCBI disease, with as many runs at a time as there are cores and
one thread each, `--repeats` times in turn, each time in a new process. Prints for each way the seconds of the whole
command and of its runs alone (from the first to the last round's end), the seconds before the first round begins, and
the highest memory of all its processes together (proportional set size, so that shared pages count once). The models
must be the same.

    python benchmarks/cluster.py [--corpora FOLDER] [--encoder minilm] [--runs 4] [--rounds 3] [--pool 200] [--test 60]
        [--min-steps 60] [--repeats 1] [--ray ADDRESS] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from round_time import CORPORA, ENTITIES, write_corpus

WAYS = ("processes", "ray")


def memory_of(pids: set[int]) -> int:
    """Return the proportional set size of some processes together, in bytes; those that have ended count nothing."""
    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_full_info().pss
        except psutil.Error:
            continue
    return total


def run_once(words: list[str], folder: Path) -> dict[str, Any]:
    """Run a simulation in a new process; return its seconds and its memory, and the hashes of its models."""
    command = [sys.executable, "-m", "biorat_al", "simulate", *words, "--output", str(folder)]
    start, highest, first = time.time(), 0, None
    with tempfile.TemporaryFile() as said:
        process = psutil.Popen(command, stdout=said, stderr=said, env=os.environ | {"RAY_AUTH_TOKEN": "0" * 64})
        while process.poll() is None:
            try:
                pids = {process.pid, *(child.pid for child in process.children(recursive=True))}
            except psutil.Error:
                break
            highest = max(highest, memory_of(pids))
            if first is None and any((folder / "work").glob("*")):
                first = time.time()
            time.sleep(0.5)
        if process.wait():
            said.seek(0)
            raise SystemExit(said.read().decode())
    end = time.time()
    runs = [json.loads(line) for file in sorted((folder / "runs").iterdir()) for line in file.read_text().splitlines()]
    busy = [sum(sum(point["seconds"].values()) for point in run["points"]) for run in runs]
    return {
        "seconds": round(end - start, 1),
        "before the first round arrives": round((first or end) - start, 1),
        "seconds in rounds, all runs": round(sum(busy), 1),
        "memory, MB": round(highest / 1e6),
        "models": [model["weights_sha256"] for run in runs for model in run["provenance"]["models"]],
    }


def measure(options: argparse.Namespace, scratch: Path) -> list[dict[str, Any]]:
    """Run all simulations, and return a row for each.

    :raises SystemExit: the ways made other models.
    """
    pool, test = scratch / "pool.jsonl", scratch / "test.jsonl"
    write_corpus(options.corpora / "ncbi_disease" / "NCBItrainset_corpus.txt", pool, options.pool)
    write_corpus(options.corpora / "ncbi_disease" / "NCBIdevelopset_corpus.txt", test, options.test)
    cores = str(min(os.cpu_count() or 1, options.runs))
    words = [
        "--documents", str(pool), "--test-documents", str(test), "--entity", ENTITIES, "--encoder", options.encoder,
        "--arm", "none", "--strategy", "mnlp", "--seeds", str(options.runs), "--rounds", str(options.rounds),
        "--set", "cluster.threads=1", "--set", f"training.min_steps={options.min_steps}", "--workers", cores,
        "--name", "grid",
    ]  # fmt: skip
    rows = []
    for repeat in range(options.repeats):
        for way in WAYS if repeat % 2 == 0 else reversed(WAYS):
            more = ["--ray", *([options.ray] if options.ray else [])] if way == "ray" else []
            rows.append({"way": way, **run_once([*words, *more], scratch / f"{way}-{repeat}")})
            print(json.dumps({name: value for name, value in rows[-1].items() if name != "models"}), flush=True)
    if len({json.dumps(row.pop("models")) for row in rows}) > 1:
        raise SystemExit("the two ways made different models")
    return rows


def main() -> None:
    """Measure, print the ratio, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    parser.add_argument("--encoder", default="minilm")
    for name, default in {"runs": 4, "rounds": 3, "pool": 200, "test": 60, "min-steps": 60, "repeats": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--ray", metavar="ADDRESS", help="a cluster, instead of Ray on this machine")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(options, Path(scratch))
    medians = {way: statistics.median(row["seconds"] for row in rows if row["way"] == way) for way in WAYS}
    print(f"Ray takes {medians['ray'] / medians['processes']:.2f} times the seconds; the models are the same")
    if options.output:
        options.output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
