"""Small valid documents in every format that can be read, as files in memory; all texts are invented.

Every mention is a word of a kind that occurs nowhere else, so that a span that has moved cuts something that no file
names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biorat_al.corpus.formats.base import CorpusFormat
from biorat_al.corpus.formats.registry import FORMATS
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Record, Relation, Span
from biorat_al.corpus.reading import write_corpus

SURFACES = frozenset({
    "bc2gm", "bioc-json", "bioc-xml", "bionlp", "brat", "chemprot", "ddi", "jsonl", "knowtator", "label-studio",
    "pubtator",
})  # fmt: skip
"""Formats that name the text of a mention beside its offsets."""

_TEXT = "Xalvo1n calms Trexl2s.\n"
_KNOWTATOR = """<?xml version="1.0" encoding="UTF-8"?>
<annotations textSource="7.txt">
<annotation><mention id="m1"/><annotator id="a">Ann</annotator>
<span start="0" end="7"/><spannedText>Xalvo1n</spannedText></annotation>
<annotation><mention id="m2"/><annotator id="a">Ann</annotator>
<span start="14" end="21"/><spannedText>Trexl2s</spannedText></annotation>
<classMention id="m1"><mentionClass id="Chemical">Xalvo1n</mentionClass><hasSlotMention id="s1"/></classMention>
<classMention id="m2"><mentionClass id="Disease">Trexl2s</mentionClass></classMention>
<complexSlotMention id="s1"><mentionSlot id="treats"/><complexSlotMentionValue value="m2"/></complexSlotMention>
</annotations>
"""
_ARTICLE = (
    "<PubmedArticle><MedlineCitation><PMID Version='1'>90010{0}</PMID><Article><ArticleTitle>Xalvorin {0} &amp; voles."
    "</ArticleTitle><Abstract><AbstractText Label='AIM'>To see 10<sup>5</sup> cells.</AbstractText><AbstractText>It "
    "helps.</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>\n"
)
_BY_HAND: dict[str, tuple[dict[str, str], str]] = {
    "bc2gm": (
        {
            "train.in": "P00001606T0076 Effects of  voltas1 and OPRZ2 in voles.\nP00001606A0077 None here.\n",
            "GENE.eval": "P00001606T0076|9 15|voltas1\nP00001606T0076|19 23|OPRZ2\n",
        },
        "",
    ),
    "knowtator": ({"7.txt": _TEXT, "7.txt.knowtator.xml": _KNOWTATOR}, ""),
    "pubmed-xml": (
        {
            "a.pubmed.xml": "<?xml version='1.0' encoding='UTF-8'?>\n<PubmedArticleSet>\n"
            + "".join(_ARTICLE.format(number) for number in range(3))
            + "</PubmedArticleSet>\n"
        },
        "a.pubmed.xml",
    ),
    "medline": (
        {
            "a.nbib": "\nPMID- 900100\nTI  - Zalvorin calms\n      Trexel syndrome.\nAB  - BACKGROUND: Voles were\n"
            "      given it. RESULTS: 👩‍🔬 helped.\nFAU - Example, A\n\nPMID- 900101\nTI  - Gout.\n"
        },
        "a.nbib",
    ),
    "table": (
        {"a.csv": 'id,title,text\n1,Voles.,"One, ""two""\nthree 👩‍🔬"\n2,Gout.,It hurts.\n3,Asthma.,None.\n'},
        "a.csv",
    ),
    "plain-text": ({"a.txt": "Xalvorin calms 👩‍🔬 Trexel syndrome.\n\nGout hurts.\n"}, "a.txt"),
    "bionlp": (
        {
            "P1.txt": "Nalox1n binds OPRZ2 and blocks it.\n",
            "P1.a1": "T1\tProtein 0 7\tNalox1n\nT2\tProtein 14 19\tOPRZ2\n",
            "P1.a2": "T3\tBinding 8 13\tbinds\nE1\tBinding:T3 Theme:T1 Theme2:T2\nM1\tNegation E1\n",
        },
        "",
    ),
}


@dataclass(frozen=True)
class Seed:
    """A small corpus.

    :param files: content by path inside a folder.
    :param target: what of the folder is read; empty: the folder itself.
    """

    format: CorpusFormat
    files: dict[str, bytes]
    target: str

    @property
    def name(self) -> str:
        """The format's name."""
        return self.format.name


def seeds() -> Iterator[Seed]:
    """Yield a corpus for each format: as our own writers make it, or made by hand where it can only be read."""
    for known in FORMATS:
        if known.can_write:
            yield _written(known)
        else:
            files, target = _BY_HAND[known.name]
            yield Seed(known, {name: content.encode() for name, content in files.items()}, target)


def records() -> list[Record]:
    """Return the documents that our own writers are given."""
    made = []
    for number, blanks in enumerate((" ", " 𝛼 ", " é e\u0301 ")):
        title, chemical, disease = f"On voles {number}.", f"Xalvo{number}n", f"Trexl{number}s"
        text = f"{title} Once{blanks}{chemical} calmed {disease}, and so did others."
        spans = [Span(text.index(word), text.index(word) + len(word)) for word in (chemical, disease)]
        annotation = Annotation(
            (
                Entity("T1", "Chemical", (spans[0],), (Concept("MESH", f"D00{number}"),)),
                Entity("T2", "Disease", (spans[1],), (Concept("MESH", f"D10{number}"),)),
            ),
            (Relation("R1", "treats", "T1", "T2"),),
        )
        passages = (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text)))
        made.append(Record(Document(f"90010{number}", text, passages), annotation, f"made:{number}"))
    return made


def surfaces() -> frozenset[str]:
    """Return the texts of all mentions: a mention that no file names may still be one of them."""
    return frozenset(
        {"voltas1", "OPRZ2", "Nalox1n"} | {word for n in range(3) for word in (f"Xalvo{n}n", f"Trexl{n}s")}
    )


def _written(known: CorpusFormat) -> Seed:
    with tempfile.TemporaryDirectory() as folder:
        name = "corpus" if known.writes_folder else f"corpus{known.suffixes[0]}"
        place = Path(folder) / name
        write_corpus(place, records(), format=known.name)
        base = place if known.writes_folder else Path(folder)
        files = {
            path.relative_to(base).as_posix(): path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()
        }
        return Seed(known, files, "" if known.writes_folder else name)
