"""What a data card tells of a corpus: its splits, its annotators' agreement, and what the user says of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


@dataclass
class SplitSummary:
    """Counts of one split.

    :param pubmed_ids: number of documents whose id has the form of a PMID.
    :param characters: length of all passages' texts, joined by one space.
    :param mentions: number by label; the same for `relations`.
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
        """Add a record to the counts."""
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
    """What was written to a folder.

    :param name: name of the corpus.
    :param splits: counts by split.
    :param empty_splits: splits that were left out since they have no document.
    :param not_represented: kind → how often the kb schema had no place for something.
    :param complete: whether the source configuration, which keeps everything, was also written.
    :param warnings: kind → how often something that breaks BigBio's conventions was written.
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
        """Whether the id of every document has the form of a PMID."""
        return all(split.pubmed_ids == split.documents for split in self.splits.values())

    @property
    def labels(self) -> list[str]:
        """All entity labels, sorted."""
        return sorted(set().union(*(split.mentions for split in self.splits.values())))

    @property
    def relation_labels(self) -> list[str]:
        """All relation labels, sorted."""
        return sorted(set().union(*(split.relations for split in self.splits.values())))


@dataclass
class CardDetails:
    """What the card says beyond the counts.

    :param title: title of the corpus; None: its name.
    :param homepage: address of the corpus's page; empty: not stated.
    :param citation: BibTeX, or a reference in words; empty: not stated.
    :param chosen: split → how its documents were chosen, in sentences.
    :param invented: number of documents with an invented text; `notice` is what their author says about it.
    :param license: identifier of the licence; None: not stated.
    :param languages: codes of the languages of the texts; empty: not stated.
    :param made: how the corpus was made, as name → value (program, rounds, models).
    :param several: number of documents with several annotators; None: not known.
    :param agreement: agreement of each pair of annotators; `overall_agreement` is that of all pairs together.
    :param blind_agreement: further figures on answers that began without pre-labels, one line for each; the first says
        on how many texts.
    :param ties: the first :data:`TIES_SHOWN` of `tie_count` ties, in words.
    :param rules: rule that decided on the annotation → number of documents.
    :param not_counted: annotations that nobody had looked at, in words: the first :data:`TIES_SHOWN` of
        `not_counted_count`.
    :param unasked: label → ids of the documents that were not asked for it.
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
    blind_agreement: Sequence[str] = ()
    ties: Sequence[str] = ()
    tie_count: int = 0
    preferred: str | None = None
    rules: Mapping[str, int] = field(default_factory=dict)
    not_counted: Sequence[str] = ()
    not_counted_count: int = 0
    unasked: Mapping[str, Sequence[str]] = field(default_factory=dict)


_PMID = re.compile(r"[1-9][0-9]{4,7}")


class AgreementF1(NamedTuple):
    """Strict span F1 of annotators, one measured with the other as gold.

    :param documents: number of documents that several of them annotated.
    :param f1: a fraction.
    :param interval: 95 % interval over documents, as fractions; None if it cannot be computed.
    """

    documents: int
    f1: float
    interval: tuple[float, float] | None


class PairAgreement(NamedTuple):
    """Agreement of two annotators on the documents that both annotated.

    :param mentions: number of mentions that each of the two marked.
    """

    first: str
    second: str
    mentions: tuple[int, int]
    agreement: AgreementF1
