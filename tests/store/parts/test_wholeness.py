"""Which documents are whole, and which were only begun."""

from __future__ import annotations

import pytest

from biorat_al.corpus.sentences import NEWEST_RULES
from biorat_al.store.answers import learnt_answers
from biorat_al.store.documents import count_documents
from biorat_al.store.parts.segments import make_segments, segments_of
from biorat_al.store.parts.wholeness import Wholeness, answered_pool
from biorat_al.store.picks import never_asked_documents
from biorat_al.store.store import Store
from biorat_al.store.tables import RoundRow
from biorat_al.store.tasks import FetchedTask, confirm_push, intend_push, merge
from tests.store.conftest import Fill, record
from tests.store.test_tasks import T0, answer

THERE = frozenset(map(str, range(1, 10)))
"""Ids of the tasks that the desk has: those of the row ids of the documents and segments."""


@pytest.fixture
def segmented(store: Store, fill: Fill) -> dict[int, list[int]]:
    """Fill the store with three documents of two sentences, and return the segments of each, all of them asked for."""
    fill([record(f"d{number}", "Asthma is one. Cough is two.") for number in (1, 2, 3)], gold=False)
    with store.write() as session:
        session.add(RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=T0))
        session.flush()
        make_segments(session, [1, 2, 3], rules=NEWEST_RULES)
        segments = {
            row_id: [one.document_id for one in rows] for row_id, rows in segments_of(session, [1, 2, 3]).items()
        }
        every = [one for some in segments.values() for one in some]
        intend_push(session, "segment", every, 0, T0)
        confirm_push(session, {one: str(one) for one in every}, None, T0)
    return segments


def give(store: Store, role: str, document_id: int, *, skipped: bool = False) -> None:
    """Answer the task of a document or segment."""
    given = answer(f"{role}-{document_id}", document_id, skipped=skipped)
    with store.write() as session:
        if role == "pool":
            intend_push(session, "pool", [document_id], 0, T0)
            confirm_push(session, {document_id: str(document_id)}, None, T0)
        merge(session, role, [FetchedTask(document_id, str(document_id), (given,), 0)], THERE, T0)


def counted(store: Store) -> Wholeness:
    with store.read() as session:
        return answered_pool(session, with_gold=False).wholeness(count_documents(session)["pool"])


def test_a_document_is_whole_once_every_sentence_of_it_has_an_answer(
    store: Store, segmented: dict[int, list[int]]
) -> None:
    assert counted(store) == Wholeness(whole=0, begun=0, segments=0, of=3)
    give(store, "segment", segmented[1][1])
    give(store, "segment", segmented[2][0])
    assert counted(store) == Wholeness(whole=0, begun=2, segments=2, of=3)
    give(store, "segment", segmented[1][0])
    assert counted(store) == Wholeness(whole=1, begun=1, segments=3, of=3)
    with store.read() as session:
        found = answered_pool(session, with_gold=False)
    assert found.documents == []
    assert {row_id: [one.document_id for one in some] for row_id, some in found.whole.items()} == {1: segmented[1]}
    assert {row_id: [one.document_id for one in some] for row_id, some in found.begun.items()} == {2: segmented[2][:1]}


def test_a_skipped_sentence_leaves_its_document_begun(store: Store, segmented: dict[int, list[int]]) -> None:
    give(store, "segment", segmented[1][0])
    give(store, "segment", segmented[1][1], skipped=True)
    assert counted(store) == Wholeness(whole=0, begun=1, segments=1, of=3)


def test_a_document_that_is_whole_by_its_sentences_is_not_asked_for_again(
    store: Store, segmented: dict[int, list[int]]
) -> None:
    give(store, "segment", segmented[1][0])
    give(store, "segment", segmented[1][1])
    give(store, "segment", segmented[3][0])
    give(store, "segment", segmented[3][1], skipped=True)
    with store.read() as session:
        # a sentence of the second is still with an annotator
        assert never_asked_documents(session, without_gold=False) == [3]


def test_an_answer_on_the_whole_document_takes_the_place_of_those_on_its_sentences(
    store: Store, segmented: dict[int, list[int]]
) -> None:
    give(store, "segment", segmented[1][0])
    give(store, "pool", 1)
    assert counted(store) == Wholeness(whole=1, begun=0, segments=0, of=3)


def test_models_learn_from_the_answers_of_one_reading(store: Store, segmented: dict[int, list[int]]) -> None:
    give(store, "segment", segmented[3][0])
    give(store, "segment", segmented[1][1])
    give(store, "segment", segmented[2][0])
    give(store, "segment", segmented[2][1])
    give(store, "pool", 3)
    with store.read() as session:
        found = answered_pool(session, with_gold=False)
        assert found.learnt == learnt_answers(session, with_gold=False)
    assert [one.document_id for one in found.learnt] == [3, segmented[1][1], *segmented[2]]
