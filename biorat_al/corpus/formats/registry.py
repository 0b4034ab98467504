"""The formats that are known, by name and by what a file begins with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from biorat_al.corpus.formats.base import CorpusFormat
from biorat_al.corpus.formats.bc2gm import Bc2Gm
from biorat_al.corpus.formats.bigbio.reading import BigBioKb
from biorat_al.corpus.formats.bioc.bioc_json import BioCJson
from biorat_al.corpus.formats.bioc.bioc_xml import BioCXml
from biorat_al.corpus.formats.bionlp import BioNlp
from biorat_al.corpus.formats.brat.format import Brat
from biorat_al.corpus.formats.chemprot import ChemProt
from biorat_al.corpus.formats.conll.format import Conll
from biorat_al.corpus.formats.ddi import Ddi
from biorat_al.corpus.formats.foreign import foreign_format
from biorat_al.corpus.formats.jsonl import JsonLines
from biorat_al.corpus.formats.knowtator import Knowtator
from biorat_al.corpus.formats.label_studio.format import LabelStudioJson
from biorat_al.corpus.formats.plain_text import PlainText
from biorat_al.corpus.formats.pubmed.medline import Medline
from biorat_al.corpus.formats.pubmed.pubmed_xml import PubMedXml
from biorat_al.corpus.formats.pubtator.format import PubTator
from biorat_al.corpus.formats.table.format import Table
from biorat_al.corpus.io.source import HEAD_CHARACTERS, Source
from biorat_al.errors import UsageError

JSON_CHARACTERS = 1 << 17
"""How much of a file's beginning decides on its format if it is JSON."""

FORMATS: tuple[CorpusFormat, ...] = (
    BioCJson(),
    JsonLines(),
    PubTator(),
    BioCXml(),
    ChemProt(),
    Ddi(),
    Conll(),
    LabelStudioJson(),
    BigBioKb(),
    Bc2Gm(),
    Knowtator(),
    PubMedXml(),
    Medline(),
    Table(),
    PlainText(),
    # a text file that stands alone is plain text
    Brat(),
    BioNlp(),
)
"""The formats that can be read, in the order in which they are tried."""


def format_named(name: str) -> CorpusFormat:
    """The format of that name.

    :raises UsageError: there is none; the message lists those there are.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    raise UsageError(f"unknown format {name!r}; known are {format_names()}")


def format_names(*, written: bool = False) -> str:
    """The names of all formats, for messages.

    :param written: only of those that can be written.
    """
    return ", ".join(known.name for known in FORMATS if known.can_write or not written)


class Detection(NamedTuple):
    """What a file seems to be.

    :param format: None if it is of no known format.
    :param reason: then, why it cannot be read and what to do; empty if nothing is known of it.
    """

    format: CorpusFormat | None
    reason: str = ""


def detect(path: Path) -> Detection:
    """Tell a file's format by the files beside it, by its beginning, or else by its name.

    :raises CorpusError: the file cannot be read.
    """
    owner = next((known for known in FORMATS if known.owns(path)), None)
    if owner is not None:
        return Detection(owner)
    head = head_of(path)
    certain = certain_format(head)
    if certain is not None:
        return Detection(certain)
    foreign = foreign_format(head)
    if foreign is not None:
        return Detection(None, foreign)
    named = next((known for known in FORMATS if suffix_of(path, known) is not None), None)
    return Detection(named)


def detect_format(path: Path) -> CorpusFormat | None:
    """Return the format of a file (see :func:`detect`); None if nothing tells it.

    :raises CorpusError: the file cannot be read.
    """
    return detect(path).format


def head_of(path: Path) -> str:
    """Return the beginning of a file, as much of it as its kind needs to be told by."""
    stat = path.stat() if path.exists() else None
    return _head_of(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat else None)


# a file is looked at when its size is added up, and again when it is read
@lru_cache(maxsize=2)
def _head_of(path: Path, state: object) -> str:
    source = Source(path)
    head = source.head()
    # the keys of a JSON value may come after its longest text
    return source.head(JSON_CHARACTERS) if len(head) == HEAD_CHARACTERS and head.lstrip()[:1] in ("{", "[") else head


def certain_format(head: str) -> CorpusFormat | None:
    """The format that a file which begins with `head` certainly has."""
    return next((known for known in FORMATS if known.detects(head)), None)


def main_file(path: Path, known: CorpusFormat | None = None) -> Path:
    """The file that `path` is read with: itself, unless a format spreads its documents over several files."""
    formats = FORMATS if known is None else (known,)
    return next((main for format in formats if (main := format.main_file(path)) is not None), path)


def suffix_of(path: Path, known: CorpusFormat) -> str | None:
    """The ending of the file's name that is one of the format's suffixes, ``.gz`` included; the longest."""
    name = path.name.lower()
    packed = ".gz" if name.endswith(".gz") else ""
    endings = [suffix + packed for suffix in known.suffixes if name.endswith(suffix + packed)]
    return max(endings, key=len, default=None)


def without_suffix(path: Path, known: CorpusFormat) -> Path:
    """The path without the ending of its name that says its format."""
    suffix = suffix_of(path, known)
    stem = path.name[: -len(suffix)] if suffix else path.name
    return path.with_name(stem) if stem else path
