"""The parts into which documents are cut, so that each is read by a model that has not learnt from it.

Near-duplicates share a part, and so do the segments of one document: a model that has learnt from one of them would
know the other.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from biorat_al.acquisition.similarity import near_duplicate_groups
from biorat_al.corpus.model.document import Document
from biorat_al.errors import UsageError
from biorat_al.wording import plural


def folds_of(documents: Sequence[Document], wholes: Mapping[str, str], folds: int, seed: int) -> list[list[Document]]:
    """Cut documents into parts of about the same number of documents, at random; their order does not matter.

    :param documents: each id occurs once.
    :param wholes: id of the document that a segment is a part of, by the segment's id.
    :param folds: number of parts, at least 2.
    :param seed: decides the draw.
    :returns: the documents of each part, by id.
    :raises UsageError: there are fewer documents than parts, near-duplicates counted once.
    """
    ordered = sorted(documents, key=lambda one: one.id)
    groups = _groups(ordered, wholes)
    if len(groups) < folds:
        raise UsageError(
            f"{plural(folds, 'fold')} need at least {folds:,} annotated documents; there are {len(groups):,}, with "
            "near-duplicates counted once: annotate more, or take fewer folds"
        )
    drawn = sorted(groups, key=lambda some: (-len(some), _hash(seed, some[0].id)))
    parts: list[list[Document]] = [[] for _ in range(folds)]
    for some in drawn:
        min(parts, key=len).extend(some)
    return [sorted(part, key=lambda one: one.id) for part in parts]


def _groups(documents: Sequence[Document], wholes: Mapping[str, str]) -> list[list[Document]]:
    """Return documents that have to stay together, as groups."""
    of_texts = near_duplicate_groups([one.text for one in documents])
    parent: dict[str | int, str | int] = {}

    def root(name: str | int) -> str | int:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for one, number in zip(documents, of_texts, strict=True):
        parent[root(number)] = root(wholes.get(one.id, one.id))
    found: defaultdict[str | int, list[Document]] = defaultdict(list)
    for one, number in zip(documents, of_texts, strict=True):
        found[root(number)].append(one)
    return list(found.values())


def _hash(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\nfold\n{name}".encode()).digest()
