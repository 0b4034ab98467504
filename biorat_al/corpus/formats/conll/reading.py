"""The reader of CoNLL files; :mod:`biorat_al.corpus.formats.conll.format` describes what the lines mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.formats.conll.layout import START, ColumnLayout, is_border, layout_of
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span
from biorat_al.errors import FormatError
from biorat_al.wording import shortened

UNTYPED = "Entity"
"""Label of a mention whose tags (B, I, O) have no type."""

FURTHER_COLUMNS = "values in further columns of tokens"
BROKEN = "lines that are not a token and its tag"
WHITE_TOKENS = "tokens of white space"
OFFSETS = "offsets of tokens that do not fit"

_LOOKED_AT = 1000
"""Number of lines from which the layout is worked out."""

_CONLLU = 10
"""Number of columns in CoNLL-U."""

_FARTHEST = 100_000
"""The widest gap, in characters, between two tokens that is taken for one in the text."""

_DOCUMENT = re.compile(
    r"#+ *(?:(?:new)?doc(?:ument)?[ _-]?(?:id|name)?|pmid|medline) *[=:] *(?P<id>\S.*?) *"
    r"|#begin document *\(?(?P<part>[^)]*)\)?.*"
    r"|#+ *newdoc *",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"#+ *(?:sent(?:ence)?_id|newpar)\b")
_FILLERS = frozenset({"O", "X", "-X-", "_", "-"})


class ConllReader:
    """Read one file."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._source = source
        self._reading = reading
        self._by_sentence = reading.split in ("sentences", "blank-lines")
        self._layout = ColumnLayout()
        self._open: _Open | None = None
        self._named = self._unnamed = self._made = self._sentences = 0
        self._untyped = False

    def records(self) -> Iterator[Record]:
        """Yield the documents.

        :raises FormatError: a line is not a token and its tag, unless such lines are left out.
        """
        lines = self._source.lines()
        first = list(islice(lines, _LOOKED_AT))
        self._layout = layout_of([line for _, line in first])
        for number, line in chain(first, lines):
            if not line.strip(" \t\r"):
                yield from self._end_sentence()
            elif is_border(line):
                yield from self._begin(number, _ident(line))
            elif line.startswith("#") and self._layout.is_comment(line):
                yield from self._comment(number, line.rstrip(" \t\r"))
            else:
                self._token(number, line)
        yield from self._end()
        self._tell()

    def _comment(self, number: int, line: str) -> Iterator[Record]:
        found = _DOCUMENT.fullmatch(line)
        if found is None:
            if _SENTENCE.match(line):
                yield from self._end_sentence()
            return
        ident = (found["id"] or found["part"] or "").strip()
        if self._open is not None and ident and self._open.named == ident:
            # some files repeat the id for each sentence
            return
        if self._open is not None and self._open.is_empty and not self._open.named and not self._open.split:
            # the line before already began this document
            self._unnamed -= 1
            self._open = None
        yield from self._begin(number, ident)

    def _begin(self, number: int, ident: str) -> Iterator[Record]:
        yield from self._end()
        self._named += bool(ident)
        self._unnamed += not ident
        self._open = _Open(self._source, number, self._reading, ident)

    def _end_sentence(self) -> Iterator[Record]:
        if self._open is None or not self._open.end_sentence():
            return
        self._sentences += 1
        if self._by_sentence:
            self._open.split += 1
            yield self._open.record(self._ident_of(self._open))
            self._open.clear()

    def _end(self) -> Iterator[Record]:
        if self._open is None:
            return
        yield from self._end_sentence()
        # a document that lost all its lines must not count as annotated and empty
        if not self._open.split and not (self._open.broken and self._open.is_empty):
            yield self._open.record(self._ident_of(self._open))
        self._open = None

    def _ident_of(self, document: _Open) -> str:
        self._made += 1
        if document.named:
            return f"{document.named}-{document.split}" if document.split else document.named
        return (
            f"{self._source.document_id}-{self._made}"
            if document.border or document.split
            else (self._source.document_id)
        )

    def _token(self, number: int, line: str) -> None:
        if self._open is None:
            self._open = _Open(self._source, number, self._reading, "", border=False)
        where = self._source.at(number)
        parsed = self._layout.parsed(line)
        if parsed is None:
            column = "the last column" if self._layout.tag == -1 else f"column {self._layout.tag + 1}"
            kinds = "O, B-…, I-…" if self._layout.typed else "O, B, I"
            columns = self._layout.columns(line)
            hint = "; it looks like CoNLL-U, which has no column for them: add one" if len(columns) == _CONLLU else ""
            error = FormatError(
                f"found {shortened(' '.join(columns), 80)!r}, expected a token and, in {column}, its tag ({kinds})"
                f"{hint}",
                source=where,
                document=self._open.named or self._source.document_id,
            )
            self._reading.leave_out(BROKEN, error)
            self._open.broken = True
            return
        columns, token, letter, label = parsed
        further = self._layout.further(columns)
        if further:
            self._reading.report.left_out[FURTHER_COLUMNS] += further
        if letter != "O" and label is None:
            label = UNTYPED
            self._untyped = True
        self._open.add(where, token, letter, label, self._layout, columns)

    def _tell(self) -> None:
        report, name = self._reading.report, self._source.name
        if self._untyped:
            report.note(
                f"{name}: its tags name no type (B, I, O), so that every mention has the label {UNTYPED!r}; write the "
                "type behind the letter (B-Gene) for another one"
            )
        borders = self._named + self._unnamed
        if self._reading.split is None and self._sentences > 1 and not self._named and borders < 2:
            seen = "only one line begins a document" if borders else "no line begins a document"
            report.note(
                f"{name}: 1 document of {self._sentences:,} sentences, since {seen} ({START} or # doc_id = …); with "
                "--split sentences every sentence is one, with --split none the file is one without this note"
            )


class _Open:
    """A document whose tokens are still being read.

    :ivar split: how many of its sentences have become documents.
    :ivar broken: whether one of its lines was left out.
    :ivar border: whether a line marked its beginning.
    """

    def __init__(self, source: Source, line: int, reading: Reading, named: str, *, border: bool = True) -> None:
        self._where = source.at(line)
        self._reading = reading
        self.named = named
        self.border = border
        self.split = 0
        self.broken = False
        self.clear()

    def clear(self) -> None:
        """Start over with the next sentence."""
        self._pieces: list[str] = []
        self._length = 0
        self._base: int | None = None
        self._tokens: list[list[int]] = []
        self._sentences: list[list[int]] = []
        self._new_sentence = True
        self._blank = True
        self._mentions: list[tuple[str, int, int]] = []
        self._open: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it has no token yet."""
        return not self._tokens

    def add(
        self, where: str, token: str, letter: str, label: str | None, layout: ColumnLayout, columns: list[str]
    ) -> None:
        """Add a token and its tag."""
        going_on = label is not None and letter in "IELM" and self._open == label
        if not token:
            if label is not None and not going_on:
                error = FormatError(f"a mention of {label!r} begins with a token without text", source=where)
                self._reading.leave_out(BROKEN, error)
            self._reading.report.left_out[WHITE_TOKENS] += 1
            return
        gap = self._gap(where, token, layout, columns)
        self._pieces += [gap, token]
        start = self._length + len(gap)
        self._length = start + len(token)
        self._tokens.append([start, self._length])
        if self._new_sentence:
            self._sentences.append([start, self._length])
        self._sentences[-1][1] = self._length
        self._new_sentence = False
        if label is not None and going_on:
            self._mentions[-1] = (label, self._mentions[-1][1], self._length)
        elif label is not None:
            self._mentions.append((label, start, self._length))
        self._open = None if label is None or letter in "ESLUW" else label
        follows = columns[layout.space_after] if layout.space_after is not None else ""
        self._blank = not (follows == "-" or "SpaceAfter=No" in follows)

    def end_sentence(self) -> bool:
        """End the sentence, and any mention in it; return whether there was one to end."""
        ended = not self._new_sentence
        self._new_sentence = True
        self._open = None
        return ended

    def record(self, ident: str) -> Record:
        """Return the complete document with its annotation."""
        metadata: dict[str, Any] = {}
        if self._tokens:
            metadata = {"tokens": self._tokens, "sentences": self._sentences}
        entities = tuple(
            Entity(f"T{number}", label, (Span(start, end),))
            for number, (label, start, end) in enumerate(self._mentions, start=1)
        )
        return Record(Document(ident, "".join(self._pieces), (), metadata), Annotation(entities), self._where)

    def _gap(self, where: str, token: str, layout: ColumnLayout, columns: list[str]) -> str:
        """Return the white space before a token."""
        usual = "" if not self._tokens else "\n" if self._new_sentence else " " if self._blank else ""
        if layout.start is None or layout.end is None:
            return usual
        start, end = columns[layout.start], columns[layout.end]
        if start.isdecimal() and end.isdecimal() and int(end) - int(start) == len(token):
            if self._base is None:
                # the first document of a file may begin with blanks; in later ones, offsets may count from the file's
                self._base = 0 if int(start) <= _FARTHEST else int(start)
            elif self._new_sentence and int(start) - self._base < self._length:
                # the offsets count from the beginning of the sentence
                self._base = int(start) - self._length - 1
            width = int(start) - self._base - self._length
            if 0 <= width <= _FARTHEST:
                border = self._new_sentence and self._tokens and width
                return " " * (width - 1) + "\n" if border else " " * width
        error = FormatError(
            f"the token {token!r} cannot be at {start}-{end}, behind {self._length} characters",
            source=where,
            document=self.named or None,
        )
        self._reading.leave_out(OFFSETS, error)
        return usual


def _ident(line: str) -> str:
    """Return the id in a document's first line; empty if there is no id."""
    rest = line.strip(" \t\r")[len(START) :]
    if rest.startswith("\t"):
        columns = rest[1:].split("\t")
        if len(columns) == 1:
            return "" if columns[0].strip(" ") in ("O", "-X-") else columns[0].strip(" ")
    else:
        columns = rest.split()
    ident = " ".join(column for column in columns if column.strip(" ") not in _FILLERS).strip(" ")
    return ident[1:-1].strip(" ") if ident.startswith("(") and ident.endswith(")") else ident
