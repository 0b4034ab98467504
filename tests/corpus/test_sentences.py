from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from pathlib import Path
from random import Random

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


PARTS = re.findall(
    r"\S+",
    """
    The Cells cells died grew (Fig Figs 2 12 2003 3.5 et al e.g i.e vs Dr Drs Smith J K. E. coli spp i.v mg/kg mL
    4 h d vitamin C group A 1 b ii p53 mRNA c-Myc α-Synuclein BACKGROUND: EC 1.1. [5] [6,7] 12,13 os, Inc No no.
    VS - * “It it’s He said: We in In a A. (b) (B) . ? ! ... .) .” ).
    """,
)


@pytest.mark.parametrize(("rules", "digest"), [(1, "3c59d01d96290327"), (2, "2469820292cbb3ce")])
def test_rules_never_change_so_that_what_they_cut_stays_what_it_was(rules: int, digest: str) -> None:
    """Make a new set of rules instead: segments and saved models depend on the old ones."""
    draws = Random(13)
    found = hashlib.sha256()
    for _ in range(2_000):
        words = draws.choices(PARTS, k=30)
        text = "".join(word + draws.choice(("", ".", ". ", " ", " ", " ", "\n", "\r\n\r\n")) for word in words)
        found.update(repr(sentence_ends(text, rules=rules)).encode())
    assert found.hexdigest()[:16] == digest


BEFORE = re.compile(r"""[.?!][)\]"'’”]*(?=\s+[(\["'‘“]*[A-Z0-9])|(?<=\n)[ \t\r]*(?=\n)""")
ABBREVIATED = re.compile(
    r"(?:\b[A-Za-z]|\b(?:e\.g|i\.e|vs|cf|al|ca|Dr|Mr|Mrs|Prof|St|Figs?|Refs?|Eqs?|[Nn]os?|spp?|subsp|var|approx|resp|Ltd))\.$"
)


@given(st.one_of(ANY, st.lists(st.sampled_from([*PARTS, " ", ". ", "\n"]), max_size=40).map(" ".join)))
def test_rules_1_are_what_cut_texts_before_rules_had_numbers(text: str) -> None:
    def is_inside(stop: int) -> bool:
        numbered = stop and re.compile(r"\d\.\s+\d").match(text, stop - 1)
        return bool(ABBREVIATED.search(text, max(stop - 8, 0), stop + 1) or numbered)

    before = [match.end() for match in BEFORE.finditer(text) if not is_inside(match.start())]
    assert sentence_ends(text, rules=1) == before


def test_unknown_rules_are_refused() -> None:
    assert max(RULES) == NEWEST_RULES
    with pytest.raises(ValueError, match="no rules 3 for sentences; known are 1, 2"):
        sentences("It rained.", rules=3)


@pytest.mark.parametrize(
    "expected",
    [
        ["It rose (P < 0.05).", "It fell to 3.5.", "Twelve died in 2003.", "Then none did."],
        ["We fed E. coli, S. Typhi and B. subtilis subsp. niger.", "They grew."],
        ["Growth was slow (Fig. 2, see also Smith et al. 2003).", "See Fig. 3 and Figs. 4-5."],
        ["Dr. J. A. Smith and Drs. B. Jones-Lee and C.D. Wang agreed.", "We did not."],
        ["Cats vs. dogs, e.g. Siamese, i.e. Oriental cats.", "Approx. 3 were ill."],
        [
            "It was given i.v. to mice.",
            "They got 4 mg/kg i.p. (Fig. 1).",
            "Rats got 4 mg/kg i.p.",
            "The cats got none.",
        ],
        ["The medium held 12 g/L.", "Cells grew for 4 h.", "Then they died."],
        ["This is vitamin C.", "That is hepatitis B.", "Both are group A.", "None is type I."],
        ["It binds.", "p53 does not.", "mRNA was low.", "c-Myc rose.", "α-Synuclein fell."],
        ["There were 9 of them.", "12 died.", "3-Hydroxybutyrate rose."],
        ["It was so. and so it is"],
        ["BACKGROUND: It is rare.", "METHODS: We looked.", "RESULTS: None."],
        [
            "It grows in cells.12",
            "The others do not.3,4",
            "Nor does it.[5]",
            "It may. [6,7]",
            "Who knows?8",
            "He does.",
        ],
        ['He said: "It works."', "“Does it?”", "(It does.)", "It did!"],
        ["1. The first one.", "2. The second one.", "A. The third.", "(b) The fourth."],
        ["Sections of eyes.", "(a) Wild type.", "(b–d) Mutants.", "os, outer segment.", "*, p < 0.05."],
        ["Made by Acme Inc. (Springfield) and Bolt Ltd. in Spain.", "No. 5 is no. 7."],
        ["G6PD (EC 1. 1. 1. 49) deficiency.", "G6PD; EC 1.1. 1. 49 was low."],
        ["It fell to the site VS.", "We saw it."],
        ["See www.example.org/a.b for more...", "Or not."],
        ["- Lithium: avoid.", "- Digoxin: avoid."],
    ],
)
def test_rules_2_cut_as_a_reader_would(expected: list[str]) -> None:
    text = " ".join(expected)
    assert [text[start:end] for start, end in sentences(text, rules=2)] == expected
    text = "  " + "\r\n".join(expected) + "\n"
    assert [text[start:end] for start, end in sentences(text, rules=2)] == expected


@pytest.mark.parametrize("rules", RULES)
def test_empty_lines_and_passages_end_sentences(rules: int) -> None:
    text = "A title\n\nof two parts\r\n \r\nA text\nand more"
    found = [text[start:end] for start, end in sentences(text, rules=rules)]
    assert found == ["A title", "of two parts", "A text\nand more"]
    title = text.index("title")
    found = [
        text[a:b] for a, b in sentences(text, [Passage("title", 0, title), Passage("abstract", title, 12)], rules=rules)
    ]
    assert found == ["A", "title", "of", "two parts", "A text\nand more"]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    "part", [".", ". ", "a. b ", ".[1", ".)", ". (", "\n", "A. ", "1. ", "EC 1. ", 'ab."', "ab.1,2"]
)
def test_the_time_grows_with_the_text_and_not_with_its_square(part: str, rules: int) -> None:
    # with the square, each of these would take minutes
    text = part * 100_000
    assert all(text[start:end].strip() == text[start:end] for start, end in sentences(text, rules=rules)[:100])


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
