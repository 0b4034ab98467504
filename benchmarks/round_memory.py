"""How much memory does a round take that chooses from a large pool, and how does it grow with the pool?

Makes invented documents of about 20 words, sets up a project on them with an encoder of toy size, and runs the first
round: training on 40 documents, prediction of the pool, choice, push to a desk that keeps the tasks and answers
nothing. The steps up to the prediction are run once, in a process that does nothing else; each strategy goes on with a
copy, in a process that does nothing else either. Prints the highest resident memory of each step in MiB. With
``--unlabelled`` nothing is annotated, so that there is no model and only strategies without one can choose: this shows
what the documents themselves take, in pools for which training and prediction would take too long. With ``--package``
the same is done with another checkout, in turn, so that both are measured in one run.

    python benchmarks/round_memory.py [--documents 10000 50000 200000] [--strategies random mnlp cluster-margin]
    python benchmarks/round_memory.py --unlabelled [--documents 50000 200000] [--strategies random]
        [--package PATH] [--prefix "nice -n 10"]

Peaks are read from ``/proc`` (Linux), where they can be set back between two steps.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
GOLD = 40
SYLLABLES = ("ba", "co", "di", "fu", "ge", "lo", "mi", "na", "pe", "ri", "so", "tu", "va", "xe", "zo")
SIZES = (10_000, 50_000, 200_000)
STRATEGIES = ("random", "mnlp", "cluster-margin")
SHOWN = ("train", "predict", "select", "push")


def words() -> list[str]:
    """Return 2,000 words that mean nothing; the first hundred are the names of diseases."""
    generator = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < 2000:
        found["".join(generator.choices(SYLLABLES, k=generator.randint(2, 4)))] = None
    return list(found)


def write_documents(folder: Path, count: int, gold: int = GOLD) -> None:
    """Write the pool, the first `gold` documents of it with gold, and four test documents, as JSON Lines."""
    generator, vocabulary = random.Random(count), words()
    with (folder / "pool.jsonl").open("w") as pool, (folder / "test.jsonl").open("w") as test:
        for number in range(count + 4):
            chosen = generator.choices(vocabulary, k=generator.randint(12, 28))
            text, entities = "", []
            for word in chosen:
                if word in vocabulary[:100]:
                    spans = [[len(text), len(text) + len(word)]]
                    entities.append({"id": f"T{len(entities) + 1}", "label": "Disease", "spans": spans})
                text += word + " "
            record: dict[str, Any] = {"id": f"d{number:07}", "text": text.rstrip()}
            if number < gold or number >= count:
                record |= {"entities": entities}
            (pool if number < count else test).write(json.dumps(record) + "\n")


def make_encoder(folder: Path) -> None:
    """Write a BERT with one layer of width 16."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *SYLLABLES, *(f"##{one}" for one in SYLLABLES)]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=16,
        max_position_embeddings=128,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)


def imported(name: str, *modules: str) -> Any:
    """Return a name from the first of `modules` that exists: older checkouts have it elsewhere."""
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"{name} is in none of {', '.join(modules)}")


def make_project(folder: Path, encoder: Path) -> None:
    """Set up a project (in a process that does nothing else)."""
    from biorat_al.project import Project
    from biorat_al.settings import make_settings

    settings = make_settings(
        {
            "name": "memory",
            "entities": [{"name": "Disease"}],
            "encoder": {"name": str(encoder)},
            "training": {"arms": ["none"], "selecting_arm": "none", "epochs": 1, "min_steps": 20},
            "evaluation": {"robustness": False},
        }
    )
    pool, test = folder.parent / "pool.jsonl", folder.parent / "test.jsonl"
    try:
        sources = imported("Sources", "biorat_al.corpus.sources")([pool], [test], gold=True)
        Project.init(folder, settings, sources)[0].close()
    except ImportError:  # an older checkout
        Project.init(folder, settings, [pool], gold=True, test_documents=[test])[0].close()


def run_steps(folder: Path, strategy: str | None) -> None:
    """Run steps of the first round (in a process that does nothing else); print their peaks in MiB, and the picks.

    :param strategy: None runs the steps that do not depend on it, up to the prediction of the pool; else the others.
    """
    annotation = imported("Annotation", "biorat_al.corpus.model.document", "biorat_al.corpus.model")
    picks_of = imported("picks_of", "biorat_al.store.picks", "biorat_al.store.rounds")
    from biorat_al.desk.oracle import OracleDesk
    from biorat_al.project import Project
    from biorat_al.rounds import runner
    from biorat_al.rounds.context import RoundRequest
    from biorat_al.store.tables import DocumentRow, RoundRow

    peaks: dict[str, float] = {}
    seconds: dict[str, float] = {}

    def measured(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(context: Any) -> Any:
            set_back()
            start = time.monotonic()
            finish = step(context)

            def write(session: Any) -> Any:
                result = finish(session)
                session.flush()
                peaks[name], seconds[name] = peak(), time.monotonic() - start
                return result

            return write

        return run

    for name, step in runner.STEPS.items():
        runner.STEPS[name] = measured(name, step)
    desk = OracleDesk(lambda keys: dict.fromkeys(keys, annotation()), folder)
    with Project.open(folder, desk=desk) as project:
        with project.store.read() as session:
            begun = session.get(RoundRow, 0) is not None
        if strategy is not None and begun:
            with project.store.write() as session:
                row = session.get_one(RoundRow, 0)
                row.request = {**row.request, "strategy": strategy}
        steps = ("pull", "train", "evaluate", "predict") if strategy is None else None
        request = RoundRequest(strategy=strategy)
        runner.run_round(folder, project.settings, project.store, desk, request, options=runner.RunOptions(steps))
        with project.store.read() as session:
            picks = [session.get_one(DocumentRow, pick.document_id).key for pick in picks_of(session, 0)]
    print(json.dumps({"peaks": peaks, "seconds": seconds, "picks": picks}))


def set_back() -> None:
    """Let the highest resident memory of this process begin anew."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("the peaks of single steps cannot be told apart here", file=sys.stderr)


def peak() -> float:
    """Return the highest resident memory of this process since it was set back, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def child(package: Path, prefix: Sequence[str], *arguments: str) -> str:
    """Run this script as a child with the package of a checkout; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(package), "BIORAT_DATABASE_URL": "", "OMP_NUM_THREADS": "1"}
    command = [*prefix, sys.executable, str(Path(__file__).resolve()), "--child", str(package), *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def measure(scratch: Path, size: int, options: argparse.Namespace, packages: Mapping[str, Path]) -> None:
    """Print a line for each round that chooses from a pool of one size."""
    folder = scratch / str(size)
    folder.mkdir()
    write_documents(folder, size, 0 if options.unlabelled else GOLD)
    begun = {}
    for name, package in packages.items():
        child(package, options.prefix, "init", str(folder / name), str(scratch / "encoder"))
        if options.unlabelled:
            begun[name] = {"peaks": dict.fromkeys(("train", "predict"), 0.0)}
            continue
        begun[name] = json.loads(child(package, options.prefix, "begin", str(folder / name)).splitlines()[-1])
    for strategy in options.strategies:
        found = {}
        for name, package in packages.items():
            project = folder / f"{name}-{strategy}"
            shutil.copytree(folder / name, project)
            found[name] = json.loads(child(package, options.prefix, "go-on", str(project), strategy).splitlines()[-1])
            shutil.rmtree(project)
            peaks, seconds = begun[name]["peaks"] | found[name]["peaks"], found[name]["seconds"]
            values = [*(peaks[step] for step in SHOWN), max(peaks.values())]
            print(
                f"{size:>9,}  {strategy:<15} {name:<8}" + "".join(f"{value:>9,.0f}" for value in values)
                + f"{seconds['select']:>9.0f}",
                flush=True,
            )  # fmt: skip
        if len(found) == 2:
            before, after = found["before"], found["after"]
            same = "the same picks" if before["picks"] == after["picks"] else "OTHER PICKS"
            ratio = before["peaks"]["select"] / after["peaks"]["select"]
            print(f"{'':>11}choosing took {ratio:.2f} times as much before; {same}", flush=True)
    shutil.rmtree(folder)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        import biorat_al

        package, what, folder, *others = sys.argv[2:]
        assert Path(biorat_al.__file__).is_relative_to(package), f"{biorat_al.__file__} is not of {package}"
        if what == "init":
            make_project(Path(folder), Path(others[0]))
        else:
            run_steps(Path(folder), others[0] if others else None)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=SIZES)
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    parser.add_argument("--unlabelled", action="store_true", help="nothing is annotated, so that there is no model")
    parser.add_argument("--package", type=Path, help="another checkout, measured before this one each time")
    parser.add_argument("--prefix", type=str.split, default=[], help="put before each process, such as 'nice -n 10'")
    options = parser.parse_args()
    packages = {"after": HERE}
    if options.package is not None:
        packages = {"before": options.package.resolve(), **packages}
    header = "".join(f"{name:>9}" for name in (*SHOWN, "round"))
    print(f"{'documents':>9}  {'strategy':<15} {'package':<8}{header}  seconds to choose")
    with tempfile.TemporaryDirectory() as scratch:
        make_encoder(Path(scratch) / "encoder")
        for size in options.documents:
            measure(Path(scratch), size, options, packages)


if __name__ == "__main__":
    main()
