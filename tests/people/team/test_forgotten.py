"""Names that were removed: recognised in what the desk sends, and never kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation
from biorat_al.desk.base import DeskAnnotation
from biorat_al.people.team.forgotten import Forgotten, digest_of, without_name

BOB = "bob@example.org"
AT = datetime(2020, 1, 1, tzinfo=UTC)

_texts = st.one_of(st.text(max_size=8), st.sampled_from([BOB, BOB.upper(), f"by {BOB}, 3", "ann@example.org"]))
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_texts, inner, max_size=4)),
    max_leaves=20,
)


@given(_values)
def test_nothing_of_a_name_stays_in_a_json_value(value: Any) -> None:
    cleaned = without_name(value, BOB, "annotator-2")
    assert BOB not in json.dumps(cleaned, ensure_ascii=False).casefold()
    assert without_name(cleaned, BOB, "annotator-2") == cleaned


@given(_values)
def test_a_value_without_the_name_stays_as_it_is(value: Any) -> None:
    assert without_name(value, "nobody@example.org", "annotator-2") == value


def test_first_and_last_names_go_with_the_address() -> None:
    user = {"id": 7, "email": BOB, "first_name": "Bob", "last_name": "Builder", "avatar": "/bob.png"}
    raw = {"completed_by": user, "created_username": f" Bob Builder {BOB}, 7", "updated_by": 7}
    assert without_name(raw, BOB, "annotator-2") == {
        "completed_by": {"id": 7},
        "created_username": "annotator-2",
        "updated_by": 7,
    }


def test_an_answer_of_somebody_removed_gets_the_pseudonym_and_others_stay() -> None:
    forgotten = Forgotten("salt", {digest_of(BOB, "salt"): "annotator-2"})
    answer = DeskAnnotation(
        "1", "Bob@example.org", AT, AT, False, Annotation(), raw={"by": BOB}, problems=(f"{BOB} drew nothing",)
    )
    changed = DeskAnnotation("2", "ann@example.org", AT, AT, False, Annotation(), editor=BOB, copied_from=BOB)
    one, other = forgotten.answer(answer), forgotten.answer(changed)
    assert (one.annotator, one.raw, one.problems) == (
        "annotator-2",
        {"by": "annotator-2"},
        ("annotator-2 drew nothing",),
    )
    assert (other.annotator, other.editor, other.copied_from) == ("ann@example.org", "annotator-2", "annotator-2")
    assert forgotten.text(f"{BOB} answered twice") == "annotator-2 answered twice"
    assert Forgotten("", {}).answer(answer) is answer


@pytest.mark.parametrize("other", ["ann@example.org", "bob@example.com", "bob"])
def test_a_digest_says_nothing_of_another_name_and_differs_between_projects(other: str) -> None:
    assert digest_of(BOB, "salt") == digest_of(" BOB@example.org ", "salt")
    assert digest_of(BOB, "salt") != digest_of(other, "salt")
    assert digest_of(BOB, "salt") != digest_of(BOB, "another")
    assert BOB not in digest_of(BOB, "salt")
