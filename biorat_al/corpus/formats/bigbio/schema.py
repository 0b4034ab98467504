"""Fields and types of the tables of an exported corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def kb_schema() -> pa.Schema:
    """Return BigBio's "kb" schema."""
    import pyarrow as pa

    string, texts = pa.string(), pa.list_(pa.string())
    offsets = _spans()
    concepts = _items(db_name=string, db_id=string)
    return pa.schema(
        [
            ("id", string),
            ("document_id", string),
            ("passages", _items(id=string, type=string, text=texts, offsets=offsets)),
            ("entities", _items(id=string, type=string, text=texts, offsets=offsets, normalized=concepts)),
            (
                "events",
                _items(
                    id=string,
                    type=string,
                    trigger=pa.struct([("text", texts), ("offsets", offsets)]),
                    arguments=_items(role=string, ref_id=string),
                ),
            ),
            ("coreferences", _items(id=string, entity_ids=texts)),
            ("relations", _items(id=string, type=string, arg1_id=string, arg2_id=string, normalized=concepts)),
        ]
    )


def source_schema() -> pa.Schema:
    """Return the schema for everything known about a document, as in :mod:`biorat_al.corpus.formats.jsonl`.

    Values of any shape (``metadata``, ``extras``) are JSON objects in a string. Spans are positions in ``text``.
    """
    import pyarrow as pa

    string, number = pa.string(), pa.int32()
    return pa.schema(
        [
            ("id", string),
            ("text", string),
            ("passages", _items(kind=string, start=number, end=number)),
            ("metadata", string),
            (
                "entities",
                _items(
                    id=string,
                    label=string,
                    spans=_spans(),
                    text=string,
                    concepts=_items(database=string, identifier=string),
                    score=pa.float64(),
                    origin=string,
                    extras=string,
                ),
            ),
            (
                "relations",
                _items(id=string, label=string, head=string, tail=string, directed=pa.bool_(), extras=string),
            ),
            ("concept_relations", _items(label=string, head=string, tail=string)),
            ("extras", string),
        ]
    )


def provenance_schema() -> pa.Schema:
    """Return the schema of the origins of annotations; see :mod:`biorat_al.corpus.formats.bigbio.provenance`."""
    import pyarrow as pa

    string = pa.string()
    by = _items(
        annotator=string,
        at=pa.timestamp("us", tz="UTC"),
        model_version=string,
        origin=string,
        source_id=string,
        revises=string,
    )
    names = ("record_id", "document_id", "split", "item", "item_id", "type", "rule")
    return pa.schema([*((name, string) for name in names), ("by", by)])


def ties_schema() -> pa.Schema:
    """Return the schema of ties; spans are positions in the source configuration's text."""
    import pyarrow as pa

    string, names = pa.string(), pa.list_(pa.string())
    return pa.schema(
        [
            ("document_id", string),
            ("split", string),
            ("item", string),
            ("type", string),
            ("text", names),
            ("spans", pa.list_(_spans())),
            ("annotators", names),
            ("of", names),
            ("kept", pa.bool_()),
        ]
    )


def _spans() -> pa.DataType:
    import pyarrow as pa

    return pa.list_(pa.list_(pa.int32()))


def _items(**fields: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return pa.list_(pa.struct(list(fields.items())))
