"""What a borrowed start brings: strict span F1 from it and from the base encoder, with the same few abstracts.

For each seed, one model is trained on the borrowed documents. Then, for each number of abstracts, two plain models are
trained on the same ones, drawn at random from the training documents: one from the base encoder, one from the borrowed
model. With 0 abstracts, the borrowed model alone is scored. Borrowed documents are left out as `init` leaves them out:
same id, text or abstract as a document to train or to test on. Each trial is one line of JSON in `--results`; a trial
that already exists is not run again. The table has the paired differences with their 95 % interval over seeds.

    python benchmarks/borrowed_start.py --entity Disease=SpecificDisease,DiseaseClass,Modifier,CompositeMention \\
        --train NCBItrainset_corpus.txt --test NCBIdevelopset_corpus.txt --borrow CDR_TrainingSet.PubTator.txt \\
        --borrow-entity Disease --abstracts 0 30 60 120 --seeds 5 --results borrowed.jsonl
    python benchmarks/borrowed_start.py --show --results borrowed.jsonl

`--entity` and `--set` are as for `biorat-al simulate` (`--set borrow.epochs=2`), `--borrow-entity` as for `init`. The
figures are those of the encoder, which each line names.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paired import student

from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.corpus.reading import read_corpus
from biorat_al.efficiency.simulation.options import simulation_settings
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.encoder.starting_weights import StartingWeights
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.progress import SILENT
from biorat_al.project import with_borrowed_labels
from biorat_al.rounds.borrowing.copying import Copier, OurDocuments
from biorat_al.rounds.borrowing.kept import borrowed_examples, borrowed_labels
from biorat_al.rounds.borrowing.training import training_settings
from biorat_al.settings import Settings, TrainingSettings, without_later


def parser_of(description: str | None, *, seeds: int) -> argparse.ArgumentParser:
    """Return a parser with the options of a script that trains from the base encoder and from a borrowed start."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--train", "--test", "--borrow"):
        parser.add_argument(name, nargs="+", type=Path, default=[], metavar="FILE")
    parser.add_argument("--entity", nargs="+", default=["Disease"], metavar="LABEL[=SOURCE,...]")
    parser.add_argument("--borrow-entity", nargs="+", default=[], metavar="LABEL[=SOURCE,...]")
    parser.add_argument("--seeds", type=int, default=seeds, help="seeds 0, 1, …")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--set", nargs="+", default=[], metavar="PART.NAME=VALUE")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="print the table of what has been run, and run nothing")
    return parser


def main() -> None:
    parser = parser_of(__doc__, seeds=3)
    parser.add_argument("--abstracts", nargs="+", type=int, default=[30, 60, 120])
    options = parser.parse_args()
    if not options.show:
        settings = simulation_settings(
            "borrowed-start", options.entity, encoder=options.encoder, size=1, changes=options.set
        )
        run(options, with_borrowed_labels(settings, options.borrow_entity))
    show(options.results)


def run(options: argparse.Namespace, settings: Settings) -> None:
    """Run the trials that the results do not hold yet."""
    pool, test = pool_and_test(options, settings)
    encoder = resolve_encoder(options.encoder, settings.encoder.max_length)
    borrowed, labels = read_borrowed(options.borrow, settings, (*pool, *test))
    if not labels:
        sys.exit("none of the labels of the borrowed documents counts: see --borrow-entity")
    training = settings.training.model_copy(update={"arms": ("none",), "selecting_arm": "none"})
    what: dict[str, Any] = {
        "encoder": options.encoder,
        "train": sorted(path.name for path in options.train),
        "test": sorted(path.name for path in options.test),
        "borrow": [path.name for path in options.borrow],
        "documents": {"train": len(pool), "test": len(test), "borrowed": len(borrowed)},
        "settings": {
            "entities": [one.model_dump(mode="json") for one in settings.entities],
            "training": without_later(training.model_dump(mode="json")),
            "borrow": settings.borrow.model_dump(mode="json"),
        },
    }
    for seed in range(options.seeds):
        done = {key(one) for one in lines(options.results) if one["seed"] == seed and one["what"] == what}
        wanted = [(number, start) for number in options.abstracts for start in ("base", "borrowed")]
        missing = [one for one in wanted if one not in done and one != (0, "base")]
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as place:
            start: StartingWeights | None = None
            if any(name == "borrowed" for _, name in missing):
                job = job_of(encoder, training_settings(settings), settings, seed)
                start = learn(borrowed, labels, job, Path(place))
            for number, name in missing:
                if number == 0 and start is not None:
                    model = start
                else:
                    drawn = random.Random(1000 + seed).sample(pool, number)
                    job = job_of(encoder, training, settings, seed)
                    job = replace(job, start=start if name == "borrowed" else None)
                    model = learn(drawn, settings.labels, job, Path(place))
                trial = {"seed": seed, "abstracts": number, "start": name, **scored(model, test, settings.labels)}
                options.results.parent.mkdir(parents=True, exist_ok=True)
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**trial, "what": what}) + "\n")
                print(json.dumps(trial), file=sys.stderr, flush=True)


def pool_and_test(options: argparse.Namespace, settings: Settings) -> tuple[list[Example], list[Example]]:
    """Read the training documents that are no test document as well, and the test documents."""
    test = examples(options.test, settings)
    held_out = OurDocuments.of(one.document for one in test)
    return [one for one in examples(options.train, settings) if held_out.reason(one.document) is None], test


def read_borrowed(
    paths: Sequence[Path], settings: Settings, ours: Sequence[Example]
) -> tuple[Sequence[Example], Sequence[str]]:
    """Read what is borrowed, without documents of ours; return it and its labels."""
    with tempfile.TemporaryDirectory() as place:
        known = OurDocuments.of(one.document for one in ours)
        copier = Copier(Path(place), ReadOptions(skip_invalid=True), known, SILENT)
        corpora = [copier.copied(str(path), None) for path in paths]
        return borrowed_examples(Path(place), corpora, settings), borrowed_labels(corpora, settings)


def job_of(encoder: Encoder, training: TrainingSettings, settings: Settings, seed: int) -> TrainingJob:
    """How a plain model is trained."""
    return TrainingJob(encoder=encoder, arm="none", training=training, adversarial=settings.adversarial, seed=seed)


def learn(learnt: Sequence[Example], labels: Sequence[str], job: TrainingJob, folder: Path) -> StartingWeights:
    """Train a model."""
    model = train(learnt, job, labels=labels, models_dir=folder, prefix="trial")
    return StartingWeights(model.folder, model.sha256, tuple(labels))


def scored(model: StartingWeights, test: Sequence[Example], labels: Sequence[str]) -> dict[str, Any]:
    """Strict span scores of a model on the test documents, in points; by document its right, wrong and missed."""
    predicted = Tagger.load(model.folder).predict([one.document for one in test])
    gold = {one.document.id: one.entities for one in test}
    scores = score(gold, {one.document_id: one.entities for one in predicted}, labels)
    return {
        "f1": round(100 * scores.overall.f1, 2),
        "precision": round(100 * scores.overall.precision, 2),
        "recall": round(100 * scores.overall.recall, 2),
        "counts": [[one.tp, one.fp, one.fn] for one in scores.by_document.values()],
    }


def examples(paths: Sequence[Path], settings: Settings) -> list[Example]:
    """Read annotated documents, each id once, with the labels of the settings."""
    found: dict[str, Example] = {}
    for record in read_corpus(paths, skip_invalid=True):
        if record.annotation is not None:
            entities = tuple(
                replace(entity, label=label)
                for entity in record.annotation.entities
                if (label := settings.label_of(entity.label)) is not None
            )
            found.setdefault(record.document.id, Example(record.document, entities))
    return list(found.values())


def lines(results: Path) -> list[dict[str, Any]]:
    """The trials that have been run."""
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []


def key(trial: dict[str, Any]) -> tuple[int, str]:
    """What tells a trial apart from the others of its seed."""
    return trial["abstracts"], trial["start"]


def show(results: Path) -> None:
    """Print F1 by number of abstracts, and what the borrowed start brought in the same trial."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for trial in lines(results):
        groups.setdefault(json.dumps(trial["what"], sort_keys=True), []).append(trial)
    for trials in groups.values():
        what = trials[0]["what"]
        print(f"{what['encoder']}: {', '.join(what['train'])}; borrowed: {', '.join(what['borrow'])}")
        print("abstracts  seeds   base  borrowed   difference, with its 95 % interval over seeds")
        for number in sorted({trial["abstracts"] for trial in trials}):
            by_start = {
                start: {trial["seed"]: trial["f1"] for trial in trials if key(trial) == (number, start)}
                for start in ("base", "borrowed")
            }
            base, borrowed = by_start["base"], by_start["borrowed"]
            both = sorted(base.keys() & borrowed.keys())
            means = [f"{statistics.mean(some.values()):.1f}" if some else "–" for some in (base, borrowed)]
            seeds = max(len(base), len(borrowed))
            print(f"{number:>9}{seeds:>7}{means[0]:>7}{means[1]:>10}   {difference(base, borrowed, both)}")


def difference(base: dict[int, float], borrowed: dict[int, float], seeds: Sequence[int]) -> str:
    """The mean of the paired differences, with its interval (Student's t), and each of them."""
    values = [borrowed[seed] - base[seed] for seed in seeds]
    if not values:
        return ""
    shown = " ".join(f"{value:+.1f}" for value in values)
    if len(values) == 1:
        return f"{values[0]:+5.1f}"
    mean, low, high = student(values)
    return f"{mean:+5.1f} ({low:+.1f} to {high:+.1f}): {shown}"


if __name__ == "__main__":
    main()
