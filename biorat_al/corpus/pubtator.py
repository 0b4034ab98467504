"""PubTator: title and abstract lines, mentions and relations in tab-separated lines below them.

::

    227508|t|Naloxone reverses the effect of clonidine.
    227508|a|In hypertensive rats …
    227508<tab>0<tab>8<tab>Naloxone<tab>Chemical<tab>D009270
    227508<tab>CID<tab>D008750<tab>D007022

What the format leaves open is decided here as follows.

- The text is the title, one space, the abstract; offsets count its code points.
- Lines end at ``\\n`` alone. If the first line that is not blank ends in ``\\r\\n``, one ``\\r`` is taken off the end
  of every line that has it; in any other file a ``\\r`` at the end of a title or an abstract is part of the text. All
  other white space of titles and abstracts stays as it is. White space around ids, labels and identifiers is dropped.
- Documents are separated by blank lines; blank lines at the beginning and at the end do no harm.
- A mention line has six columns, or seven; the seventh (the parts of a composite mention, joined by ``|``) is kept as
  ``extras["individual_mentions"]``. An identifier column that joins identifiers by other than ``|``, or that has ``-1``
  among several, is also kept as it is, as ``extras["identifiers"]``. Mentions have no ids: they get ``T1``, ``T2``, …
  in the order of their lines.
- A relation line has four columns and becomes a relation between concepts. A fifth one (BioRED's ``Novel``) is kept in
  the annotation's ``extras["relation_columns"]``, with the number of its relation.
- A document without annotation lines was looked at and has nothing if any other document of the file has some; in a
  file without a single annotation line nobody has looked at anything, and the annotation is None.

Wei C-H, Kao H-Y, Lu Z. PubTator: a web-based text mining tool for assisting biocuration. Nucleic Acids Research 41,
2013, doi 10.1093/nar/gkt441.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from biorat_al.corpus.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.identifiers import parse_identifiers, says_more
from biorat_al.corpus.losses import LookedAt
from biorat_al.corpus.model import (
    Annotation,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Record,
    Span,
    check_surface,
)
from biorat_al.corpus.pubtator_writing import PubTatorLines
from biorat_al.corpus.source import Source
from biorat_al.corpus.writing import check_record, text_file
from biorat_al.errors import FormatError, OffsetError

_TEXT_LINE = re.compile(r"([^|\t\n]*)\|([A-Za-z])\|(.*)", re.DOTALL)
_FIRST_LINE = re.compile(r"\s*[^|\t\n]{0,200}\|[ta]\|")
_ANNOTATION_LINE = re.compile(rb"\n[^|\t\n]{1,200}\t")
_NUMBER = re.compile(r"[0-9]{1,18}")


class _Open:
    """A document whose lines are still coming."""

    def __init__(self, ident: str, title: str, line: int) -> None:
        self.ident = ident
        self.title = title
        self.line = line
        self.abstract: str | None = None
        self.annotation_lines: list[tuple[int, str]] = []


class PubTator(CorpusFormat):
    """Reader and writer of PubTator files."""

    name = "pubtator"
    title = "PubTator"
    suffixes = (".pubtator", ".pubtator.txt")
    knows_concepts = True

    def detects(self, head: str) -> bool:
        return _FIRST_LINE.match(head) is not None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        looked: bool | None = None
        for document in _documents(source):
            if document.annotation_lines:
                looked = True
            elif looked is None:
                looked = source.holds(_ANNOTATION_LINE)
            yield _record(document, source, reading, bool(looked))

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        lines, looked, count = PubTatorLines(counted), LookedAt(), 0
        with text_file(path) as out:
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                texts, annotated = lines.record(document, annotation)
                looked.count(annotation, annotated)
                out.write("\n".join([*texts, *annotated]) + "\n\n")
                count += 1
        looked.report(counted)
        counted.documents += count
        return count


def _documents(source: Source) -> Iterator[_Open]:
    document: _Open | None = None
    carriage_returns: bool | None = None
    for number, line in source.lines():
        if not line or line.isspace():
            if document is not None:
                yield _complete(document, source, number, "a blank line")
                document = None
            continue
        if carriage_returns is None:
            carriage_returns = line.endswith("\r")
        if carriage_returns and line.endswith("\r"):
            line = line[:-1]
        text_line = _TEXT_LINE.fullmatch(line)
        if text_line is not None:
            document = _with_text_line(document, source, number, *text_line.groups())
        elif "\t" not in line:
            raise FormatError(
                f"found {_shown(line)}, expected a title line 'id|t|…', an abstract line 'id|a|…', a tab-separated "
                "annotation line or a blank line",
                source=source.at(number),
                document=document.ident if document else None,
            )
        elif document is None:
            raise FormatError(
                f"found the annotation line {_shown(line)} outside of a document, expected a title line 'id|t|…'",
                source=source.at(number),
            )
        else:
            _complete(document, source, number, _shown(line))
            ident = line[: line.index("\t")].strip()
            if ident != document.ident:
                raise FormatError(
                    f"the annotation line is of document {ident!r} but stands under document {document.ident!r}; "
                    "documents are separated by a blank line and begin with 'id|t|…'",
                    source=source.at(number),
                    document=document.ident,
                )
            document.annotation_lines.append((number, line))
    if document is not None:
        yield _complete(document, source, document.line, "the end of the file")


def _with_text_line(document: _Open | None, source: Source, number: int, ident: str, kind: str, text: str) -> _Open:
    """The document that a title line begins, or to which an abstract line belongs."""
    ident = ident.strip()
    where = source.at(number)
    if not ident:
        raise FormatError("the document's id is empty", source=where)
    if kind == "t" and document is None:
        return _Open(ident, text, number)
    if kind == "t" and document is not None:
        _complete(document, source, number, f"the title line of document {ident!r}")
        raise FormatError(
            f"document {ident!r} begins before a blank line has ended document {document.ident!r}",
            source=where,
            document=ident,
        )
    if kind != "a":
        raise FormatError(
            f"found a line '{ident}|{kind}|…', expected '|t|' for a title or '|a|' for an abstract",
            source=where,
            document=ident,
        )
    if document is None or document.abstract is not None:
        raise FormatError(
            f"found an abstract line without the title line '{ident}|t|…' before it", source=where, document=ident
        )
    if ident != document.ident:
        raise FormatError(
            f"found the abstract of document {ident!r}, expected that of document {document.ident!r}",
            source=where,
            document=document.ident,
        )
    document.abstract = text
    return document


def _complete(document: _Open, source: Source, number: int, found: str) -> _Open:
    if document.abstract is None:
        raise FormatError(
            f"found {found}, expected the abstract line '{document.ident}|a|…' right after the title line",
            source=source.at(number),
            document=document.ident,
        )
    return document


def _record(lines: _Open, source: Source, reading: Reading, looked: bool) -> Record:
    abstract = lines.abstract or ""
    text = f"{lines.title} {abstract}"
    passages = (Passage("title", 0, len(lines.title)), Passage("abstract", len(lines.title) + 1, len(text)))
    document = Document(lines.ident, text, passages)
    entities: list[Entity] = []
    relations: list[ConceptRelation] = []
    relation_columns: list[dict[str, Any]] = []
    mentions = 0
    for number, line in lines.annotation_lines:
        where = source.at(number)
        columns = line.split("\t")
        if len(columns) in (4, 5) and not _NUMBER.fullmatch(columns[1].strip()):
            label, head, tail = (column.strip() for column in columns[1:4])
            if not (label and head and tail):
                raise FormatError(
                    f"found {_shown(line)}, expected a relation: id, type, and two concept identifiers",
                    source=where,
                    document=document.id,
                )
            if len(columns) == 5 and columns[4].strip():
                relation_columns.append({"relation": len(relations), "columns": [columns[4].strip()]})
            relations.append(ConceptRelation(label, head, tail))
            continue
        mentions += 1
        try:
            entities.append(_entity(f"T{mentions}", line, document, where))
        except OffsetError as error:
            reading.keeps(error)
    extras = {"relation_columns": relation_columns} if relation_columns else {}
    annotation = Annotation(tuple(entities), (), tuple(relations), extras) if looked else None
    return Record(document, annotation, source.at(lines.line))


def _entity(ident: str, line: str, document: Document, where: str) -> Entity:
    columns = line.split("\t", 3)
    if len(columns) < 4 or not all(_NUMBER.fullmatch(column.strip()) for column in columns[1:3]):
        raise FormatError(
            f"found {_shown(line)}, expected a mention: id, start, end (whole numbers), text, type, identifiers",
            source=where,
            document=document.id,
        )
    span = Span(int(columns[1]), int(columns[2]))
    surface = document.text[span.start : span.end]
    # a mention may hold tabs of its own, if the text does: the offsets say where it ends
    rest = columns[3][len(surface) + 1 :] if surface and columns[3].startswith(surface + "\t") else None
    if rest is None:
        surface, _, rest = columns[3].partition("\t")
    further = rest.split("\t")
    if len(further) not in (2, 3):
        raise FormatError(
            f"found {_shown(line)} with {len(further) + 4} columns, expected six or seven: id, start, end, text, type, "
            "identifiers, and the parts of a composite mention",
            source=where,
            document=document.id,
        )
    label = further[0].strip()
    if not label:
        raise FormatError(
            f"found {_shown(line)} without a type in its fifth column", source=where, document=document.id
        )
    check_surface(document, span, surface, source=where)
    extras: dict[str, Any] = {}
    if says_more(further[1]):
        extras["identifiers"] = further[1].strip()
    parts = further[2].rstrip("\r") if len(further) == 3 else ""
    if parts.strip():
        extras["individual_mentions"] = parts.split("|")
    return Entity(ident, label, (span,), parse_identifiers(further[1], label), extras=extras)


def _shown(line: str) -> str:
    return repr(line if len(line) <= 80 else line[:77] + "…")
