"""The data card of an exported corpus: a header that tells ``datasets`` what to load, and what people should know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from biorat_al.corpus.formats.bigbio.metadata import SHORT_TASKS, header, is_public, supported_tasks
from biorat_al.resources import resource

CARD = "README.md"
DATA = "data"
SOURCE = "source"
PROVENANCE = "provenance"
GUIDELINES = "guidelines"
LOADER = "loader"

_PMID = re.compile(r"[1-9][0-9]{4,7}")

TIES_SHOWN = 50
"""How many ties the card lists; the table beside the corpus has all."""


@dataclass
class SplitSummary:
    """What one split holds.

    :param characters: of all passages' texts joined, so with the spaces between them.
    :param mentions: by label; `relations` likewise.
    :param pubmed_ids: documents whose id has the form of a PMID.
    """

    documents: int = 0
    pubmed_ids: int = 0
    characters: int = 0
    passages: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    linked_mentions: int = 0
    events: int = 0
    coreferences: int = 0

    def count(self, record: Mapping[str, Any]) -> None:
        """Count a record."""
        self.documents += 1
        self.pubmed_ids += bool(_PMID.fullmatch(record["document_id"]))
        self.characters += record["passages"][-1]["offsets"][0][1]
        self.passages += len(record["passages"])
        self.mentions.update(entity["type"] for entity in record["entities"])
        self.linked_mentions += sum(bool(entity["normalized"]) for entity in record["entities"])
        self.relations.update(relation["type"] for relation in record["relations"])
        self.events += len(record["events"])
        self.coreferences += len(record["coreferences"])


@dataclass
class BigBioSummary:
    """What was written.

    :param name: of the corpus.
    :param splits: counts by split.
    :param empty_splits: splits that were left out since they have no document.
    :param not_represented: how often the kb schema has no place for something, by kind.
    :param complete: whether the source configuration, which keeps all that, was written as well.
    :param warnings: what breaks BigBio's conventions and was written all the same, by kind.
    """

    folder: Path
    name: str
    splits: dict[str, SplitSummary] = field(default_factory=dict)
    empty_splits: list[str] = field(default_factory=list)
    not_represented: Counter[str] = field(default_factory=Counter)
    complete: bool = False
    warnings: Counter[str] = field(default_factory=Counter)

    @property
    def documents(self) -> int:
        """Number of documents in all splits."""
        return sum(split.documents for split in self.splits.values())

    @property
    def config(self) -> str:
        """Name of the kb configuration, the second argument of ``datasets.load_dataset``."""
        return f"{self.name}_bigbio_kb"

    @property
    def source_config(self) -> str:
        """Name of the source configuration."""
        return f"{self.name}_source"

    @property
    def looks_like_pubmed(self) -> bool:
        """Whether the id of each document has the form of a PMID."""
        return all(split.pubmed_ids == split.documents for split in self.splits.values())

    @property
    def labels(self) -> list[str]:
        """All entity labels, sorted."""
        return sorted(set().union(*(split.mentions for split in self.splits.values())))

    @property
    def relation_labels(self) -> list[str]:
        """All relation labels, sorted."""
        return sorted(set().union(*(split.relations for split in self.splits.values())))


class AgreementF1(NamedTuple):
    """Strict span F1 of annotators with each other as gold.

    :param documents: that several of them annotated.
    :param f1: a fraction.
    :param interval: 95 % over documents, fractions; None where it cannot be had.
    """

    documents: int
    f1: float
    interval: tuple[float, float] | None


class PairAgreement(NamedTuple):
    """How far two annotators agree on the documents that both annotated.

    :param mentions: that the one and the other marked.
    """

    first: str
    second: str
    mentions: tuple[int, int]
    agreement: AgreementF1


@dataclass
class CardDetails:
    """What the card says beyond the counts.

    :param title: None takes the corpus's name.
    :param homepage: address of the corpus's page; empty: not stated.
    :param citation: BibTeX, or a reference in words; empty: not stated.
    :param chosen: how the documents of each split came to be in it, split → sentences.
    :param invented: documents whose text was made up; `notice` says so in the words of whoever made them up.
    :param license: identifier of the licence; None: not stated.
    :param languages: codes of the languages of the texts; empty: not stated.
    :param made: how the corpus was made, as name → value (program, rounds, models).
    :param several: documents with several annotators, None where that is not known.
    :param agreement: of each pair of them; `overall_agreement` of all pairs together.
    :param ties: the first :data:`TIES_SHOWN`, in words, of `tie_count`.
    :param rules: number of documents by how their annotation was decided on.
    :param not_counted: annotations that nobody had looked at, in words; of `not_counted_count` the first
        :data:`TIES_SHOWN`.
    :param unasked: ids of the documents that were not asked for a label, by label.
    """

    title: str | None = None
    description: str = ""
    homepage: str = ""
    citation: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)
    invented: int = 0
    notice: str = ""
    license: str | None = None
    languages: Sequence[str] = ()
    made: Mapping[str, str] = field(default_factory=dict)
    several: int | None = None
    agreement: Sequence[PairAgreement] = ()
    overall_agreement: AgreementF1 | None = None
    ties: Sequence[str] = ()
    tie_count: int = 0
    preferred: str | None = None
    rules: Mapping[str, int] = field(default_factory=dict)
    not_counted: Sequence[str] = ()
    not_counted_count: int = 0
    unasked: Mapping[str, Sequence[str]] = field(default_factory=dict)


def data_card(summary: BigBioSummary, details: CardDetails, guidelines: str | None = None, loader: str = "") -> str:
    """The card.

    :param guidelines: name of the file with the annotation guidelines; `loader` that of the loading module.
    """
    folders = {"data": DATA, "source": SOURCE, "provenance": PROVENANCE, "guidelines": GUIDELINES, "loader": LOADER}
    return render(
        "data_card.md.j2",
        header=header(summary, details, folders),
        tasks=[SHORT_TASKS[task] for task in supported_tasks(summary)],
        pubmed=summary.looks_like_pubmed and not details.invented,
        public=is_public(details),
        fence=_fence(details.citation),
        summary=summary,
        details=details,
        title=details.title or summary.name,
        guidelines=guidelines,
        loader=loader,
        folders=folders,
    )


def render(template: str, **values: object) -> str:
    """A template, with filters that make any value a part of Markdown, a link or Python."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["text"] = _text
    environment.filters["paragraphs"] = _paragraphs
    environment.filters["link"] = quote
    environment.filters["python"] = ascii
    source = resource(f"templates/{template}").read_text(encoding="utf-8")
    return environment.from_string(source).render(**values)


def _text(value: str) -> str:
    """A value as Markdown that shows it as it is, on one line, even in a table; not at the start of a line."""
    line = " ".join(re.split(r"[\s\x00-\x1f\x7f-\x9f]+", str(value))).strip()
    return re.sub(r"[\\`*_\[\]<>&|~$#!]", r"\\\g<0>", line)


def _paragraphs(value: str) -> str:
    """Paragraphs that an empty line separates, each as :func:`_text` has it."""
    found = (_text(part) for part in re.split(r"\n\s*\n", value.replace("\r\n", "\n")))
    # a list or a rule begins only at the start of a line
    signs = (re.sub(r"^[-+=]", r"\\\g<0>", text) for text in found if text)
    return "\n\n".join(re.sub(r"^(\d+)([.)])", r"\1\\\2", text) for text in signs)


def _fence(text: str) -> str:
    """A fence of back quotes that no line of `text` can close."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
