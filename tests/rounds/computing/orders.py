"""Orders to train arms on a few documents of the demo corpus, and chunks to predict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biorat_al.corpus.model.document import Document
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.learner.scaling import UNCALIBRATED
from biorat_al.learner.types import Example
from biorat_al.rounds.computing.arm_order import ArmOrder, RelationOrder
from biorat_al.rounds.computing.compute import Chunks
from biorat_al.settings import AdversarialSettings, Arm, RelationSettings, RelationType, TrainingSettings
from tests.support.rounds import related_records

TREATS = RelationType(name="treats", head="Chemical", tail="Disease")


def order(models_dir: Path, arm: Arm = "none", *, related: bool = False, **changes: Any) -> ArmOrder:
    """Return an order that takes a part of a second, with or without a relation model."""
    records = related_records(6) if related else list(read_demo_corpus())[:6]
    examples = [
        Example(record.document, record.annotation.entities, record.annotation.relations)
        for record in records
        if record.annotation is not None
    ]
    relations = RelationOrder(types=(TREATS,), settings=RelationSettings(), examples=examples)
    values: dict[str, Any] = {
        "arm": arm,
        "training": TrainingSettings(epochs=1, min_steps=4),
        "adversarial": AdversarialSettings(probability=0.5),
        "seed": 7,
        "scaling": UNCALIBRATED,
        "start": None,
        "labels": ("Chemical", "Disease"),
        "examples": examples,
        "unlabelled": (),
        "relations": relations if related else None,
        "models_dir": models_dir,
        "prefix": f"trial-r1-{arm}",
        "provenance": {"round": 1},
    }
    return ArmOrder(**(values | changes))


def chunked(documents: Sequence[Document], size: int, asked: list[int] | None = None) -> Chunks:
    """Return documents as chunks of a size; the places that are read are added to `asked`."""

    def read(place: int) -> Sequence[Document]:
        if asked is not None:
            asked.append(place)
        return documents[place * size : (place + 1) * size]

    return Chunks(-(-len(documents) // size), read)
