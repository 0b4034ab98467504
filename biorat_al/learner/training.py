"""Training of one arm, from the base encoder, on everything that people have annotated."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from biorat_al.corpus.model import Document
from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.batching import encode_part
from biorat_al.learner.device import Device, pick_device
from biorat_al.learner.encoder import Encoder
from biorat_al.learner.fitting import Fit
from biorat_al.learner.folder import Behaviour, remove_leftovers, write_model
from biorat_al.learner.memory import PeakMemory
from biorat_al.learner.network import TaggingNetwork
from biorat_al.learner.types import Example, TrainedModel
from biorat_al.progress import SILENT, Progress
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings

ENOUGH_FOR_DEV = 20
"""With fewer documents none is kept back for development: each is worth more as training data."""


def train(
    examples: Sequence[Example],
    *,
    labels: Sequence[str],
    encoder: Encoder,
    arm: Arm,
    training: TrainingSettings,
    adversarial: AdversarialSettings,
    seed: int,
    models_dir: Path,
    prefix: str,
    provenance: Mapping[str, Any] | None = None,
    device: Device | None = None,
    unlabelled: Sequence[Document] = (),
    progress: Progress = SILENT,
) -> TrainedModel:
    """Train one arm and save it as ``<prefix>-<hash of its weights>`` in `models_dir`.

    The order of `examples` and of `unlabelled` does not matter. All arms of one seed have the same development part,
    order of batches, first head and dropout masks. On a CPU the same call gives the same weights, bit for bit, on the
    same machine with the same number of threads. No global random state is changed.

    :param examples: annotated documents, those without any mention included.
    :param labels: entity types, in the order of the network's outputs.
    :param provenance: what else the model's folder shall say of its origin (JSON values).
    :param device: None picks the best there is.
    :param unlabelled: documents that nobody has annotated, for ``vat`` with `adversarial.unlabelled` windows of them in
        each adversarial step; not looked at otherwise.
    :raises NotEnoughLabelsError: there is no example, or none with any text.
    :raises LearnerError: the loss is no longer a number, or the model cannot be saved.
    """
    began = time.monotonic()
    remove_leftovers(models_dir)
    if not examples:
        raise NotEnoughLabelsError("there is no annotated document to train on: annotate one at least")
    device = device or pick_device()
    memory = PeakMemory(device)
    examples = sorted(examples, key=lambda example: (example.document.id, _fingerprint([example])))
    held_back = development_ids([example.document.id for example in examples], training.dev_share, seed)
    learn, dev = (
        encode_part([e for e in examples if (e.document.id in held_back) is back], encoder.tokenizer, labels)
        for back in (False, True)
    )
    if not any(len(pieces) for pieces in learn.pieces):
        raise NotEnoughLabelsError("the annotated documents hold no text to train on: annotate one that does")
    pool = None
    if adversarial.unlabelled and arm != "none":
        unlabelled = sorted(unlabelled, key=lambda document: (document.id, document.text))
        pool = encode_part([Example(document, ()) for document in unlabelled], encoder.tokenizer, labels)
    tokenizer = encoder.tokenizer
    parts = [part for part in (learn, dev, pool) if part is not None]
    words = np.concatenate([tokenizer.specials, *(pieces.ids for part in parts for pieces in part.pieces)])
    # what a network draws by torch's own generators must neither depend on their state nor change it
    with torch.random.fork_rng(devices=[device.name] if device.kind == "cuda" else []):
        torch.manual_seed(seed)
        network = TaggingNetwork(encoder.network(device.training_attention), len(labels))
        network.initialise_head(torch.Generator().manual_seed(seed))
        network.to(device.name)
        fit = Fit(network, encoder.tokenizer, labels, arm, training, adversarial, seed, device, pool, words)
        outcome = fit.run(learn, dev, progress)
    summary = {
        "arm": arm,
        "seed": seed,
        "labels": list(labels),
        "documents": len(learn.examples),
        "dev_documents": len(dev.examples),
        "unlabelled_documents": len(pool.examples) if pool else 0,
        "training_data_sha256": _fingerprint(examples),
        "unrepresentable": dict(learn.unrepresentable + dev.unrepresentable),
        **outcome.spent(),
        "epochs": round(outcome.epochs, 3),
        "best_step": outcome.best_step,
        "dev": outcome.dev,
        "temperature": outcome.temperature,
        "settings": {
            "training": training.model_dump(mode="json"),
            "adversarial": adversarial.model_dump(mode="json"),
        },
        "encoder": {
            "name": encoder.name,
            "fingerprint": encoder.fingerprint,
            "max_length": encoder.tokenizer.max_length,
        },
        "device": device.name,
        "dtype": "bf16" if device.bf16 else "fp32",
        "threads": torch.get_num_threads(),
        "libraries": {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")},
        "seconds": round(time.monotonic() - began, 2),
        "peak_memory": memory.bytes(),
    }
    behaviour = Behaviour(tuple(labels), outcome.temperature, tokenizer.pad, tokenizer.max_length)
    training_record = {"provenance": dict(provenance or {}), "summary": summary}
    folder, sha256 = write_model(models_dir, prefix, network, tokenizer, behaviour, training_record)
    return TrainedModel(folder.name, folder, sha256, summary)


def development_ids(ids: Sequence[str], share: float, seed: int) -> frozenset[str]:
    """The documents that are kept back from training, for early stopping and calibration.

    They are drawn by a hash of seed and id, so that a document that is in this part mostly stays there as others are
    added. None are kept back from fewer than 20.
    """
    different = set(ids)
    if len(different) < ENOUGH_FOR_DEV or not share:
        return frozenset()
    drawn = sorted(different, key=lambda one: hashlib.sha256(f"{seed}\n{one}".encode()).digest())
    return frozenset(drawn[: max(1, round(share * len(drawn)))])


def _fingerprint(examples: Sequence[Example]) -> str:
    """sha256 of what is learnt from: ids, texts, and mentions in the order of the text."""
    digest = hashlib.sha256()
    for example in examples:
        mentions = sorted([entity.label, *map(list, entity.spans)] for entity in example.entities)
        digest.update(json.dumps([example.document.id, example.document.text, mentions]).encode())
    return digest.hexdigest()
