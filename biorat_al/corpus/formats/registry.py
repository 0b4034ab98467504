"""The list of all formats, and look-up by name."""

from __future__ import annotations

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
from biorat_al.corpus.formats.jsonl import JsonLines
from biorat_al.corpus.formats.knowtator import Knowtator
from biorat_al.corpus.formats.label_studio.format import LabelStudioJson
from biorat_al.corpus.formats.plain_text import PlainText
from biorat_al.corpus.formats.pubmed.medline import Medline
from biorat_al.corpus.formats.pubmed.pubmed_xml import PubMedXml
from biorat_al.corpus.formats.pubtator.format import PubTator
from biorat_al.corpus.formats.table.format import TableFormat
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
    PubMedXml(),
    Medline(),
    TableFormat(),
    PlainText(),
    # these claim only texts with annotation files next to them; a text file alone is plain text
    Brat(),
    BioNlp(),
)
"""All formats, in the order in which detection tries them."""


def format_named(name: str, *, written: bool = False) -> CorpusFormat:
    """Return the format of that name.

    :param written: it must be one that can be written.
    :raises UsageError: unknown name, or the format cannot be written; the message lists the names that may be given.
    """
    choice = f"known are {format_names()}" if not written else f"these can be written: {format_names(written=True)}"
    for known in FORMATS:
        if known.name == name and written and not known.can_write:
            raise UsageError(f"{known.title} can be read but not written; {choice}")
        if known.name == name:
            return known
    raise UsageError(f"unknown format {name!r}; {choice}")


def format_names(*, written: bool = False) -> str:
    """Return the names of all formats, for messages.

    :param written: only formats that can be written.
    """
    return ", ".join(known.name for known in FORMATS if known.can_write or not written)
