"""Conversion of a document and its annotation to one record of the source configuration, which keeps everything.

The shape is that of :mod:`biorat_al.corpus.formats.jsonl`, except that every key is present and values of any shape are
JSON in a string.
"""

from __future__ import annotations

from typing import Any

from biorat_al.corpus.formats.jsonl import record_to_json
from biorat_al.corpus.io.json_fields import to_json
from biorat_al.corpus.model.document import Annotation, Document

_LISTS = ("passages", "entities", "relations", "concept_relations")


def source_record(document: Document, annotation: Annotation) -> dict[str, Any]:
    """Return the record as plain Python values.

    :raises FormatError: metadata or extras have a value that JSON cannot hold.
    """
    value = dict.fromkeys(_LISTS, ()) | record_to_json(document, annotation)
    parts = [value, *value["entities"], *value["relations"]]
    for entity in value["entities"]:
        entity.setdefault("concepts", [])
    for part in parts:
        part["extras"] = to_json(part.get("extras", {}), document.id)
    value["metadata"] = to_json(value.get("metadata", {}), document.id)
    return value
