"""How fast a plain training step is, against transformers' stock Trainer on the same data.

Both train the same encoder with a linear head for one entity type on the same windows of the same documents, with the
same number of windows per step; the Trainer as it comes: 32-bit floats, batches padded to their longest window by its
own collator, its own optimizer (--trainer-bf16 lets it compute in bf16). In turns, each makes whole epochs; the word
pieces of text learnt from per second are compared, so that padding counts as waste. Loading is not counted.

    python benchmarks/training_speed.py [--encoder minilm] [--documents FILE ...] [--limit 60] [--repetitions 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.encoder import Encoder, quiet, resolve_encoder
from biorat_al.learner.entities.batching import EncodedPart, Row, batch_order, encode_part, make_batch
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "ncbi_disease" / "NCBItrainset_corpus.txt"
LABEL = "Disease"
TARGET = 1.3


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


class Ours:
    """Our training loop, one epoch at a time."""

    def __init__(self, encoder: Encoder, rows: list[Row], batch_size: int, device: Device) -> None:
        network = TaggingNetwork(encoder.network(device.training_attention), 1).to(device.name)
        network.initialise_head(torch.Generator().manual_seed(0))
        settings = TrainingSettings(batch_size=batch_size)
        self._fit = Fit(
            network,
            [LABEL],
            TrainingJob(
                encoder=encoder,
                arm="none",
                training=settings,
                adversarial=AdversarialSettings(),
                seed=13,
                device=device,
            ),
        )
        self._tokenizer, self._rows, self._device = encoder.tokenizer, rows, device
        self._order = batch_order([len(row.ids) for row in rows], batch_size, 13)
        self._steps = -(-len(rows) // batch_size)

    def epoch(self) -> float:
        self._fit.network.train()
        began = time.perf_counter()
        with EmbeddingTap(self._fit.network.word_embedding) as tap:
            for _ in range(self._steps):
                rows = [self._rows[n] for n in next(self._order)]
                self._fit.step(make_batch(rows, self._tokenizer, self._device), tap)
        return time.perf_counter() - began


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
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = pick_device()
    encoder = resolve_encoder(options.encoder)
    part: EncodedPart = encode_part(read_examples(options.documents, options.limit), encoder.tokenizer, [LABEL])
    rows = part.rows(encoder.tokenizer.window_length)
    pieces = sum(len(row.ids) for row in rows)
    ours = Ours(encoder, rows, options.batch_size, device)
    stock = Stock(encoder, rows, options.batch_size, options.trainer_bf16, device)
    runs = []
    for repetition in range(options.repetitions + 1):
        run = {"ours": ours.epoch(), "trainer": stock.epoch()}
        if repetition == 0:
            continue  # warming up
        runs.append(run)
        if not options.json:
            print("  ".join(f"{name} {pieces / value:,.0f} word pieces/s" for name, value in run.items()), flush=True)
    ratios = [run["trainer"] / run["ours"] for run in runs]
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
            "seconds": runs,
            "ratio": statistics.median(ratios),
            "target": TARGET,
        }
        print(json.dumps(report, indent=2))
        return
    print(f"{len(rows)} windows, {pieces} word pieces, {encoder.name} on {device.name}, bf16: {device.bf16}")
    print(
        f"{statistics.median(ratios):.2f} times as fast as the Trainer "
        f"({min(ratios):.2f} to {max(ratios):.2f}; wanted: {TARGET})"
    )


if __name__ == "__main__":
    main()
