"""Corpora, their parts, and the random samples of abstracts that models are trained on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.types import Example

CORPORA = Path(__file__).parent.parent.parent.parent / "shared" / "corpora"
"""Folder of the corpora: ``ncbi_disease`` and ``bc5cdr``, as their authors publish them."""

TUNED, REPORTED = 142, 100
"""Abstracts to score on in each part; more would make an evaluation longer than a training."""

_FILES = {
    "ncbi": ("ncbi_disease/NCBItrainset_corpus.txt", "ncbi_disease/NCBIdevelopset_corpus.txt"),
    "bc5cdr": ("bc5cdr/CDR_TrainingSet.PubTator.txt", "bc5cdr/CDR_DevelopmentSet.PubTator.txt"),
}
LABELS = {"ncbi": ("Disease",), "bc5cdr": ("Chemical", "Disease")}


@dataclass(frozen=True)
class Sample:
    """Abstracts to train on, to score on, and of another corpus that has the label Disease, too."""

    learnt: list[Example]
    unlabelled: list[Example]
    scored: list[Example]
    foreign: list[Example]
    labels: tuple[str, ...]


def sample(folder: Path, corpus: str, part: str, abstracts: int, seed: int) -> Sample:
    """Draw the abstracts of one seed.

    :param part: ``tune`` scores on 142 training abstracts and draws from the others, ``report`` scores on development
        abstracts.
    """
    training, development = (_read(folder / name, LABELS[corpus]) for name in _FILES[corpus])
    shuffled = random.Random(0).sample(training, len(training))
    pool, tuned = shuffled[TUNED:], shuffled[:TUNED]
    others = random.Random(1000 + seed).sample(pool, len(pool))
    if part == "tune":
        return Sample(others[:abstracts], others[abstracts : abstracts + 200], tuned, [], LABELS[corpus])
    other = "bc5cdr" if corpus == "ncbi" else "ncbi"
    foreign = _read(folder / _FILES[other][1], ("Disease",))
    return Sample(
        others[:abstracts],
        others[abstracts : abstracts + 200],
        random.Random(1).sample(development, REPORTED),
        random.Random(2).sample(foreign, REPORTED // 2),
        LABELS[corpus],
    )


def _read(path: Path, labels: Sequence[str]) -> list[Example]:
    examples: dict[str, Example] = {}
    for record in read_corpus(path, skip_invalid=True):
        if record.annotation is not None:
            # NCBI disease has four kinds of diseases
            named = [
                replace(entity, label=entity.label if entity.label == "Chemical" else "Disease")
                for entity in record.annotation.entities
            ]
            kept = tuple(entity for entity in named if entity.label in labels)
            examples.setdefault(record.document.id, Example(record.document, kept))
    return list(examples.values())
