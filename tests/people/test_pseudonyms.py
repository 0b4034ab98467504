"""Pseudonyms of annotators."""

from __future__ import annotations

from biorat_al.people.pseudonyms import number_of, pseudonyms


def test_pseudonyms_stay_when_others_join_and_sort_by_number() -> None:
    names = [f"p{number}@example.org" for number in range(11)]
    first, later = pseudonyms(names[:2]), pseudonyms(names)
    assert first == {"p0@example.org": "annotator-1", "p1@example.org": "annotator-2"}
    assert later.items() >= first.items()
    assert sorted(later.values(), key=number_of)[-2:] == ["annotator-10", "annotator-11"]
    assert number_of("") == 0
