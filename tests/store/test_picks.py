"""What can still be asked for is counted without listing it."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Document, Record
from biorat_al.corpus.sentences import NEWEST_RULES
from biorat_al.store.parts.segments import (
    count_never_asked_segments,
    make_segments,
    never_asked_segments,
)
from biorat_al.store.picks import count_never_asked, never_asked_documents
from biorat_al.store.store import Store, now
from biorat_al.store.tables import AnnotationRow, DocumentRow, RoundRow, SegmentRow, TaskRow
from tests.store.conftest import Fill, record

DOCUMENTS = 30


@pytest.mark.parametrize("seed", range(4))
def test_documents_and_segments_are_counted_as_they_are_listed(store: Store, fill: Fill, seed: int) -> None:
    """Documents are asked for as a whole, or by some or all of their sentences, or came with gold."""
    generator = random.Random(seed)
    text = "Asthma is a disease. Cough is none of them. Gout is one."
    given = [record(f"d{number}", text) for number in range(DOCUMENTS // 3)]
    pool = [*given, *(Record(Document(f"e{number}", text), None, "e.txt") for number in range(DOCUMENTS))]
    fill(pool, test=[record("t1", "Another text.")], gold=True)
    with store.write() as session:
        session.add(RoundRow(number=0, state="done", request={}, settings={}, program_version="0", started_at=now()))
        session.flush()
        ids = list(session.scalars(select(DocumentRow.id).where(DocumentRow.split == "pool")))
        make_segments(session, generator.sample(ids, k=2 * DOCUMENTS // 3), rules=NEWEST_RULES)
        asked = generator.sample(ids, k=5)
        of_document: dict[int, list[int]] = {}
        for segment_id, parent_id in session.execute(select(SegmentRow.document_id, SegmentRow.parent_id)):
            of_document.setdefault(parent_id, []).append(segment_id)
        for segments in generator.sample(list(of_document.values()), k=12):
            asked += generator.sample(segments, k=generator.randint(1, len(segments)))
        for document_id in asked:
            state = generator.choice(["open", "answered", "answered", "answered"])
            session.add(
                TaskRow(
                    document_id=document_id, role="pool", state=state, round_number=0, intent_at=now(), pushed_at=now()
                )
            )
            if state == "answered":
                # a skipped answer does not count
                session.add(
                    AnnotationRow(
                        document_id=document_id,
                        source="person",
                        skipped=generator.random() < 0.2,
                        concept_relations=[],
                        extras={},
                        problems=[],
                        slips={},
                    )
                )
    with store.read() as session:
        for without_gold in (False, True):
            listed = never_asked_documents(session, without_gold=without_gold)
            assert count_never_asked(session, without_gold=without_gold) == len(listed)
            assert 0 < len(listed) < len(ids)
            segments = never_asked_segments(session, without_gold=without_gold)
            assert count_never_asked_segments(session, without_gold=without_gold) == len(segments) > 0
        begun = set(of_document) - set(never_asked_documents(session, without_gold=False))
        # some documents are left out only because all of their segments are annotated, or one is open
        assert begun - set(asked)
