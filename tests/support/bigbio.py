"""Whole corpora in BigBio's layout, and the way back from its source configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from biorat_al.corpus.formats.bigbio.details import BigBioSummary, CardDetails
from biorat_al.corpus.formats.bigbio.writing import bigbio_folder, check_split
from biorat_al.corpus.formats.jsonl import record_from_json
from biorat_al.corpus.model.document import Annotation, Document, Record


def write_bigbio(
    folder: Path,
    name: str,
    splits: Mapping[str, Iterable[tuple[Document, Annotation]]],
    details: CardDetails | None = None,
    *,
    replace: bool = False,
) -> BigBioSummary:
    """Write a corpus that ``datasets.load_dataset(folder, f"{name}_bigbio_kb")`` (or ``…_source``) loads.

    :param splits: the documents of each split; ids of records are unique over all of them.
    :raises UsageError: the name or a split's name cannot be used, there is no document in any split, or the folder
        already exists.
    :raises CorpusError: a document or an annotation is not valid, or the folder cannot be written.
    """
    for split in splits:
        check_split(split)
    with bigbio_folder(folder, name, complete=True, replace=replace) as out:
        for split, documents in splits.items():
            for document, annotation in documents:
                out.add(split, document, annotation)
        return out.finish(details or CardDetails(), splits)


def record_of_source(row: dict[str, Any], source: str) -> Record:
    """Convert a row of the source configuration back.

    :param source: place of the row, for messages.
    :raises FormatError: a value is not of the expected kind.
    """

    def part(values: dict[str, Any]) -> dict[str, Any]:
        return {
            key: json.loads(value) if key in ("metadata", "extras") else value
            for key, value in values.items()
            if value is not None
        }

    value = part(row)
    for key in ("entities", "relations"):
        value[key] = [part(item) for item in value[key]]
    return record_from_json(value, source)
