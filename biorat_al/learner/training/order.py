"""The order in which every model is trained: hold documents back, seed, learn, calibrate, save.

A subclass of :class:`Training` defines what is learnt and saved.
"""

from __future__ import annotations

import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel

from biorat_al.learner.encoder.head import EncoderNetwork
from biorat_al.learner.encoder.memory import PeakMemory
from biorat_al.learner.encoder.saved_model import remove_leftovers, write_model
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import Outcome
from biorat_al.learner.types import Example, TrainedModel

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ENOUGH_FOR_DEV = 20
"""With fewer documents, all are trained on and none is kept for development: each is worth more as training data."""

Encoded = TypeVar("Encoded")
"""The training or the development part, encoded for a network."""

Network = TypeVar("Network", bound=EncoderNetwork)


@dataclass(frozen=True, slots=True)
class Learnt:
    """The result of a training.

    :param behaviour: what affects predictions besides the weights; see
        :func:`~biorat_al.learner.encoder.saved_model.write_model`.
    :param settings: the settings that were used, by name.
    :param summary: further entries of the model's summary (JSON values).
    """

    outcome: Outcome
    behaviour: DataclassInstance
    settings: Mapping[str, BaseModel]
    summary: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Training(ABC, Generic[Encoded, Network]):
    """The training of one arm, from the base encoder or from a model that was trained before.

    All arms of one seed have the same development part, order of batches, initial head and dropout masks. On a CPU, the
    same training gives the same weights, bit for bit, on the same machine with the same number of threads. Global
    random state is not changed.
    """

    job: TrainingJob

    def run(
        self, examples: Sequence[Example], models_dir: Path, prefix: str, provenance: Mapping[str, Any] | None
    ) -> TrainedModel:
        """Train, and save the model as ``<prefix>-<hash of its weights>`` in `models_dir`.

        The order of `examples` does not matter.

        :param provenance: further facts on its origin for the model's folder (JSON values).
        :raises NotEnoughLabelsError: there is nothing to learn.
        :raises LearnerError: the loss is no longer a number, or the model cannot be saved.
        """
        began = time.monotonic()
        remove_leftovers(models_dir)
        memory = PeakMemory(self.job.device)
        examples = sorted(examples, key=lambda example: (example.document.id, self.fingerprint([example])))
        held_back = development_ids([one.document.id for one in examples], self.dev_share, self.job.seed)
        learn, dev = (
            self.encode([one for one in examples if (one.document.id in held_back) is back]) for back in (False, True)
        )
        self.check(learn, dev)
        tokenizer = self.job.encoder.tokenizer
        words = np.concatenate([tokenizer.specials, *self.word_pieces(learn, dev)])
        # draws from torch's global generators must neither depend on their state nor change it
        with torch.random.fork_rng(devices=[self.job.device.name] if self.job.device.kind == "cuda" else []):
            torch.manual_seed(self.job.seed)
            network = self.network(self.job.encoder.network(self.job.device.training_attention))
            network.initialise_head(torch.Generator().manual_seed(self.job.seed))
            self.begin(network)
            network.to(self.job.device.name)
            learnt = self.learn(network, learn, dev, words)
        summary = {
            "arm": self.job.arm,
            "seed": self.job.seed,
            **learnt.summary,
            "training_data_sha256": self.fingerprint(examples),
            **learnt.outcome.as_dict(),
            "settings": {name: part.model_dump(mode="json") for name, part in learnt.settings.items()},
            "encoder": {
                "name": self.job.encoder.name,
                "fingerprint": self.job.encoder.fingerprint,
                "max_length": tokenizer.max_length,
                "uncased": tokenizer.uncased,
            },
            **({} if self.job.start is None else {"start": self.job.start.as_dict()}),
            "device": self.job.device.name,
            "dtype": "bf16" if self.job.device.bf16 else "fp32",
            "threads": torch.get_num_threads(),
            "libraries": {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")},
            "seconds": round(time.monotonic() - began, 2),
            "peak_memory": memory.bytes(),
        }
        record = {"provenance": dict(provenance or {}), "summary": summary}
        folder, sha256 = write_model(models_dir, prefix, network, tokenizer, learnt.behaviour, record)
        return TrainedModel(folder.name, folder, sha256, summary)

    @property
    def dev_share(self) -> float:
        """Share of the documents that are kept for development."""
        return self.job.training.dev_share

    @abstractmethod
    def content(self, example: Example) -> list[Any]:
        """Return all that is learnt from an example, in a fixed order (JSON values)."""

    @abstractmethod
    def encode(self, examples: Sequence[Example]) -> Encoded:
        """Encode examples for the network."""

    @abstractmethod
    def check(self, learn: Encoded, dev: Encoded) -> None:
        """Check that there is something to learn.

        :raises NotEnoughLabelsError: there is nothing to learn.
        """

    @abstractmethod
    def word_pieces(self, learn: Encoded, dev: Encoded) -> Iterable[NDArray[np.int64]]:
        """Return the ids of all word pieces that the network will see, without special tokens."""

    @abstractmethod
    def network(self, base: Any) -> Network:
        """Put a head on a copy of the pretrained network."""

    def begin(self, network: Network) -> None:
        """Give the network other weights than the base encoder's to begin from; by default, do nothing."""

    @abstractmethod
    def learn(self, network: Network, learn: Encoded, dev: Encoded, words: NDArray[np.int64]) -> Learnt:
        """Train the network on `learn`; calibrate it on `dev`, if that has any examples.

        :param words: ids of all word pieces that the network will see.
        """

    def fingerprint(self, examples: Sequence[Example]) -> str:
        """Return the sha256 of all that is learnt from `examples`, in their order."""
        digest = hashlib.sha256()
        for example in examples:
            digest.update(json.dumps(self.content(example)).encode())
        return digest.hexdigest()


def development_ids(ids: Sequence[str], share: float, seed: int) -> frozenset[str]:
    """Return the ids of documents that are kept for early stopping and calibration, and not trained on.

    They are drawn by a hash of seed and id, so that most of them stay in this part when documents are added. Of fewer
    than 20 documents, none is kept.

    :param share: share of the documents to keep.
    """
    different = set(ids)
    if len(different) < ENOUGH_FOR_DEV or not share:
        return frozenset()
    drawn = sorted(different, key=lambda one: hashlib.sha256(f"{seed}\n{one}".encode()).digest())
    return frozenset(drawn[: max(1, round(share * len(drawn)))])
