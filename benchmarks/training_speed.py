"""How fast a plain training step is, against transformers' stock Trainer on the same data and the bare network.

All train the same encoder with a linear head for one entity type on the same windows of the same documents, with the
same number of windows per step:

- ours: the training loop, with the table of the words in use, from the windows to the changed weights;
- trainer: as it comes: 32-bit floats, batches padded to their longest window by its own collator, its own optimizer
  (--trainer-bf16 lets it compute in bf16);
- bare: forward, backward and optimizer step of the same network, with nothing beside it: no padding (each batch is as
  wide as the mean of its windows), no dropout, no clipping, batches made before.

In turns, each makes whole epochs. Loading is not counted. With --profile, it also says where the time of ours goes.

    python benchmarks/training_speed.py [--encoder minilm] [--documents FILE ...] [--limit 60] [--repetitions 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.encoder import Encoder, quiet, resolve_encoder
from biorat_al.learner.entities.batching import EncodedPart, Row, batch_order, encode_part, make_batch, usual_words
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import make_optimizer
from biorat_al.learner.training.vocabulary import WordsInUse
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "ncbi_disease" / "NCBItrainset_corpus.txt"
LABEL = "Disease"
TARGETS = {"trainer": 1.3, "bare": 0.9}


def read_examples(paths: Sequence[Path], limit: int) -> list[Example]:
    """Return the first documents of the files, with their mentions under one label."""
    found: dict[str, Example] = {}
    for record in read_corpus(paths):
        entities = record.annotation.entities if record.annotation else ()
        example = Example(record.document, tuple(replace(entity, label=LABEL) for entity in entities))
        found.setdefault(record.document.id, example)
        if len(found) == limit:
            break
    return list(found.values())


def words_of(encoder: Encoder, rows: Sequence[Row]) -> NDArray[np.int64]:
    """Return the ids of all word pieces that the network will see."""
    return np.concatenate([*(row.ids for row in rows), encoder.tokenizer.before, encoder.tokenizer.after])


def make_network(encoder: Encoder, device: Device) -> TaggingNetwork:
    """Return the network as it is before training."""
    network = TaggingNetwork(encoder.network(device.training_attention), 1).to(device.name)
    network.initialise_head(torch.Generator().manual_seed(0))
    return network


def seconds_since(began: float, device: Device) -> float:
    """Return the seconds since `began`, when all that was asked of the device is done."""
    if device.kind == "cuda":
        torch.cuda.synchronize(device.name)
    return time.perf_counter() - began


class Ours:
    """Our training loop, one epoch at a time."""

    def __init__(self, encoder: Encoder, rows: list[Row], batch_size: int, device: Device) -> None:
        settings = TrainingSettings(batch_size=batch_size)
        self._fit = Fit(
            make_network(encoder, device),
            [LABEL],
            TrainingJob(
                encoder=encoder,
                arm="none",
                training=settings,
                adversarial=AdversarialSettings(),
                seed=13,
                device=device,
            ),
            words=words_of(encoder, rows),
        )
        self._usual = usual_words(rows, batch_size)
        self._tokenizer, self._rows, self._device = encoder.tokenizer, rows, device
        self._order = batch_order([len(row.ids) for row in rows], batch_size, 13)
        self._steps = -(-len(rows) // batch_size)

    def epoch(self) -> float:
        self._fit.network.train()
        began = time.perf_counter()
        with EmbeddingTap(self._fit.network.word_embedding) as tap:
            for _ in range(self._steps):
                rows = [self._rows[n] for n in next(self._order)]
                self._fit.step(make_batch(rows, self._tokenizer, self._device, self._usual), tap)
        return seconds_since(began, self._device)


class Bare:
    """The network's forward pass, backward pass and optimizer step, one epoch at a time.

    :ivar padding: share of the word pieces that is padding in the batches of ours.
    """

    def __init__(self, encoder: Encoder, rows: list[Row], batch_size: int, device: Device) -> None:
        self._network, self._device = make_network(encoder, device), device
        words = words_of(encoder, rows)
        WordsInUse(self._network, words)
        for module in self._network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        self._optimizer = make_optimizer(self._network, TrainingSettings(batch_size=batch_size), device)
        order = batch_order([len(row.ids) for row in rows], batch_size, 13)
        special = len(encoder.tokenizer.before) + len(encoder.tokenizer.after)
        generator = np.random.default_rng(0)
        self._batches = []
        text = padded = 0
        for _ in range(-(-len(rows) // batch_size)):
            members = next(order)
            lengths = [len(rows[n].ids) + special for n in members]
            width = round(sum(lengths) / len(members))
            text, padded = text + sum(lengths), padded + max(lengths) * len(members)
            ids = generator.choice(words, (len(members), width))
            tags = generator.integers(0, 3, (len(members), width, 1))
            self._batches.append((device.tensor(ids), device.tensor(tags)))
        self.padding = 1 - text / padded

    def epoch(self) -> float:
        self._network.train()
        began = time.perf_counter()
        for ids, tags in self._batches:
            with self._device.autocast():
                logits = self._network(ids, None)
            tagging_loss(logits, tags, float(tags.numel())).backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
        return seconds_since(began, self._device)


class Stock:
    """transformers' Trainer, one epoch at a time."""

    def __init__(self, encoder: Encoder, rows: list[Row], batch_size: int, bf16: bool, device: Device) -> None:
        from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification

        before, after = list(encoder.tokenizer.before), list(encoder.tokenizer.after)
        self._data = [
            {
                "input_ids": [*before, *row.ids.tolist(), *after],
                "attention_mask": [1] * (len(before) + len(row.ids) + len(after)),
                "labels": [-100] * len(before) + row.tags[:, 0].tolist() + [-100] * len(after),
            }
            for row in rows
        ]
        with quiet():
            self._network = AutoModelForTokenClassification.from_pretrained(encoder.source, num_labels=3)
            self._collator = DataCollatorForTokenClassification(AutoTokenizer.from_pretrained(encoder.source))
        self._batch_size, self._bf16, self._cpu = batch_size, bf16, device.kind == "cpu"

    def epoch(self) -> float:
        from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

        times: list[float] = []

        class Clock(TrainerCallback):  # type: ignore[misc]
            def on_epoch_begin(self, *arguments: Any, **options: Any) -> None:
                times.append(time.perf_counter())

            def on_epoch_end(self, *arguments: Any, **options: Any) -> None:
                times.append(time.perf_counter())

        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder,
                per_device_train_batch_size=self._batch_size,
                num_train_epochs=1,
                learning_rate=3e-4,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
                use_cpu=self._cpu,
                bf16=self._bf16,
            )
            trainer = Trainer(
                self._network, arguments, train_dataset=self._data, data_collator=self._collator, callbacks=[Clock()]
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        return times[1] - times[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--documents", type=Path, nargs="*", default=[CORPUS])
    parser.add_argument("--limit", type=int, default=60, help="documents to train on")
    parser.add_argument("--batch-size", type=int, default=TrainingSettings().batch_size)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, help="of torch on a CPU; all cores unless given")
    parser.add_argument("--trainer-bf16", action="store_true", help="let the Trainer compute in bf16 as well")
    parser.add_argument("--no-trainer", action="store_true", help="against the bare network alone")
    parser.add_argument("--profile", action="store_true", help="where the time of ours goes, by operation (on a CPU)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if not options.no_trainer and find_spec("accelerate") is None:
        sys.exit("transformers' Trainer needs accelerate: pip install -e '.[benchmarks]', or give --no-trainer")
    device = pick_device()
    encoder = resolve_encoder(options.encoder)
    part: EncodedPart = encode_part(read_examples(options.documents, options.limit), encoder.tokenizer, [LABEL])
    rows = part.rows(encoder.tokenizer.window_length)
    pieces = sum(len(row.ids) for row in rows)
    ours = Ours(encoder, rows, options.batch_size, device)
    bare = Bare(encoder, rows, options.batch_size, device)
    stock = Stock(encoder, rows, options.batch_size, options.trainer_bf16, device) if not options.no_trainer else None
    runs = []
    for repetition in range(options.repetitions + 1):
        run = {"ours": ours.epoch(), "bare": bare.epoch()} | ({"trainer": stock.epoch()} if stock else {})
        if repetition == 0:
            continue  # warming up
        runs.append(run)
        if not options.json:
            print("  ".join(f"{name} {pieces / value:,.0f} word pieces/s" for name, value in run.items()), flush=True)
    ratios = {name: [run[name] / run["ours"] for run in runs] for name in runs[0] if name != "ours"}
    if options.json:
        report = {
            "encoder": encoder.name,
            "device": device.name,
            "bf16": device.bf16,
            "trainer_bf16": options.trainer_bf16,
            "threads": torch.get_num_threads(),
            "batch_size": options.batch_size,
            "windows": len(rows),
            "word_pieces": pieces,
            "padding": bare.padding,
            "seconds": runs,
            "ratios": {name: statistics.median(values) for name, values in ratios.items()},
            "targets": TARGETS,
        }
        print(json.dumps(report, indent=2))
        return
    print(f"{len(rows)} windows, {pieces} word pieces, {encoder.name} on {device.name}, bf16: {device.bf16}")
    print(f"padding in ours: {bare.padding:.1%} of the word pieces")
    for name, values in ratios.items():
        print(
            f"{statistics.median(values):.2f} times as fast as the {name} "
            f"({min(values):.2f} to {max(values):.2f}; wanted: {TARGETS[name]})"
        )
    if options.profile:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            ours.epoch()
        print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=20))


if __name__ == "__main__":
    main()
