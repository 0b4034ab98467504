"""Trainings on fixed random samples of the NCBI disease corpus, whose predictions are kept.

What `recipe.py` and `calibration.py` share, options included. Each training is kept in the output folder: a line of
`trainings.jsonl`, and the logits of the documents that it predicted in `<key>.npz`. A training that is kept is not made
again, so a script that was stopped goes on where it was, and committees of any size are computed from the kept logits
without training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ncbi_disease_100 import CORPUS, LABEL, read_examples
from numpy.typing import NDArray

from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.encoder.starting_weights import StartingWeights
from biorat_al.learner.entities.decoding import decode
from biorat_al.learner.entities.encoding import decode_mentions
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings

Logits = list[NDArray[np.floating]]
"""The scores of the tags at the words of each document."""


def options_of_samples(description: str | None, *, abstracts: list[int], draws: int) -> argparse.ArgumentParser:
    """Return a parser with the options of a script on fixed samples; :func:`opened` takes what it parses.

    :param abstracts: default sizes of the samples.
    :param draws: default number of samples of each size.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder of the kept trainings")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder with the files of NCBI disease")
    parser.add_argument("--abstracts", type=numbers, default=abstracts)
    parser.add_argument("--draws", type=int, default=draws, help="samples of each size")
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--start", type=Path, metavar="MODEL", help="folder of a model that all trainings begin from")
    parser.add_argument("--threads", type=int, default=1, help="of torch on a CPU")
    return parser


def numbers(text: str) -> list[int]:
    """Parse whole numbers with commas between them."""
    return [int(one) for one in text.split(",")]


def starting_weights(folder: Path) -> StartingWeights:
    """Return a trained model as the start of others."""
    contents = (folder / "model.safetensors").read_bytes()
    return StartingWeights(folder, hashlib.sha256(contents).hexdigest(), Tagger.load(folder).labels)


def opened(options: argparse.Namespace) -> tuple[Corpus, Trainings]:
    """Read the corpus and open the folder of kept trainings."""
    torch.set_num_threads(options.threads)
    start = None if options.start is None else starting_weights(options.start)
    return Corpus.read(options.corpus), Trainings(options.output, resolve_encoder(options.encoder), start)


TRAINING, TESTING = "NCBItrainset_corpus.txt", "NCBIdevelopset_corpus.txt"


@dataclass(frozen=True)
class Corpus:
    """The training abstracts to draw from, and the abstracts to measure on."""

    pool: Sequence[Example]
    test: Sequence[Example]

    @classmethod
    def read(cls, folder: Path = CORPUS) -> Corpus:
        """Read both files from a folder."""
        return cls(read_examples(folder / TRAINING), read_examples(folder / TESTING))

    def sample(self, abstracts: int, draw: int) -> list[Example]:
        """Draw abstracts; a smaller sample of the same draw is a part of a larger one."""
        order = sorted(range(len(self.pool)))
        random.Random(draw).shuffle(order)
        return [self.pool[place] for place in order[:abstracts]]


class Trainings:
    """The folder of kept trainings.

    :param encoder: the encoder that every training starts from.
    :param start: a model with the label of the corpus to start from instead.
    """

    def __init__(self, folder: Path, encoder: Encoder, start: StartingWeights | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.encoder = encoder
        self.start = start
        self._file = folder / "trainings.jsonl"
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.is_file() else []
        self.lines: dict[str, dict[str, Any]] = {line["key"]: line for line in map(json.loads, lines)}

    def logits(
        self,
        what: Mapping[str, Any],
        examples: Sequence[Example],
        predicted: Mapping[str, Sequence[Example]],
        *,
        arm: Arm,
        seed: int,
        training: TrainingSettings,
    ) -> dict[str, Logits]:
        """Train, or take the kept training; return the logits of each part that was predicted.

        :param what: what tells this training from the others; also written to its line.
        :param predicted: parts to predict, by name.
        """
        if self.start is not None:
            what = {**what, "start": self.start.sha256[:12]}
        key = "-".join(f"{name}={value}" for name, value in what.items()).replace("/", "_")
        place = self.folder / f"{key}.npz"
        if key not in self.lines or not place.is_file():
            self._train(key, place, what, examples, predicted, arm=arm, seed=seed, training=training)
        with np.load(place) as kept:
            return {name: [kept[f"{name}-{number}"] for number in range(len(part))] for name, part in predicted.items()}

    def _train(
        self,
        key: str,
        place: Path,
        what: Mapping[str, Any],
        examples: Sequence[Example],
        predicted: Mapping[str, Sequence[Example]],
        *,
        arm: Arm,
        seed: int,
        training: TrainingSettings,
    ) -> None:
        job = TrainingJob(
            encoder=self.encoder,
            arm=arm,
            training=training,
            adversarial=AdversarialSettings(),
            seed=seed,
            start=self.start,
        )
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            model = train(examples, job, labels=[LABEL], models_dir=Path(folder), prefix="benchmark")
            seconds = time.monotonic() - began
            tagger = Tagger.load(model.folder)
        arrays = {
            f"{name}-{number}": scores.astype(np.float32)
            for name, part in predicted.items()
            for number, scores in enumerate(
                tagger.logits(tagger.tokenizer([example.document.text for example in part]))
            )
        }
        draft = place.with_suffix(".partial.npz")
        np.savez_compressed(draft, **arrays)
        draft.replace(place)
        summary = model.summary
        line = {
            "key": key, **what, "steps_made": summary["steps"], "epochs_made": summary["epochs"],
            "passes": summary["passes"], "temperature": summary["temperature"], "seconds": round(seconds, 1),
        }  # fmt: skip
        self.lines[key] = line
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def mentions(examples: Sequence[Example], logits: Logits, encoder: Encoder) -> dict[str, tuple[Any, ...]]:
    """Decode logits; return the mentions of each document with uncalibrated probabilities as their scores."""
    pieces = encoder.tokenizer([example.document.text for example in examples])
    return {
        example.document.id: decode_mentions(example.document, cut, decoded.mentions, [LABEL])
        for example, cut, decoded in zip(examples, pieces, decode(logits), strict=True)
    }


def f1(examples: Sequence[Example], predicted: Mapping[str, tuple[Any, ...]]) -> float:
    """Return strict span F1, of 100."""
    gold = {example.document.id: example.entities for example in examples}
    return 100 * score(gold, predicted, [LABEL]).overall.f1
