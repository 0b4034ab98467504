"""The ids of a large pool's documents, and what a model has measured of them, in arrays: there may be a million."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.store.annotations import CHUNK
from biorat_al.store.models import measures, mnlp_history
from biorat_al.store.tables import DocumentRow


class PoolKeys(Mapping[int, str]):
    """The ids that the user knows, by row id, in the order of the ids.

    It takes a third of the memory of a dict.

    :param row_ids: shape (n,), in any order.
    :param keys: the ids, in the same order.
    """

    def __init__(self, row_ids: NDArray[np.int64], keys: Sequence[str]) -> None:
        order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
        self.row_ids: NDArray[np.int64] = row_ids[order]
        self.keys_in_order: list[str] = [keys[place] for place in order.tolist()]
        self._by_row_id = np.argsort(self.row_ids)

    def __len__(self) -> int:
        return len(self.row_ids)

    def __iter__(self) -> Iterator[int]:
        for start in range(0, len(self), CHUNK):
            yield from self.row_ids[start : start + CHUNK].tolist()

    def __getitem__(self, row_id: int) -> str:
        rank = int(np.searchsorted(self.row_ids, row_id, sorter=self._by_row_id))
        place = int(self._by_row_id[rank]) if rank < len(self) else -1
        if place < 0 or self.row_ids[place] != row_id:
            raise KeyError(row_id)
        return self.keys_in_order[place]

    def values(self) -> ValuesView[str]:
        """Return the ids, in order."""
        return _Values(self)

    def items(self) -> ItemsView[int, str]:
        """Return row ids and ids, in the order of the ids."""
        return _Items(self)


class _Values(ValuesView[str]):
    """The ids, without a search for each."""

    _mapping: PoolKeys

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping.keys_in_order)


class _Items(ItemsView[int, str]):
    """Row ids and ids, without a search for each."""

    _mapping: PoolKeys

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return zip(iter(self._mapping), self._mapping.keys_in_order, strict=True)


def pool_keys(session: Session, row_ids: Sequence[int]) -> PoolKeys:
    """Return the ids of documents, as :func:`~biorat_al.store.documents.document_keys` does, in arrays."""
    found = np.empty(len(row_ids), dtype=np.int64)
    keys: list[str] = []
    for start in range(0, len(row_ids), CHUNK):
        some = list(row_ids[start : start + CHUNK])
        rows = session.execute(select(DocumentRow.id, DocumentRow.key).where(DocumentRow.id.in_(some)))
        for row_id, key in rows:
            found[len(keys)] = row_id
            keys.append(key)
    return PoolKeys(found[: len(keys)], keys)


def pool_measures(
    session: Session, version: str, row_ids: NDArray[np.int64], names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Return columns of a model's predictions, each of shape (n,), in the order of `row_ids`.

    A column is left out if it has no value for one of the documents.

    :param row_ids: row ids of documents that the model has predicted, shape (n,).
    :param names: names of the columns.
    """
    found: dict[str, NDArray[np.float64]] = {name: np.empty(len(row_ids)) for name in names}
    for start in range(0, len(row_ids), CHUNK):
        some = row_ids[start : start + CHUNK].tolist()
        rows = measures(session, version, some, names)
        for place, name in enumerate(names, start=1):
            if name in found:
                values = [rows[row_id][place] for row_id in some]
                if None in values:
                    del found[name]
                else:
                    found[name][start : start + CHUNK] = values
    return found


def pool_history(session: Session, version: str, row_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the ``mnlp`` that models of earlier rounds measured, the newest first, in the order of `row_ids`.

    :param version: the newest model, whose own measurements are left out.
    :param row_ids: row ids of documents that it has predicted, shape (n,).
    :return: shape (n, most earlier models of a document), NaN where they did not measure.
    :raises StoreError: a row has other values than this program writes.
    """
    history = np.empty((len(row_ids), 0))
    for start in range(0, len(row_ids), CHUNK):
        some = row_ids[start : start + CHUNK].tolist()
        rows = mnlp_history(session, version, some)
        earlier = [rows[row_id][1:] for row_id in some]
        missing = max(map(len, earlier)) - history.shape[1]
        if missing > 0:
            history = np.hstack([history, np.full((len(row_ids), missing), np.nan)])
        for place, values in enumerate(earlier, start=start):
            history[place, : len(values)] = values
    return history
