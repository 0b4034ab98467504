"""MEDLINE format, which PubMed calls "PubMed" and saves as ``.txt`` and ``.nbib``: records of fields with tags.

::

    PMID- 31000001
    TI  - Naloxone reverses the effect of
          clonidine.
    AB  - BACKGROUND: In hypertensive rats …
    FAU - Example, Ann

- The id is the PMID. The text is the title (``TI``; for a book ``BTI``, for an article without an English title
  ``TT``), one space, the abstract. The labels of a structured abstract are part of it.
- A line that begins with blanks continues the field above. It was wrapped at a blank, which is restored. But in a file
  whose other wrapped lines end in blanks, a line that ends in a hyphen was wrapped at the hyphen.
- All other fields are kept in the metadata, by tag: a string, or a list if a tag occurs more than once.
- The documents have no annotations. A record without a title and an abstract is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from biorat_al.corpus.formats.base import CorpusFormat, Reading
from biorat_al.corpus.formats.titled import NO_TEXT, titled_document
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Record
from biorat_al.errors import FormatError
from biorat_al.wording import shortened

_FIELD = re.compile(r"([A-Z][A-Z0-9]{1,3}) {0,2}- ?(.*)", re.DOTALL)
_FIRST = re.compile(
    r"\s*(?:[A-Z][A-Z0-9]{1,3} {0,2}- [^\n]*\n(?: [^\n]*\n)*+){0,20}PMID- ?[0-9]{1,9}[ \t]*(?:\r?\n|\Z)"
)
_PMID = re.compile(r"[0-9]{1,9}")
_TITLES = ("TI", "BTI", "TT")
_TEXT = ("PMID", "AB")


class Medline(CorpusFormat):
    """Reader of MEDLINE format."""

    name = "medline"
    title = "MEDLINE format (PubMed)"
    suffixes = (".nbib", ".medline")

    def detects(self, head: str) -> bool:
        return _FIRST.match(head) is not None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        for line, fields in _records(source, reading):
            ident = " ".join(fields.get("PMID", ())).strip()
            if _PMID.fullmatch(ident) is None:
                found = f"the PMID {ident!r}" if ident else "no PMID"
                error = FormatError(
                    f"found {found}, expected a record that begins with 'PMID- '", source=source.at(line)
                )
                reading.leave_out("records without a PMID", error)
                continue
            title = next((tag for tag in _TITLES if any(part.strip() for part in fields.get(tag, ()))), "TI")
            metadata: dict[str, Any] = {
                tag: values[0] if len(values) == 1 else values
                for tag, values in fields.items()
                if tag not in (*_TEXT, title)
            }
            parts = [("title", " ".join(fields.get(title, ()))), ("abstract", " ".join(fields.get("AB", ())))]
            document = titled_document(ident, parts, metadata)
            if document is None:
                reading.report.left_out[NO_TEXT] += 1
            else:
                yield Record(document, None, source.at(line))


def _records(source: Source, reading: Reading) -> Iterator[tuple[int, dict[str, list[str]]]]:
    """Yield the fields of each record, with the line on which it begins."""
    fields: dict[str, list[str]] = {}
    first = 0
    tag: str | None = None
    blanks = False
    for number, raw in source.lines():
        line = raw.removesuffix("\r")
        if not line.strip():
            if fields:
                yield first, _stripped(fields)
            fields, tag = {}, None
            continue
        field = _FIELD.fullmatch(line)
        if field is not None:
            tag = field[1]
            # two records without a blank line between them
            if tag == "PMID" and "PMID" in fields:
                yield first, _stripped(fields)
                fields = {}
            first = first if fields else number
            fields.setdefault(tag, []).append(field[2])
        elif line[0] in " \t" and tag is not None:
            before = fields[tag][-1]
            blanks = blanks or before.endswith(" ")
            at_hyphen = blanks and re.search(r"\w-\Z", before) is not None
            fields[tag][-1] = f"{before.rstrip()}{'' if at_hyphen else ' '}{line.lstrip()}"
        else:
            error = FormatError(
                f"found {shortened(line, 80)!r}, expected a field such as 'TI  - …', or a line that begins with blanks",
                source=source.at(number),
            )
            reading.leave_out("lines that are not a field", error)
    if fields:
        yield first, _stripped(fields)


def _stripped(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    return {tag: [value.strip() for value in values] for tag, values in fields.items()}
