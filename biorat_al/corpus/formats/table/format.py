"""Tables of documents: CSV and TSV with named columns, from spreadsheets, databases and PubMed's search page.

- The first row names the columns. One of them is the id (``pmid``, ``id``, ``doc_id``, …), and one or two are the text
  (``title``, ``abstract``, ``text``, …). Case, blanks and underscores in names do not matter. All other columns are
  kept in the metadata, by name.
- The text is the title, one space, the abstract; or the only text column, character by character.
- Tabs, commas or semicolons separate the columns, as in the first row. A line ``sep=;`` before it, which is for
  spreadsheets, is left out. A cell in quotation marks may hold separators, line ends, and doubled quotation marks. In a
  table with tabs, a cell that only begins with a quotation mark is unchanged.
- Without an id column, a document's id is the file's name with the number of the row (``papers-1``).
- If the first row of a table with tabs looks like a document (an id with a digit, a text with blanks), three columns
  are read as id, title and abstract, and two as id and text; a note says so.
- The documents have no annotations. A row without a text is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from biorat_al.corpus.formats.base import CorpusFormat, Reading
from biorat_al.corpus.formats.foreign import EXPORT
from biorat_al.corpus.formats.table.rows import is_for_spreadsheets, split_row, table_rows
from biorat_al.corpus.formats.titled import NO_TEXT, titled_document
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Document, Passage, Record
from biorat_al.errors import FormatError
from biorat_al.wording import plural

IDS = (
    "pmid", "pubmedid", "id", "docid", "documentid", "articleid", "paperid", "recordid", "textid", "noteid", "reportid",
    "sentenceid", "abstractid", "uid", "identifier", "accession", "pmcid", "doi", "key", "filename", "document", "doc",
)  # fmt: skip
"""Names of id columns, without blanks and punctuation; the first name that a table has is used."""

TITLES = ("title", "articletitle", "documenttitle", "papertitle", "ti", "headline")
ABSTRACTS = ("abstract", "abstracttext", "articleabstract", "paperabstract", "abstractnote", "ab")
TEXTS = (
    "text", "body", "content", "fulltext", "documenttext", "rawtext", "sentence", "passage", "paragraph", "note",
    "notetext", "report", "reporttext", "narrative", "tweet", "comment", "description", "article",
)  # fmt: skip

_EMPTY = ("nan", "NaN", "NULL", "null", "None")
DIVIDERS = "\t,;"
_SIGNS = re.compile(r"[^0-9a-z]+")
_SHOWN = 8


class Columns(NamedTuple):
    """The number of the column for each purpose; None if the table has no such column."""

    names: tuple[str, ...]
    ident: int | None
    title: int | None
    text: int | None
    kind: str

    @property
    def others(self) -> list[int]:
        """The numbers of the columns that are metadata."""
        return [place for place in range(len(self.names)) if place not in (self.ident, self.title, self.text)]


class TableFormat(CorpusFormat):
    """Reader of CSV and TSV."""

    name = "table"
    title = "table (CSV, TSV)"
    suffixes = (".csv", ".tsv", ".tab")

    def detects(self, head: str) -> bool:
        found = _columns_in(_first_line(head))
        if found is None:
            return False
        _, columns = found
        # a text may begin with the word "Abstract", but hardly with the names of two columns
        return len(columns.names) > 1 and (columns.ident is not None or None not in (columns.title, columns.text))

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        line = _first_line(source.head())
        found = _columns_in(line)
        divider = found[0] if found else max(DIVIDERS, key=line.count)
        table = table_rows(source, divider, reading)
        number, first = next(table, (1, []))
        _refuse_label_studio(first, source)
        columns = found[1] if found else _columns_without_names(first, divider, source, reading)
        if found:
            _note_columns(columns, source, reading)
        body = table if found else chain([(number, first)], table)
        empty = 0
        for count, (number, row) in enumerate(body, start=1):
            if len(row) != len(columns.names):
                error = FormatError(
                    f"found a row with {len(row)} columns, expected {len(columns.names)}: {', '.join(columns.names)}",
                    source=source.at(number),
                )
                reading.leave_out("rows with another number of columns", error)
                continue
            cells = ["" if cell in _EMPTY else cell for cell in row]
            empty += sum(cell != kept for cell, kept in zip(row, cells, strict=True))
            record = _record(cells, columns, count, number, source, reading)
            if record is not None:
                yield record
        if empty:
            reading.report.note(f"{source.name}: {plural(empty, 'cell')} with nan, null or None were taken as empty")


def _record(
    cells: Sequence[str], columns: Columns, count: int, line: int, source: Source, reading: Reading
) -> Record | None:
    where = source.at(line)
    ident = f"{source.document_id}-{count}" if columns.ident is None else cells[columns.ident].strip()
    if not ident:
        error = FormatError(f"the row has no id in its column {columns.names[columns.ident or 0]!r}", source=where)
        reading.leave_out("rows without an id", error)
        return None
    # spreadsheets turn the ids of a column with gaps into decimal numbers
    ident = re.sub(r"\A([0-9]{7,8})\.0\Z", r"\1", ident)
    metadata = {columns.names[place]: cells[place] for place in columns.others if cells[place].strip()}
    title, text = ("" if place is None else cells[place] for place in (columns.title, columns.text))
    if columns.title is None and text.strip():
        passages = (Passage(columns.kind, 0, len(text)),) if columns.kind == "abstract" else ()
        return Record(Document(ident, text, passages, metadata), None, where)
    document = titled_document(ident, [("title", title), (columns.kind, text)], metadata)
    if document is None:
        reading.report.left_out[NO_TEXT] += 1
        return None
    return Record(document, None, where)


def columns_of(first: Sequence[str]) -> Columns | None:
    """Return the columns by the names in the first row; None if it has no names, or no column has a text."""
    names = [_plain(name) for name in first]
    # a name with such a character comes from splitting at a different one
    if len(set(names)) < len(names) or any(sign in name for name in first for sign in DIVIDERS):
        return None

    def place(known: Sequence[str]) -> int | None:
        return next((names.index(name) for name in known if name in names), None)

    title, abstract = place(TITLES), place(ABSTRACTS)
    text = place(TEXTS) if abstract is None else abstract
    if title is None and text is None:
        return None
    kind = "text" if abstract is None else "abstract"
    return Columns(tuple(name.strip() for name in first), place(IDS), title, text, kind)


def _columns_in(line: str) -> tuple[str, Columns] | None:
    """Return the divider and the columns of a first line; of several readings, the one with the most columns."""
    found = [
        (divider, columns)
        for divider in DIVIDERS
        if (columns := columns_of(split_row(line, divider) or [])) is not None
    ]
    return max(found, key=lambda pair: len(pair[1].names), default=None)


def _columns_without_names(first: Sequence[str], divider: str, source: Source, reading: Reading) -> Columns:
    """Return the columns of a table whose first row is a document.

    :raises FormatError: the first row is not a document, or nothing shows what its columns hold.
    """
    names = {2: ("id", "text"), 3: ("id", "title", "abstract")}.get(len(first))
    is_document = (
        divider == "\t"
        and names is not None
        and re.fullmatch(r"\S*[0-9]\S*", first[0].strip()) is not None
        and (any if first[0].strip().isdecimal() else all)(re.search(r"\S\s+\S", cell) for cell in first[1:])
    )
    columns = columns_of(names or ()) if is_document else None
    if columns is None:
        shown = ", ".join(repr(cell[:30]) for cell in first[:_SHOWN])
        raise FormatError(
            f"its first row ({shown}) does not name its columns, of which one must be the text: name them, for example "
            "pmid, title and abstract, or id and text",
            source=source.name,
        )
    reading.report.note(f"{source.name} does not name its columns: they are taken for {', '.join(columns.names)}")
    return columns


def _note_columns(columns: Columns, source: Source, reading: Reading) -> None:
    others = [repr(columns.names[place]) for place in columns.others]
    if others:
        shown = ", ".join(others[:_SHOWN]) + (f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else "")
        reading.report.note(f"{source.name}: kept as metadata, not read as text or annotation: the columns {shown}")
    if columns.ident is None:
        reading.report.note(
            f"{source.name} has no column with ids: the documents are called {source.document_id}-1, "
            f"{source.document_id}-2, …"
        )
    if columns.text is None:
        reading.report.note(
            f"{source.name} has no column with abstracts, so each document is its title alone (PubMed's CSV has no "
            "abstracts: save the articles in the format PubMed instead)"
        )


def _refuse_label_studio(first: Sequence[str], source: Source) -> None:
    if {_plain(name) for name in first} >= {"annotationid", "annotator", "leadtime"}:
        raise FormatError(
            f"it is Label Studio's CSV or TSV, which cannot be read with its annotations; {EXPORT}", source=source.name
        )


def _first_line(head: str) -> str:
    lines = (line.rstrip("\r") for line in head.split("\n") if line.strip())
    return next((line for line in lines if not is_for_spreadsheets(line)), "")


def _plain(name: str) -> str:
    return _SIGNS.sub("", name.lower())
