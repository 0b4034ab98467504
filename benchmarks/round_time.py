"""Seconds from the start of a round until annotators have their tasks, and until its end, step by step.

Makes a project on NCBI disease (the oracle answers) whose first round asks for `--answered` documents, and copies it
for each checkout. Then each runs the next round, one after the other, `--repeats` times in turn. Prints seconds by
step, and with an older checkout the ratios: median over the repeats.

    python benchmarks/round_time.py [--package OLDER_CHECKOUT] [--corpora FOLDER] [--answered 100] [--pool 400]
        [--test 100] [--encoder minilm] [--borrow FILE ...] [--no-committee] [--dictionary] [--repeats 1]
        [--output FILE]

With ``--borrow``, the labels of the borrowed files are taken for `Disease`. The training on them is done before, and
not counted. With ``--no-committee``, the selecting arm chooses alone. With ``--dictionary``, the names of the pool's
diseases could pre-label the batch, so that the test documents decide before the push.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from old_project import HERE, Databases, program
from sqlalchemy import create_engine, text

CORPORA = HERE.parent / "shared" / "corpora"
ENTITIES = "Disease=SpecificDisease,DiseaseClass,Modifier,CompositeMention"


def write_corpus(source: Path, target: Path, most: int) -> None:
    """Write the first documents of a corpus with their annotations."""
    from biorat_al.corpus.formats.jsonl import write_jsonl
    from biorat_al.corpus.reading import read_corpus

    # one mention of the corpus has two blanks too many
    records = list(read_corpus([source], skip_invalid=True))
    write_jsonl(target, records[:most])


def write_dictionary(source: Path, target: Path) -> None:
    """Write the names of all mentions of a corpus in JSON Lines."""
    from biorat_al.corpus.reading import read_corpus

    names = {
        " ".join(entity.surface(record.document.text).split())
        for record in read_corpus([source])
        if record.annotation is not None
        for entity in record.annotation.entities
    }
    target.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


def seconds_of(databases: Databases, project: Path, number: int) -> dict[str, float]:
    """Return the seconds of a round: by step, until the tasks were there (`tasks`), and until the end (`all`)."""
    engine = create_engine(databases.url(project))
    query = "SELECT name, started_at, ended_at, seconds FROM step WHERE round_number = :number ORDER BY position"
    with engine.connect() as connection:
        rows = connection.execute(text(query), {"number": number}).all()
    engine.dispose()
    found: dict[str, float] = {name: seconds for name, _, _, seconds in rows}
    ends = {name: datetime.fromisoformat(str(ended)) for name, _, ended, _ in rows}
    start = min(datetime.fromisoformat(str(started)) for _, started, _, _ in rows)
    found["tasks"] = (ends["push"] - start).total_seconds()
    found["all"] = (max(ends.values()) - start).total_seconds()
    return found


def side_by_side(file: Path) -> None:
    """Let a project that an older checkout has made train arms side by side, as one that is made here does."""
    if "[computing]" not in (settings := file.read_text(encoding="utf-8")):
        file.write_text(f"{settings}\n[computing]\nside_by_side = true\n", encoding="utf-8")


def measure(options: argparse.Namespace, scratch: Path) -> list[dict[str, Any]]:
    """Run the rounds, and return a row for each checkout and repeat."""
    pool, test = scratch / "pool.jsonl", scratch / "test.jsonl"
    write_corpus(options.corpora / "ncbi_disease" / "NCBItrainset_corpus.txt", pool, options.answered + options.pool)
    write_corpus(options.corpora / "ncbi_disease" / "NCBIdevelopset_corpus.txt", test, options.test)
    checkouts = {"here": HERE} | ({"there": options.package.resolve()} if options.package else {})
    databases, made = Databases(None), scratch / "made"
    borrowed = [word for file in options.borrow for word in ("--borrow", str(file))]
    run = program(checkouts.get("there", HERE), databases, made)
    names = scratch / "names.tsv"
    if options.dictionary:
        write_dictionary(pool, names)
    run(
        "init", made.name, "--documents", str(pool), "--test-documents", str(test), "--gold", "--desk", "oracle",
        "--entity", ENTITIES, "--encoder", options.encoder, "--size", str(options.answered), *borrowed,
        *(["--borrow-entity", "Disease=Disease"] if borrowed else []),
        *(["--dictionary", f"{names}=Disease"] if options.dictionary else []),
    )  # fmt: skip
    if options.no_committee:
        file = made / "biorat.toml"
        file.write_text(file.read_text().replace("\ncommittee = true", "\ncommittee = false"))
    run("round", "--project", made.name)
    rows = []
    for repeat in range(options.repeats):
        for name, package in checkouts.items():
            project = scratch / f"{name}-{repeat}"
            shutil.copytree(made, project, symlinks=True)
            if name == "here":
                side_by_side(project / "biorat.toml")
            run = program(package, databases, project)
            run("db", "upgrade", "--project", project.name)
            run("round", "--size", "10", "--project", project.name)
            asked = {
                name: getattr(options, name) for name in ("answered", "pool", "test", "no_committee", "dictionary")
            }
            rows.append({"checkout": name, "repeat": repeat, **asked, "seconds": seconds_of(databases, project, 1)})
            shutil.rmtree(project)
            print(json.dumps(rows[-1]), flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return median seconds by step, and their ratio if there are two checkouts."""
    of = {name: [row["seconds"] for row in rows if row["checkout"] == name] for name in ("there", "here")}
    lines = [f"{'':<10}{'before':>10}{'now':>10}{'ratio':>8}"]
    for step in of["here"][0]:
        now = statistics.median(one[step] for one in of["here"])
        # a step may be new
        if of["there"] and step in of["there"][0]:
            before = statistics.median(one[step] for one in of["there"])
            ratio = statistics.median(
                one[step] / other[step] if other[step] else 1.0
                for one, other in zip(of["here"], of["there"], strict=True)
            )
            lines.append(f"{step:<10}{before:>10.1f}{now:>10.1f}{ratio:>8.2f}")
        else:
            lines.append(f"{step:<10}{'':>10}{now:>10.1f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, help="an older checkout to compare with")
    parser.add_argument("--corpora", type=Path, default=CORPORA)
    parser.add_argument("--answered", type=int, default=100)
    parser.add_argument("--pool", type=int, default=400)
    parser.add_argument("--test", type=int, default=100)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--borrow", type=Path, nargs="*", default=[], help="files with borrowed diseases")
    parser.add_argument("--no-committee", action="store_true", help="the selecting arm chooses alone")
    parser.add_argument("--dictionary", action="store_true", help="a dictionary could pre-label")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON lines, a row for each round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="time") as folder:
        rows = measure(options, Path(folder))
    if options.output:
        options.output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
