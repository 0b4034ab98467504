"""The formats that are known, by name and by what a file begins with."""

from __future__ import annotations

from pathlib import Path

from biorat_al.corpus.base import CorpusFormat
from biorat_al.corpus.bc2gm import Bc2Gm
from biorat_al.corpus.bigbio_reading import BigBioKb
from biorat_al.corpus.bioc_json import BioCJson
from biorat_al.corpus.bioc_xml import BioCXml
from biorat_al.corpus.bionlp import BioNlp
from biorat_al.corpus.brat import Brat
from biorat_al.corpus.chemprot import ChemProt
from biorat_al.corpus.conll import Conll
from biorat_al.corpus.ddi import Ddi
from biorat_al.corpus.jsonl import JsonLines
from biorat_al.corpus.knowtator import Knowtator
from biorat_al.corpus.labelstudio_json import LabelStudioJson
from biorat_al.corpus.plain_text import PlainText
from biorat_al.corpus.pubtator import PubTator
from biorat_al.corpus.source import Source
from biorat_al.errors import UsageError

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
    PlainText(),
    # a text file that stands alone is plain text
    Brat(),
    BioNlp(),
)
"""The formats that can be read, in the order in which they are tried.

A document of BioC JSON on one line begins as one of our own JSON Lines may, which tries no further than that.
"""


def format_named(name: str) -> CorpusFormat:
    """The format of that name.

    :raises UsageError: there is none; the message lists those there are.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    raise UsageError(f"unknown format {name!r}; known are {format_names()}")


def format_names() -> str:
    """The names of all formats, for messages."""
    return ", ".join(known.name for known in FORMATS)


def detect_format(path: Path) -> CorpusFormat | None:
    """The format of a file by the files beside it, by its beginning, or else by its name; None if none of them says.

    :raises CorpusError: the file cannot be read.
    """
    owner = next((known for known in FORMATS if known.owns(path)), None)
    if owner is not None:
        return owner
    certain = certain_format(Source(path).head())
    return certain or next((known for known in FORMATS if suffix_of(path, known) is not None), None)


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
