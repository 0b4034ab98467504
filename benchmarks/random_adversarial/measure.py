"""Random adversarial training on fixed random samples of abstracts: strict span F1 of each way of training.

Each cell is one corpus, one number of abstracts and one seed. All models of a cell learn the same abstracts, in the
same order, from the same start. A model is a line of JSON in the results, and is not measured twice.

    python benchmarks/random_adversarial/measure.py tune --seeds 0-5 --models none rat "rat clip"
    python benchmarks/random_adversarial/measure.py report --corpus ncbi bc5cdr --abstracts 30 60 120 --seeds 0-14
    python benchmarks/random_adversarial/answer.py

With ``report``, pairs of models also vote (the mean of their probabilities), and all are scored on the same abstracts
with typing errors, changed case and swapped names, and on abstracts of the other corpus.

With ``--start``, all models begin from a model that was trained before, such as a project's on borrowed documents. Such
cells are apart from the others, and are not scored on the other corpus.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from samples import CORPORA, Sample, sample
from variants import VARIANTS, Variant, change

from biorat_al.learner.committee.members import mean_log_probabilities
from biorat_al.learner.encoder.device import pick_device
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.encoder.starting_weights import StartingWeights
from biorat_al.learner.entities.batching import EncodedPart, encode_part
from biorat_al.learner.entities.decoding import decode
from biorat_al.learner.entities.encoding import decode_mentions
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.perturbed_documents import perturbed
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.progress import SILENT
from biorat_al.settings import AdversarialSettings, TrainingSettings

sys.path.insert(0, str(Path(__file__).parent.parent))
from fixed_samples import starting_weights

RESULTS = Path(__file__).parent / "results"
REPORTED = ("none", "none, other seed", "matched", "rat", "rat, other seed")
PAIRS = (("none", "none, other seed"), ("none", "rat"), ("rat", "rat, other seed"), ("none", "matched"))

Logits = Sequence[NDArray[np.floating]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["tune", "report"])
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="folder of ncbi_disease and bc5cdr")
    parser.add_argument("--corpus", nargs="+", default=["ncbi"], choices=["ncbi", "bc5cdr"])
    parser.add_argument("--abstracts", nargs="+", type=int, default=[60])
    parser.add_argument("--seeds", default="0-5", help="first and last, or one")
    parser.add_argument("--models", nargs="+", default=None, choices=list(VARIANTS), metavar="NAME")
    parser.add_argument("--min-steps", type=int, default=450)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--start", type=Path, metavar="MODEL", help="folder of a model that all begin from")
    parser.add_argument("--results", type=Path, help="default: results/PART.jsonl beside this script")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no cell after this time")
    given = parser.parse_args()
    results = given.results or RESULTS / f"{given.part}.jsonl"
    results.parent.mkdir(exist_ok=True)
    models = given.models or (REPORTED if given.part == "report" else list(VARIANTS))
    first, _, last = given.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    encoder, began = resolve_encoder(given.encoder), time.monotonic()
    start = None if given.start is None else starting_weights(given.start)
    for seed, corpus, abstracts in product(seeds, given.corpus, given.abstracts):
        done = {(row["cell"], row["model"]) for row in read_rows(results)}
        cell = [corpus, abstracts, seed, given.encoder, given.min_steps, *([start.sha256[:12]] if start else [])]
        missing = [name for name in models if (json.dumps(cell), name) not in done]
        # votes need all models of a cell at once
        if not missing or time.monotonic() - began > given.seconds:
            continue
        here = missing if given.part == "tune" else list(models)
        drawn = sample(given.corpora, corpus, given.part, abstracts, seed)
        for row in measure(drawn, here, encoder, seed, given, start):
            if (json.dumps(cell), row["model"]) not in done:
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"cell": json.dumps(cell), **row}) + "\n")
                print(cell, row["model"], row["f1"], file=sys.stderr, flush=True)


def measure(
    drawn: Sample,
    models: list[str],
    encoder: Encoder,
    seed: int,
    given: argparse.Namespace,
    start: StartingWeights | None,
) -> Iterator[dict[str, Any]]:
    """Train and score all models of a cell, and then their votes."""
    conditions = {"clean": drawn.scored}
    if given.part == "report":
        conditions |= {name: perturbed(drawn.scored, name, 13) for name in ("typos", "case", "swap")}
        if start is None:
            # the start may have learnt from the other corpus
            conditions["foreign"] = drawn.foreign
    parts = {name: encode_part(examples, encoder.tokenizer, drawn.labels) for name, examples in conditions.items()}
    outputs = {}
    for name in models:
        began = time.monotonic()
        fit = trained(drawn, VARIANTS[name], encoder, seed, given.min_steps, start)
        seconds = time.monotonic() - began
        outputs[name] = {condition: fit.logits(part) for condition, part in parts.items()}
        yield {
            "model": name,
            "f1": f1s(outputs[name], parts, drawn.labels),
            "steps": fit.outcome.steps,
            "passes": round(fit.outcome.cost.passes, 1),
            "seconds": round(seconds, 1),
        }
    for one, other in PAIRS if given.part == "report" else ():
        if one in outputs and other in outputs:
            votes = {
                condition: [
                    mean_log_probabilities(pair)
                    for pair in zip(outputs[one][condition], outputs[other][condition], strict=True)
                ]
                for condition in parts
            }
            yield {"model": f"{one} + {other}", "f1": f1s(votes, parts, drawn.labels)}


def trained(
    drawn: Sample, variant: Variant, encoder: Encoder, seed: int, min_steps: int, start: StartingWeights | None
) -> Fit:
    """Train a model, without a development part."""
    training = TrainingSettings(min_steps=min_steps, dev_share=0)
    adversarial = AdversarialSettings(**variant.adversarial)
    seed = seed + variant.seed
    job = TrainingJob(
        encoder=encoder, arm=variant.arm, training=training, adversarial=adversarial, seed=seed, device=pick_device()
    )
    learnt = encode_part(drawn.learnt, encoder.tokenizer, drawn.labels)
    unlabelled = None
    if adversarial.unlabelled:
        blank = [Example(example.document, ()) for example in drawn.unlabelled]
        unlabelled = encode_part(blank, encoder.tokenizer, drawn.labels)
    torch.manual_seed(seed)
    network = TaggingNetwork(encoder.network(job.device.training_attention), len(drawn.labels))
    network.initialise_head(torch.Generator().manual_seed(seed))
    if start is not None:
        start.load_into(network, drawn.labels)
    network.to(job.device.name)
    fit = Fit(network, drawn.labels, job, unlabelled=unlabelled)
    change(fit, variant)
    fit.run(learnt, encode_part([], encoder.tokenizer, drawn.labels), SILENT)
    return fit


def f1s(outputs: dict[str, Logits], parts: dict[str, EncodedPart], labels: tuple[str, ...]) -> dict[str, float]:
    """Return the strict span F1 in points, under each condition; on the foreign corpus, of diseases alone."""
    found = {}
    for condition, part in parts.items():
        counted = ["Disease"] if condition == "foreign" else list(labels)
        predicted = {
            example.document.id: decode_mentions(example.document, pieces, decoded.mentions, labels)
            for example, pieces, decoded in zip(part.examples, part.pieces, decode(outputs[condition]), strict=True)
        }
        gold = {example.document.id: example.entities for example in part.examples}
        found[condition] = round(100 * score(gold, predicted, counted).overall.f1, 2)
    return found


def read_rows(results: Path) -> list[dict[str, Any]]:
    """Read what has been measured."""
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []


if __name__ == "__main__":
    main()
