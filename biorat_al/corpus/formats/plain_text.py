"""Plain text: one document per file, without annotations, unless the user asks to split the file.

The id is the file name without its suffix; if several files read together share it, the id is the path inside the
folder without the suffix (``a/notes`` and ``b/notes``). The text is the whole file, including its last line end. Plain
text does not say whether anybody looked, so the annotation is None.

If split into paragraphs (at blank lines) or lines, a file gives the documents ``name-1``, ``name-2``, …; each keeps its
text unchanged, without the blank lines and line ends around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from biorat_al.corpus.formats.base import CorpusFormat, Reading
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Document, Record
from biorat_al.errors import FormatError
from biorat_al.wording import plural

_PARAGRAPH = re.compile(r"[^\s](?:.*?[^\s])??(?=\s*\Z|[^\S\n]*\r?\n[^\S\n]*\r?\n)", re.DOTALL)
_LINE = re.compile(r"(?<![^\r\n])[^\S\r\n]*+\S[^\r\n]*+")
_FEW = 3
"""Lines or paragraphs that one document may well have: a title, an abstract, a reference."""

_IDENTIFIER = r"(?:PM(?:C|ID:?[ \t]*))?[0-9]{4,9}(?:\.[0-9]+)?|10\.[0-9]{4,9}/[^\s,;]+"
_ONLY_IDENTIFIERS = re.compile(rf"[\s,;]*(?:{_IDENTIFIER})(?:[\s,;]+(?:{_IDENTIFIER}))*[\s,;]*", re.IGNORECASE)
_ROWS = re.compile(r"\s*[0-9]{4,9}\t[^\n]*+(?:\n\s*+(?:[0-9]{4,9}\t[^\n]*+)?+)*+")
_NUMBERED = re.compile(r"\s*1[.:] \S")
_PUBTATOR = re.compile(r"^([^|\s]{1,100})\|t\|[^\n]*\n\1\|a\|", re.MULTILINE)
_PMID = re.compile(r"\bPMID: ?[0-9]{1,8}\b")


class PlainText(CorpusFormat):
    """Reader of plain text files."""

    name = "plain-text"
    title = "plain text"
    suffixes = (".txt",)
    splits = ("paragraphs", "lines", "blank-lines")

    def detects(self, head: str) -> bool:
        # any text is plain text: only the file name decides
        return False

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        text = source.text()
        position = text.find("\0")
        if position >= 0:
            raise FormatError(f"character {position} is a NUL: this is not a text file", source=source.name)
        if reading.split != "none":
            _refuse_lists(text, source)
        if reading.split in (None, "none"):
            if reading.split is None:
                _note_parts(text, source, reading)
            yield Record(Document(source.document_id, text), None, source.name)
            return
        pattern = _LINE if reading.split == "lines" else _PARAGRAPH
        line, last = 1, 0
        for number, part in enumerate(pattern.finditer(text), start=1):
            line, last = line + text.count("\n", last, part.start()), part.start()
            yield Record(Document(f"{source.document_id}-{number}", part[0]), None, source.at(line))


def _refuse_lists(text: str, source: Source) -> None:
    """Raise if the text is a list of ids, a table, PubTator, or a list of articles from PubMed."""
    if _ONLY_IDENTIFIERS.fullmatch(text):
        raise FormatError(
            "it holds identifiers alone, no texts; on PubMed, save the articles in the format PubMed (a .txt or .nbib "
            "file) or fetch them as XML, and read that",
            source=source.name,
        )
    if _ROWS.fullmatch(text):
        raise FormatError(
            "each of its lines has an id and columns divided by tabs: it looks like a table without names of columns; "
            "add a first line with names (pmid, title, abstract), or --format table",
            source=source.name,
        )
    found = _PUBTATOR.search(text)
    # a file that begins as PubTator is read as text only if the user asked for it
    if found is not None and text[: found.start()].strip():
        line = text.count("\n", 0, found.start()) + 1
        raise FormatError(
            f"from line {line} on it looks like PubTator; delete what comes before, or begin those lines with '#'; add "
            "--split none if it is one text all the same",
            source=source.name,
        )
    if _NUMBERED.match(text) and _PMID.search(text):
        raise FormatError(
            "it looks like PubMed's list of articles (Summary or Abstract as text), in which titles, authors and "
            "abstracts cannot be told apart with certainty; save them in the format PubMed instead (a .txt or .nbib "
            "file), or add --split none if it is one document all the same",
            source=source.name,
        )


def _note_parts(text: str, source: Source, reading: Reading) -> None:
    paragraphs, lines = (sum(1 for _ in pattern.finditer(text)) for pattern in (_PARAGRAPH, _LINE))
    most = max(paragraphs, lines)
    # a single file of several parts may be a whole corpus; in a folder, a text may have a few parts
    if most > (1 if reading.files == 1 else _FEW):
        parts = plural(paragraphs, "paragraph") if paragraphs > 1 else plural(lines, "line")
        split = "paragraphs" if paragraphs > 1 else "lines"
        if 1 < paragraphs < lines:
            parts, split = f"{parts} ({plural(lines, 'line')})", "paragraphs (or lines)"
        reading.report.note(
            f"{source.name} is read as 1 document of {parts}; if each is a document, add --split {split}, if it is one "
            "document, --split none"
        )
