"""Sentences, passages of three sentences, or whole documents: which teaches most for the same hours of annotation?

For each seed and budget, units of the training documents are drawn at random until they have cost the budget, by the
prior price of `biorat_al.acquisition.price` and without pre-labels: words read, mentions marked, tasks opened. Who
annotates a sentence or a passage also reads the sentence before and the one after it. A plain model is trained on each
sample, from the base encoder and, with `--borrow`, from a model of the borrowed documents; F1 is strict, by mention, on
the test documents. A smaller sample is a part of the larger one of its seed. Each trial is one line of JSON in
`--results`; a trial that already exists is not run again.

    python benchmarks/units.py --entity Disease=SpecificDisease,DiseaseClass,Modifier,CompositeMention \\
        --train NCBItrainset_corpus.txt --test NCBIdevelopset_corpus.txt --results results/units/ncbi.jsonl
    python benchmarks/units.py --show --results results/units/ncbi.jsonl

The table has F1 and the paired differences from documents with their 95 % interval over seeds, then the hours that a
unit takes for the F1 that documents have, over the hours of documents, with every price halved and doubled: the same
samples, priced anew. Last, the hours until `--corpus` whole documents are done, if the model of each sample pre-labels
all of them that are not: its recall says how many mentions are confirmed, its precision how many are removed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from borrowed_start import difference, job_of, learn, lines, parser_of, pool_and_test, read_borrowed, scored

from biorat_al.acquisition.price.price import PRIOR, Price
from biorat_al.acquisition.price.work import Work, words_in
from biorat_al.corpus.model.document import Annotation, Span
from biorat_al.corpus.segments import NEIGHBOURS, annotation_within, segment_document, segments
from biorat_al.efficiency.simulation.options import simulation_settings
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.encoder.starting_weights import StartingWeights
from biorat_al.learner.types import Example
from biorat_al.project import with_borrowed_labels
from biorat_al.rounds.borrowing.training import training_settings
from biorat_al.settings import Settings, without_later

UNITS: Mapping[str, int | None] = {"sentence": 1, "three sentences": 3, "document": None}
"""Sentences of each unit."""


_OF_A_TEXT = ("words", "mentions")


@dataclass(frozen=True)
class Asked:
    """What is annotated at once, and what that costs without pre-labels."""

    example: Example
    work: Work


def main() -> None:
    parser = parser_of(__doc__, seeds=5)
    parser.add_argument("--hours", nargs="+", type=float, default=[0.6, 1.2, 2.4, 4.8])
    parser.add_argument("--corpus", type=int, default=500, help="whole documents that the corpus is to have")
    parser.add_argument("--scored", type=int, default=100, help="test documents to score on")
    options = parser.parse_args()
    if not options.show:
        settings = simulation_settings("units", options.entity, encoder=options.encoder, size=1, changes=options.set)
        run(options, with_borrowed_labels(settings, options.borrow_entity))
    show(lines(options.results), options.corpus)


def run(options: argparse.Namespace, settings: Settings) -> None:
    """Run the trials that the results do not hold yet."""
    pool, test = pool_and_test(options, settings)
    test = random.Random(1).sample(test, min(options.scored, len(test)))
    borrowed, labels = read_borrowed(options.borrow, settings, (*pool, *test)) if options.borrow else ([], [])
    training = settings.training.model_copy(update={"arms": ("none",), "selecting_arm": "none"})
    what: dict[str, Any] = {
        "encoder": options.encoder,
        "train": sorted(path.name for path in options.train),
        "test": sorted(path.name for path in options.test),
        "scored": len(test),
        "borrow": [path.name for path in options.borrow],
        "training": without_later(training.model_dump(mode="json")),
    }
    encoder = resolve_encoder(options.encoder, settings.encoder.max_length)
    units = {unit: [one for example in pool for one in parted(example, width)] for unit, width in UNITS.items()}
    starts = ("base", "borrowed") if labels else ("base",)
    wanted = [(hours, start, unit) for hours in sorted(options.hours) for start in starts for unit in UNITS]
    for seed in range(options.seeds):
        of_seed = [one for one in lines(options.results) if one["seed"] == seed and one["what"] == what]
        done = {(one["hours"], one["start"], one["unit"]) for one in of_seed}
        missing = [one for one in wanted if one not in done]
        with tempfile.TemporaryDirectory() as place:
            base: StartingWeights | None = None
            if any(start == "borrowed" for _, start, _ in missing):
                base = learn(
                    borrowed, labels, job_of(encoder, training_settings(settings), settings, seed), Path(place)
                )
            for hours, start, unit in missing:
                sample = drawn(units[unit], 3600 * hours, PRIOR.price, seed)
                job = replace(job_of(encoder, training, settings, seed), start=base if start == "borrowed" else None)
                model = learn([one.example for one in sample], settings.labels, job, Path(place))
                work = sum((one.work for one in sample), Work())
                trial = {
                    "seed": seed, "hours": hours, "start": start, "unit": unit, "words": work.words,
                    "mentions": work.added, "tasks": work.tasks, **scored(model, test, settings.labels),
                }  # fmt: skip
                options.results.parent.mkdir(parents=True, exist_ok=True)
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**trial, "what": what}) + "\n")
                print(json.dumps({**trial, "counts": None}), file=sys.stderr, flush=True)


def parted(example: Example, width: int | None) -> Iterator[Asked]:
    """Cut a document into units of so many sentences; the last one may have fewer.

    :param width: None: the document as a whole.
    """
    document = example.document
    if width is None:
        yield Asked(example, Work(words=words_in(document.text), added=len(example.entities), tasks=1))
        return
    sentences = [one.span for one in segments(document)]
    for first in range(0, len(sentences), width):
        last = min(first + width, len(sentences)) - 1
        span = Span(sentences[first].start, sentences[last].end)
        read = sentences[max(first - NEIGHBOURS, 0) : last + 1 + NEIGHBOURS]
        entities = annotation_within(Annotation(example.entities, (), (), {}), span).entities
        yield Asked(
            Example(segment_document(document, span, f"{document.id}#{first}"), entities),
            Work(words=words_in(document.text[read[0].start : read[-1].end]), added=len(entities), tasks=1),
        )


def drawn(units: Sequence[Asked], seconds: float, price: Price, seed: int) -> list[Asked]:
    """Draw units at random until they have cost so many seconds."""
    order = random.Random(1000 + seed).sample(range(len(units)), len(units))
    spent = np.cumsum([price.seconds(units[place].work) for place in order])
    return [units[place] for place in order[: int(np.searchsorted(spent, seconds)) + 1]]


def show(trials: Sequence[dict[str, Any]], number: int) -> None:
    """Print the tables of each kind of training.

    :param number: whole documents that a corpus is to have.
    """
    kinds = dict.fromkeys((json.dumps(one["what"], sort_keys=True), one["start"]) for one in trials)
    for what, start in kinds:
        some = [one for one in trials if json.dumps(one["what"], sort_keys=True) == what and one["start"] == start]
        print(f"\n{some[0]['what']['encoder']}, {', '.join(some[0]['what']['train'])}, from the {start} encoder")
        print("hours  unit             seeds     F1   tasks   words  mentions   F1 less that of documents")
        for hours in sorted({one["hours"] for one in some}):
            cells = {unit: {one["seed"]: one for one in some if same(one, hours, unit)} for unit in UNITS}
            documents = {seed: one["f1"] for seed, one in cells["document"].items()}
            for unit, cell in cells.items():
                if not cell:
                    continue
                ours = {seed: one["f1"] for seed, one in cell.items()}
                means = [statistics.mean(one[name] for one in cell.values()) for name in ("tasks", "words", "mentions")]
                both = sorted(ours.keys() & documents.keys())
                print(
                    f"{hours:<7g}{unit:<17}{len(ours):>5}{statistics.mean(ours.values()):>7.1f}"
                    + "".join(f"{mean:>{width},.0f}" for mean, width in zip(means, (8, 8, 10), strict=True))
                    + f"   {difference(documents, ours, both) if unit != 'document' else ''}"
                )
        print("hours for the F1 that documents have, over theirs, by what documents cost")
        for name, price in {"the prior price": PRIOR.price, **PRIOR.price.variations()}.items():
            if name.split(" ")[0] not in ("changed", "removed", "confirmed"):
                ratios = {unit: ratio(some, unit, price) for unit in UNITS if unit != "document"}
                print(f"  {name:<18}" + "; ".join(f"{unit} {words}" for unit, words in ratios.items()))
        print(f"hours until {number} whole documents are done, by the first hours, and less those with documents")
        for hours in sorted({one["hours"] for one in some}):
            cells = {unit: whole_corpus(some, hours, unit, number, PRIOR.price) for unit in UNITS}
            both = sorted(set[int]().union(*cells.values()).intersection(*cells.values()))
            print(
                f"{hours:<7g}"
                + "; ".join(
                    f"{unit} {statistics.mean(cell.values()):.1f}"
                    + (f" ({difference(cells['document'], cell, both)})" if unit != "document" else "")
                    for unit, cell in cells.items()
                    if cell
                )
            )


def same(trial: dict[str, Any], hours: float, unit: str) -> bool:
    return bool(trial["hours"] == hours and trial["unit"] == unit)


def ratio(trials: Sequence[dict[str, Any]], unit: str, price: Price) -> str:
    """Return hours of a unit over those of documents for the same F1, at each budget where both curves have it.

    Curves are the means over seeds, straight between two budgets over the logarithm of hours.
    """
    (ours, f1), (theirs, reached) = curve(trials, unit, price), curve(trials, "document", price)
    found = [
        f"{np.exp(np.interp(goal, f1, ours) - spent):.2f}"
        for goal, spent in zip(reached, theirs, strict=True)
        if f1[0] <= goal <= f1[-1]
    ]
    return " ".join(found) or "–"


def whole_corpus(
    trials: Sequence[dict[str, Any]], hours: float, unit: str, number: int, price: Price
) -> dict[int, float]:
    """Return for each seed the hours until whole documents are done, if a sample is annotated first.

    The mentions of sentences and passages are taken to be in these documents, and need only be confirmed there.
    """
    wholes = [one for one in trials if one["unit"] == "document"]
    words, mentions = (sum(one[name] for one in wholes) / sum(one["tasks"] for one in wholes) for name in _OF_A_TEXT)
    found = {}
    for one in trials:
        if not same(one, hours, unit):
            continue
        first = Work(words=one["words"], added=one["mentions"], tasks=one["tasks"])
        precision, recall = one["precision"] / 100, one["recall"] / 100
        left = number - (one["tasks"] if unit == "document" else 0)
        known = 0 if unit == "document" else one["mentions"] * (1 - recall)
        rest = Work(
            words=left * words,
            added=left * mentions * (1 - recall) - known,
            removed=left * mentions * recall * (1 - precision) / precision,
            confirmed=left * mentions * recall + known,
            tasks=left,
        )
        found[one["seed"]] = price.hours(first + rest)
    return found


def curve(trials: Sequence[dict[str, Any]], unit: str, price: Price) -> tuple[list[float], list[float]]:
    """Return the logarithm of the mean hours, and the highest mean F1 up to there, by budget."""
    spent, reached = [], []
    for hours in sorted({one["hours"] for one in trials}):
        cell = [one for one in trials if same(one, hours, unit)]
        if not cell:
            continue
        works = [Work(words=one["words"], added=one["mentions"], tasks=one["tasks"]) for one in cell]
        spent.append(float(np.log(statistics.mean(map(price.hours, works)))))
        reached.append(statistics.mean(one["f1"] for one in cell))
    return spent, list(np.maximum.accumulate(reached))


if __name__ == "__main__":
    main()
