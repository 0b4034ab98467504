"""The parts into which documents are cut for models that have not learnt from them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Document
from biorat_al.errors import UsageError
from biorat_al.rounds.out_of_fold.folds import folds_of


def different(number: int) -> list[Document]:
    """Return documents that share no words."""
    return [Document(f"d{place}", " ".join(f"w{place}x{word}" for word in range(8))) for place in range(number)]


def part_of(parts: list[list[Document]]) -> dict[str, int]:
    return {document.id: number for number, part in enumerate(parts) for document in part}


@given(st.integers(2, 6), st.integers(6, 25), st.integers(0, 9), st.randoms())
@settings(deadline=None, max_examples=40)
def test_every_document_is_in_one_part_and_the_order_does_not_matter(
    folds: int, number: int, seed: int, shuffler: random.Random
) -> None:
    documents = different(number)
    parts = folds_of(documents, {}, folds, seed)
    assert sorted(one.id for part in parts for one in part) == sorted(one.id for one in documents)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    shuffled = documents.copy()
    shuffler.shuffle(shuffled)
    assert folds_of(shuffled, {}, folds, seed) == parts


def test_another_seed_draws_other_parts() -> None:
    assert folds_of(different(20), {}, 4, 1) != folds_of(different(20), {}, 4, 2)


def test_near_duplicates_and_segments_of_a_document_share_a_part() -> None:
    documents = different(12)
    copies = [Document(f"copy{place}", f"{documents[place].text} more") for place in range(4)]
    segments = [Document(f"s{place}", f"segment{place} of{place} a{place} text{place}") for place in range(6)]
    wholes = {segment.id: f"whole{place % 2}" for place, segment in enumerate(segments)}
    # the whole document of some segments is there itself
    segments.append(Document("whole0", "this has all of them"))
    for seed in range(5):
        part = part_of(folds_of([*documents, *copies, *segments], wholes, 3, seed))
        assert all(part[f"d{place}"] == part[f"copy{place}"] for place in range(4))
        assert len({part["s0"], part["s2"], part["s4"], part["whole0"]}) == 1
        assert len({part["s1"], part["s3"], part["s5"]}) == 1


def test_fewer_documents_than_parts_are_refused_and_copies_count_once() -> None:
    documents = different(2)
    copies = [Document(f"copy{place}", documents[0].text) for place in range(5)]
    with pytest.raises(UsageError, match="3 folds need at least 3 annotated documents; there are 2"):
        folds_of([*documents, *copies], {}, 3, 1)
