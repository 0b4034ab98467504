"""Is the memory of `validate` and `convert` flat, whatever the size of the file, in each format?

Writes articles of about 20,000 characters with 20 mentions as JSON Lines, converts them to each format (which shows its
writer), and validates and converts the result (which shows its reader), each in a process that does nothing else, at
two sizes. Formats that are only read and of which a file holds many documents are written by this script. Prints the
highest resident memory in MiB at each size, what a further 100 MB add, and the processor seconds.

    python benchmarks/format_memory.py [--megabytes 200 400] [--formats jsonl pubtator] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from round_memory import HERE, words

from biorat_al.corpus.formats.registry import FORMATS

WRITTEN = tuple(known.name for known in FORMATS if known.can_write and known.name != "jsonl")
CHARACTERS = 20_000
MENTIONS = 20


def articles(megabytes: int) -> Iterator[dict[str, Any]]:
    """Yield records of JSON Lines until their texts have so many megabytes."""
    generator, vocabulary = random.Random(1), words()
    for number in range(megabytes * 1_000_000 // CHARACTERS):
        title = " ".join(generator.choices(vocabulary, k=12))
        chosen: list[str] = []
        length = len(title) + 1
        while length < CHARACTERS:
            chosen.append(generator.choice(vocabulary))
            length += len(chosen[-1]) + 1
        place, entities = len(title) + 1, []
        for word in chosen[:MENTIONS]:
            entities.append({"id": f"T{len(entities) + 1}", "label": "Disease", "spans": [[place, place + len(word)]]})
            place += len(word) + 1
        text = f"{title} {' '.join(chosen)}"
        passages = [
            {"kind": "title", "start": 0, "end": len(title)},
            {"kind": "abstract", "start": len(title) + 1, "end": len(text)},
        ]
        yield {"id": str(1_000_000 + number), "text": text, "passages": passages, "entities": entities}


def medline(record: dict[str, Any]) -> str:
    """Return an article in MEDLINE format."""
    title, text = parts(record)
    return f"PMID- {record['id']}\nTI  - {title}\nAB  - {text}\n\n"


def pubmed_xml(record: dict[str, Any]) -> str:
    """Return an article as PubMed's XML has it."""
    title, text = parts(record)
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{record["id"]}</PMID><Article><ArticleTitle>{title}'
        f"</ArticleTitle><Abstract><AbstractText>{text}</AbstractText></Abstract></Article></MedlineCitation>"
        "</PubmedArticle>\n"
    )


def row(record: dict[str, Any]) -> str:
    """Return an article as a row of a table."""
    title, text = parts(record)
    return f"{record['id']},{title},{text}\n"


def parts(record: dict[str, Any]) -> tuple[str, str]:
    """Return the title and the abstract."""
    end = record["passages"][0]["end"]
    return record["text"][:end], record["text"][end + 1 :]


MADE: dict[str, tuple[str, str, Callable[[dict[str, Any]], str], str]] = {
    "medline": (".nbib", "", medline, ""),
    "pubmed-xml": (".pubmed.xml", "<PubmedArticleSet>\n", pubmed_xml, "</PubmedArticleSet>\n"),
    "table": (".csv", "pmid,title,abstract\n", row, ""),
}
"""By format that is only read: suffix, beginning, what writes an article, end."""


def measured(*words_: str) -> tuple[float, float]:
    """Run a command; return its peak in MiB and its processor seconds."""
    environment = {**os.environ, "PYTHONPATH": os.environ.get("BENCHMARKED", str(HERE))}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "biorat_al", *words_], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(words_)}: {output.read().decode()[-2000:]}")
    return used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


def measure(folder: Path, megabytes: int, formats: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each command at one size."""
    source = folder / "articles.jsonl"
    with source.open("w") as file:
        file.writelines(json.dumps(record) + "\n" for record in articles(megabytes))

    def run(name: str, what: str, *words_: str) -> dict[str, Any]:
        peak, seconds = measured(*words_)
        values = {"format": name, "command": what, "megabytes": megabytes}
        return {**values, "peak_mib": round(peak, 1), "processor_seconds": round(seconds, 1)}

    for name in formats:
        target = source
        if name in MADE:
            suffix, begin, written, end = MADE[name]
            target = folder / f"made{suffix}"
            with source.open() as records, target.open("w") as file:
                file.write(begin)
                file.writelines(written(json.loads(line)) for line in records)
                file.write(end)
        elif name != "jsonl":
            target = folder / f"made.{name}"
            yield run(name, "write", "convert", str(source), str(target), "--to", name)
        yield run(name, "validate", "validate", str(target), "--format", name)
        yield run(name, "read", "convert", str(target), str(folder / "back.jsonl"), "--to", "jsonl", "--from", name)
        (folder / "back.jsonl").unlink()
        if target != source:
            shutil.rmtree(target) if target.is_dir() else target.unlink()
    source.unlink()


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a line for each format and command."""
    sizes = sorted({one["megabytes"] for one in rows})
    of = {(one["format"], one["command"], one["megabytes"]): one for one in rows}
    lines = [f"{'':<24}" + "".join(f"{f'{size} MB: MiB':>16}{'s':>7}" for size in sizes) + f"{'per 100 MB':>12}"]
    for name, command in dict.fromkeys((one["format"], one["command"]) for one in rows):
        found = [of[name, command, size] for size in sizes if (name, command, size) in of]
        line = f"{name + ', ' + command:<24}"
        line += "".join(f"{one['peak_mib']:>16,.0f}{one['processor_seconds']:>7.0f}" for one in found)
        if len(found) > 1:
            first, last = found[0], found[-1]
            growth = (last["peak_mib"] - first["peak_mib"]) / (last["megabytes"] - first["megabytes"]) * 100
            line += f"{growth:>12.1f}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[200, 400], help="of text")
    parser.add_argument("--formats", nargs="+", default=["jsonl", *WRITTEN, *MADE])
    parser.add_argument("--output", type=Path, help="JSON lines, a row for each command and size; added to")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="formats") as name:
        for size in sorted(options.megabytes):
            for one in measure(Path(name), size, options.formats):
                rows.append(one)
                print(json.dumps(one), flush=True)
                if options.output:
                    with options.output.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(one) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
