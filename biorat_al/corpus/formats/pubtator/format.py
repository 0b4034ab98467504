r"""PubTator: a title line and an abstract line, with mentions and relations in tab-separated lines below them.

::

    227508|t|Naloxone reverses the effect of clonidine.
    227508|a|In hypertensive rats …
    227508<tab>0<tab>8<tab>Naloxone<tab>Chemical<tab>D009270
    227508<tab>CID<tab>D008750<tab>D007022

The format leaves some questions open. They are decided here as follows.

- The text is the title, one space, the abstract; offsets count its code points. Without an abstract line the abstract
  is empty; without a title line the title is empty. But if more mentions of a document without a title fit a text that
  begins with the abstract, the text begins there.
- Lines end at ``\n`` alone. If the first line that is not blank ends in ``\r\n``, one ``\r`` is removed from the end
  of every line that has it; in any other file a ``\r`` at the end of a title or an abstract is part of the text. All
  other white space in titles and abstracts stays. White space around ids, labels and identifiers is dropped.
- A title line begins a document, with or without blank lines before it. A line that begins with ``#`` is a comment,
  except for a title such as ``#7|t|…``, of a document with such an id. Comments are counted and not kept.
- A mention line has six columns, five (no identifier) or seven. The seventh (the parts of a composite mention, joined
  by ``|``) is kept as ``extras["individual_mentions"]``, columns after it as ``extras["further_columns"]``. An
  identifier column that says more than its concepts (:func:`~biorat_al.corpus.model.concepts.says_more`) is also kept
  unchanged, as ``extras["identifiers"]``. Mentions have no ids: they get ``T1``, ``T2``, … in the order of their lines.
- A relation line has four columns and becomes a relation between concepts. A fifth one becomes its property ``novel``
  (BioRED's ``Novel`` and ``No``), or else ``column`` (see
  :data:`~biorat_al.corpus.model.concept_relations.PROPERTIES`); columns after it its property ``further_columns``. If
  an end names a mention's concept in full (``MESH:D009270``, as PubTator 3 does), it is written as in that mention's
  column, and this is counted.
- If any document of a file has annotation lines, a document without them counts as annotated and empty. In a file
  without a single annotation line nothing counts as annotated, and the annotation is None.

Wei C-H, Kao H-Y, Lu Z. PubTator: a web-based text mining tool for assisting biocuration. Nucleic Acids Research 41,
2013, doi 10.1093/nar/gkt441.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.losses import LookedAt
from biorat_al.corpus.formats.pubtator.writing import FURTHER_COLUMNS, UNFIT_ID, PubTatorLines
from biorat_al.corpus.formats.writing import check_record, text_file, unfit_id
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.concept_relations import NOVEL, novelty_of, with_properties
from biorat_al.corpus.model.concepts import parse_identifiers, says_more
from biorat_al.corpus.model.document import (
    Annotation,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Record,
    Span,
    check_surface,
)
from biorat_al.errors import FormatError, OffsetError
from biorat_al.wording import shortened

LINES = "lines that are not PubTator"
"""What lines that cannot be read are counted as when they are left out."""

_TEXT_LINE = re.compile(r"([^|\t\n]*)\|([A-Za-z])\|(.*)", re.DOTALL)
_FIRST_LINE = re.compile(r"\s*(?:#[^\n]*\n\s*)*[^|\t\n]{0,200}\|[ta]\|")
_COMMENT = re.compile(r"\s*#(?![^\s#|]*\|[ta]\|)")
_ANNOTATION_LINE = re.compile(rb"\n(?!#)[^|\t\n]{1,200}\t")
_TITLE_WITH_HASH = re.compile(rb"(?:^|\n)#[^|\t\n]{0,200}\|[ta]\|")
_NUMBER = re.compile(r"[0-9]{1,18}")
_SCORE = re.compile(r"(?:[0-9]*\.[0-9]+)?")


def _has_annotations(source: Source) -> bool:
    """Return whether any document of a file has an annotation line."""
    if source.holds(_ANNOTATION_LINE):
        return True
    if not source.holds(_TITLE_WITH_HASH):
        return False
    # what begins with "#" is an annotation line below a document with such an id, and else a comment
    again = Source(source.path, document_id=source.document_id)
    return any(block.annotation_lines for block in _Blocks(again, Reading(skip_invalid=True)).all())


class _Block:
    """The lines of a document.

    :param line: number of its first line.
    """

    def __init__(self, ident: str, line: int) -> None:
        self.ident = ident
        self.line = line
        self.title: str | None = None
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
        for block in _Blocks(source, reading).all():
            if block.annotation_lines:
                looked = True
            elif looked is None:
                looked = _has_annotations(source)
            yield _BlockReader(block, source, reading).record(bool(looked))

    def refusal(self, document: Document) -> str | None:
        return unfit_id(document.id.strip(), UNFIT_ID)

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


class _Blocks:
    """Group the lines of a file into documents."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._source = source
        self._reading = reading
        self._open: _Block | None = None
        self._after_blank = True

    def all(self) -> Iterator[_Block]:
        """Yield the documents; keep only one in memory."""
        for number, line in self._lines():
            ident = self._open.ident if self._open is not None else None
            if _COMMENT.match(line) and not (ident and line.startswith(f"{ident}\t")):
                self._reading.report.left_out["comment lines"] += 1
                continue
            complete = None
            try:
                text_line = _TEXT_LINE.fullmatch(line)
                if text_line is not None:
                    complete = self._text(number, *text_line.groups())
                else:
                    self._annotation(number, line)
            except FormatError as error:
                self._reading.leave_out(LINES, error)
            if complete is not None:
                yield complete
            self._after_blank = False
        if self._open is not None:
            yield self._open

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines that are not blank, with their numbers."""
        carriage_returns: bool | None = None
        for number, line in self._source.lines():
            if not line or line.isspace():
                self._after_blank = True
                continue
            if carriage_returns is None:
                carriage_returns = line.endswith("\r")
            yield number, line[:-1] if carriage_returns and line.endswith("\r") else line

    def _text(self, number: int, ident: str, kind: str, text: str) -> _Block | None:
        """Store a title or an abstract; if it begins a new document, return the one before."""
        before, ident = self._open, ident.strip()
        if not ident:
            raise FormatError("the document's id is empty", source=self._source.at(number))
        if kind == "t":
            self._open = _Block(ident, number)
            self._open.title = text
            return before
        if kind != "a":
            raise self._wrong(
                number, f"found a line '{ident}|{kind}|…', expected '|t|' for a title or '|a|' for an abstract", ident
            )
        if before is None or (self._after_blank and before.ident != ident):
            self._open = _Block(ident, number)
            self._open.abstract = text
            return before
        if before.abstract is not None or before.annotation_lines:
            raise self._wrong(
                number, f"found an abstract line without the title line '{ident}|t|…' right before it", ident
            )
        if ident != before.ident:
            raise self._wrong(
                number, f"found the abstract of document {ident!r}, expected that of document {before.ident!r}"
            )
        before.abstract = text
        return None

    def _annotation(self, number: int, line: str) -> None:
        if "\t" not in line:
            raise self._wrong(
                number,
                f"found {_shown(line)}, expected a title line 'id|t|…', an abstract line 'id|a|…', a tab-separated "
                "annotation line, a comment '# …' or a blank line",
            )
        if self._open is None:
            raise self._wrong(
                number, f"found the annotation line {_shown(line)} outside of a document, expected a title 'id|t|…'"
            )
        ident = line[: line.index("\t")].strip()
        if ident != self._open.ident:
            raise self._wrong(
                number,
                f"the annotation line is of document {ident!r} but is listed under document {self._open.ident!r}; "
                "each document begins with 'id|t|…'",
            )
        self._open.annotation_lines.append((number, line))

    def _wrong(self, number: int, what: str, ident: str | None = None) -> FormatError:
        document = ident or (self._open.ident if self._open is not None else None)
        return FormatError(what, source=self._source.at(number), document=document)


class _BlockReader:
    """Convert the lines of a document to a record."""

    def __init__(self, block: _Block, source: Source, reading: Reading) -> None:
        self._block = block
        self._source = source
        self._reading = reading
        self._document = _document(block)

    def record(self, looked: bool) -> Record:
        """Return the record; its annotation is None unless somebody `looked`."""
        entities: list[Entity] = []
        relations: list[tuple[ConceptRelation, Mapping[str, Any]]] = []
        mentions = 0
        for number, line in self._block.annotation_lines:
            columns = line.split("\t")
            try:
                if _is_relation(columns):
                    relations.append(self._relation(number, line, [column.strip() for column in columns[1:]]))
                    continue
                mentions += 1
                entity = self._entity(f"T{mentions}", number, line)
            except FormatError as error:
                self._reading.leave_out(LINES, error)
                continue
            if entity is not None:
                entities.append(entity)
        stated = tuple(relation for relation, _ in relations)
        annotation = Annotation(tuple(entities), (), stated, with_properties({}, relations)) if looked else None
        return Record(self._document, annotation, self._source.at(self._block.line))

    def _relation(self, number: int, line: str, columns: list[str]) -> tuple[ConceptRelation, Mapping[str, Any]]:
        label, head, tail = columns[:3]
        if not (label and head and tail):
            raise self._wrong(
                number, f"found {_shown(line)}, expected a relation: id, type, and two concept identifiers"
            )
        properties: dict[str, Any] = novelty_of(columns[3]) if len(columns) > 3 else {}
        further = columns[4:]
        while further and not further[-1]:
            further.pop()
        return ConceptRelation(label, head, tail), {**properties, **({FURTHER_COLUMNS: further} if further else {})}

    def _entity(self, ident: str, number: int, line: str) -> Entity | None:
        """Return the mention of a line; None if it does not fit the text and is left out."""
        columns = line.split("\t", 3)
        if len(columns) < 4 or not all(_NUMBER.fullmatch(column.strip()) for column in columns[1:3]):
            raise self._wrong(
                number,
                f"found {_shown(line)}, expected a mention: id, start, end (whole numbers), text, type, identifiers",
            )
        span = Span(int(columns[1].strip()), int(columns[2].strip()))
        surface = self._document.text[span.start : span.end]
        # a mention holds tabs if its text does: then the offsets show where it ends
        rest = columns[3][len(surface) + 1 :] if surface and columns[3].startswith(surface + "\t") else None
        if rest is None:
            surface, tab, rest = columns[3].partition("\t")
            if not tab:
                raise self._wrong(number, f"found {_shown(line)} with 4 columns, expected five or more: no type")
        label, identifiers, *further = (*rest.split("\t"), "")[: max(2, rest.count("\t") + 1)]
        label = label.strip()
        if not label:
            raise self._wrong(number, f"found {_shown(line)} without a type in its fifth column")
        try:
            self._check(span, surface, number)
        except OffsetError as error:
            if not self._reading.keeps(error):
                return None
        return Entity(
            ident, label, (span,), parse_identifiers(identifiers, label), extras=_extras(label, identifiers, further)
        )

    def _check(self, span: Span, surface: str, number: int) -> None:
        if span.start == span.end:
            raise OffsetError(
                f"the mention at {span.start}-{span.end} is empty: it has no character",
                source=self._source.at(number),
                document=self._document.id,
            )
        check_surface(self._document, span, surface, source=self._source.at(number))

    def _wrong(self, number: int, what: str) -> FormatError:
        return FormatError(what, source=self._source.at(number), document=self._document.id)


def _is_relation(columns: list[str]) -> bool:
    """Return whether a line states a relation: its second column is a type, not an offset."""
    kind = columns[1].strip()
    if len(columns) in (4, 5):
        return not _NUMBER.fullmatch(kind)
    # a mention whose offsets are broken, or in other columns, has six columns as well
    fifth = columns[4].strip() if len(columns) > 5 else "-"
    return kind[:1].isalpha() and (NOVEL in novelty_of(fifth) or _SCORE.fullmatch(fifth) is not None)


def _document(block: _Block) -> Document:
    abstract = block.abstract or ""
    if block.title is None and _fitting(block, abstract) > _fitting(block, f" {abstract}"):
        return Document(block.ident, abstract, (Passage("abstract", 0, len(abstract)),))
    title = block.title or ""
    text = f"{title} {abstract}"
    passages = (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text)))
    return Document(block.ident, text, passages)


def _fitting(block: _Block, text: str) -> int:
    """Count the mention lines of a document whose text is the text at their offsets."""
    found = 0
    for _, line in block.annotation_lines:
        columns = line.split("\t")
        if len(columns) > 4 and all(_NUMBER.fullmatch(column.strip()) for column in columns[1:3]):
            found += text[int(columns[1].strip()) : int(columns[2].strip())] == columns[3]
    return found


def _extras(label: str, identifiers: str, further: list[str]) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if says_more(identifiers, label):
        extras["identifiers"] = identifiers.strip()
    columns = [column.rstrip("\r") for column in further]
    while columns and not columns[-1].strip():
        columns.pop()
    if columns and columns[0].strip():
        extras["individual_mentions"] = columns[0].split("|")
    if columns[1:]:
        extras["further_columns"] = columns[1:]
    return extras


def _shown(line: str) -> str:
    return repr(shortened(line, 80))
