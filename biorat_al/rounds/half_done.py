"""Tasks that one annotator has answered and another has yet to answer.

Label Studio shows the pre-labels of one version only, the newest. The newest model has learnt from the first answer, so
its pre-labels would give that answer away. The next annotator therefore sees the pre-labels that the first one saw.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import Role
from biorat_al.desk.base import PreAnnotation
from biorat_al.settings import Settings
from biorat_al.store.annotations import entity_from_values, relation_from_values
from biorat_al.store.models import add_predictions, predictions
from biorat_al.store.tables import PredictionRow, TaskRow
from biorat_al.store.tasks import tasks_in_state


def half_done_tasks(session: Session, role: Role, version: str) -> list[TaskRow]:
    """Return the tasks of a role that need further answers and were shown with pre-labels of another version."""
    return [
        task
        for task in tasks_in_state(session, role, "answered", "skipped")
        if task.seats and task.desk_task_id and task.shown_version not in (None, version)
    ]


def shown_before(
    session: Session, tasks: Sequence[TaskRow], version: str, settings: Settings
) -> dict[int, PreAnnotation]:
    """Return the pre-labels that tasks were shown with, by document row id.

    :param version: version that is shown from now on; the pre-labels get its name.
    """
    proposals = {}
    for task, row in _rows(session, tasks):
        entities = [entity_from_values(value) for value in row.entities]
        entities = [entity for entity in entities if entity.label in settings.labels]
        ids = {entity.id for entity in entities}
        relations = [relation_from_values(value) for value in row.relations]
        between = (
            relation
            for relation in relations
            if relation.label in settings.relation_labels and {relation.head, relation.tail} <= ids
        )
        proposals[task.document_id] = PreAnnotation(version, row.confidence, tuple(entities), tuple(between))
    return proposals


def note_shown_again(session: Session, role: Role, documents: Collection[int], version: str) -> None:
    """Record what tasks of a role are shown with from now on, so that answers can be compared with it.

    :param documents: row ids of their documents.
    """
    tasks = [task for task in tasks_in_state(session, role, "answered", "skipped") if task.document_id in documents]
    known = predictions(session, version, [task.document_id for task in tasks])
    # the new row gets a checksum of its own values
    names = [column.key for column in inspect(PredictionRow).column_attrs if column.key != "checksum"]
    rows: list[dict[str, Any]] = [
        {name: getattr(row, name) for name in names} | {"model_version": version}
        for task, row in _rows(session, tasks)
        if task.document_id not in known
    ]
    add_predictions(session, rows)
    for task in tasks:
        task.shown_version = version


def _rows(session: Session, tasks: Sequence[TaskRow]) -> list[tuple[TaskRow, PredictionRow]]:
    """Return each task with the prediction it was shown with; tasks whose prediction was not kept are left out."""
    pairs = []
    for version in sorted({task.shown_version for task in tasks if task.shown_version is not None}):
        of_version = [task for task in tasks if task.shown_version == version]
        rows = predictions(session, version, [task.document_id for task in of_version])
        pairs += [(task, rows[task.document_id]) for task in of_version if task.document_id in rows]
    return pairs
