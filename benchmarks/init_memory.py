"""Is the memory of `biorat-al init` flat, and its time per document constant?

Makes invented abstracts with annotations, sets up a project on 10,000 and on 100,000 of them, each in a process of its
own, and prints the ratios of peak memory and of time per document.

    python benchmarks/init_memory.py [--small 10000] [--large 100000] [--repeat 1]
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from biorat_al.demo.corpus import read_demo_corpus

WORDS = sorted({word for record in read_demo_corpus() for word in record.document.text.split()})


def write_abstracts(path: Path, count: int) -> None:
    """Write PubTator records of about 1,300 characters with five mentions each."""
    generator = random.Random(count)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            words = generator.choices(WORDS, k=185)
            title, abstract = " ".join(words[:15]), " ".join(words[15:])
            text = f"{title} {abstract}"
            file.write(f"{number}|t|{title}\n{number}|a|{abstract}\n")
            begin = 0
            for _ in range(5):
                word = text[begin:].split(" ", 1)[0]
                file.write(f"{number}\t{begin}\t{begin + len(word)}\t{word}\tDisease\tD{begin:06d}\n")
                begin += len(word) + 1
            file.write("\n")


def init(documents: Path, project: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run the command; return peak memory in MiB and seconds."""
    command = [
        str(Path(sys.executable).with_name("biorat-al")), "init", str(project), "--documents", str(documents),
        "--entity", "Disease", "--gold", "--encoder", "minilm", "--format", "pubtator",
    ]  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"init failed with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1024, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    memory: list[float] = []
    speed: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = {count: folder / f"{count}.txt" for count in (options.small, options.large)}
        for count, path in files.items():
            write_abstracts(path, count)
        for turn in range(options.repeat):
            found = {}
            for count, path in files.items():
                found[count] = init(path, folder / f"project-{count}-{turn}", {"BIORAT_DATABASE_URL": ""})
                print(f"{count:>8,} documents: peak {found[count][0]:,.0f} MiB, {found[count][1]:.1f} s", flush=True)
            small, large = found[options.small], found[options.large]
            memory.append(large[0] / small[0])
            speed.append((large[1] / options.large) / (small[1] / options.small))
    print(f"peak memory, {options.large:,} against {options.small:,}: {statistics.median(memory):.2f} (target: <= 1.2)")
    print(f"time per document, likewise: {statistics.median(speed):.2f} (1 is constant)")


if __name__ == "__main__":
    main()
