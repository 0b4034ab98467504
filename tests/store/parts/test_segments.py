"""Which documents have no segments yet."""

from __future__ import annotations

import sys

from biorat_al.corpus.sentences import NEWEST_RULES
from biorat_al.store.parts.segments import WHITE_SPACE, make_segments, without_segments
from biorat_al.store.store import Store
from tests.store.conftest import Fill, record


def test_a_document_of_blanks_alone_never_waits_for_segments(store: Store, fill: Fill) -> None:
    texts = ("Asthma is one.", " \t\n", "　\u2003\xa0", "\u2003Cough is two. ")
    fill([record(f"d{number}", text) for number, text in enumerate(texts)], gold=False)
    with store.write() as session:
        assert without_segments(session) == [1, 4]
        assert make_segments(session, [1, 2, 3, 4], rules=NEWEST_RULES) == 2
        assert without_segments(session) == []


def test_white_space_is_what_python_takes_for_it() -> None:
    assert set(WHITE_SPACE) == {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}
