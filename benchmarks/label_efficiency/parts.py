"""The training abstracts of the NCBI disease corpus in two parts: what settings and strategies are chosen on.

The study reports on the development documents, so that nothing is chosen by them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from biorat_al.corpus.model.document import Entity
from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.types import Example

CORPUS = Path(__file__).parent.parent.parent.parent / "shared" / "corpora" / "ncbi_disease"
LABEL = "Disease"
SCORED = 142


@dataclass(frozen=True)
class Parts:
    """The abstracts to train on, and those to score on."""

    pool: list[Example]
    scored: list[Example]

    def drawn(self, seed: int, abstracts: int) -> list[Example]:
        """So many abstracts of the pool, at random."""
        return random.Random(1000 + seed).sample(self.pool, abstracts)

    def f1(self, model: Path) -> float:
        """Return the strict span F1 of a model on the abstracts to score on, in points."""
        gold: Mapping[str, tuple[Entity, ...]] = {one.document.id: one.entities for one in self.scored}
        predicted = Tagger.load(model).predict([one.document for one in self.scored])
        counts = score(gold, {one.document_id: one.entities for one in predicted}, [LABEL]).overall
        return round(100 * counts.f1, 2)


def read_parts(corpus: Path) -> Parts:
    """Shuffle the 592 abstracts once: 142 to score on, 450 to draw from."""
    examples: dict[str, Example] = {}
    for record in read_corpus(corpus / "NCBItrainset_corpus.txt", skip_invalid=True):
        if record.annotation is not None:
            entities = tuple(replace(entity, label=LABEL) for entity in record.annotation.entities)
            examples.setdefault(record.document.id, Example(record.document, entities))
    shuffled = random.Random(0).sample(list(examples.values()), len(examples))
    return Parts(pool=shuffled[SCORED:], scored=shuffled[:SCORED])


def read_lines(results: Path) -> list[dict[str, Any]]:
    """Return the trials that have been run, one line of JSON each."""
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()] if results.exists() else []
