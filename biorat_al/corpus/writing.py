"""What the writers of all formats share: files that are complete or not there, and ids and texts that fit a format."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast
from urllib.parse import quote

from biorat_al.corpus.base import WriteReport
from biorat_al.corpus.files import replacing
from biorat_al.corpus.model import Annotation, Document, Entity
from biorat_al.corpus.validation import check_annotation, check_document
from biorat_al.errors import DuplicateDocumentError, FormatError


@contextmanager
def text_file(path: Path) -> Iterator[TextIO]:
    """A file that takes the name `path` once it is written whole; packed if the name ends in ``.gz``.

    :raises CorpusError: the file cannot be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        # no name and no time in the gzip header: the same records give the same bytes
        packed = gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) if path.suffix == ".gz" else None
        with io.TextIOWrapper(cast(io.BufferedWriter, packed or file), encoding="utf-8", newline="\n") as out:
            yield out


def check_record(document: Document, annotation: Annotation | None) -> None:
    """Raise unless the record can stand, in whatever format.

    :raises CorpusError: see :mod:`biorat_al.corpus.validation`; or a text holds half of a surrogate pair.
    """
    check_document(document)
    if annotation is not None:
        check_annotation(document, annotation)
    try:
        document.id.encode("utf-8")
        document.text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise FormatError(
            f"its text holds {half}, one half of a surrogate pair, which is not a character", document=document.id[:80]
        ) from None


def fitting(text: str, unfit: re.Pattern[str], report: WriteReport, kind: str) -> str:
    """The text with a space for each character that the format cannot hold, so that every offset stays right.

    :param unfit: matches one such character.
    :param kind: what they are, for the report.
    """
    fit, number = unfit.subn(" ", text)
    report.lose(kind, number)
    return fit


def numbered(entities: Collection[Entity], good: Callable[[str], object], report: WriteReport) -> dict[str, str]:
    """An id for each entity that the format can hold: its own if it is `good`, else ``T`` and a number."""
    taken = {entity.id for entity in entities if good(entity.id)}
    names: dict[str, str] = {}
    number = 0
    for entity in entities:
        if entity.id in taken:
            names[entity.id] = entity.id
            continue
        number += 1
        while f"T{number}" in taken:
            number += 1
        names[entity.id] = f"T{number}"
    report.lose("ids of mentions (numbered anew)", sum(old != new for old, new in names.items()))
    return names


def file_name(ident: str, report: WriteReport) -> str:
    """A file name for a document id, the same for the same id and another one for another."""
    # a name that begins with a dot is hidden
    name = quote(ident, safe=" !#$&'()+,;=@[]^{}~")
    name = "%2E" + name[1:] if name.startswith(".") else name
    report.lose("ids of documents that no file name can hold", name != ident)
    return name


def write_once(path: Path, content: bytes, document: str, report: WriteReport) -> bool:
    """Write the file of a document; a document that occurs twice is written once.

    :raises DuplicateDocumentError: the file of another document has that name.
    """
    try:
        with open(path, "xb") as file:
            file.write(content)
    except FileExistsError:
        if path.read_bytes() != content:
            raise DuplicateDocumentError(
                "another document of that id is there, with another text or other annotations", document=document
            ) from None
        report.lose("repetitions of documents")
        return False
    return True
