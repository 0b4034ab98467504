"""Documents with relations to learn: a drug treats the pain that "for" leads to, and causes the one after "with"."""

from __future__ import annotations

from random import Random

from biorat_al.corpus.model.document import Document, Entity, Relation, Span
from biorat_al.learner.types import Example
from biorat_al.settings import RelationSettings, RelationType

TREATS = RelationType(name="treats", head="Chemical", tail="Disease")
CAUSES = RelationType(name="causes", head="Chemical", tail="Disease")
TYPES = (TREATS, CAUSES)
SETTINGS = RelationSettings(max_length=48, learning_rate=3e-3)

_LABELS = {"for": "treats", "with": "causes"}


def related_example(number: int, random: Random, sentences: int = 3) -> Example:
    """Sentences "aspirin for pain ." (treats), "aspirin with pain ." (causes) or "aspirin and pain ." (nothing)."""
    text = ""
    entities: list[Entity] = []
    relations: list[Relation] = []
    for _ in range(sentences):
        start = len(text)
        word = random.choice(["for", "with", "and", "after"])
        drug = random.choice(["aspirin", "naloxone", "heparin"])
        text += f"The patient took {drug} {word} pain . "
        first = start + len("The patient took ")
        second = first + len(f"{drug} {word} ")
        head, tail = f"T{len(entities) + 1}", f"T{len(entities) + 2}"
        entities.append(Entity(head, "Chemical", (Span(first, first + len(drug)),)))
        entities.append(Entity(tail, "Disease", (Span(second, second + len("pain")),)))
        if word in _LABELS:
            relations.append(Relation(f"R{len(relations) + 1}", _LABELS[word], head, tail))
    return Example(Document(f"d{number:03d}", text), tuple(entities), tuple(relations))


def related_examples(count: int, seed: int = 1) -> list[Example]:
    """So many documents of three sentences."""
    random = Random(seed)
    return [related_example(number, random) for number in range(count)]
