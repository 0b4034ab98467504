"""A corpus as a folder that ``datasets.load_dataset`` reads: BigBio's "kb" schema in Parquet, with a data card.

The folder needs no loading script and no network: the card's header names one configuration,
``<name>_bigbio_kb``, with one Parquet file for each split. How a record comes about is said in
:mod:`biorat_al.corpus.bigbio_record`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from biorat_al import __version__
from biorat_al.corpus.base import Writable, WriteReport
from biorat_al.corpus.bigbio_record import KbRecords
from biorat_al.corpus.files import replacing_folder
from biorat_al.corpus.losses import MENTION_IDS, NOT_LOOKED
from biorat_al.corpus.model import Annotation, Document
from biorat_al.errors import FormatError, UsageError
from biorat_al.resources import resource

if TYPE_CHECKING:
    import pyarrow as pa

CARD = "README.md"
DATA = "data"
TRAIN = "train"

ROWS = 200
"""Records of a split that are held in memory, and make one row group."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SPLIT = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


@dataclass
class SplitSummary:
    """What one split holds.

    :param characters: of all passages' texts joined, so with the spaces between them.
    :param mentions: by label; `relations` likewise.
    """

    documents: int = 0
    characters: int = 0
    passages: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    linked_mentions: int = 0

    def count(self, record: Mapping[str, Any]) -> None:
        """Count a record."""
        self.documents += 1
        self.characters += record["passages"][-1]["offsets"][0][1]
        self.passages += len(record["passages"])
        self.mentions.update(entity["type"] for entity in record["entities"])
        self.linked_mentions += sum(bool(entity["normalized"]) for entity in record["entities"])
        self.relations.update(relation["type"] for relation in record["relations"])


@dataclass
class BigBioSummary:
    """What was written.

    :param config: name of the configuration, the second argument of ``datasets.load_dataset``.
    :param splits: counts by split.
    :param empty_splits: splits that were left out since they have no document.
    :param not_represented: how often something was left out since the schema has no place for it, by kind.
    """

    folder: Path
    config: str
    splits: dict[str, SplitSummary] = field(default_factory=dict)
    empty_splits: list[str] = field(default_factory=list)
    not_represented: Counter[str] = field(default_factory=Counter)

    @property
    def labels(self) -> list[str]:
        """All entity labels, sorted."""
        return sorted(set().union(*(split.mentions for split in self.splits.values())))

    @property
    def relation_labels(self) -> list[str]:
        """All relation labels, sorted."""
        return sorted(set().union(*(split.relations for split in self.splits.values())))


def write_bigbio(
    folder: Path,
    name: str,
    splits: Mapping[str, Iterable[tuple[Document, Annotation]]],
    *,
    title: str | None = None,
    description: str = "",
    made: Mapping[str, str] | None = None,
    license: str | None = None,
    languages: Sequence[str] = ("en",),
    replace: bool = False,
) -> BigBioSummary:
    """Write a corpus so that ``datasets.load_dataset(folder, f"{name}_bigbio_kb")`` loads it.

    Records are taken one by one and some hundred are held at a time. The same records and texts give the same bytes.
    The folder gets its name once all of it is written; if anything fails, there is nothing.

    :param name: of the corpus: letters, digits, ``.``, ``_`` and ``-``.
    :param splits: the documents of each split; ids of records are unique over all of them. A split without a document
        is left out, since ``datasets`` cannot load one; the summary and the card name it.
    :param title: of the data card; the name if None.
    :param made: how the corpus was made, as name → value, for the data card (tool, date, annotators, models).
    :param license: identifier of the licence in the card's header; left out if None.
    :param languages: codes of the languages of the texts.
    :param replace: replace a folder that an earlier call wrote.
    :raises UsageError: the name or a split's name cannot be used, there is no document in any split, or the folder is
        there already.
    :raises CorpusError: a document or an annotation cannot stand as it is, or the folder cannot be written.

    What the schema has no place for (scores, what became of pre-labels, metadata, …) is counted in the summary and
    named in the card; :mod:`biorat_al.corpus.jsonl` holds all of it.
    """
    _check_names(name, splits)
    _check_target(folder, replace)
    summary = BigBioSummary(folder, f"{name}_bigbio_kb")
    records = KbRecords()
    with replacing_folder(folder) as temporary:
        with SplitFiles(temporary / DATA, records) as files:
            for split, documents in splits.items():
                for document, annotation in documents:
                    files.add(split, document, annotation)
        summary.splits = {split: files.counts[split] for split in splits if split in files.counts}
        summary.empty_splits = [split for split in splits if split not in files.counts]
        if not summary.splits:
            raise UsageError(f"there is no document to write into {folder}")
        summary.not_represented = records.not_represented
        card = data_card(summary, title or name, description, made or {}, license, languages)
        (temporary / CARD).write_text(card, encoding="utf-8", newline="\n")
    return summary


def write_stream(folder: Path, records: Iterable[Writable], report: WriteReport) -> int:
    """Write records in the order in which they come, each into the split that its metadata names; else ``train``.

    :param report: filled with what the schema has no place for.
    :return: the number of documents.
    :raises UsageError: a split's name cannot be used, or there is no document.
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "_", folder.name).lstrip("._-")[:100] or "corpus"
    summary = BigBioSummary(folder, f"{name}_bigbio_kb")
    kb = KbRecords()
    with replacing_folder(folder) as temporary:
        with SplitFiles(temporary / DATA, kb) as files:
            for record in records:
                document, annotation = record[:2]
                split = document.metadata.get("split", TRAIN)
                if not isinstance(split, str):
                    raise UsageError(f"the split {split!r} of document {document.id} is no name")
                _check_names(name, {split: ()})
                report.lose(NOT_LOOKED, annotation is None)
                report.lose("documents without passages (got one)", not document.passages)
                written = files.add(split, document, annotation or Annotation())
                joined = " ".join(passage["text"][0] for passage in written["passages"])
                report.lose("texts that differ between passages (offsets moved with them)", joined != document.text)
                ids = zip(annotation.entities if annotation else (), written["entities"], strict=True)
                report.lose(MENTION_IDS, sum(entity.id != value["id"] for entity, value in ids))
        if not files.counts:
            raise UsageError(f"there is no document to write into {folder}")
        summary.splits = files.counts
        summary.not_represented = kb.not_represented
        card = data_card(summary, name, "", {"program": f"biorat-al {__version__}"}, None, ("en",))
        (temporary / CARD).write_text(card, encoding="utf-8", newline="\n")
    report.lost.update(kb.not_represented)
    return sum(split.documents for split in files.counts.values())


class SplitFiles:
    """The Parquet files of the splits, each begun when its first document comes.

    :ivar counts: what was written into each.
    """

    def __init__(self, folder: Path, records: KbRecords) -> None:
        self._folder = folder
        self._records = records
        self._schema = kb_schema()
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._writers: dict[str, Any] = {}
        self.counts: dict[str, SplitSummary] = {}

    def __enter__(self) -> SplitFiles:
        self._folder.mkdir()
        return self

    def add(self, split: str, document: Document, annotation: Annotation) -> dict[str, Any]:
        """Write a document, or hold it until there are :data:`ROWS` of its split, and return its record."""
        record = self._records.record(document, annotation)
        self.counts.setdefault(split, SplitSummary()).count(record)
        waiting = self._waiting.setdefault(split, [])
        waiting.append(record)
        if len(waiting) == ROWS:
            self._flush(split)
        return record

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for split in self._waiting:
                    self._flush(split)
        finally:
            for writer in self._writers.values():
                writer.close()

    def _flush(self, split: str) -> None:
        import pyarrow.parquet as pq

        if split not in self._writers:
            path = self._folder / f"{split}.parquet"
            self._writers[split] = pq.ParquetWriter(path, self._schema, compression="zstd")
        if self._waiting[split]:
            self._writers[split].write_batch(batch_of(self._waiting[split], self._schema))
            self._waiting[split] = []


def kb_schema() -> pa.Schema:
    """The "kb" schema's fields and types."""
    import pyarrow as pa

    string, texts = pa.string(), pa.list_(pa.string())
    offsets = pa.list_(pa.list_(pa.int32()))

    def items(**fields: pa.DataType) -> pa.DataType:
        return pa.list_(pa.struct(list(fields.items())))

    concepts = items(db_name=string, db_id=string)
    return pa.schema(
        [
            ("id", string),
            ("document_id", string),
            ("passages", items(id=string, type=string, text=texts, offsets=offsets)),
            ("entities", items(id=string, type=string, text=texts, offsets=offsets, normalized=concepts)),
            (
                "events",
                items(
                    id=string,
                    type=string,
                    trigger=pa.struct([("text", texts), ("offsets", offsets)]),
                    arguments=items(role=string, ref_id=string),
                ),
            ),
            ("coreferences", items(id=string, entity_ids=texts)),
            ("relations", items(id=string, type=string, arg1_id=string, arg2_id=string, normalized=concepts)),
        ]
    )


def data_card(
    summary: BigBioSummary,
    title: str,
    description: str,
    made: Mapping[str, str],
    license: str | None,
    languages: Sequence[str],
) -> str:
    """The card: a header that tells ``datasets`` what to load, and counts, labels and origin for people."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["yaml"] = _yaml
    environment.filters["text"] = _text
    environment.filters["cell"] = lambda value: f"<code>{_text(value)}</code>"
    template = environment.from_string(resource("templates/data_card.md.j2").read_text(encoding="utf-8"))
    return template.render(
        summary=summary,
        title=title,
        description=description,
        made=made,
        license=license,
        languages=list(languages),
        data=DATA,
    )


def _check_names(name: str, splits: Mapping[str, object]) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"the corpus name {name!r} cannot be used: it must begin with a letter or digit and hold only letters, "
            "digits, '.', '_' and '-'"
        )
    for split in splits:
        if not _SPLIT.fullmatch(split):
            raise UsageError(f"the split name {split!r} cannot be used: it may hold only letters, digits and '_'")


def _check_target(folder: Path, replace: bool) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name another one")
    content = {path.name for path in folder.iterdir()}
    if not content:
        return
    if not replace:
        raise UsageError(f"{folder} is there already; name another folder, or ask for it to be replaced")
    if content != {CARD, DATA}:
        raise UsageError(f"{folder} holds other files than an export has, so it is not replaced; name another folder")


def batch_of(records: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Records as a batch of rows.

    :raises FormatError: a text holds half of a surrogate pair, which is not a character.
    """
    import pyarrow as pa

    try:
        return pa.RecordBatch.from_pylist(records, schema=schema)
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise FormatError(f"a text holds {half}, one half of a surrogate pair, which is not a character") from None


def _yaml(value: str) -> str:
    """A value as a YAML string, with everything but plain ASCII escaped."""
    return '"' + re.sub(r"[^ !#-\[\]-~]", lambda match: f"\\U{ord(match[0]):08x}", value) + '"'


def _text(value: str) -> str:
    """A value as Markdown that shows it as it is, on one line, even in a table."""
    # every character that Markdown or HTML may give a meaning to becomes a numeric reference
    return re.sub(r"[^\w .,:;/()+=-]|_", lambda match: f"&#{ord(match[0])};", value)
