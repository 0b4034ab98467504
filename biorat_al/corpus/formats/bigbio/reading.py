"""The reader of tables in BigBio's "kb" schema; :mod:`biorat_al.corpus.formats.bigbio.writing` writes them.

A table is a Parquet file, or a folder that ``datasets`` saved to disk (:mod:`biorat_al.corpus.formats.bigbio.saved`).

- The text consists of the texts of all passages, joined by one space. The document's id is ``document_id``. The split
  is the file's name without an ending such as ``-00000-of-00001``, and is kept as metadata ``split``.
- Entities, relations, events and coreferences keep their ids. Relations are directed, since the schema states nothing
  but the order of their ends. The texts of mentions and all fields of the records are checked.
- All documents count as annotated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.bigbio.card import CARD, DATA, GUIDELINES, LOADER, PROVENANCE, SOURCE
from biorat_al.corpus.formats.bigbio.saved import is_state, parts, read_saved, split_name, state_beside
from biorat_al.corpus.formats.bigbio.schema import kb_schema
from biorat_al.corpus.formats.bigbio.writing import MADE_FILES, write_stream
from biorat_al.corpus.formats.events import COREFERENCES, EVENTS, without_events
from biorat_al.corpus.formats.sound import BROKEN_DOCUMENTS, BROKEN_MENTIONS, BROKEN_RELATIONS
from biorat_al.corpus.io.json_fields import Fields
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    Document,
    Entity,
    Passage,
    Record,
    Relation,
    Span,
    check_spans,
    text_error,
)
from biorat_al.errors import CorpusError, FormatError, OffsetError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

ROWS = 100
"""Number of records in memory at a time."""

_PART = re.compile(r"-[0-9]{5}-of-[0-9]{5}$")
_KEYS = ("id", "document_id", "passages", "entities", "events", "coreferences", "relations")


class BigBioKb(CorpusFormat):
    """Reader and writer of BigBio's "kb" schema."""

    name = "bigbio"
    title = "BigBio kb (Parquet)"
    suffixes = (".parquet",)
    writes_folder = True
    lying_beside = frozenset({CARD})
    made_files = MADE_FILES

    def detects(self, head: str) -> bool:
        return head.startswith("PAR1")

    def owns(self, path: Path) -> bool:
        return is_state(path)

    def main_file(self, path: Path) -> Path | None:
        """Return the kb configuration of an exported corpus; the files beside it are about the same documents."""
        saved = state_beside(path)
        if saved is not None:
            return saved
        if path.parent.name not in (SOURCE, PROVENANCE, GUIDELINES, LOADER):
            return None
        root = path.parent.parent
        return min((root / DATA).glob("*.parquet"), default=None) if (root / CARD).is_file() else None

    def companions(self, path: Path) -> tuple[Path, ...]:
        return parts(path) if is_state(path) else ()

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        yield from kb_records(kb_rows(source), source.name, split_of(source.path), reading)
        for path in (source.path, *self.companions(source.path)):
            source.beside(path).whole_file_read()

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        count = write_stream(path, records, counted)
        counted.documents += count
        return count


def split_of(path: Path) -> str:
    """Return the split that a file's name gives, or the saved dataset to which the file belongs."""
    return split_name(path) if is_state(path) else _PART.sub("", path.name.removesuffix(".parquet"))


def kb_rows(source: Source, *, exact: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table unchanged.

    :param exact: whether every field must have exactly the schema's type.
    :raises FormatError: the file is not such a table, or does not have the schema.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if is_state(source.path):
            yield from dataset_rows(read_saved(source.path), source.name, exact=exact)
            return
        with pq.ParquetFile(source.path) as file:
            _check_columns(file.schema_arrow, source.name, exact)
            for batch in file.iter_batches(ROWS, columns=list(_KEYS)):
                yield from batch.to_pylist()
    except FileNotFoundError:
        raise CorpusError("there is no such file or folder", source=source.name) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        kind = "a saved dataset" if is_state(source.path) else "Parquet"
        raise FormatError(f"it cannot be read as {kind}: {reason}", source=source.name) from None


def dataset_rows(dataset: Dataset, name: str, *, exact: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the rows of an opened dataset unchanged.

    :param name: how errors name it.
    :param exact: whether every field must have exactly the schema's type.
    :raises FormatError: it does not have the schema.
    """
    _check_columns(dataset.data.schema, name, exact)
    for table in dataset.with_format("arrow").select_columns(list(_KEYS)).iter(ROWS):
        yield from table.to_pylist()


def kb_records(rows: Iterable[dict[str, Any]], name: str, split: str, reading: Reading) -> Iterator[Record]:
    """Yield the documents of rows; leave out and count what is broken, if that is allowed.

    :param name: how errors name the table.
    """
    for number, row in enumerate(rows, start=1):
        try:
            record = kb_record(row, f"{name}, record {number}", split, reading)
        except FormatError as error:
            reading.leave_out(BROKEN_DOCUMENTS, error)
        else:
            yield record


def missing_columns(names: Collection[str]) -> list[str]:
    """Return the columns of the kb schema that a table with these columns lacks."""
    return [key for key in _KEYS if key not in names]


def _check_columns(found: pa.Schema, source: str, exact: bool) -> None:
    absent = missing_columns(found.names)
    if absent:
        raise FormatError(
            f"the table has no column {absent[0]!r}, expected those of BigBio's kb schema: {', '.join(_KEYS)}",
            source=source,
        )
    fields = kb_schema()
    if exact and not found.equals(fields):
        other = next((name for name in found.names if name not in fields.names), None) or next(
            name for name in _KEYS if found.field(name) != fields.field(name)
        )
        raise FormatError(f"the column {other!r} is not as BigBio's kb schema has it", source=source)


def kb_record(row: dict[str, Any], where: str, split: str, reading: Reading) -> Record:
    """Convert a row to a document with its annotation.

    :raises FormatError: a field does not have its type, or the passages do not form a text.
    :raises OffsetError: the text of a mention is not the text at its offsets.
    """
    fields = Fields(row, where)
    fields.document = fields.text("document_id")
    texts: list[str] = []
    passages: list[Passage] = []
    length = 0
    for part in fields.parts("passages"):
        text, (span,) = _text(part, 1)
        if texts:
            length += 1
        if span != (length, length + len(text[0])):
            part.wrong(
                f"{part.place}offsets: found {list(span)}, expected [{length}, {length + len(text[0])}], since the "
                "text is that of all passages, joined by one space"
            )
        texts += text
        length = span.end
        passages.append(Passage(part.text("type"), *span))
    document = Document(fields.document, " ".join(texts), tuple(passages), {"split": split} if split else {})
    return Record(document, _annotation(fields, document, reading), where)


def _annotation(fields: Fields, document: Document, reading: Reading) -> Annotation:
    entities: list[Entity] = []
    left_out: set[str] = set()
    for part in fields.parts("entities"):
        try:
            ident = part.text("id")
            concepts = tuple(Concept(item.text("db_name"), item.text("db_id")) for item in part.parts("normalized"))
            spans = _checked(part, document, reading)
            entity = None if spans is None else Entity(ident, part.text("type"), spans, concepts)
        except FormatError as error:
            reading.leave_out(BROKEN_MENTIONS, error)
            entity = None
        if entity is None:
            left_out.add(str(part.value.get("id")))
        else:
            entities.append(entity)
    events: list[dict[str, Any]] = []
    gone = set(left_out)
    for part in fields.parts("events"):
        try:
            event = _event(part, document, reading)
        except FormatError as error:
            reading.leave_out("events that cannot be read", error)
            event = None
        if event is None:
            gone.add(str(part.value.get("id")))
        else:
            events.append(event)
    groups = [
        {"id": part.text("id"), "entity_ids": [ident for ident in part.items("entity_ids") if ident not in left_out]}
        for part in fields.parts("coreferences")
    ]
    relations = []
    for part in fields.parts("relations"):
        try:
            ends = part.text("arg1_id"), part.text("arg2_id")
            relations.append(Relation(part.text("id"), part.text("type"), *ends, True, _links(part)))
        except FormatError as error:
            reading.leave_out(BROKEN_RELATIONS, error)
    extras = {EVENTS: without_events(events, gone, reading), COREFERENCES: groups}
    return Annotation(
        tuple(entities),
        reading.without(left_out, relations),
        (),
        {key: values for key, values in extras.items() if values},
    )


def _links(part: Fields) -> dict[str, Any]:
    """Return the extras that keep a relation's own concepts."""
    links = [[item.text("db_name"), item.text("db_id")] for item in part.parts("normalized")]
    return {"normalized": links} if links else {}


def _event(part: Fields, document: Document, reading: Reading) -> dict[str, Any] | None:
    """Return an event; None if its trigger's text differs from the document and such events are left out."""
    trigger = part.inner("trigger")
    spans = _checked(trigger, document, reading)
    if spans is None:
        return None
    return {
        "id": part.text("id"),
        "type": part.text("type"),
        "trigger": {
            "text": [document.text[start:end] for start, end in spans],
            "offsets": [list(span) for span in spans],
        },
        "arguments": [{"role": item.text("role"), "ref_id": item.text("ref_id")} for item in part.parts("arguments")],
    }


def _checked(part: Fields, document: Document, reading: Reading) -> tuple[Span, ...] | None:
    """Return the spans of a mention; None if its texts differ from the document and such mentions are left out."""
    texts, spans = _text(part)
    try:
        check_spans(document, spans, source=part.source)
    except OffsetError as error:
        reading.keeps(error)
        return None
    wrong = None
    for text, (start, end) in zip(texts, spans, strict=True):
        if wrong is None and document.text[start:end] != text:
            wrong = text_error(document, (Span(start, end),), text, source=part.source)
    return tuple(spans) if wrong is None or reading.keeps(wrong) else None


def _text(part: Fields, pieces: int | None = None) -> tuple[list[str], list[Span]]:
    """Return texts and spans, in equal number.

    :param pieces: the number of each that is expected; None: any number above 0.
    """
    texts, offsets = part.items("text", must=True), part.items("offsets", must=True)
    spans = []
    for offset in offsets:
        match offset:
            case [int(start), int(end)]:
                spans.append(Span(start, end))
            case _:
                part.wrong(f"{part.place}offsets: found {offset!r}, expected [start, end]")
    expected = len(spans) if pieces is None else pieces
    if len(texts) != expected or len(spans) != expected or not spans:
        part.wrong(f"{part.place}text: found {len(texts)} texts and {len(spans)} offsets, expected as many of each")
    if not all(isinstance(text, str) for text in texts):
        part.wrong(f"{part.place}text: found something that is not a string")
    return texts, spans
