from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Document, Entity, Span
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.relations.candidates import Candidate
from biorat_al.learner.relations.marking import MarkedPair, PairMarker


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    return resolve_encoder("minilm")


@cache
def byte_level(max_length: int = 64) -> Tokenizer:
    """Return a tokenizer of single bytes without special tokens, as the encoders of the GPT family have."""
    from tokenizers import Tokenizer as Backend
    from tokenizers import models, pre_tokenizers

    letters = pre_tokenizers.ByteLevel.alphabet()
    backend = Backend(models.BPE({letter: n for n, letter in enumerate(sorted(letters))}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return Tokenizer(backend, pad=0, max_length=max_length)


def mark(tokenizer: Tokenizer, text: str, head: Entity, tail: Entity, max_length: int = 512) -> MarkedPair:
    document = Document("d", text)
    candidate = Candidate(head, tail, ("CID",), (head.id,), (tail.id,))
    (pair,) = PairMarker(tokenizer, max_length)(document, tokenizer([text])[0], [candidate])
    return pair


def entity(ident: str, label: str, *spans: tuple[int, int]) -> Entity:
    return Entity(ident, label, tuple(Span(*span) for span in spans))


def at(text: str, word: str, label: str, start: int = 0) -> Entity:
    found = text.index(word, start)
    return entity(word, label, (found, found + len(word)))


def listed(tokenizer: Tokenizer, pair: MarkedPair) -> list[str]:
    vocabulary = {number: piece for piece, number in tokenizer._backend.get_vocab().items()}
    return [vocabulary[number] for number in pair.ids.tolist()]


def read(tokenizer: Tokenizer, pair: MarkedPair) -> str:
    """Return the pieces as one text."""
    return " ".join(listed(tokenizer, pair)).replace(" ##", "")


def test_the_two_mentions_are_marked_with_their_types(minilm: Encoder) -> None:
    text = "Severe ulcers followed aspirin."
    pair = mark(minilm.tokenizer, text, at(text, "aspirin", "Chemical"), at(text, "ulcers", "Disease"))
    assert read(minilm.tokenizer, pair) == "severe # ^ disease ^ ulcers # followed @ * chemical * aspirin @ ."
    pieces = listed(minilm.tokenizer, pair)
    assert (pair.head, pair.tail) == (pieces.index("@"), pieces.index("#"))
    own = [piece for piece, inside in zip(pieces, pair.inside, strict=True) if inside]
    assert " ".join(own).replace(" ##", "") == "severe ulcers followed aspirin ."


@pytest.mark.parametrize(
    ("label", "words"),
    [("GENE-Y", "gene y"), ("SpecificDisease", "specific disease"), ("drug_n", "drug n"), ("CHEMICAL", "chemical")],
)
def test_a_type_is_named_by_the_words_of_its_label(minilm: Encoder, label: str, words: str) -> None:
    text = "a b"
    pair = mark(minilm.tokenizer, text, at(text, "a", label), at(text, "b", "Disease"))
    assert read(minilm.tokenizer, pair) == f"@ * {words} * a @ # ^ disease ^ b #"


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        ((0, 9), (0, 7), "@ * x * # ^ y ^ aspirin # a @ of b"),
        ((0, 7), (0, 9), "# ^ y ^ @ * x * aspirin @ a # of b"),
        ((0, 9), (8, 9), "@ * x * aspirin # ^ y ^ a # @ of b"),
        ((0, 9), (0, 9), "@ * x * # ^ y ^ aspirin a # @ of b"),
        ((8, 9), (0, 9), "# ^ y ^ aspirin @ * x * a @ # of b"),
        ((0, 9), (8, 12), "@ * x * aspirin # ^ y ^ a @ of # b"),
        ((0, 7), (8, 9), "@ * x * aspirin @ # ^ y ^ a # of b"),
        ((8, 9), (0, 7), "# ^ y ^ aspirin # @ * x * a @ of b"),
        ((13, 14), (0, 7), "# ^ y ^ aspirin # a of @ * x * b @"),
    ],
)
def test_nested_crossing_and_neighbouring_mentions(
    minilm: Encoder, head: tuple[int, int], tail: tuple[int, int], expected: str
) -> None:
    pair = mark(minilm.tokenizer, "aspirin a of b", entity("h", "X", head), entity("t", "Y", tail))
    assert read(minilm.tokenizer, pair) == expected
    pieces = listed(minilm.tokenizer, pair)
    assert (pair.head, pair.tail) == (pieces.index("@"), pieces.index("#"))


def test_a_discontinuous_mention_is_marked_from_its_first_to_its_last_piece(minilm: Encoder) -> None:
    text = "renal or liver failure by a"
    pair = mark(minilm.tokenizer, text, at(text, "a", "X", 26), entity("t", "Y", (15, 22), (0, 5)))
    assert read(minilm.tokenizer, pair) == "# ^ y ^ renal or liver failure # by @ * x * a @"


def test_a_mention_inside_a_word_is_marked_at_the_pieces_that_cover_it(minilm: Encoder) -> None:
    text = "an antiulcer drug"
    pair = mark(minilm.tokenizer, text, at(text, "drug", "X"), at(text, "ulcer", "Y"))
    assert " ".join(listed(minilm.tokenizer, pair)) == "an anti # ^ y ^ ##ul ##cer # @ * x * drug @"


@pytest.mark.parametrize("places", [((1, 2), (3, 4)), ((0, 3), (2, 3)), ((1, 2), (1, 2)), ((2, 3), (1, 2))])
def test_mentions_without_pieces(encoder: Encoder, places: tuple[tuple[int, int], tuple[int, int]]) -> None:
    for text in ("a\u200b\r\n b", "\r\n \t ", " \n\n\n", "and  pain"):
        pair = mark(encoder.tokenizer, text, entity("h", "X", places[0]), entity("t", "Y", places[1]))
        pieces = encoder.tokenizer([text])[0]
        assert pair.ids[pair.inside].tolist() == pieces.ids.tolist()
        assert pair.head != pair.tail


def test_context_is_shared_evenly_and_what_one_side_lacks_goes_to_the_other() -> None:
    tokenizer = byte_level()
    pieces = _numbered(200)
    start = _around(tokenizer, pieces, (0, 1), (2, 3))
    assert start == (0, 44)
    middle = _around(tokenizer, pieces, (99, 100), (101, 102))
    assert middle == (99 - 20, 102 + 21)
    end = _around(tokenizer, pieces, (196, 197), (199, 200))
    assert end == (200 - 44, 200)


def test_the_context_begins_with_a_sentence_where_one_begins() -> None:
    tokenizer = byte_level()
    pieces = _numbered(200, borders=(0, 80, 97, 120))
    assert _around(tokenizer, pieces, (99, 100), (101, 102)) == (80, 80 + 44)
    # the right side has no more, and the text before a sentence is not read for it
    pieces = _numbered(105, borders=(0, 80, 97))
    assert _around(tokenizer, pieces, (99, 100), (101, 102)) == (80, 105)


def read_short(tokenizer: Tokenizer, pair: MarkedPair) -> str:
    """The pieces as one text, an opening marker as its type alone; the small vocabulary has none of the signs."""
    return re.sub(r"\[UNK\] \[UNK\] (x|y) \[UNK\]", r"<\1>", read(tokenizer, pair))


def test_where_too_much_lies_between_the_surroundings_of_each_are_read(encoder: Encoder) -> None:
    text = " ".join(["the"] * 60 + ["aspirin"] + ["of"] * 90 + ["pain"] + ["for"] * 60)
    pair = mark(encoder.tokenizer, text, at(text, "aspirin", "X"), at(text, "pain", "Y"), 42)
    found = read_short(encoder.tokenizer, pair)
    assert len(pair.ids) == 40
    assert found == (
        f"{' '.join(['the'] * 6)} <x> aspirin [UNK] {' '.join(['of'] * 7)} [SEP] "
        f"{' '.join(['of'] * 6)} <y> pain [UNK] {' '.join(['for'] * 7)}"
    )


def test_of_mentions_that_are_too_long_beginning_and_end_are_read(encoder: Encoder) -> None:
    text = " ".join(["low", *["of"] * 60, "dose", "and", "pain", *["for"] * 70, "days"])
    head = entity("h", "X", (0, text.index("dose") + 4))
    tail = entity("t", "Y", (text.index("pain"), len(text)))
    pair = mark(encoder.tokenizer, text, head, tail, 42)
    found = read_short(encoder.tokenizer, pair)
    left, right = found.split(" <y> ")
    assert left.startswith("<x> low of")
    assert "[SEP]" in left
    assert "of dose [UNK]" in left
    assert right.startswith("pain for")
    assert right.endswith("for days [UNK]")
    assert len(pair.ids) <= 40
    # nested in one that is too long
    inner = entity("i", "Y", (text.index("dose"), text.index("dose") + 4))
    whole = entity("w", "X", (0, len(text)))
    found = read_short(encoder.tokenizer, mark(encoder.tokenizer, text, whole, inner, 42))
    assert re.fullmatch(
        r"<x> low( of)+ \[SEP\] <y> dose \[UNK\] \[SEP\]( for)+ days \[UNK\]",
        found,
    )


def test_a_tokenizer_without_special_tokens_has_an_ellipsis_for_a_separator() -> None:
    tokenizer = byte_level()
    text = "a" + "." * 200 + "b"
    pair = mark(tokenizer, text, entity("h", "X", (0, 1)), entity("t", "Y", (201, 202)))
    assert len(pair.ids) == 64
    gap = tokenizer([" …"])[0].ids.tolist()
    assert gap in [pair.ids[n : n + len(gap)].tolist() for n in range(len(pair.ids))]


def test_what_leaves_no_room_for_mentions_is_refused(tiny_encoder: Path) -> None:
    tokenizer = resolve_encoder(str(tiny_encoder), 18).tokenizer
    with pytest.raises(LearnerError, match=r"need at least 19 word pieces.*reads only 16 at once"):
        PairMarker(tokenizer, 128)
    PairMarker(resolve_encoder(str(tiny_encoder), 32).tokenizer, 128)


def test_a_vocabulary_without_a_marker_is_refused() -> None:
    from tokenizers import Tokenizer as Backend
    from tokenizers import models

    backend = Backend(models.BPE({"a": 0}, []))
    with pytest.raises(LearnerError, match="no word piece for '@'"):
        PairMarker(Tokenizer(backend, pad=0, max_length=64), 64)


def _numbered(count: int, borders: tuple[int, ...] = (0,)) -> Pieces:
    """Return pieces 1000, 1001, …, of one character each."""
    sentences = np.zeros(count, dtype=np.bool_)
    sentences[list(borders)] = True
    places = np.arange(count)
    return Pieces(1000 + places, places, places + 1, np.ones(count, dtype=np.bool_), sentences)


def _around(tokenizer: Tokenizer, pieces: Pieces, head: tuple[int, int], tail: tuple[int, int]) -> tuple[int, int]:
    """Return the stretch that is read, first piece and one past the last, of a pair whose markers take 20 pieces."""
    one, other = entity("h", "X", head), entity("t", "Y", tail)
    marker = PairMarker(tokenizer, 64)
    (pair,) = marker(Document("d", "." * len(pieces)), pieces, [Candidate(one, other, ("CID",), ("h",), ("t",))])
    own = pair.ids[pair.inside] - 1000
    assert own.tolist() == list(range(own[0], own[-1] + 1))
    return int(own[0]), int(own[-1]) + 1


fragments = st.sampled_from(
    [
        "aspirin",
        "pain",
        " ",
        ". The ",
        "\r\n",
        "\n\n",
        "\t",
        "🙂",
        "é",
        "e\u0301",
        "漢字",
        "\u200b",
        "@",
        "#",
        "p=0.05",
        "A",
    ]
)


@st.composite
def candidates(draw: st.DrawFn) -> tuple[str, Entity, Entity]:
    text = draw(st.lists(fragments, min_size=1, max_size=60).map("".join))
    ends = st.integers(0, len(text))
    spans = st.tuples(ends, ends).map(sorted).filter(lambda span: span[0] < span[1]).map(lambda span: Span(*span))
    mentions = st.lists(spans, min_size=1, max_size=2).map(tuple)
    labels = st.sampled_from(["Chemical", "GENE-Y", "★", "A very long name of a type " * 3])
    return text, *(Entity(ident, draw(labels), draw(mentions)) for ident in ("h", "t"))  # type: ignore[return-value]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minilm", "tiny", "bytes"])
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=candidates(), max_length=st.integers(48, 130))
def test_whatever_the_text_the_room_is_kept_and_the_text_is_read_in_order(
    name: str, minilm: Encoder, encoder: Encoder, case: tuple[str, Entity, Entity], max_length: int
) -> None:
    tokenizer = {"minilm": minilm.tokenizer, "tiny": encoder.tokenizer, "bytes": byte_level(100)}[name]
    text, head, tail = case
    pieces = tokenizer([text])[0]
    pair = mark(tokenizer, text, head, tail, max_length)
    around = len(tokenizer.before) + len(tokenizer.after)
    room = min(max_length, tokenizer.max_length) - around
    assert len(pair.ids) == len(pair.inside) <= room
    opening_head, opening_tail = ((tokenizer([f" {sign}"])[0].ids) for sign in "@#")
    assert pair.ids[pair.head : pair.head + len(opening_head)].tolist() == opening_head.tolist()
    assert pair.ids[pair.tail : pair.tail + len(opening_tail)].tolist() == opening_tail.tolist()
    assert not pair.inside[[pair.head, pair.tail]].any()
    # the text's own pieces, in order
    rest = iter(pieces.ids.tolist())
    assert all(number in rest for number in pair.ids[pair.inside].tolist())
    if len(pieces) + (~pair.inside).sum() <= room:
        assert pair.ids[pair.inside].tolist() == pieces.ids.tolist()
    # the first and the last piece of each mention are read, unless it has none
    for mention in (head, tail):
        own = [n for n in range(len(pieces)) if pieces.ends[n] > mention.start and pieces.starts[n] < mention.end]
        if own:
            assert {int(pieces.ids[own[0]]), int(pieces.ids[own[-1]])} <= set(pair.ids[pair.inside].tolist())
