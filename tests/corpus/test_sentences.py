from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Passage
from biorat_al.corpus.reading import read_corpus
from biorat_al.corpus.sentences import NEWEST_RULES, RULES, sentence_ends, sentences


def cautious(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text, rules=1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It works. It does.", ["It works.", "It does."]),
        ("Is it? (Yes.) No!", ["Is it?", "(Yes.)", "No!"]),
        ("A title\n\nA text", ["A title", "A text"]),
        ("A title\r\n \r\nA text", ["A title", "A text"]),
        ("wrapped\nat the margin", ["wrapped\nat the margin"]),
        ("It rose to 3.5. Then 20 of them fell. 12 died.", ["It rose to 3.5.", "Then 20 of them fell.", "12 died."]),
        ("in E. coli and S. Typhi", ["in E. coli and S. Typhi"]),
        ("Dr. Smith et al. 2003 (Fig. 3) vs. Jones", ["Dr. Smith et al. 2003 (Fig. 3) vs. Jones"]),
        ("G6PD (EC 1. 1. 1. 49) deficiency", ["G6PD (EC 1. 1. 1. 49) deficiency"]),
        ("so small. so be it", ["so small. so be it"]),
        ("", []),
        (".", ["."]),
    ],
)
def test_sentences_end_where_all_signs_agree(text: str, expected: list[str]) -> None:
    assert cautious(text) == expected


# blanks of every kind, letters of one and of two code units, marks that combine, halves of pairs
ANY = st.text(
    alphabet=st.one_of(st.sampled_from("ab A.?!)\"'\n\r1 \t[]2,;α\u2028\x1c\u00a0"), st.characters()), max_size=60
)


@st.composite
def texts_with_passages(draw: st.DrawFn) -> tuple[str, list[Passage]]:
    text = draw(ANY)
    places = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=3))
    return text, [Passage("part", *sorted(place)) for place in places]


@pytest.mark.parametrize("rules", RULES)
@given(texts_with_passages())
def test_sentences_hold_every_character_that_is_not_blank_once_and_in_order(
    rules: int, drawn: tuple[str, list[Passage]]
) -> None:
    text, passages = drawn
    found = sentences(text, passages, rules=rules)
    assert all(start < end for start, end in found)
    assert all(first.end <= second.start for first, second in pairwise(found))
    assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())
    assert all(text[start:end] == text[start:end].strip() for start, end in found)
    borders = {border for passage in passages for border in (passage.start, passage.end)}
    assert not any(start < border < end for border in borders for start, end in found)


@pytest.mark.parametrize("rules", RULES)
@given(ANY)
def test_passages_whose_borders_are_those_of_sentences_change_nothing(rules: int, text: str) -> None:
    found = sentences(text, rules=rules)
    passages = [Passage("sentence", start, end) for start, end in found]
    assert sentences(text, passages, rules=rules) == found
    assert sentences(text, [Passage("all", 0, len(text))], rules=rules) == found


def test_unknown_rules_are_refused() -> None:
    assert max(RULES) == NEWEST_RULES
    with pytest.raises(ValueError, match="no rules 3 for sentences; known are 1, 2"):
        sentences("It rained.", rules=3)


@given(st.text(alphabet=st.sampled_from("ab A.?!)\"'\n\r1 "), max_size=40))
def test_ends_rise_inside_the_text(text: str) -> None:
    ends = sentence_ends(text, rules=1)
    assert all(a < b for a, b in pairwise(ends))
    assert all(0 <= end < len(text) for end in ends)


@pytest.mark.parametrize("name", ["ncbi_disease/NCBIdevelopset_corpus.txt", "bc5cdr/CDR_DevelopmentSet.PubTator.txt"])
def test_next_to_no_real_mention_crosses_a_border(corpora: Path, name: str) -> None:
    mentions = crossed = borders = documents = 0
    for record in read_corpus(corpora / name):
        assert record.annotation is not None
        ends = sentence_ends(record.document.text, rules=1)
        documents += 1
        borders += len(ends)
        for entity in record.annotation.entities:
            mentions += 1
            crossed += any(entity.start < end < entity.end for end in ends)
    assert borders > 5 * documents
    assert crossed <= 0.001 * mentions
