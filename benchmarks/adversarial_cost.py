"""What adversarial training costs: the time of an epoch at several settings, against a plain one.

In turns, each setting trains the base encoder for an epoch on the same windows of the same abstracts, and the time is
divided by that of the plain epoch of the same turn; each turn has its own seed. An epoch with few batches has few
draws, so that what was drawn may lie off p: the passes that were counted stand beside the time. Loading, the first step
and evaluation are not counted. Where others are at work on the machine, --cpu-time counts the time of the processor
instead of that of the clock.

    python benchmarks/adversarial_cost.py [FOLDER] [--encoder minilm] [--abstracts 20] [--repetitions 5] [--threads 1]

FOLDER holds NCBItrainset_corpus.txt in PubTator format.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from ncbi_disease_100 import CORPUS, LABEL, read_examples

from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.entities.batching import Row, batch_order, encode_part, make_batch
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.training.draws import passes_per_step
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import Outcome
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings

TARGET = 1.25
SETTINGS: dict[str, tuple[Arm, dict[str, Any]]] = {
    "plain": ("none", {}),
    "rat p=0.5": ("rat", {"probability": 0.5}),
    "rat p=0.25": ("rat", {"probability": 0.25}),
    "rat p=0.25 by example": ("rat", {"probability": 0.25, "draw": "example"}),
    "rat p=0.25 rising": ("rat", {"probability": 0.25, "schedule": "rising"}),
    "rat p=0.25 falling": ("rat", {"probability": 0.25, "schedule": "falling"}),
    "at": ("at", {}),
    "rat p=0.25 pgd 3": ("rat", {"probability": 0.25, "attack": "pgd", "steps": 3}),
    "rat p=0.25 freelb 3": ("rat", {"probability": 0.25, "attack": "freelb", "steps": 3}),
    "rat p=0.25 vat": ("rat", {"probability": 0.25, "attack": "vat"}),
    "at pgd 3": ("at", {"attack": "pgd", "steps": 3}),
    "at freelb 3": ("at", {"attack": "freelb", "steps": 3}),
    "at vat": ("at", {"attack": "vat"}),
}


class Epoch(NamedTuple):
    """What an epoch took.

    :param passes: counted, per step.
    """

    seconds: float
    passes: float


def train_epoch(
    name: str, encoder: Encoder, rows: list[Row], device: Device, seed: int, clock: Callable[[], float]
) -> Epoch:
    """Train the base encoder for an epoch at a setting."""
    arm, changes = SETTINGS[name]
    network = TaggingNetwork(encoder.network(device.training_attention), 1).to(device.name)
    network.initialise_head(torch.Generator().manual_seed(0))
    training = TrainingSettings()
    fit = Fit(
        network,
        [LABEL],
        TrainingJob(
            encoder=encoder,
            arm=arm,
            training=training,
            adversarial=AdversarialSettings(**changes),
            seed=seed,
            device=device,
        ),
    )
    order = list(islice(batch_order([len(row.ids) for row in rows], training.batch_size, seed), steps_of(rows)))
    network.train()
    with EmbeddingTap(network.word_embedding) as tap:
        fit.step(make_batch([rows[n] for n in order[0]], encoder.tokenizer, device), tap)  # the optimizer's own memory
        fit.outcome = Outcome()
        began = clock()
        for number, members in enumerate(order):
            batch = make_batch([rows[n] for n in members], encoder.tokenizer, device)
            fit.step(batch, tap, (number + 0.5) / len(order))
        if device.kind == "cuda":
            torch.cuda.synchronize()
        seconds = clock() - began
    return Epoch(seconds, fit.outcome.cost.passes / fit.outcome.steps)


def steps_of(rows: list[Row]) -> int:
    """Return the steps of an epoch."""
    return -(-len(rows) // TrainingSettings().batch_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=CORPUS, help="where the corpus is")
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--abstracts", type=int, default=20, help="how many to train on")
    parser.add_argument("--repetitions", type=int, default=5, help="epochs of each setting that are measured")
    parser.add_argument("--threads", type=int, default=1, help="of torch on a CPU")
    parser.add_argument("--cpu-time", action="store_true", help="count the processor's time, with one thread")
    parser.add_argument("--only", nargs="*", choices=list(SETTINGS), help="settings to measure beside the plain one")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device, encoder = pick_device(), resolve_encoder(options.encoder)
    examples = read_examples(options.folder / "NCBItrainset_corpus.txt")[: options.abstracts]
    clock = time.process_time if options.cpu_time else time.perf_counter
    rows = encode_part(examples, encoder.tokenizer, [LABEL]).rows(encoder.tokenizer.window_length)
    names = ["plain", *(options.only or [name for name in SETTINGS if name != "plain"])]
    train_epoch("at", encoder, rows, device, 0, clock)  # warming up
    epochs: dict[str, list[Epoch]] = {name: [] for name in names}
    for seed in range(options.repetitions):
        for name in names:
            epochs[name].append(train_epoch(name, encoder, rows, device, seed, clock))
    results = []
    for name in names:
        arm, changes = SETTINGS[name]
        ratios = [one.seconds / plain.seconds for one, plain in zip(epochs[name], epochs["plain"], strict=True)]
        results.append(
            {
                "setting": name,
                "ratio": statistics.median(ratios),
                "lowest": min(ratios),
                "highest": max(ratios),
                "passes": statistics.mean(one.passes for one in epochs[name]),
                "expected_passes": passes_per_step(arm, AdversarialSettings(**changes), TrainingSettings().batch_size),
                "seconds": statistics.median(one.seconds for one in epochs[name]),
            }
        )
    where = {"encoder": encoder.name, "device": device.name, "bf16": device.bf16, "threads": torch.get_num_threads()}
    what = {
        "abstracts": len(examples),
        "windows": len(rows),
        "repetitions": options.repetitions,
        "cpu_time": options.cpu_time,
    }
    if options.json:
        print(json.dumps({**where, **what, "target": TARGET, "results": results}, indent=2))
        return
    print(", ".join(f"{name}: {value}" for name, value in {**where, **what}.items()))
    print(f"{'setting':<24}{'time / plain':>14}{'range':>15}{'passes':>9}{'expected':>10}{'seconds':>9}")
    for result in results:
        print(
            f"{result['setting']:<24}{result['ratio']:>14.2f}"
            f"{result['lowest']:>9.2f}–{result['highest']:.2f}{result['passes']:>10.2f}"
            f"{result['expected_passes']:>10.2f}{result['seconds']:>9.2f}"
        )
    print(f"wanted at the default settings: {TARGET} at most")


if __name__ == "__main__":
    main()
