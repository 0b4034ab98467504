"""Plain text: one document a file, with nothing annotated.

The id is the file's name without its suffix; where several files of one reading share that, the path inside the folder
without its suffix (``a/notes`` and ``b/notes``). The text is the whole file, its last line end included. Plain text
does not say whether anybody looked, so the annotation is None.
"""

from __future__ import annotations

from collections.abc import Iterator

from biorat_al.corpus.base import CorpusFormat, Reading
from biorat_al.corpus.model import Document, Record
from biorat_al.corpus.source import Source
from biorat_al.errors import FormatError


class PlainText(CorpusFormat):
    """Reader of plain text files."""

    name = "plain-text"
    title = "plain text"
    suffixes = (".txt",)

    def detects(self, head: str) -> bool:
        # any text is plain text: only its name says that a file is meant to be one
        return False

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        text = source.text()
        position = text.find("\0")
        if position >= 0:
            raise FormatError(f"character {position} is a NUL: this is not a text file", source=source.name)
        yield Record(Document(source.document_id, text), None, source.name)
