from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.encoder.sentences import sentence_ends


def sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in pairwise([0, *sentence_ends(text), len(text)])]


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
        ("", [""]),
        (".", ["."]),
    ],
)
def test_sentences_end_where_all_signs_agree(text: str, expected: list[str]) -> None:
    assert [sentence for sentence in sentences(text) if sentence or text == ""] == expected


@given(st.text(alphabet=st.sampled_from("ab A.?!)\"'\n\r1 "), max_size=40))
def test_ends_rise_inside_the_text(text: str) -> None:
    ends = sentence_ends(text)
    assert all(a < b for a, b in pairwise(ends))
    assert all(0 <= end < len(text) for end in ends)


@pytest.mark.parametrize("name", ["ncbi_disease/NCBIdevelopset_corpus.txt", "bc5cdr/CDR_DevelopmentSet.PubTator.txt"])
def test_next_to_no_real_mention_crosses_a_border(corpora: Path, name: str) -> None:
    mentions = crossed = borders = documents = 0
    for record in read_corpus(corpora / name):
        assert record.annotation is not None
        ends = sentence_ends(record.document.text)
        documents += 1
        borders += len(ends)
        for entity in record.annotation.entities:
            mentions += 1
            crossed += any(entity.start < end < entity.end for end in ends)
    assert borders > 5 * documents
    assert crossed <= 0.001 * mentions
