"""How to train with few labels: steps, epochs and the number of models that vote, on fixed random samples.

For each number of abstracts, each draw of them and each training seed, one training per recipe (least number of steps ×
epochs × arm × context), scored on the development file of NCBI disease. From the kept predictions, committees of 1 to 5
trainings with other seeds on the same abstracts: the mean over all choices of so many.

    python benchmarks/recipe.py --output FOLDER [--abstracts 20,30,60,100] [--draws 2] [--seeds 5] [--steps 120,450]
        [--epochs 3] [--arms none] [--context sentence] [--encoder minilm] [--threads 1]

What document context gives, and costs (`seconds` in trainings.jsonl):

    python benchmarks/recipe.py --output FOLDER --context sentence document --abstracts 60 --steps 450 --seeds 3

Every training is kept in FOLDER/trainings.jsonl as soon as it is made; the same command goes on where it was stopped.
The table of all that is there, with committees, is FOLDER/recipe.jsonl, and is printed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from pathlib import Path
from typing import Any, get_args

import torch
from fixed_samples import Corpus, Logits, Trainings, f1, mentions
from ncbi_disease_100 import CORPUS

from biorat_al.learner.committee.members import mean_log_probabilities
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.settings import TextContext, TrainingSettings

LARGEST = 5
"""Most models in a committee."""


def committees(corpus: Corpus, members: list[Logits], encoder: Encoder) -> dict[int, float]:
    """Return the mean F1 of all committees of each size."""
    by_size = {}
    for size in range(1, min(len(members), LARGEST) + 1):
        values = []
        for chosen in itertools.combinations(members, size):
            mean = [mean_log_probabilities(document) for document in zip(*chosen, strict=True)]
            values.append(f1(corpus.test, mentions(corpus.test, mean, encoder)))
        by_size[size] = statistics.mean(values)
    return by_size


def numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def stated(context: TextContext) -> dict[str, str]:
    """Return what tells a context from sentences, so that trainings that were kept before are found again."""
    return {} if context == "sentence" else {"context": context}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder of the kept trainings")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder with the files of NCBI disease")
    parser.add_argument("--abstracts", type=numbers, default=[20, 30, 60, 100])
    parser.add_argument("--draws", type=int, default=2, help="samples of each size")
    parser.add_argument("--seeds", type=int, default=5, help="trainings with other seeds on each sample")
    parser.add_argument("--steps", type=numbers, default=[120, 450], help="least numbers of optimizer steps")
    parser.add_argument("--epochs", type=numbers, default=[3])
    parser.add_argument("--arms", default="none", help="none, rat, matched, at")
    parser.add_argument("--context", nargs="+", choices=get_args(TextContext), default=["sentence"])
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--threads", type=int, default=1, help="of torch on a CPU")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    corpus, encoder = Corpus.read(options.corpus), resolve_encoder(options.encoder)
    trainings = Trainings(options.output, encoder)
    recipes = list(itertools.product(options.steps, options.epochs, options.arms.split(","), options.context))
    rows: list[dict[str, Any]] = []
    for abstracts, draw in itertools.product(options.abstracts, range(options.draws)):
        examples = corpus.sample(abstracts, draw)
        for steps, epochs, arm, context in recipes:
            recipe = {"abstracts": abstracts, "draw": draw, "arm": arm, "steps": steps, "epochs": epochs}
            recipe |= stated(context)
            settings = TrainingSettings(min_steps=steps, epochs=epochs, dev_share=0.0, context=context)
            members = []
            for seed in range(options.seeds):
                what = {"encoder": encoder.name, **recipe, "seed": seed}
                kept = trainings.logits(
                    what, examples, {"test": corpus.test}, arm=arm, seed=seed, training=settings
                )  # fmt: skip
                members.append(kept["test"])
            for size, value in committees(corpus, members, encoder).items():
                rows.append({"encoder": encoder.name, **recipe, "members": size, "f1": round(value, 2)})
                print(json.dumps(rows[-1]), flush=True)
    with (options.output / "recipe.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
