"""An answer is known only if all that it says is what was fetched before, though no time tells that it changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Entity, Relation, Span
from biorat_al.corpus.model.notes import NOTE
from biorat_al.store.annotations import NewAnnotation
from biorat_al.store.revisions import says_the_same
from biorat_al.store.store import Store
from biorat_al.store.tasks import FetchedAnswer, FetchedTask
from tests.store.test_tasks import answer, pull, tasks

__all__ = ["tasks"]

ENDS = (Entity("a", "Disease", (Span(0, 6),)), Entity("b", "Disease", (Span(7, 10),)))
BEFORE = Annotation(ENDS, (Relation("r", "causes", "a", "b"),))

CHANGES: dict[str, Annotation] = {
    "a relation is gone": replace(BEFORE, relations=()),
    "a relation was turned round": replace(BEFORE, relations=(Relation("r", "causes", "b", "a"),)),
    "a relation has another label": replace(BEFORE, relations=(Relation("r", "treats", "a", "b"),)),
    "a mention has a concept": replace(
        BEFORE, entities=(replace(ENDS[0], concepts=(Concept("MESH", "D001249"),)), ENDS[1])
    ),
    "a mention has a note": replace(BEFORE, entities=(replace(ENDS[0], extras={NOTE: "sure?"}), ENDS[1])),
    "a mention has another label": replace(BEFORE, entities=(replace(ENDS[0], label="Symptom"), ENDS[1])),
    "a mention is shorter": replace(BEFORE, entities=(replace(ENDS[0], spans=(Span(0, 5),)), ENDS[1])),
    "a mention was drawn twice": replace(BEFORE, entities=(*ENDS, replace(ENDS[0], id="c"))),
    "concepts are related": replace(BEFORE, concept_relations=(ConceptRelation("CID", "D1", "D2"),)),
}


def _given(annotation: Annotation, **columns: Any) -> FetchedAnswer:
    one = answer("a1", 1, **columns)
    return replace(one, new=NewAnnotation(1, "person", annotation, one.new.columns))


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_no_time_tells_is_taken_up(tasks: Store, change: str) -> None:
    pull(tasks, FetchedTask(1, "11", (_given(BEFORE),), 0))
    assert pull(tasks, FetchedTask(1, "11", (_given(CHANGES[change]),), 0)).changed == 1
    assert not says_the_same(BEFORE, CHANGES[change])
    # and is known from then on
    assert pull(tasks, FetchedTask(1, "11", (_given(CHANGES[change]),), 0)).changed == 0


def test_other_ids_of_the_same_mentions_are_no_change(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (_given(BEFORE),), 0))
    renamed = Annotation(
        tuple(replace(end, id=f"new-{end.id}") for end in reversed(ENDS)),
        (Relation("other", "causes", "new-a", "new-b"),),
    )
    assert pull(tasks, FetchedTask(1, "11", (_given(renamed),), 0)).changed == 0


def test_an_answer_whose_text_is_ours_again_counts(tasks: Store) -> None:
    pull(tasks, FetchedTask(1, "11", (_given(BEFORE, usable=False),), 0))
    assert pull(tasks, FetchedTask(1, "11", (_given(BEFORE),), 0)).changed == 1
