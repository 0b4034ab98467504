from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Document, Entity, Span
from biorat_al.errors import OffsetError
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.tokenizing import Pieces
from biorat_al.learner.entities.decoding import decode
from biorat_al.learner.entities.encoding import IGNORED, B, I, O, decode_mentions, encode_tags, windows

LABELS = ["Chemical", "Disease"]


def pieces_of(encoder: Encoder, text: str) -> Pieces:
    return encoder.tokenizer([text])[0]


def entity(text: str, surface: str, label: str = "Chemical", id: str = "T1") -> Entity:
    start = text.index(surface)
    return Entity(id, label, (Span(start, start + len(surface)),))


def words(encoder: Encoder, text: str, entities: list[Entity]) -> tuple[list[list[int]], Counter[str]]:
    pieces = pieces_of(encoder, text)
    tags, counts = encode_tags(pieces, entities, LABELS)
    assert tags.shape == (len(pieces), len(LABELS))
    assert (tags[~pieces.heads] == IGNORED).all()
    return tags[pieces.heads].T.tolist(), counts


def certain(word_tags: np.ndarray) -> np.ndarray:
    """Return logits that say exactly these tags."""
    return (np.eye(3, dtype=np.float32)[word_tags] * 40).astype(np.float32)


def test_neighbours_of_one_type_stay_apart(encoder: Encoder) -> None:
    text = "aspirin naloxone pain"
    mentions = [entity(text, "aspirin"), entity(text, "naloxone", id="T2")]
    tags, counts = words(encoder, text, mentions)
    assert tags == [[B, B, O], [O, O, O]]
    assert not counts
    (found,) = decode([certain(np.array(tags).T)])
    assert [m[:3] for m in found.mentions] == [(0, 0, 1), (0, 1, 2)]


def test_mentions_of_different_types_may_overlap(encoder: Encoder) -> None:
    text = "low aspirin pain"
    tags, counts = words(encoder, text, [entity(text, "aspirin pain", "Disease"), entity(text, "low aspirin")])
    assert tags == [[B, I, O], [O, B, I]]
    assert not counts


def test_of_nested_mentions_of_one_type_the_outermost_is_trained(encoder: Encoder) -> None:
    text = "low aspirin dose pain"
    inner, outer = entity(text, "aspirin"), entity(text, "low aspirin dose")
    tags, counts = words(encoder, text, [inner, outer])
    assert tags[0] == [B, I, I, O]
    assert counts == {"same_type_nesting": 1}


def test_what_a_crossing_mention_adds_is_left_out_of_the_loss(encoder: Encoder) -> None:
    text = "low aspirin dose pain of"
    tags, counts = words(encoder, text, [entity(text, "low aspirin dose"), entity(text, "dose pain")])
    assert tags[0] == [B, I, I, IGNORED, O]
    assert counts == {"same_type_nesting": 1}


def test_pieces_of_a_discontinuous_mention_are_left_out_of_the_loss(encoder: Encoder) -> None:
    text = "low and aspirin dose"
    mention = Entity("T1", "Chemical", (Span(0, 3), Span(16, 20)))
    tags, counts = words(encoder, text, [mention])
    assert tags == [[IGNORED, O, O, IGNORED], [O, O, O, O]]
    assert counts == {"discontinuous": 1}


def test_a_mention_that_a_discontinuous_one_overlaps_is_trained(encoder: Encoder) -> None:
    text = "low and aspirin dose"
    mention = Entity("T1", "Chemical", (Span(0, 3), Span(16, 20)))
    tags, counts = words(encoder, text, [mention, entity(text, "dose", id="T2")])
    assert tags[0] == [IGNORED, O, O, B]
    assert counts == {"discontinuous": 1}


def test_a_span_inside_a_word_is_trained_as_the_word(encoder: Encoder) -> None:
    text = "the nalox pains"
    tags, counts = words(encoder, text, [entity(text, "alox pain")])
    assert tags[0] == [O, B, I]
    assert counts == {"off_token_border": 1}


def test_blanks_at_the_border_of_a_mention_are_counted_and_trained_without(encoder: Encoder) -> None:
    text = "the aspirin pain"
    tags, counts = words(encoder, text, [entity(text, " aspirin ")])
    assert tags[0] == [O, B, O]
    assert counts == {"off_token_border": 1}


def test_a_mention_of_nothing_but_blanks_is_counted(encoder: Encoder) -> None:
    text = "the   pain"
    tags, counts = words(encoder, text, [Entity("T1", "Chemical", (Span(4, 5),))])
    assert tags[0] == [O, O]
    assert counts == {"no_token": 1}


def test_a_label_that_the_model_does_not_have_is_counted(encoder: Encoder) -> None:
    tags, counts = words(encoder, "the pain", [Entity("T1", "Gene", (Span(4, 8),))])
    assert tags == [[O, O], [O, O]]
    assert counts == {"other_label": 1}


def test_a_blank_text_has_no_tags(encoder: Encoder) -> None:
    tags, counts = words(encoder, "  ", [Entity("T1", "Chemical", (Span(0, 1),))])
    assert tags == [[], []]
    assert counts == {"no_token": 1}


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_mentions_on_words_come_back_as_they_were(encoder_json: str, data: st.DataObject) -> None:
    from tokenizers import Tokenizer as Backend

    from biorat_al.learner.encoder.tokenizing import Tokenizer

    tokenizer = Tokenizer(Backend.from_str(encoder_json), pad=0, max_length=64)
    tokens = data.draw(st.lists(st.sampled_from(["aspirin", "pain", "5-HT", "(", "é", "x9"]), min_size=1, max_size=12))
    blank = data.draw(st.sampled_from([" ", "  ", "\r\n", "\t"]))
    text = blank.join(tokens)
    starts = [sum(len(t) + len(blank) for t in tokens[:n]) for n in range(len(tokens))]
    mentions = []
    for label in LABELS:
        borders = sorted(data.draw(st.sets(st.integers(0, len(tokens)), max_size=6)))
        for first, last in zip(borders[::2], borders[1::2], strict=False):
            span = Span(starts[first], starts[last - 1] + len(tokens[last - 1]))
            mentions.append(Entity(f"{label}{first}", label, (span,)))
    (pieces,) = tokenizer([text])
    tags, counts = encode_tags(pieces, mentions, LABELS)
    assert not counts
    (found,) = decode([certain(tags[pieces.heads])])
    back = decode_mentions(Document("1", text), pieces, found.mentions, LABELS)
    assert {(e.label, e.spans) for e in back} == {(e.label, e.spans) for e in mentions}
    assert len(back) == len(mentions)
    assert [e.start for e in back] == sorted(e.start for e in back)
    assert len({e.id for e in back}) == len(back)
    assert all(e.score is not None and e.score > 0.999 for e in back)


@pytest.fixture(scope="session")
def encoder_json(encoder: Encoder) -> str:
    return encoder.tokenizer.to_json()


def test_a_mention_outside_the_text_is_refused(encoder: Encoder) -> None:
    pieces = pieces_of(encoder, "the pain of pain")
    with pytest.raises(OffsetError):
        decode_mentions(Document("1", "the pain"), pieces, [(0, 2, 3, 0.5)], LABELS)


def document_of(sentences: list[int]) -> Pieces:
    """Return word pieces of a document whose sentences have these lengths."""
    number = sum(sentences)
    places = np.arange(number)
    first = np.isin(places, np.cumsum([0, *sentences])[:-1])
    return Pieces(places, places * 2, places * 2 + 1, np.ones(number, dtype=np.bool_), first)


@given(
    documents=st.lists(st.lists(st.integers(1, 400), max_size=3), max_size=4),
    longest=st.integers(8, 120),
)
def test_windows_tile_each_document(documents: list[list[int]], longest: int) -> None:
    cut = windows([document_of(sentences) for sentences in documents], longest)
    for document, sentences in enumerate(documents):
        length = sum(sentences)
        own = [window for window in cut if window.document == document]
        covered = [n for window in own for n in range(window.first, window.last)]
        assert covered == list(range(length))
        for window in own:
            assert 0 <= window.start <= window.first < window.last <= window.end <= length
            assert len(window) <= longest
        borders = set(np.cumsum(sentences).tolist())
        for one, other in pairwise(own):
            if one.end in borders:
                assert (one.last, other.start, other.first) == (one.end, one.end, one.end)
                continue
            assert one.end - other.start >= longest // 4 - 1
            # most context: the border is in the middle of what both see
            assert abs((other.first - other.start) - (one.end - one.last)) <= 1


def test_a_sentence_that_fits_is_one_window() -> None:
    documents = [document_of(sentences) for sentences in ([], [1], [62, 3], [63])]
    assert [(window.document, len(window)) for window in windows(documents, 62)] == [
        (1, 1),
        (2, 62),
        (2, 3),
        (3, 62),
        (3, 62),
    ]


@given(
    documents=st.lists(st.lists(st.integers(1, 60), max_size=12), max_size=3),
    longest=st.integers(8, 50),
)
def test_windows_of_several_sentences_tile_each_document(documents: list[list[int]], longest: int) -> None:
    cut = windows([document_of(sentences) for sentences in documents], longest, "document")
    for document, sentences in enumerate(documents):
        own = [window for window in cut if window.document == document]
        covered = [n for window in own for n in range(window.first, window.last)]
        assert covered == list(range(sum(sentences)))
        assert all(len(window) <= longest for window in own)
        by_sentence = [replace(one, document=document) for one in windows([document_of(sentences)], longest)]
        for begin, end in pairwise(np.cumsum([0, *sentences]).tolist()):
            if end - begin <= longest:
                # a sentence that fits is in one window, and learnt there
                (around,) = [window for window in own if window.first <= begin < window.last]
                assert around.start <= begin < end <= around.last
            else:
                inside = [one for one in by_sentence if begin <= one.start < end]
                assert [one for one in own if begin <= one.start < end] == inside, "read as by itself"


@given(sentences=st.lists(st.integers(1, 30), min_size=1, max_size=9), longest=st.integers(30, 60))
def test_sentences_are_joined_into_the_fewest_windows_of_which_none_is_a_remainder(
    sentences: list[int], longest: int
) -> None:
    found = [len(window) for window in windows([document_of(sentences)], longest, "document")]
    ways = [
        [sum(sentences[begin:end]) for begin, end in pairwise((0, *inner, len(sentences)))]
        for number in range(len(found))
        for inner in combinations(range(1, len(sentences)), number)
    ]
    fitting = [way for way in ways if max(way) <= longest]
    fewest = min(map(len, fitting))
    assert len(found) == fewest
    assert max(found) == min(max(way) for way in fitting if len(way) == fewest)


def test_a_document_that_fits_is_one_window() -> None:
    documents = [document_of(sentences) for sentences in ([], [1], [30, 32], [30, 33], [5, 70, 5, 5])]
    assert [(window.document, len(window)) for window in windows(documents, 62, "document")] == [
        (1, 1),
        (2, 62),
        (3, 30),
        (3, 33),
        (4, 5),
        (4, 62),
        (4, 62),
        (4, 10),
    ]
