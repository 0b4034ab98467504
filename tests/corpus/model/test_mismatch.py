"""Messages on offsets: what cannot be seen is shown by code point, and the likely cause is said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from biorat_al.corpus.model.checks import check_mention
from biorat_al.corpus.model.document import Document, Entity, Span, check_spans, check_surface
from biorat_al.corpus.model.mismatch import common_shift, explain_mismatch, find_shift, mismatch_text, quoted
from biorat_al.corpus.validate import validate_corpus
from biorat_al.errors import OffsetError

DECOMPOSED, COMPOSED = "enterite\u0301", "enterit\u00e9"


@pytest.mark.parametrize(
    ("found", "surface", "told"),
    [
        (DECOMPOSED, COMPOSED, "'e\u0301' is U+0065 U+0301 in the text and U+00E9 in the annotation"),
        (DECOMPOSED, COMPOSED, "the text was normalised to NFC before it was annotated"),
        (COMPOSED, DECOMPOSED, "U+00E9 in the text and U+0065 U+0301 in the annotation"),
        (COMPOSED, DECOMPOSED, "normalised to NFD"),
        ("\ufb01brosis", "fibrosis", "normalised"),
        ("5\u00a0mg", "5 mg", "U+00A0 in the text and U+0020 in the annotation"),
        ("5 mg", "5\u2009mg", "U+0020 in the text and U+2009 in the annotation"),
        ("IL\u200b-2", "IL-2", "the text has U+200B (zero width space); they differ in characters that cannot be seen"),
        ("car\u00adcinoma", "carcinoma", "the text has U+00AD (soft hyphen)"),
        ("asthma", "\ufeffasthma", "the annotation has U+FEFF (byte order mark)"),
        ("heart\r\nfailure", "heart failure", "U+000D (carriage return)"),
        ("heart\nfailure", "heart failure", "cannot be seen"),
        ("heart  failure", "heart failure", "blanks were joined, added or cut off"),
        ("\u00b5-opioid", "\u03bc-opioid", "normalised"),
        ("\u03b2-cell", "\u00df-cell", "U+03B2 in the text and U+00DF in the annotation; they look alike"),
        ("p\u043est", "post", "U+043E in the text and U+006F in the annotation; they look alike"),
        ("IL\u20112", "IL-2", "U+2011 in the text and U+002D in the annotation"),
        ("Crohn\u2019s", "Crohn's", "U+2019 in the text and U+0027 in the annotation; they look alike"),
        ("Asthma", "asthma", "upper and lower case"),
        ("Sj\u00f6gren", "Sj\u00c3\u00b6gren", "read in another encoding"),
        ("p < 0.05", "p &lt; 0.05", "entities of HTML or XML"),
    ],
)  # fmt: skip
def test_texts_that_look_the_same_are_told_apart(found: str, surface: str, told: str) -> None:
    text = f"A case of {found} was seen."
    document = Document("d1", text)
    with pytest.raises(OffsetError) as caught:
        check_surface(document, Span(10, 10 + len(found)), surface)
    message = str(caught.value)
    assert f"the text at 10-{10 + len(found)} is {found!r}, but the annotation says {surface!r}: " in message
    assert told in message


TEXT = "Crohn\u2019s \U0001f9ec disease;\r\nna\u00efve T cells  & \u03b2-cells\r\nof the ileum were seen."


def utf16(text: str, start: int, end: int) -> tuple[int, int]:
    return len(text[:start].encode("utf-16-le")) // 2, len(text[:end].encode("utf-16-le")) // 2


def utf8(text: str, start: int, end: int) -> tuple[int, int]:
    return len(text[:start].encode()), len(text[:end].encode())


WAYS: dict[str, Callable[[str, int, int], tuple[int, int]]] = {
    "UTF-16 units": utf16,
    "bytes of UTF-8": utf8,
    "end inclusive": lambda text, start, end: (start, end - 1),
    "count from 1": lambda text, start, end: (start + 1, end + 1),
    "count from 1 and include": lambda text, start, end: (start + 1, end),
    "(CR LF) as one": lambda text, start, end: (
        len(text[:start].replace("\r\n", "\n")),
        len(text[:end].replace("\r\n", "\n")),
    ),
    "do not count blanks and include": lambda text, start, end: (
        len("".join(text[:start].split())),
        len("".join(text[:end].split())) - 1,
    ),
    "entity of HTML or XML (such as &amp;) as one": lambda text, start, end: (
        len(text[:start].replace("&amp;", "&")),
        len(text[:end].replace("&amp;", "&")),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_offsets_that_count_otherwise_are_known(way: str) -> None:
    text = TEXT.replace("&", "&amp;") if "HTML" in way else TEXT
    if "count from 1" in way:
        text = "Crohn's disease of the ileum was seen."
    start = text.index("ileum")
    counted = WAYS[way](text, start, start + 5)
    assert way in explain_mismatch(text, [counted], "ileum")


def test_offsets_behind_the_end_of_the_text_are_explained_too() -> None:
    text = "\U0001f9ec\U0001f9ec ileum"
    with pytest.raises(OffsetError, match=r"the span 5-10 is not inside the text of 8 characters: .*UTF-16") as c:
        check_mention(Document("d1", text), Entity("T1", "X", (Span(5, 10),)), "ileum")
    assert c.value.found is None


def test_an_empty_span_is_said_to_be_empty() -> None:
    """``the span 8-8 does not lie inside the text of 40 characters`` is what was said of it."""
    document = Document("d1", "Asthma is common.")
    with pytest.raises(OffsetError, match="the span 8-8 is empty: it holds no character"):
        check_spans(document, [Span(8, 8)])
    with pytest.raises(OffsetError, match="the span 8-3 ends before it begins"):
        check_spans(document, [Span(8, 3)])
    with pytest.raises(OffsetError, match="the annotation's text is empty"):
        check_surface(document, Span(0, 6), "")


def test_a_long_text_is_cut_around_what_differs() -> None:
    found, surface = "a" * 500 + "X" + "b" * 500, "a" * 500 + "Y" + "b" * 500
    message = mismatch_text(found, [(0, 1001)], surface)
    assert len(message) < 400
    assert "X" in message
    assert "Y" in message
    assert "(1,001 characters)" in message
    assert quoted("short") == "'short'"


def test_the_nearest_place_with_the_text_is_told() -> None:
    text = "asthma, croup, asthma, croup"
    assert find_shift(text, [(12, 18)], "asthma") == 3
    assert find_shift(text, [(2, 8)], "asthma") == -2
    assert find_shift(text, [(2, 8)], "gout") is None
    assert "the text has it 3 characters further on" in mismatch_text(text, [(12, 18)], "asthma")
    assert find_shift("xx ocular and skin toxicity", [(0, 6), (15, 23)], "ocular toxicity") is None
    assert find_shift("xx ocular and skin toxicity", [(0, 6), (16, 24)], "ocular toxicity") == 3


def test_a_shift_that_all_share_is_known() -> None:
    assert common_shift([3, 3, 3]) == 3
    assert common_shift([3]) is None
    assert common_shift([3, -3]) is None
    assert common_shift([3, None]) is None
    assert common_shift([0, 0]) is None
    assert common_shift([]) is None


def test_a_document_whose_mentions_are_all_shifted_alike_is_told(tmp_path: Path) -> None:
    text = "1|t|Asthma and croup.\n1|a|Naloxone helps.\n"
    lines = "".join(
        f"1\t{start}\t{start + len(surface)}\t{surface}\tDisease\tD1\n"
        for start, surface in ((4, "Asthma"), (15, "croup"), (22, "Naloxone"))
    )
    (tmp_path / "shifted.txt").write_text(text + lines + "\n", encoding="utf-8")
    messages = validate_corpus(tmp_path / "shifted.txt").messages
    shared = [
        message
        for message in messages
        if "all 3 such mentions of this document are found 4 characters earlier" in message
    ]
    assert len(shared) == 1
    assert len(messages) == 3


@given(
    st.text("aé\u0301e\u00a0 \r\n\U0001f9ec&;βµ-", max_size=40),
    st.lists(st.tuples(st.integers(0, 45), st.integers(0, 45)), min_size=1, max_size=3),
    st.text("aé\u0301e\u00a0 \n\U0001f9ec&βμ-", max_size=10),
)
def test_whatever_does_not_match_has_a_message_on_one_line(
    text: str, spans: list[tuple[int, int]], surface: str
) -> None:
    assume(" ".join(text[start:end] for start, end in spans) != surface)
    message = mismatch_text(text, spans, surface)
    assert "\n" not in message
    assert len(message) < 1000
    shift = find_shift(text, spans, surface)
    if shift is not None:
        assert " ".join(text[start + shift : end + shift] for start, end in spans) == surface or len(spans) == 1


@given(st.text("eao\u0301\u0308 nu", min_size=1, max_size=15).filter(lambda t: unicodedata.normalize("NFC", t) != t))
def test_normalised_texts_are_told_by_their_code_points(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    message = mismatch_text(text, [(0, len(text))], composed)
    assert re.search(r"U\+[0-9A-F]{4}", message)
    assert "normalised" in message


def test_blanks_that_can_be_seen_leave_no_stray_sign_in_the_message() -> None:
    message = mismatch_text("Zal calms.", [(0, 4)], "Zal")
    assert message.endswith("says 'Zal': blanks were joined, added or cut off after it was annotated")


def test_a_mention_without_a_text_beyond_the_end_is_not_said_to_be_normalised() -> None:
    assert explain_mismatch("Zalvorin", [(3, 99)], "vorin") == ""
