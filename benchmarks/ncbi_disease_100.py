"""What is learnt from 100 abstracts: strict span F1 on the NCBI disease corpus, arm by arm and seed by seed.

Trains on 100 abstracts of the training file with the settings that a new project has (but for what the options say),
merges the four disease classes into one, and scores on the 100 documents of the development file. Every training run
starts from the base encoder; its time is that of the training step alone.

    python benchmarks/ncbi_disease_100.py [FOLDER] [--encoder minilm] [--arms none,rat] [--seeds 0,1,2] [--sample]

FOLDER holds NCBItrainset_corpus.txt and NCBIdevelopset_corpus.txt in PubTator format.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings

LABEL = "Disease"
CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "ncbi_disease"


def read_examples(path: Path) -> list[Example]:
    """Return the documents of `path`, each once, with their mentions under one label."""
    examples: dict[str, Example] = {}
    for record in read_corpus(path, skip_invalid=True):  # one mention of the corpus has two blanks too many
        if record.annotation is not None and record.document.id not in examples:
            entities = tuple(replace(entity, label=LABEL) for entity in record.annotation.entities)
            examples[record.document.id] = Example(record.document, entities)
    return list(examples.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=CORPUS, help="where the corpus is")
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--arms", default="none,rat", help="none, rat, at")
    parser.add_argument("--seeds", default="0,1,2", help="each trains every arm once")
    parser.add_argument("--abstracts", type=int, default=100, help="how many to train on")
    parser.add_argument("--sample", action="store_true", help="draw the abstracts by the seed; else the first ones")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings of training")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()

    changes: dict[str, Any] = {name: json.loads(value) for name, value in (one.split("=") for one in options.set)}
    adversarial = AdversarialSettings(**{k: v for k, v in changes.items() if k in AdversarialSettings.model_fields})
    training = TrainingSettings(**{k: v for k, v in changes.items() if k not in AdversarialSettings.model_fields})
    pool = read_examples(options.folder / "NCBItrainset_corpus.txt")
    held_out = read_examples(options.folder / "NCBIdevelopset_corpus.txt")
    gold = {example.document.id: example.entities for example in held_out}
    encoder = resolve_encoder(options.encoder)
    runs: list[dict[str, Any]] = []
    for seed in map(int, options.seeds.split(",")):
        examples = random.Random(seed).sample(pool, options.abstracts) if options.sample else pool[: options.abstracts]
        for arm in options.arms.split(","):
            with tempfile.TemporaryDirectory() as folder:
                began = time.monotonic()
                model = train(
                    examples,
                    TrainingJob(encoder=encoder, arm=arm, training=training, adversarial=adversarial, seed=seed),
                    labels=[LABEL],
                    models_dir=Path(folder),
                    prefix=f"ncbi-r1-{arm}",
                )
                seconds = time.monotonic() - began
                tagger = Tagger.load(model.folder)
                predicted = {p.document_id: p.entities for p in tagger.predict([e.document for e in held_out])}
            counts = score(gold, predicted, [LABEL]).overall
            run = {"seed": seed, "arm": arm, **counts.as_dict(), "seconds": seconds}
            for name in ("steps", "best_step", "passes", "temperature", "device", "dtype"):
                run[name] = model.summary[name]
            runs.append(run)
            if not options.json:
                print(
                    f"seed {seed}  {arm:<4}  F1 {100 * counts.f1:5.1f}  P {100 * counts.precision:5.1f}"
                    f"  R {100 * counts.recall:5.1f}  {seconds:4.0f} s  {run['passes']:.0f} passes",
                    flush=True,
                )
    if options.json:
        print(json.dumps({"training": training.model_dump(mode="json"), "runs": runs}, indent=2))
        return
    for arm in options.arms.split(","):
        scores = [100 * run["f1"] for run in runs if run["arm"] == arm]
        spread = f" ± {statistics.stdev(scores):.1f} (standard deviation)" if len(scores) > 1 else ""
        print(f"{arm:<4}  mean F1 {statistics.mean(scores):.1f}{spread} over {len(scores)} seeds")


if __name__ == "__main__":
    main()
