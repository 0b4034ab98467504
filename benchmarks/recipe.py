"""How to train with few labels: steps, epochs and the number of models that vote, on fixed random samples.

For each number of abstracts, each draw of them and each training seed, one training per recipe (least number of steps ×
epochs × arm × context), scored on the development file of NCBI disease. From the kept predictions, committees of 1 to 5
trainings with other seeds on the same abstracts: the mean over all choices of that size; and of all arms of a seed, as
in a project. With --start, from a model that was trained before, such as a project's on borrowed documents.

    python benchmarks/recipe.py --output FOLDER [--abstracts 20,30,60,100] [--draws 2] [--seeds 5] [--steps 120,450]
        [--epochs 3] [--arms none] [--context sentence] [--encoder minilm] [--threads 1]

What document context gives, and costs (`seconds` in trainings.jsonl):

    python benchmarks/recipe.py --output FOLDER --context sentence document --abstracts 60 --steps 450 --seeds 3

Every training is kept in FOLDER/trainings.jsonl as soon as it is made; the same command goes on where it was stopped.
The table of all that is there, with committees, is FOLDER/recipe.jsonl, and is printed. What such tables say, arm
against arm and more steps against fewer, paired by the drawn abstracts, with 95 % intervals over the draws (Student):

    python benchmarks/recipe.py --show benchmarks/results/recipe.jsonl
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from borrowed_start import difference
from fixed_samples import Corpus, Logits, f1, mentions, numbers, opened, options_of_samples

from biorat_al.learner.committee.members import mean_log_probabilities
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.settings import TextContext, TrainingSettings, without_later

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


def show(paths: Sequence[Path]) -> None:
    """Print the differences between arms, and between numbers of steps, of otherwise equal recipes."""
    by_draw: dict[str, dict[tuple[str, int], dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in (json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()):
        # a committee of the arms' models, or one model
        if row.pop("members") == len(row["arm"].split(",")):
            draw, score, recipe = row.pop("draw"), row.pop("f1"), (row.pop("arm"), row.pop("steps"))
            by_draw[", ".join(f"{name} {value}" for name, value in sorted(row.items()))][recipe][draw] = score
    for where, recipes in by_draw.items():
        for (left, more), (right, fewer) in itertools.permutations(recipes, 2):
            against_plain = more == fewer and left != "none" and right in ("none", "matched") and left != right
            draws = sorted(recipes[left, more].keys() & recipes[right, fewer].keys())
            if draws and (against_plain or (left == right and more > fewer)):
                found = difference(recipes[right, fewer], recipes[left, more], draws)
                print(f"{where}: {left}, {more} steps, less {right}, {fewer}: {found}")


def main() -> None:
    if sys.argv[1:2] == ["--show"]:
        show([Path(name) for name in sys.argv[2:]])
        return
    parser = options_of_samples(__doc__, abstracts=[20, 30, 60, 100], draws=2)
    parser.add_argument("--seeds", type=int, default=5, help="trainings with other seeds on each sample")
    parser.add_argument("--steps", type=numbers, default=[120, 450], help="least numbers of optimizer steps")
    parser.add_argument("--epochs", type=numbers, default=[3])
    parser.add_argument("--arms", default="none", help="none, rat, matched, at")
    parser.add_argument("--context", nargs="+", choices=get_args(TextContext), default=["sentence"])
    options = parser.parse_args()
    corpus, trainings = opened(options)
    encoder = trainings.encoder
    recipes = list(itertools.product(options.steps, options.epochs, options.arms.split(","), options.context))
    rows: list[dict[str, Any]] = []

    def keep(row: dict[str, Any], value: float) -> None:
        begun = {} if trainings.start is None else {"start": trainings.start.sha256[:12]}
        rows.append({"encoder": encoder.name, **begun, **row, "f1": round(value, 2)})
        print(json.dumps(rows[-1]), flush=True)

    for abstracts, draw in itertools.product(options.abstracts, range(options.draws)):
        examples = corpus.sample(abstracts, draw)
        by_arms = defaultdict[tuple[Any, ...], list[list[Logits]]](list)
        for steps, epochs, arm, context in recipes:
            recipe = {"abstracts": abstracts, "draw": draw, "arm": arm, "steps": steps, "epochs": epochs}
            recipe |= without_later({"context": context})
            settings = TrainingSettings(min_steps=steps, epochs=epochs, dev_share=0.0, context=context)
            members = []
            for seed in range(options.seeds):
                what = {"encoder": encoder.name, **recipe, "seed": seed}
                kept = trainings.logits(
                    what, examples, {"test": corpus.test}, arm=arm, seed=seed, training=settings
                )  # fmt: skip
                members.append(kept["test"])
            by_arms[steps, epochs, context].append(members)
            for size, value in committees(corpus, members, encoder).items():
                keep({**recipe, "members": size}, value)
        for (steps, epochs, context), arms in by_arms.items():
            if len(arms) > 1:
                of_each_seed = [committees(corpus, list(seed), encoder)[len(arms)] for seed in zip(*arms, strict=True)]
                recipe = {"abstracts": abstracts, "draw": draw, "arm": options.arms, "steps": steps, "epochs": epochs}
                recipe |= without_later({"context": context})
                keep({**recipe, "members": len(arms)}, statistics.mean(of_each_seed))
    with (options.output / "recipe.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
