"""What writers share: files that appear only when complete, and ids and texts that fit a format."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast
from urllib.parse import quote, unquote

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import WriteReport
from biorat_al.corpus.model.checks import check_annotation, check_document
from biorat_al.corpus.model.document import Annotation, Document
from biorat_al.errors import DuplicateDocumentError, FormatError
from biorat_al.files import replacing

LONGEST_NAME = 251
"""Most bytes of a file name without its suffix; with it, file systems allow 255."""


_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)


@contextmanager
def text_file(path: Path) -> Iterator[TextIO]:
    """Open a file that appears as `path` once it is complete; packed if the name ends in ``.gz``.

    :raises CorpusError: the file cannot be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        # no name and no time in the gzip header: the same records give the same bytes
        packed = gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) if path.suffix == ".gz" else None
        with io.TextIOWrapper(cast(io.BufferedWriter, packed or file), encoding="utf-8", newline="\n") as out:
            yield out


def check_record(document: Document, annotation: Annotation | None) -> None:
    """Raise unless the record is valid for any format.

    :raises CorpusError: see :mod:`biorat_al.corpus.model.checks`; or a text holds half of a surrogate pair.
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
            f"its text holds {half}, one half of a surrogate pair, which is not a character", document=document.id
        ) from None


def fitting(text: str, unfit: re.Pattern[str], report: WriteReport, kind: str) -> str:
    """Return the text with a space for each character that the format cannot hold, so that all offsets stay right.

    :param unfit: matches one such character.
    :param kind: what these characters are, for the report.
    """
    fit, number = unfit.subn(" ", text)
    report.lose(kind, number)
    return fit


def title_and_abstract(document: Document, unfit: str, report: WriteReport) -> tuple[str, str]:
    """Return the text in two parts with one character between them, for formats of titles and abstracts.

    :param unfit: pattern of the characters that the format cannot hold.
    """
    kind = "line ends and tabs in texts (each became a space)"
    text = fitting(document.text, re.compile(unfit), report, kind)
    # the first passage, else the first line, else the first word
    cuts = [passage.end for passage in document.passages[:1]]
    cuts += [document.text.find("\n"), text.find(" "), len(text)]
    cut = next(cut for cut in cuts if cut == len(text) or (cut >= 0 and text[cut] == " "))
    report.lose("texts without a space (one was added at the end)", cut == len(text))
    # a carriage return at the end of a line would be read as part of the line end
    title = fitting(text[:cut], re.compile(r"\r\Z"), report, kind)
    abstract = fitting(text[cut + 1 :], re.compile(r"\r\Z"), report, kind)
    kinds = [(passage.kind, passage.start, passage.end) for passage in document.passages]
    own = [("title", 0, cut), ("abstract", cut + 1, max(cut + 1, len(text)))]
    report.lose(losses.PASSAGES if kinds else "documents without passages (cut in two)", kinds != own)
    return title, abstract


def unfit_id(ident: str, unfit: re.Pattern[str]) -> str | None:
    """Return what is wrong with a document's id that `unfit` matches; None if it does not match."""
    found = unfit.search(ident)
    return None if found is None else f"its id holds {found[0]!r}"


def tabular_id(document: Document, unfit: re.Pattern[str], title: str, report: WriteReport) -> str:
    """Return the document's id as a column.

    :param unfit: what the id must not contain.
    :raises FormatError: the id contains it.
    """
    ident = document.id.strip()
    refused = unfit_id(ident, unfit)
    if refused is not None:
        raise FormatError(f"{refused}, which {title} cannot hold", document=document.id)
    report.lose("white space around ids of documents", ident != document.id)
    return ident


def stripped(label: str, report: WriteReport) -> str:
    """Return the label without white space around it, for formats that drop it; count the change."""
    report.lose("white space around labels", label != label.strip())
    return label.strip() or "_"


def numbered(ids: Sequence[str], prefix: str, taken: set[str]) -> dict[str, str]:
    """Return a name of the form ``T1`` for each id: the id itself if it has that form.

    :param prefix: the letter.
    :param taken: names in use; the new names are added.
    """
    good = {ident for ident in ids if re.fullmatch(prefix + "[0-9]{1,9}", ident)} - taken
    taken |= good
    names = {}
    number = 0
    for ident in ids:
        names[ident] = ident
        if ident not in good:
            number += 1
            while f"{prefix}{number}" in taken:
                number += 1
            names[ident] = f"{prefix}{number}"
            taken.add(names[ident])
    return names


def renamed(names: Mapping[str, str]) -> int:
    """Return the number of ids whose name differs from them."""
    return sum(old != new for old, new in names.items())


def file_name(ident: str) -> str:
    """Return a file name for a document id: always the same for one id, and different for different ids."""
    name = quote(ident, safe=" !#$&'()+,;=@[]^{}~")
    # a name that begins with a dot is hidden; Windows reserves some names for devices, with any suffix
    hidden = name.startswith(".") or _DEVICE.match(name)
    return f"%{ord(name[0]):02X}{name[1:]}" if hidden else name


def long_name(ident: str) -> str | None:
    """Return what is wrong with an id that is too long for a file name; None if it is not too long."""
    return "its id is too long for the name of a file" if len(file_name(ident).encode()) > LONGEST_NAME else None


def check_name(document: Document) -> None:
    """Raise if a document's id is too long for a file name.

    :raises FormatError: it is too long.
    """
    if (refused := long_name(document.id)) is not None:
        raise FormatError(
            f"{refused} ({len(document.id):,} characters); choose a format that is one file, such as jsonl or "
            "bioc-xml, or give it a shorter one",
            document=document.id,
        )


def named(file_name_: str) -> str:
    """Return the id whose :func:`file_name` this is; a name that :func:`file_name` cannot give is itself the id."""
    ident = unquote(file_name_)
    return ident if file_name(ident) == file_name_ else file_name_


def write_once(path: Path, content: bytes, document: str, report: WriteReport) -> bool:
    """Write the file of a document and return whether it is new; a document that occurs twice is written once.

    :raises DuplicateDocumentError: the file of another document has that name.
    """
    try:
        with open(path, "xb") as file:
            file.write(content)
    except FileExistsError:
        if path.read_bytes() != content:
            raise DuplicateDocumentError(
                "another document has that id, with another text or other annotations", document=document
            ) from None
        report.lose("repetitions of documents")
        return False
    return True
