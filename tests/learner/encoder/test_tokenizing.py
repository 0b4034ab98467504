from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.tokenizing import Tokenizer
from biorat_al.learner.entities.encoding import word_spans

RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.sampled_from("abc xyz\n\t.-é中\u0301😀\u200b\r\u00a0")
TEXTS = st.text(alphabet=st.one_of(ODD, st.characters()), max_size=60)


@pytest.fixture(scope="module")
def byte_level() -> Tokenizer:
    """Like RoBERTa's: a blank belongs to the piece behind it, and a rare character is several pieces."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(["the patient took aspirin after the pain"] * 3, trainer)
    return Tokenizer(backend, pad=0, max_length=64)


def check(tokenizer: Tokenizer, text: str) -> None:
    (pieces,) = tokenizer([text])
    assert tokenizer.count([text]) == [len(pieces)]
    assert (pieces.starts >= 0).all()
    assert (pieces.ends <= len(text)).all()
    assert (np.diff(pieces.starts) >= 0).all()
    starts, ends = word_spans(pieces)
    assert len(starts) == pieces.heads.sum()
    assert (starts < ends).all()
    assert (ends[:-1] <= starts[1:]).all(), "words overlap"
    for start, end in zip(starts, ends, strict=True):
        word = text[start:end]
        assert word == word.strip()


@RELAXED
@given(text=TEXTS)
def test_words_of_word_pieces_are_stretches_of_the_text(encoder: Encoder, text: str) -> None:
    check(encoder.tokenizer, text)


@RELAXED
@given(text=TEXTS)
def test_words_of_a_byte_level_tokenizer_are_stretches_of_the_text(byte_level: Tokenizer, text: str) -> None:
    check(byte_level, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Aspirin-induced pain.", ["Aspirin", "-", "induced", "pain", "."]),
        ("5-HT1A", ["5", "-", "HT1A"]),
        ("naloxone 😀 aspirin", ["naloxone", "😀", "aspirin"]),
        ("\r\n pain\t", ["pain"]),
        ("中文", ["中", "文"]),
    ],
)
def test_a_word_is_a_stretch_of_letters_and_digits_or_one_other_character(
    encoder: Encoder, text: str, words: list[str]
) -> None:
    (pieces,) = encoder.tokenizer([text])
    assert [text[start:end] for start, end in zip(*word_spans(pieces), strict=True)] == words


def test_an_emoji_of_several_byte_pieces_is_one_word(byte_level: Tokenizer) -> None:
    text = "pain 😀 pain"
    (pieces,) = byte_level([text])
    assert len(pieces) > 3
    assert [text[start:end] for start, end in zip(*word_spans(pieces), strict=True)] == ["pain", "😀", "pain"]


def test_truncation_and_padding_of_the_tokenizer_file_are_overridden(encoder: Encoder) -> None:
    texts = ["pain", "pain " * 50]
    assert encoder.count_tokens(texts) == [1, 50]
    assert [len(pieces) for pieces in encoder.tokenizer(texts)] == [1, 50]


@pytest.mark.parametrize("text", ["", "   ", "\r\n\t\u00a0"])
def test_a_blank_text_has_no_pieces(encoder: Encoder, text: str) -> None:
    (pieces,) = encoder.tokenizer([text])
    assert len(pieces) == 0
    assert len(word_spans(pieces)[0]) == 0


def test_a_lone_surrogate_is_taken_for_an_unknown_character(encoder: Encoder) -> None:
    text = "pain \ud83d pain"
    (pieces,) = encoder.tokenizer([text])
    assert [(int(a), int(b)) for a, b in zip(*word_spans(pieces), strict=True)][-1] == (7, 11)
    assert encoder.count_tokens([text]) == [len(pieces)]


def test_special_tokens_are_known_and_make_windows_shorter(encoder: Encoder) -> None:
    tokenizer = encoder.tokenizer
    assert (tokenizer.before, tokenizer.after) == ((2,), (3,))
    assert tokenizer.window_length == 62


def test_its_json_makes_the_same_tokenizer(encoder: Encoder) -> None:
    tokenizer = encoder.tokenizer
    again = Tokenizer(Backend.from_str(tokenizer.to_json()), pad=tokenizer.pad, max_length=tokenizer.max_length)
    text = "The patient took aspirin for 50 days " * 4
    assert np.array_equal(again([text])[0].ids, tokenizer([text])[0].ids)
    assert again.before == tokenizer.before


def test_whether_case_counts_is_seen(encoder: Encoder, byte_level: Tokenizer) -> None:
    assert encoder.tokenizer.uncased
    assert not byte_level.uncased
