"""Relations from gold entities: F1 on the development sets of ChemProt and BC5CDR, arm by arm.

Trains on the training set with the settings that a new project has (but for what is said here and in the options), and
predicts the relations between the gold entities of the development set. ChemProt: the five classes that its task
evaluates, mention by mention, candidates within a sentence. BC5CDR: chemical-induced diseases, concept by concept,
candidates within the document. The time is that of the training alone.

    python benchmarks/relations/floor.py chemprot [--arm none,rat] [--seed 13] [--set window=2 epochs=2]
    python benchmarks/relations/floor.py bc5cdr [--documents 50]
    python benchmarks/relations/floor.py chemprot bc5cdr --count     # the candidates alone, for several windows
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.counts import Counts
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.relations.candidates import label_candidates
from biorat_al.learner.relations.prediction import RelationExtractor
from biorat_al.learner.relations.scoring import score_relations
from biorat_al.learner.relations.training import train_relations
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.progress import TerminalProgress
from biorat_al.settings import AdversarialSettings, EntityType, RelationSettings, RelationType, TrainingSettings

CORPORA = Path(__file__).parent.parent.parent.parent / "shared" / "corpora"


@dataclass(frozen=True)
class Task:
    """A corpus and what is to be found in it.

    :param entities: labels of the corpus by those of the task.
    :param windows: for which ``--count`` counts.
    """

    training: str
    development: str
    entities: tuple[EntityType, ...]
    types: tuple[RelationType, ...]
    settings: RelationSettings
    windows: tuple[int | str, ...]


TASKS: Mapping[str, Task] = {
    "chemprot": Task(
        "chemprot/chemprot_training",
        "chemprot/chemprot_development",
        (EntityType(name="CHEMICAL"), EntityType(name="GENE", sources=("GENE-Y", "GENE-N"))),
        tuple(
            RelationType(name=group, head="CHEMICAL", tail="GENE")
            for group in ("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9")
        ),
        RelationSettings(level="mention", window=1),
        (1, 2),
    ),
    "bc5cdr": Task(
        "bc5cdr/CDR_TrainingSet.PubTator.txt",
        "bc5cdr/CDR_DevelopmentSet.PubTator.txt",
        (EntityType(name="Chemical"), EntityType(name="Disease")),
        (RelationType(name="CID", head="Chemical", tail="Disease"),),
        RelationSettings(level="document", window="document"),
        (1, 2, 3, 5, "document"),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", choices=TASKS, metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="the folder that holds chemprot and bc5cdr")
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--arm", default="none,rat", help="none, matched, rat, at")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--documents", type=int, help="only so many of the first documents of either set")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings")
    parser.add_argument("--count", action="store_true", help="count candidates, and train nothing")
    options = parser.parse_args()
    for name in options.tasks:
        task = TASKS[name]
        learn, held_out = (
            read_examples(options.corpora / path, task, options.documents) for path in (task.training, task.development)
        )
        if options.count:
            for part, examples in (("training", learn), ("development", held_out)):
                for window in task.windows:
                    print_candidates(f"{name} {part}, window {window}", examples, task, {"window": window})
            continue
        relations, training, adversarial = settings_of(task, options.set)
        print_candidates(f"{name} training", learn, task, relations.model_dump())
        print_candidates(f"{name} development", held_out, task, relations.model_dump())
        for arm in options.arm.split(","):
            with tempfile.TemporaryDirectory() as folder:
                summary = train_relations(
                    learn,
                    TrainingJob(
                        encoder=resolve_encoder(options.encoder),
                        arm=arm,
                        training=training,
                        adversarial=adversarial,
                        seed=options.seed,
                        progress=TerminalProgress(),
                    ),
                    types=task.types,
                    relations=relations,
                    folder=Path(folder),
                )
                extractor = RelationExtractor.load(Path(folder))
            entities = {example.document.id: example.entities for example in held_out}
            found = extractor.predict((example.document, example.entities) for example in held_out)
            scores = score_relations(
                {example.document.id: example for example in held_out},
                {one.document_id: (entities[one.document_id], one.relations) for one in found},
                task.types,
                relations.level,
            )
            print(
                f"{name}  {arm}  seed {options.seed}  {scores_text(scores.overall)}  {relations.level} level  "
                f"training {summary['seconds'] / 60:.1f} min, {summary['steps']} steps, "
                f"{summary['passes']:.0f} passes, threshold {summary['threshold']:.2f}, on {summary['device']}",
                flush=True,
            )
            for label, counts in scores.by_label.items():
                print(f"    {label:<8}  {scores_text(counts)}  {counts.tp + counts.fn} gold relations", flush=True)


def read_examples(path: Path, task: Task, documents: int | None) -> list[Example]:
    """Return the first documents of `path` with the entities and relations of `task`."""
    labels = {source: one.name for one in task.entities for source in one.sources or (one.name,)}
    wanted = {one.name for one in task.types}
    examples = []
    for record in islice(read_corpus(path), documents):
        annotation = record.annotation
        if annotation is None:
            raise SystemExit(f"{record.source}: nobody has annotated document {record.document.id}")
        relations = tuple(one for one in annotation.relations if one.label in wanted)
        entities = tuple(replace(one, label=labels[one.label]) for one in annotation.entities)
        examples.append(Example(record.document, entities, relations, annotation.concept_relations))
    return examples


def settings_of(task: Task, changes: Sequence[str]) -> tuple[RelationSettings, TrainingSettings, AdversarialSettings]:
    """Return the settings with `changes`, each ``name=value``; names of the relation settings come first."""
    kinds = (RelationSettings, AdversarialSettings, TrainingSettings)
    values: tuple[dict[str, Any], ...] = (task.settings.model_dump(), {}, {})
    for change in changes:
        name, _, value = change.partition("=")
        fits = [own for kind, own in zip(kinds, values, strict=True) if name in kind.model_fields]
        if not fits:
            raise SystemExit(f"there is no setting {name!r}")
        try:
            fits[0][name] = json.loads(value)
        except json.JSONDecodeError:
            fits[0][name] = value
    relations, adversarial, training = values
    return RelationSettings(**relations), TrainingSettings(**training), AdversarialSettings(**adversarial)


def print_candidates(title: str, examples: Sequence[Example], task: Task, changes: Mapping[str, Any]) -> None:
    """Print how many gold relations there are, how many of them are candidates, and why the others are not."""
    settings = RelationSettings(**(task.settings.model_dump() | dict(changes)))
    candidates = related = 0
    missing = Counter[str]()
    for example in examples:
        found = label_candidates(example, task.types, settings)
        candidates += len(found.candidates)
        related += sum(target is not None for target in found.targets)
        missing.update(found.counts)
    gold = sum(len({(one.label, one.head, one.tail) for one in example.relations}) for example in examples)
    gold += sum(len(example.concept_relations) for example in examples)
    reasons = ", ".join(f"{reason} {number}" for reason, number in missing.items()) or "none"
    print(
        f"{title}: {len(examples)} documents, {gold} gold relations, {gold - missing.total()} of them candidates "
        f"(not: {reasons}), {candidates} candidates, {related} of them related",
        flush=True,
    )


def scores_text(counts: Counts) -> str:
    return f"F1 {100 * counts.f1:5.1f}  P {100 * counts.precision:5.1f}  R {100 * counts.recall:5.1f}"


if __name__ == "__main__":
    main()
