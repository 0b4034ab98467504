"""Checks of tasks and pre-annotations before they go to any desk."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from biorat_al.corpus.model.document import Document, Entity, Relation
from biorat_al.desk.base import PreAnnotation, Task
from biorat_al.errors import DeskError


def check_tasks(tasks: Sequence[Task], labels: Collection[str], relations: Collection[str]) -> None:
    """Check tasks that are pushed together.

    :param labels: the entity labels that annotators can choose from.
    :param relations: the relation labels that annotators can choose from.
    :raises DeskError: a key is empty or occurs twice, a text cannot be stored, or a pre-annotation is invalid; the
        message names the document.
    """
    seen: set[str] = set()
    for task in tasks:
        if not task.key or task.key in seen:
            raise wrong(task.document.id, f"the key {task.key!r} is empty or given twice")
        seen.add(task.key)
        _check_text(task.document)
        if task.pre_annotation is not None:
            check_pre_annotation(task.pre_annotation, task.document.id, len(task.document.text), labels, relations)


def check_pre_annotation(
    pre_annotation: PreAnnotation, document_id: str, length: int, labels: Collection[str], relations: Collection[str]
) -> None:
    """Check a pre-annotation of a document whose text has `length` code points.

    :param labels: the entity labels that annotators can choose from.
    :param relations: the relation labels that annotators can choose from.
    :raises DeskError: the version is empty, a confidence is not in [0, 1], or an entity or a relation is invalid.
    """
    if not pre_annotation.model_version:
        raise wrong(document_id, "its pre-annotation has no model version")
    if not _is_share(pre_annotation.confidence):
        raise wrong(document_id, f"the confidence {pre_annotation.confidence!r} is not between 0 and 1")
    _check_entities(pre_annotation.entities, document_id, length, labels)
    _check_relations(
        pre_annotation.relations, document_id, {entity.id for entity in pre_annotation.entities}, relations
    )


def wrong(document_id: str, problem: str) -> DeskError:
    """Return the error for an invalid task."""
    return DeskError(f"document {document_id}: {problem}. Nothing was pushed")


def _check_text(document: Document) -> None:
    try:
        document.text.encode()
    except UnicodeEncodeError as error:
        raise wrong(document.id, f"the text has half a surrogate pair at {error.start}") from None
    if "\0" in document.text:
        raise wrong(document.id, f"the text has a null character at {document.text.index(chr(0))}")


def _check_entities(entities: Iterable[Entity], document_id: str, length: int, labels: Collection[str]) -> None:
    seen: set[str] = set()
    for entity in entities:
        if not entity.id or entity.id in seen:
            raise wrong(document_id, f"the entity id {entity.id!r} is empty or given twice")
        seen.add(entity.id)
        if entity.label not in labels:
            raise _unknown(document_id, f"label {entity.label!r}")
        if not entity.spans:
            raise wrong(document_id, f"the entity {entity.id!r} has no spans")
        for start, end in entity.spans:
            if not 0 <= start < end <= length:
                raise wrong(
                    document_id, f"the entity {entity.id!r} is at {start}-{end}, outside the {length} characters"
                )
        if entity.score is not None and not _is_share(entity.score):
            raise wrong(document_id, f"the score {entity.score!r} of the entity {entity.id!r} is not between 0 and 1")


def _check_relations(
    relations: Iterable[Relation], document_id: str, entities: Collection[str], labels: Collection[str]
) -> None:
    for relation in relations:
        if relation.label not in labels:
            raise _unknown(document_id, f"relation label {relation.label!r}")
        for end in (relation.head, relation.tail):
            if end not in entities:
                raise wrong(
                    document_id,
                    f"the relation {relation.id!r} ends at {end!r}, which is not one of the proposed entities",
                )
        score = relation.extras.get("score")
        if score is not None and not _is_share(score):
            raise wrong(document_id, f"the score {score!r} of the relation {relation.id!r} is not between 0 and 1")


def _unknown(document_id: str, label: str) -> DeskError:
    return wrong(
        document_id,
        f"annotators cannot choose the {label}; if it was renamed or removed in Label Studio's labelling "
        "configuration, put it back there",
    )


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and 0 <= value <= 1
