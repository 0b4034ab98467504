"""Answers in the store as a round with pre-labels leaves them, without a desk or a model."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation, Entity, Span
from biorat_al.store.annotations import NewAnnotation, add_annotations, entity_values
from biorat_al.store.tables import DocumentRow, ModelRow, PredictionRow, RoundRow, TaskRow

AT = datetime(2020, 1, 1, tzinfo=UTC)


def entities_of(*origins: str | None) -> tuple[Entity, ...]:
    return tuple(Entity(f"e{n}", "Disease", (Span(n, n + 1),), origin=origin) for n, origin in enumerate(origins))


class PretendDesk:
    """Writes what a round with pre-labels leaves in the store."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.documents = list(session.scalars(select(DocumentRow).where(DocumentRow.split == "pool")))
        session.add_all(
            RoundRow(number=n, state="done", request={}, settings={}, program_version="0", started_at=AT)
            for n in range(3)
        )
        session.flush()
        session.add_all(
            ModelRow(version=f"m{n}", round_number=n, arm="rat", selecting=True, sha256="", summary={}, created_at=AT)
            for n in (1, 2)
        )
        session.flush()

    def answer(
        self, number: int, asked: int, shown: str | None, proposed: int, *origins: str | None, **columns
    ) -> None:
        document = self.documents[number].id
        task = TaskRow(document_id=document, role="pool", state="answered", round_number=asked, intent_at=AT)
        self.session.add(task)
        if shown is not None and proposed >= 0:
            values = [entity_values(entity) for entity in entities_of(*[None] * proposed)]
            measures = dict.fromkeys(("confidence", "least_confidence", "margin", "entropy", "mnlp"), 0.5)
            self.session.add(
                PredictionRow(model_version=shown, document_id=document, tokens=9, entities=values, **measures)
            )
        self.session.flush()
        values = {"task_id": task.id, "shown_version": shown, "updated_at": AT, "desk_annotation_id": str(number)}
        new = NewAnnotation(document, "person", Annotation(entities_of(*origins)), values | columns)
        add_annotations(self.session, [new])
