"""Names are found on word borders, longest first, without overlaps, in the spellings that the rules allow."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.dictionary.matching import Matcher
from biorat_al.dictionary.reading import Name
from biorat_al.dictionary.spelling import BORDER, Spelling, spellings, words_of


def found(text: str, *names: str | tuple[str, str], label: str = "Disease") -> list[str]:
    """Return what is found in a text."""
    given_names = [Name(*name) if isinstance(name, tuple) else Name(name, "") for name in names]
    return [text[match.start : match.end] for match in Matcher(given_names, label).find(text)]


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        # word borders
        ("kidney, kidneys' and kidneyless", ["kidney"], ["kidney", "kidneys"]),
        ("IL-2 and IL-21, IL - 2, xIL-2", ["IL-2"], ["IL-2", "IL - 2"]),
        ("p53 and p53s2", ["TP53", "p53"], ["p53"]),
        # white space
        ("breast\ncancer, breast  cancer", ["breast cancer"], ["breast\ncancer", "breast  cancer"]),
        # longest, then leftmost
        ("breast cancer risk", ["breast cancer", "cancer risk", "cancer"], ["breast cancer"]),
        ("of alpha beta gamma", ["alpha beta", "beta gamma"], ["alpha beta"]),
        ("of alpha beta gamma", ["alpha beta", "beta gamma delta", "betas gammas", "gamma"], ["alpha beta", "gamma"]),
        # case
        ("Gout, gout, GOUT", ["gout"], ["Gout", "gout"]),
        ("COPD, copd, Copd", ["COPD"], ["COPD"]),
        ("CAT scans and cats", ["CAT"], ["CAT"]),
        ("Diabetes, DIABETES", ["diabetes"], ["Diabetes", "DIABETES"]),
        ("weight loss", ["WEIGHT LOSS"], ["weight loss"]),
        # plural
        ("kidney stones, Kidney Stone", ["kidney stone"], ["kidney stones", "Kidney Stone"]),
        ("one peptic ulcer", ["peptic ulcers"], ["peptic ulcer"]),
        ("rashes, rash", ["rash"], ["rashes", "rash"]),
        ("a disease", ["diseases"], ["disease"]),
        ("NSAIDs, NSAIDS", ["NSAID"], ["NSAIDs"]),
        ("lupu, lupus", ["lupus"], ["lupus"]),
        ("arthriti", ["arthritis"], []),
        # characters whose lower case is longer, and final sigma
        ("İİ kidney", ["kidney"], ["kidney"]),
        ("ΝΕΦΡΟΣ", ["νεφρος"], ["ΝΕΦΡΟΣ"]),
        ("x" * 5, ["y"], []),
        # accents as separate characters, in the text, in the name, and where no character has both
        ("Me\u0301nie\u0300re disease", ["M\u00e9ni\u00e8re disease"], ["Me\u0301nie\u0300re disease"]),
        ("M\u00e9ni\u00e8re's", ["Me\u0301nie\u0300re"], ["M\u00e9ni\u00e8re"]),
        ("of m\u0304a\u0304b", ["m\u0304\u0101b"], ["m\u0304a\u0304b"]),
        ("cafe\u0301", ["cafe", "caf"], []),
        ("", ["gout"], []),
    ],
)
def test_names_are_found_by_the_rules(text: str, names: list[str], expected: list[str]) -> None:
    assert found(text, *names) == expected


def test_names_without_letters_or_of_one_character_are_counted_and_never_found() -> None:
    matcher = Matcher([Name("5", ""), Name("a", ""), Name("12-3", ""), Name("…", ""), Name("gout", "")], "Disease")
    assert (matcher.names, matcher.unusable) == (1, 4)
    assert found("5 a 12-3 … gout", "5", "a", "12-3", "…", "gout") == ["gout"]


def test_identifiers_become_concepts_except_where_a_name_has_two() -> None:
    names = [
        Name("gout", "MESH:D006073"), Name("cold", "MESH:D003139"), Name("cold", "MESH:D003080"), Name("flu", ""),
        Name("renal failure", "D051437|OMIM:1"), Name("flu", "MESH:D007251"),
    ]  # fmt: skip
    matcher = Matcher(names, "Disease")
    entities = matcher.entities("cold, gout, flu and renal failure")
    assert [entity.concepts for entity in entities] == [
        (), (("MESH", "D006073"),), (("MESH", "D007251"),), (("MESH", "D051437"), ("OMIM", "1")),
    ]  # fmt: skip
    assert matcher.ambiguous == 1
    assert {entity.label for entity in entities} == {"Disease"}
    assert len({entity.id for entity in entities}) == 4


def test_a_plural_that_is_derived_does_not_make_another_name_ambiguous() -> None:
    names = [Name("rubella", "MESH:D012409"), Name("hearing aid", "MESH:D006310"), Name("hearing aids", "MESH:D000001")]
    for order in (names, names[::-1]):
        matcher = Matcher(order, "Disease")
        found = [entity.concepts[0].identifier for entity in matcher.entities("hearing aids, hearing aid, rubellas")]
        assert found == ["D000001", "D006310", "D012409"]
        assert matcher.ambiguous == 0


@given(
    st.lists(st.text("aeoszAEO\u0301\u0302\u0308\u030a-2", min_size=1, max_size=6), min_size=1, max_size=4),
    st.text("aeoszAEO\u0301\u0302\u0308\u030a -2", max_size=30),
)
def test_it_makes_no_difference_whether_accents_are_characters_of_their_own(names: list[str], text: str) -> None:
    parted, whole = normalize("NFD", text), normalize("NFC", text)
    # no text begins with an accent, which would belong to what stands before the text
    parted, whole = (one.lstrip("\u0301\u0302\u0308\u030a") for one in (parted, whole))
    expected = found(whole, *names)
    for form in ("NFC", "NFD"):
        others = [normalize(form, name) for name in names]
        assert found(whole, *others) == expected
        assert [normalize("NFC", one) for one in found(parted, *others)] == expected


def test_a_name_in_capitals_and_a_word_are_kept_apart() -> None:
    matcher = Matcher([Name("AIDS", "MESH:D000163"), Name("hearing aids", "MESH:D006310")], "Disease")
    assert [entity.concepts[0].identifier for entity in matcher.entities("AIDS, aids and hearing aids")] == [
        "D000163", "D006310",
    ]  # fmt: skip


LETTERS = st.text(alphabet="abAB1-s. \néΣİß", min_size=0, max_size=12)


@given(st.lists(LETTERS, max_size=8), st.lists(LETTERS, max_size=12))
def test_matches_are_names_on_word_borders_without_overlaps_and_none_longer_is_missed(
    names: list[str], parts: list[str]
) -> None:
    text = " ".join(parts)
    matches = Matcher([Name(" ".join(name.split()), "") for name in names], "Disease").find(text)
    known = [one for name in names for one in spellings(" ".join(name.split()))]
    starts, _, words = words_of(text)
    ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
    before = 0
    for match in matches:
        assert match.start >= before
        before = match.end
        assert match.start in starts
        assert match.end in ends
        assert allowed(words_of(text[match.start : match.end]).words, known)
    # whatever else is a name overlaps with a match that is at least as long
    for first, start in enumerate(starts):
        for last in range(first, min(first + 6, len(ends))):
            if allowed(words[first : last + 1], known):
                assert any(
                    match.start < ends[last] and start < match.end and match.end - match.start >= ends[last] - start
                    for match in matches
                )


def allowed(words: list[str], known: list[Spelling]) -> bool:
    """Return whether words are a spelling, by comparing character by character."""
    written = f"{BORDER}{BORDER.join(words)}{BORDER}"
    lower = "".join(one.lower() if len(one.lower()) == 1 else one for one in written).replace("ς", "σ")
    return any(key == lower and exact in (None, written) for key, exact, _ in known)
