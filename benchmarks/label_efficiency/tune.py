"""Which settings of training and of the perturbation to take: strict span F1 on a part of the training data.

The study reports on the development documents; so settings are chosen here without them. The 592 training abstracts of
the NCBI disease corpus are shuffled once: 142 are scored on, and each seed draws its abstracts from the other 450. Each
trial is one line of JSON in the output file; a trial that already exists is not run again.

    python benchmarks/label_efficiency/tune.py [--corpus FOLDER] [--seeds 0,1,2] [--abstracts 60] [--only "NAME;..."]
    python benchmarks/label_efficiency/tune.py --show
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from parts import CORPUS, LABEL, read_lines, read_parts

from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.settings import AdversarialSettings, TrainingSettings

RESULTS = Path(__file__).parent / "tuning.jsonl"

# what the settings were before: sentences per step, epochs, learning rate
BEFORE = {"batch_size": 16, "epochs": 6, "learning_rate": 3e-4}

TRIALS: dict[str, dict[str, Any]] = {
    "none": {"arm": "none"},
    "none, batch 16, 6 epochs": {"arm": "none", **BEFORE},
    "none, batch 16, 4 epochs": {"arm": "none", **BEFORE, "epochs": 4},
    "none, batch 16, 9 epochs": {"arm": "none", **BEFORE, "epochs": 9},
    "none, batch 8, 3 epochs": {"arm": "none", **BEFORE, "batch_size": 8, "epochs": 3},
    "none, batch 8, 4 epochs": {"arm": "none", **BEFORE, "batch_size": 8, "epochs": 4},
    "none, batch 8, 4 epochs, 2e-4": {"arm": "none", "batch_size": 8, "epochs": 4, "learning_rate": 2e-4},
    "at 0.3, batch 16, 6 epochs": {"arm": "at", **BEFORE, "epsilon": 0.3},
    "at 0.1, batch 16, 6 epochs": {"arm": "at", **BEFORE, "epsilon": 0.1},
    "at 0.3": {"arm": "at", "epsilon": 0.3},
    "rat 0.3, p 0.25": {"arm": "rat", "epsilon": 0.3, "probability": 0.25},
    "rat 0.3, p 0.25, by example": {"arm": "rat", "epsilon": 0.3, "probability": 0.25, "draw": "example"},
    "rat 0.6, p 0.25": {"arm": "rat", "epsilon": 0.6, "probability": 0.25},
    "rat 0.3, p 0.5": {"arm": "rat", "epsilon": 0.3, "probability": 0.5},
    "rat 1, p 0.25": {"arm": "rat", "epsilon": 1.0, "probability": 0.25},
    "at 0.6": {"arm": "at", "epsilon": 0.6},
    "at 1": {"arm": "at", "epsilon": 1.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--abstracts", type=int, default=60)
    parser.add_argument("--only", default="", help="names of trials, separated by semicolons")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="print the table of what has been run, and run nothing")
    options = parser.parse_args()
    if not options.show:
        chosen = [name.strip() for name in options.only.split(";") if name.strip()] or list(TRIALS)
        run(
            options.corpus, chosen, [int(seed) for seed in options.seeds.split(",")], options.abstracts, options.results
        )
    show(options.results)


def run(corpus: Path, names: list[str], seeds: list[int], abstracts: int, results: Path) -> None:
    """Run the trials that `results` does not hold yet, seed by seed, so that it is balanced whenever it is cut off."""
    parts = read_parts(corpus)
    encoder = resolve_encoder("minilm")
    done = {(trial["name"], trial["seed"], trial["abstracts"]) for trial in read_lines(results)}
    for seed in seeds:
        drawn = parts.drawn(seed, abstracts)
        for name in names:
            if (name, seed, abstracts) in done:
                continue
            values = dict(TRIALS[name])
            arm = values.pop("arm")
            adversarial = {key: value for key, value in values.items() if key in AdversarialSettings.model_fields}
            training = {key: value for key, value in values.items() if key not in adversarial}
            with tempfile.TemporaryDirectory() as folder:
                model = train(
                    drawn,
                    TrainingJob(
                        encoder=encoder,
                        arm=arm,
                        training=TrainingSettings(**training),
                        adversarial=AdversarialSettings(**adversarial),
                        seed=seed,
                    ),
                    labels=[LABEL],
                    models_dir=Path(folder),
                    prefix="tune",
                )
                f1 = parts.f1(model.folder)
            trial = {
                "name": name,
                "seed": seed,
                "abstracts": abstracts,
                "settings": TRIALS[name],
                "f1": f1,
                "steps": model.summary["steps"],
                "passes": model.summary["passes"],
            }
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(trial) + "\n")
            print(json.dumps(trial), file=sys.stderr, flush=True)


def show(results: Path) -> None:
    """Print a table: each trial's mean F1, and its differences from plain training of the same seed."""
    by_name: dict[tuple[int, str], dict[int, dict[str, Any]]] = {}
    for trial in read_lines(results):
        by_name.setdefault((trial["abstracts"], trial["name"]), {})[trial["seed"]] = trial
    for (abstracts, name), trials in sorted(
        by_name.items(), key=lambda item: (item[0][0], list(TRIALS).index(item[0][1]))
    ):
        plain = by_name.get((abstracts, "none"), {})
        differences = [trials[seed]["f1"] - plain[seed]["f1"] for seed in sorted(trials) if seed in plain]
        shown = " ".join(f"{difference:+.1f}" for difference in differences)
        mean = statistics.mean(trial["f1"] for trial in trials.values())
        print(f"{abstracts:>4} abstracts  {name:<28} F1 {mean:5.1f} over {len(trials)}   against none: {shown}")


if __name__ == "__main__":
    main()
