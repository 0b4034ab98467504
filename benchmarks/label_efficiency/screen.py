"""Which query strategy to take: strict span F1 after one batch that each has chosen, of equally many word pieces.

On a part of the training data, as `tune.py` has it: the study, which reports on the development documents, compares the
best of them with random picks. For each seed a model is trained on abstracts drawn at random; every strategy chooses a
batch from the rest of the pool with that very model; a new model is trained on both, and scored. The batch has as many
word pieces as the first abstracts. Strategies that look back at earlier rounds get what models of one and two thirds of
the first abstracts make of the pool. Each trial is one line of JSON; a trial that already exists is not run again.

    python benchmarks/label_efficiency/screen.py [--corpus FOLDER] [--seeds 0,1,2] [--only NAME,NAME] [--abstracts 60]
    python benchmarks/label_efficiency/screen.py --show
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from parts import CORPUS, LABEL, Parts, read_lines, read_parts

from biorat_al.acquisition.base import Budget, Candidates, Feature
from biorat_al.acquisition.fluctuation import ROUNDS
from biorat_al.acquisition.registry import STRATEGIES, find_strategy
from biorat_al.acquisition.selection import select
from biorat_al.corpus.model.document import Document
from biorat_al.efficiency.simulation.options import simulation_settings
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.entities.probe import Probe
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example, Uncertainty
from biorat_al.rounds.steps.select import ask

sys.path.insert(0, str(Path(__file__).parent.parent))
from paired import student

RESULTS = Path(__file__).parent / "screening.jsonl"
AGAINST = "random"
SETTINGS = simulation_settings("screening", (LABEL,), encoder="minilm", size=1)
"""A new project's, but for what this screening has no use for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--only", default=",".join(STRATEGIES), help="names of strategies")
    parser.add_argument("--abstracts", type=int, default=60)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="print the table of what has been run, and run nothing")
    options = parser.parse_args()
    if not options.show:
        parts, encoder = read_parts(options.corpus), resolve_encoder("minilm")
        for seed in (int(seed) for seed in options.seeds.split(",")):
            run(parts, encoder, seed, options.only.split(","), options.abstracts, options.results)
    show(options.results)


def run(parts: Parts, encoder: Encoder, seed: int, names: Sequence[str], abstracts: int, results: Path) -> None:
    """Run the trials of a seed that `results` does not hold yet."""
    done = {trial["strategy"] for trial in read_lines(results) if (trial["seed"], trial["first"]) == (seed, abstracts)}
    missing = [name for name in names if name not in done]
    if not missing:
        return
    first = parts.drawn(seed, abstracts)
    known = {example.document.id for example in first}
    rest = {example.document.id: example for example in parts.pool if example.document.id not in known}
    budget = Budget(tokens=sum(encoder.count_tokens([example.document.text for example in first])))
    with tempfile.TemporaryDirectory() as folder:
        model = learn(first, encoder, seed, Path(folder))
        before = parts.f1(model)
        documents = [rest[name].document for name in sorted(rest)]
        labelled = [example.document for example in first]
        needs = frozenset[Feature]().union(*(find_strategy(name).needs for name in missing))
        candidates = measured(model, documents, labelled, seed, needs)
        if any(find_strategy(name).needs_history for name in missing):
            candidates = replace(candidates, history=history(first, documents, encoder, seed, Path(folder)))
        for name in missing:
            picks = select(candidates, find_strategy(name), budget, seed=seed)
            batch = [rest[pick.document_id] for pick in picks]
            trial = {
                "strategy": name,
                "seed": seed,
                "first": abstracts,
                "before": before,
                "documents": len(batch),
                "tokens": sum(pick.tokens for pick in picks),
                "mentions": sum(len(example.entities) for example in batch),
                "f1": parts.f1(learn([*first, *batch], encoder, seed, Path(folder))),
            }
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(trial) + "\n")
            print(json.dumps(trial), file=sys.stderr, flush=True)


def learn(examples: Sequence[Example], encoder: Encoder, seed: int, folder: Path) -> Path:
    """Train plainly at the default settings."""
    return train(
        examples,
        TrainingJob(
            encoder=encoder, arm="none", training=SETTINGS.training, adversarial=SETTINGS.adversarial, seed=seed
        ),
        labels=[LABEL],
        models_dir=folder,
        prefix="screen",
    ).folder


def measured(
    model: Path, documents: Sequence[Document], labelled: Sequence[Document], seed: int, needs: frozenset[Feature]
) -> Candidates:
    """Return what the strategies ask of the model about the documents."""
    predictions = list(Tagger.load(model).predict(documents))
    probe = Probe.load(model)
    return Candidates(
        ids=[document.id for document in documents],
        texts=[document.text for document in documents],
        tokens=np.array([one.uncertainty.tokens for one in predictions], dtype=np.int64),
        uncertainty={
            measure: np.array([getattr(one.uncertainty, measure) for one in predictions], dtype=np.float64)
            for measure in (field.name for field in fields(Uncertainty) if field.name != "tokens")
        },
        features=ask(probe, needs, documents, SETTINGS, seed),
        labelled=probe.embedding(labelled),
    )


def history(
    first: Sequence[Example], documents: Sequence[Document], encoder: Encoder, seed: int, folder: Path
) -> NDArray[np.float64]:
    """Return how unsure models of parts of the first abstracts are of each document, the largest part first."""
    columns = []
    for parts in range(ROUNDS - 1, 0, -1):
        model = learn(first[: len(first) * parts // ROUNDS], encoder, seed, folder)
        columns.append([one.uncertainty.mnlp for one in Tagger.load(model).predict(documents)])
    return np.array(columns, dtype=np.float64).T


def show(results: Path) -> None:
    """Print a table, best first: what each strategy's batch brought more than the random one of the same seed."""
    trials: dict[str, dict[int, dict[str, Any]]] = {}
    for trial in read_lines(results):
        trials.setdefault(trial["strategy"], {})[trial["seed"]] = trial
    random = trials.get(AGAINST, {})

    def differences(name: str) -> list[float]:
        return [trials[name][seed]["f1"] - random[seed]["f1"] for seed in sorted(trials[name]) if seed in random]

    print(f"{'strategy':<23}seeds     F1  documents  mentions   against random, with its 95 % interval")
    for name in sorted(
        (name for name in trials if differences(name)), key=lambda name: -statistics.mean(differences(name))
    ):
        values, ours = differences(name), list(trials[name].values())
        documents, mentions, f1 = (statistics.mean(one[key] for one in ours) for key in ("documents", "mentions", "f1"))
        shown = ""
        if name != AGAINST and len(values) > 1:
            mean, low, high = student(values)
            shown = f"{mean:+5.1f} ({low:+.1f} to {high:+.1f}): "
            shown += " ".join(f"{value:+.1f}" for value in values)
        print(f"{name:<23}{len(ours):>5}  {f1:5.1f}  {documents:9.1f}  {mentions:8.1f}   {shown}")


if __name__ == "__main__":
    main()
