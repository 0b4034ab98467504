"""The writer of a corpus as a folder for ``datasets.load_dataset``: BigBio's "kb" schema in Parquet, and a data card.

The folder needs no loading script and no network: the card's header names its configurations, each with one Parquet
file for each split::

    README.md              the data card
    data/                  <name>_bigbio_kb: BigBio's kb schema (see the module kb_record)
    source/                <name>_source: everything that the program knows (see source_record)
    provenance/            the origin of each annotation (see provenance), and ties
    guidelines/, loader/   on request

A conversion writes only the kb configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from biorat_al.claims import already_exists
from biorat_al.corpus.formats.base import Writable, WriteReport
from biorat_al.corpus.formats.bigbio.card import CARD, DATA, GUIDELINES, LOADER, PROVENANCE, SOURCE, data_card
from biorat_al.corpus.formats.bigbio.details import BigBioSummary, CardDetails, SplitSummary
from biorat_al.corpus.formats.bigbio.kb_checks import CONVENTIONS, problems_alone
from biorat_al.corpus.formats.bigbio.kb_record import KbRecords
from biorat_al.corpus.formats.bigbio.loader import loading_module
from biorat_al.corpus.formats.bigbio.provenance import Provenance, TieRow, provenance_rows
from biorat_al.corpus.formats.bigbio.schema import kb_schema, provenance_schema, source_schema, ties_schema
from biorat_al.corpus.formats.bigbio.source_record import source_record
from biorat_al.corpus.formats.bigbio.tables import Tables
from biorat_al.corpus.formats.losses import MENTION_IDS, NOT_LOOKED
from biorat_al.corpus.model.document import Annotation, Document, Entity
from biorat_al.errors import FormatError, UsageError
from biorat_al.files import replacing_folder
from biorat_al.version import __version__

TRAIN = "train"

MADE_FILES = rf"{re.escape(CARD)}|({DATA}|{SOURCE}|{PROVENANCE})/[^/]+\.parquet|{GUIDELINES}/[^/]+|{LOADER}/[^/]+\.py"
"""Pattern of the paths inside a folder written by this module."""

HISTORY_ROWS = 5000
"""Number of rows of the provenance tables that are held in memory."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TYPES = re.compile(r"\w[\w.-]*([,;|]\w[\w.-]*)+")
"""Several types in one label."""

_SPLIT = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


class BigBioFolder:
    """A folder that is being filled; see :func:`bigbio_folder`.

    :ivar summary: what has been written so far.
    """

    def __init__(self, place: Path, tables: Tables, summary: BigBioSummary) -> None:
        self._place = place
        self._tables = tables
        self._records = KbRecords()
        self._kb, self._source = kb_schema(), source_schema()
        self._provenance, self._ties = provenance_schema(), ties_schema()
        self.summary = summary

    def add(
        self, split: str, document: Document, annotation: Annotation, provenance: Provenance | None = None
    ) -> dict[str, Any]:
        """Write a document and return its kb record.

        :raises UsageError: the split's name cannot be used.
        :raises CorpusError: the document or the annotation is not valid; or, in a complete corpus, the record fails a
            check (:mod:`biorat_al.corpus.formats.bigbio.kb_checks`).
        """
        check_split(split)
        record = self._records.record(document, annotation)
        self._check(record)
        if self.summary.complete:
            self._tables.add(f"{SOURCE}/{split}.parquet", self._source, source_record(document, annotation))
        self._tables.add(f"{DATA}/{split}.parquet", self._kb, record)
        if provenance is not None:
            path = f"{PROVENANCE}/annotations.parquet"
            for row in provenance_rows(split, record, annotation, provenance):
                self._tables.add(path, self._provenance, row, HISTORY_ROWS)
        self.summary.splits.setdefault(split, SplitSummary()).count(record)
        return record

    def add_tie(self, tie: TieRow) -> None:
        """Write a tie to the table beside the corpus."""
        self._tables.add(f"{PROVENANCE}/ties.parquet", self._ties, tie.row(), HISTORY_ROWS)

    def finish(
        self,
        details: CardDetails,
        splits: Iterable[str] = (),
        *,
        guidelines: tuple[str, bytes] | None = None,
        loader: bool = False,
    ) -> BigBioSummary:
        """Write the card and complete the folder.

        :param splits: all splits in their order. A split without a document is left out, since ``datasets`` cannot
            load it; the summary and the card name it.
        :param guidelines: name and content of the file with the annotation guidelines.
        :param loader: also write the loading module of BigBio's own layout.
        :raises UsageError: there is no document in any split.
        """
        summary = self.summary
        if not summary.splits:
            raise UsageError(f"there is no document to write into {summary.folder}")
        order = list(dict.fromkeys((*splits, *summary.splits)))
        summary.empty_splits = [split for split in order if split not in summary.splits]
        summary.splits = {split: summary.splits[split] for split in order if split in summary.splits}
        summary.not_represented = self._records.not_represented
        self._tables.close()
        if guidelines is not None:
            (self._place / GUIDELINES).mkdir()
            (self._place / GUIDELINES / guidelines[0]).write_bytes(guidelines[1])
        module = f"{summary.name}.py" if loader else ""
        if loader:
            (self._place / LOADER).mkdir()
            text = loading_module(summary, details)
            (self._place / LOADER / module).write_text(text, encoding="utf-8", newline="\n")
        card = data_card(summary, details, guidelines[0] if guidelines else None, module)
        (self._place / CARD).write_text(card, encoding="utf-8", newline="\n")
        return summary

    def _check(self, record: Mapping[str, Any]) -> None:
        for kind, what in problems_alone(record):
            # a conversion accepts such records and reports them
            if self.summary.complete and kind not in CONVENTIONS:
                raise FormatError(what, document=record["document_id"])
            self.summary.warnings[kind] += 1


@contextmanager
def bigbio_folder(folder: Path, name: str, *, complete: bool, replace: bool = False) -> Iterator[BigBioFolder]:
    """Fill a folder that gets its name only when it is complete; after a failure, nothing remains.

    Documents are added one by one, and a few hundred are held in memory. The same documents give the same bytes.

    :param name: name of the corpus: letters, digits, ``.``, ``_`` and ``-``.
    :param complete: also write the source configuration, and refuse records that fail a check.
    :param replace: replace a folder that an earlier call wrote, in one step if the file system can.
    :raises UsageError: the name cannot be used, or the folder already exists.
    :raises CorpusError: the folder cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"the corpus name {name!r} cannot be used: it must begin with a letter or digit and hold only letters, "
            "digits, '.', '_' and '-'"
        )
    _check_target(folder, replace)
    with replacing_folder(folder) as temporary, Tables(temporary) as tables:
        yield BigBioFolder(temporary, tables, BigBioSummary(folder, name, complete=complete))


def write_stream(folder: Path, records: Iterable[Writable], report: WriteReport) -> int:
    """Write records in the given order, each to the split in its metadata, or to ``train`` if it has none.

    :param report: collects what the schema has no place for.
    :return: the number of documents.
    :raises UsageError: a split's name cannot be used, or there is no document.
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "_", folder.name).lstrip("._-")[:100] or "corpus"
    with bigbio_folder(folder, name, complete=False, replace=True) as out:
        for item in records:
            document, annotation = item[:2]
            split = document.metadata.get("split", TRAIN)
            if not isinstance(split, str):
                raise UsageError(f"the split {split!r} of document {document.id} is not a name")
            report.lose(NOT_LOOKED, annotation is None)
            report.lose("documents without passages (got one)", not document.passages)
            if annotation is not None:
                annotation, number = with_single_types(annotation)
                report.lose("mentions of several types (one for each type)", number)
            record = out.add(split, document, annotation or Annotation())
            joined = " ".join(passage["text"][0] for passage in record["passages"])
            report.lose("texts that differ between passages (offsets moved with them)", joined != document.text)
            ids = zip(annotation.entities if annotation else (), record["entities"], strict=True)
            report.lose(MENTION_IDS, sum(entity.id != value["id"] for entity, value in ids))
        summary = out.finish(CardDetails(made={"program": f"biorat-al {__version__}"}))
    report.lost.update(summary.not_represented)
    report.warned.update(summary.warnings)
    return sum(split.documents for split in summary.splits.values())


def with_single_types(annotation: Annotation) -> tuple[Annotation, int]:
    """Replace each mention of several types (``T109,T121``) by one for each type; return also how many had several.

    Relations and events stay with the mention of the first type.
    """
    taken = {entity.id for entity in annotation.entities}
    entities: list[Entity] = []
    number = 0
    for entity in annotation.entities:
        if not _TYPES.fullmatch(entity.label):
            entities.append(entity)
            continue
        number += 1
        names = chain([entity.id], (f"{entity.id}-{again}" for again in count(2)))
        for label in dict.fromkeys(re.split("[,;|]", entity.label)):
            name = next(name for name in names if name == entity.id or name not in taken)
            taken.add(name)
            entities.append(replace(entity, id=name, label=label))
    return replace(annotation, entities=tuple(entities)), number


def check_split(split: str) -> None:
    """Check that ``datasets`` accepts the name of a split.

    :raises UsageError: it does not.
    """
    if not _SPLIT.fullmatch(split):
        raise UsageError(f"the split name {split!r} cannot be used: it may hold only letters, digits and '_'")


def _check_target(folder: Path, replace: bool) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name another one")
    content = [path for path in folder.rglob("*") if not path.is_dir()]
    if not content:
        return
    if not replace:
        raise UsageError(already_exists(folder, replace="pass replace=True"))
    if not all(re.fullmatch(MADE_FILES, path.relative_to(folder).as_posix()) for path in content):
        raise UsageError(f"{folder} holds other files than an export has, so it is not replaced; name another folder")
