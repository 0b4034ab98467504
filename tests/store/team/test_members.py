"""The members of a group: they come, leave and come back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from biorat_al.errors import UsageError
from biorat_al.store.store import Store
from biorat_al.store.team.members import add_member, find_member, leave, members

AT, LATER = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def test_members_are_listed_in_the_order_in_which_they_joined(store: Store) -> None:
    with store.write() as session:
        add_member(session, "zoe@example.org", "annotator", AT)
        add_member(session, " ann@example.org ", "annotator", AT)
        add_member(session, "lead@example.org", "adjudicator", AT)
    with store.read() as session:
        assert [row.name for row in members(session)] == ["zoe@example.org", "ann@example.org", "lead@example.org"]
        assert [row.name for row in members(session, "adjudicator")] == ["lead@example.org"]


@pytest.mark.parametrize("again", ["ann@example.org", "Ann@Example.org"])
def test_nobody_is_a_member_twice(store: Store, again: str) -> None:
    with store.write() as session:
        add_member(session, "ann@example.org", "annotator", AT)
        with pytest.raises(UsageError, match=r"^ann@example\.org is in the team already, as annotator$"):
            add_member(session, again, "adjudicator", AT)
        assert len(members(session)) == 1


def test_a_member_needs_a_name(store: Store) -> None:
    with store.write() as session, pytest.raises(UsageError, match="needs a name"):
        add_member(session, "  ", "annotator", AT)


def test_who_left_can_come_back_and_is_the_same_member(store: Store) -> None:
    with store.write() as session:
        first = add_member(session, "ann@example.org", "annotator", AT).id
        leave(session, "ann@example.org", LATER)
        assert members(session) == []
        assert [row.left_at for row in members(session, with_left=True)] == [LATER]
        back = add_member(session, "ann@example.org", "adjudicator", LATER)
        assert (back.id, back.role, back.joined_at, back.left_at) == (first, "adjudicator", AT, None)


def test_only_a_member_can_leave(store: Store) -> None:
    with store.write() as session:
        add_member(session, "ann@example.org", "annotator", AT)
        with pytest.raises(UsageError, match=r"^bob@example\.org is not in the team; in it: ann@example\.org$"):
            leave(session, "bob@example.org", LATER)
        leave(session, "ann@example.org", LATER)
        with pytest.raises(UsageError, match="in it: nobody"):
            leave(session, "ann@example.org", LATER)
        assert find_member(session, "ANN@example.org") is not None
