"""How well confidences agree with how often mentions are right, with the ways to find a temperature.

For each number of abstracts and each draw of them: models of the arms `none` and `rat` on all but the last batch, which
predict that batch before it is annotated, and models on all abstracts, which are measured on the development file of
NCBI disease. The expected calibration error (ten equal bins) of each arm and of their committee is given

- raw: without any temperature;
- default: with the temperature that a project starts with (:mod:`biorat_al.rounds.models.calibration`);
- answers: with the temperature fitted to what the earlier models proposed in the last batch;
- best: with the temperature fitted to the very mentions that are measured, which is the least that can be reached.

    python benchmarks/calibration.py --output FOLDER [--abstracts 60,150] [--draws 3] [--batch 20] [--encoder minilm]

The target was an error of at most 0.03 with 60 and with 150 abstracts. Every training is kept; the same command goes on
where it was stopped. The table is FOLDER/calibration.jsonl, and is printed.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from fixed_samples import Corpus, Logits, Trainings, f1, mentions, with_scores
from ncbi_disease_100 import CORPUS, LABEL
from recipe import numbers

from biorat_al.learner.committee.members import mean_log_probabilities
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.entities.fitting import fitted_temperature
from biorat_al.learner.entities.scoring import reliability
from biorat_al.learner.temperature import calibrated
from biorat_al.learner.types import Example
from biorat_al.rounds.models.calibration import default_temperature
from biorat_al.settings import Arm, TrainingSettings

ARMS: tuple[Arm, ...] = ("none", "rat")
Mentions = Mapping[str, tuple[Any, ...]]


def error(examples: Sequence[Example], predicted: Mentions, temperature: float) -> float:
    """Return the expected calibration error with a temperature."""
    raw = [entity.score for entities in predicted.values() for entity in entities]
    scored = with_scores(predicted, calibrated(raw, temperature).tolist())
    bins = reliability({example.document.id: example.entities for example in examples}, scored, [LABEL], {}, {})
    number = sum(part.count for part in bins)
    return sum(abs(part.confidence - part.right) for part in bins) / max(number, 1)


def fitted(examples: Sequence[Example], predicted: Mentions) -> float:
    """Return the temperature that fits the mentions proposed in some documents best."""
    return fitted_temperature([predicted[example.document.id] for example in examples], examples)


def voting(members: Sequence[Logits]) -> Logits:
    """Return the logarithms of the members' mean probabilities."""
    return [mean_log_probabilities(document) for document in zip(*members, strict=True)]


def measured(
    name: str, corpus: Corpus, batch: Sequence[Example], earlier: Logits, now: Logits, encoder: Encoder
) -> dict[str, Any]:
    """Return the row of one arm, or of the committee."""
    proposed, found = mentions(batch, earlier, encoder), mentions(corpus.test, now, encoder)
    temperatures = {
        "raw": 1.0,
        "default": default_temperature(name),
        "answers": fitted(batch, proposed),
        "best": fitted(corpus.test, found),
    }
    row: dict[str, Any] = {"model": name, "f1": round(f1(corpus.test, found), 2)}
    for way, temperature in temperatures.items():
        row |= {
            f"temperature_{way}": round(temperature, 3),
            f"ece_{way}": round(error(corpus.test, found, temperature), 4),
        }
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder of the kept trainings")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder with the files of NCBI disease")
    parser.add_argument("--abstracts", type=numbers, default=[60, 150])
    parser.add_argument("--draws", type=int, default=3, help="samples of each size, each with a seed")
    parser.add_argument("--batch", type=int, default=20, help="abstracts of the last batch")
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--threads", type=int, default=1, help="of torch on a CPU")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    corpus, encoder = Corpus.read(options.corpus), resolve_encoder(options.encoder)
    trainings = Trainings(options.output, encoder)
    settings, rows = TrainingSettings(), []
    for abstracts, draw in itertools.product(options.abstracts, range(options.draws)):
        examples = corpus.sample(abstracts, draw)
        batch = examples[-options.batch :]
        earlier, now = [], []
        for arm in ARMS:
            what = {"encoder": encoder.name, "draw": draw, "batch": options.batch, "arm": arm}
            for part, kept, predicted in (
                (examples[: -options.batch], earlier, {"batch": batch}),
                (examples, now, {"test": corpus.test}),
            ):
                named = what | {"abstracts": len(part)} | {"on": next(iter(predicted))}
                found = trainings.logits(named, part, predicted, arm=arm, seed=draw, training=settings)
                kept.append(next(iter(found.values())))
        models = [(arm, *pair) for arm, *pair in zip(ARMS, earlier, now, strict=True)]
        for name, before, after in [*models, ("committee", voting(earlier), voting(now))]:
            place = {"encoder": encoder.name, "abstracts": abstracts, "draw": draw}
            rows.append(place | measured(name, corpus, batch, before, after, encoder))
            print(json.dumps(rows[-1]), flush=True)
    with (options.output / "calibration.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
