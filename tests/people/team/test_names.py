"""Names of members as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.errors import UsageError
from biorat_al.people.team.names import addresses, as_known

_PART = st.text(st.characters(codec="ascii", categories=["Ll", "Lu", "Nd"], include_characters="+-_."), min_size=1)


@given(st.lists(st.builds("{}@{}".format, _PART, _PART), unique_by=str.lower))
def test_addresses_come_back_in_small_letters_and_in_their_order(names: list[str]) -> None:
    assert addresses(f" {name}\n" for name in names) == [name.lower() for name in names]


def refusal(text: str) -> str:
    """Return why a text is refused as an address; empty if it is one."""
    try:
        addresses([text])
    except UsageError as error:
        return str(error)
    return ""


@given(st.text())
def test_whatever_is_given_is_an_address_or_refused_in_one_line(text: str) -> None:
    told, word = refusal(text), text.strip()
    is_one = word.count("@") == 1 and len(word.split()) == 1 and not word.startswith("@") and not word.endswith("@")
    assert "is not an e-mail address" in told or (not told and is_one)
    assert len(told.splitlines()) <= 1


@pytest.mark.parametrize("name", ["Ann@Example.org", " ann@example.org"])
def test_capital_letters_and_blanks_around_a_name_do_not_matter(name: str) -> None:
    assert as_known(name, {"ANN@example.org": 1}) == 1
    assert as_known("bob@example.org", {"ANN@example.org": 1}) is None
