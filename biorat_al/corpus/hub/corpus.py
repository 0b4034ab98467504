"""The documents of a corpus on the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.formats.bigbio.reading import kb_records
from biorat_al.corpus.formats.sound import sound_record
from biorat_al.corpus.hub.client import DownloadedDataset
from biorat_al.corpus.model.document import Record


def read_found(found: DownloadedDataset, reading: Reading, on_rows: Callable[[int], object]) -> Iterator[Record]:
    """Yield the documents of all splits, one by one; each has its split as metadata.

    :param on_rows: called with the number of rows read since the last call; their sum ends at the dataset's number.
    :raises FormatError: a row is not as the schema says, and nothing may be left out.
    :raises OffsetError: the text of a mention is not the text at its offsets.
    """
    for split, rows in found.splits.items():

        def counted(of_split: Callable[[], Iterator[dict[str, object]]] = rows) -> Iterator[dict[str, object]]:
            for row in of_split():
                yield row
                on_rows(1)

        for record in kb_records(counted(), f"{found.address}, {split}", split, reading):
            sound = sound_record(record, reading)
            if sound is not None:
                reading.report.count(sound)
                yield sound
