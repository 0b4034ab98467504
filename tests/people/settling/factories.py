"""Answers of several annotators to one text, made by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation, Relation
from biorat_al.people.settling.differences import Compared, compare
from tests.people.factories import mentions


@st.composite
def answers(draw: st.DrawFn, most: int = 3) -> dict[str, Annotation]:
    """Draw what two or more annotators have, by side; a part of it is the same."""
    common = draw(mentions(size=4))
    given = {}
    for side in "ABC"[: draw(st.integers(2, most))]:
        own = [entity for entity in common if draw(st.booleans())]
        own += draw(mentions(size=3))
        entities = tuple(type(entity)(f"T{number}", entity.label, entity.spans) for number, entity in enumerate(own))
        relations = []
        for number in range(draw(st.integers(0, 2)) if len(entities) > 1 else 0):
            head, tail = draw(st.permutations(entities))[:2]
            directed = draw(st.booleans())
            label = "treats" if directed else "occurs with"
            relations.append(Relation(f"R{number}", label, head.id, tail.id, directed))
        given[side] = Annotation(entities, tuple(relations))
    return given


def compared(given: dict[str, Annotation]) -> Compared:
    """Compare answers whose sides are called annotator-1, annotator-2, …"""
    return compare(given, {side: f"annotator-{number}" for number, side in enumerate(sorted(given), start=1)})
