"""Annotations and texts for the tests of agreement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Relation, Span
from biorat_al.corpus.model.role import Role
from biorat_al.people.doubles import Double
from biorat_al.project import Project
from biorat_al.store.annotations import NewAnnotation, add_annotations
from biorat_al.store.tables import DocumentRow
from tests.support.rounds import make_project, settings_for

AT = datetime(2020, 1, 1, tzinfo=UTC)

TEXT = "Aspirin caused severe headache and nausea in patients."
"""Nine tokens: eight words and the full stop."""

LABELS = ("Chemical", "Disease", "Symptom")


ANN, BOB, CARLA = "ann@example.org", "bob@example.org", "carla@example.org"
"""Annotators; in the order of their first answers they are :data:`ONE`, :data:`TWO` and :data:`THREE`."""

ONE, TWO, THREE = "annotator-1", "annotator-2", "annotator-3"


def mention(label: str, *spans: tuple[int, int]) -> Entity:
    """Return a mention whose id is made of its label and its spans."""
    return Entity(f"{label}{spans}", label, tuple(Span(*span) for span in spans))


def marked(*entities: Entity, **relations: tuple[Entity, Entity]) -> Annotation:
    """Return an annotation; the names of `relations` are their labels."""
    stated = (Relation(label, label, head.id, tail.id) for label, (head, tail) in relations.items())
    return Annotation(entities, tuple(stated))


DRUG, HEADACHE, NAUSEA = mention("Chemical", (0, 7)), mention("Disease", (22, 30)), mention("Disease", (35, 41))
SEVERE, SYMPTOM = mention("Disease", (15, 30)), mention("Symptom", (35, 41))
"""Mentions of :data:`TEXT`; the last two are what somebody else might take for the headache and the nausea."""


def double(given: Mapping[str, Annotation], ident: int = 1, *, role: Role = "pool", drawn_with: int = 0) -> Double:
    """Return the text with the annotations of several people.

    :param drawn_with: 0 lets the bootstrap draw it by itself.
    """
    return Double(Document(f"d{ident}", TEXT), role, drawn_with or ident, given)


@st.composite
def mentions(draw: st.DrawFn, length: int = 24, size: int = 7) -> list[Entity]:
    """Draw mentions of a text, which may overlap, be discontinuous, and occur twice."""
    found = []
    for number in range(draw(st.integers(0, size))):
        start = draw(st.integers(0, length - 1))
        end = draw(st.integers(start + 1, min(length, start + 8)))
        spans = [Span(start, end)]
        if end + 1 < length and draw(st.booleans()):
            later = draw(st.integers(end + 1, length - 1))
            spans.append(Span(later, min(length, later + 3)))
        found.append(Entity(f"T{number}", draw(st.sampled_from(LABELS)), tuple(spans)))
    return found


def text_project(folder: Path, encoder: Path, *, pool: int, test: int, **changes: Any) -> Project:
    """Make a project whose documents, d0, d1, …, have no gold; the last `test` of them are the test set.

    :param changes: of the settings.
    """
    records = [Record(Document(f"d{number}", f"{TEXT} {number}"), None, "made") for number in range(pool + test)]
    settings = settings_for(encoder, desk={"kind": "label-studio"}, **changes)
    return make_project(folder / "trial", settings, gold=False, pool=pool, test=test, records=records)


def add_answer(session: Session, key: str, annotator: str, annotation: Annotation, **columns: Any) -> None:
    """Write a person's answer to the document with this id, as a pull leaves it.

    :param columns: further columns of its row.
    """
    (document,) = session.scalars(select(DocumentRow.id).where(DocumentRow.key == key))
    ident = f"{key} {annotator}"
    values = {"annotator": annotator, "updated_at": AT, "desk_annotation_id": ident} | columns
    add_annotations(session, [NewAnnotation(document, "person", annotation, values)])
