from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from biorat_al.corpus.model.document import Document
from biorat_al.corpus.sentences import RULES
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.saved_model import write_model
from biorat_al.learner.encoder.windows import batches
from biorat_al.learner.entities import tagger as module
from biorat_al.learner.entities.decoding import NOTHING, Decoded, decode
from biorat_al.learner.entities.encoding import Window, windows
from biorat_al.learner.entities.inference import document_logits
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour
from biorat_al.learner.entities.tagger import Tagger, confidence, uncertainty
from biorat_al.learner.types import Example, Prediction, Uncertainty
from biorat_al.settings import TextContext

Examples = Callable[[int], list[Example]]


@pytest.fixture
def network(encoder: Encoder) -> TaggingNetwork:
    network = TaggingNetwork(encoder.network(), 2)
    network.initialise_head(torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.head.weight *= 20  # so that tags and confidences differ
    return network.eval()


@pytest.fixture
def folder(network: TaggingNetwork, encoder: Encoder, tmp_path: Path) -> Path:
    behaviour = Behaviour(("Chemical", "Disease"), 1.5, encoder.tokenizer.pad, encoder.tokenizer.max_length)
    return write_model(tmp_path, "p", network, encoder.tokenizer, behaviour, {})[0]


@pytest.fixture
def documents(make_examples: Examples) -> list[Document]:
    documents = [example.document for example in make_examples(30)]
    long = Document("long", "the pain of aspirin (low) dose " * 40)
    return [*documents, long, Document("blank", " \n"), Document("", "")]


def test_it_loads_to_identical_predictions(folder: Path, documents: list[Document]) -> None:
    for bf16 in (False, True):
        device = Device("cpu", bf16)
        first, second = (list(Tagger.load(folder, device).predict(documents)) for _ in range(2))
        assert first == second
    tagger = Tagger.load(folder, device)
    assert tagger.version == folder.name
    assert tagger.labels == ("Chemical", "Disease")


def test_predictions_come_in_order_and_inside_the_text(folder: Path, documents: list[Document], cpu: Device) -> None:
    predictions = list(Tagger.load(folder, cpu).predict(documents))
    assert [p.document_id for p in predictions] == [d.id for d in documents]
    assert sum(len(p.entities) for p in predictions) > 50
    assert {e.label for p in predictions for e in p.entities} == {"Chemical", "Disease"}
    for document, prediction in zip(documents, predictions, strict=True):
        assert 0 < prediction.confidence <= 1
        for entity in prediction.entities:
            surface = entity.surface(document.text)
            assert surface
            assert surface == surface.strip()
            assert entity.score is not None
            assert 0 <= entity.score <= 1


def test_a_document_does_not_depend_on_other_chunks(
    folder: Path, documents: list[Document], cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 10)
    tagger = Tagger.load(folder, cpu)
    whole = list(tagger.predict(documents))
    assert list(tagger.predict(documents[10:])) == whole[10:]


def test_it_reads_ahead_by_one_chunk_only(folder: Path, cpu: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 4)
    read: list[int] = []

    def stream() -> Iterator[Document]:
        for number in range(100):
            read.append(number)
            yield Document(str(number), "the pain")

    predictions = Tagger.load(folder, cpu).predict(stream())
    assert read == []
    next(predictions)
    assert len(read) == 4


def test_nothing_gives_nothing(folder: Path, cpu: Device) -> None:
    assert list(Tagger.load(folder, cpu).predict([])) == []


def test_a_blank_document_is_certain_and_empty(folder: Path, cpu: Device) -> None:
    for document in (Document("1", ""), Document("1", "  \r\n")):
        assert list(Tagger.load(folder, cpu).predict([document])) == [
            Prediction("1", (), 1.0, Uncertainty(0.0, 0.0, 0.0, 0.0, 0.0, 0))
        ]


def test_padding_and_company_do_not_change_the_logits(
    network: TaggingNetwork, encoder: Encoder, documents: list[Document], cpu: Device
) -> None:
    pieces = encoder.tokenizer([document.text for document in documents])
    together = document_logits(network, pieces, encoder.tokenizer, cpu)
    for document, logits in zip(pieces, together, strict=True):
        (alone,) = document_logits(network, [document], encoder.tokenizer, cpu)
        assert logits.shape == (document.heads.sum(), 2, 3)
        np.testing.assert_allclose(logits, alone, atol=2e-5)


def test_a_long_document_takes_each_word_from_the_window_with_most_context(
    network: TaggingNetwork, encoder: Encoder, cpu: Device
) -> None:
    (pieces,) = encoder.tokenizer(["the pain of aspirin (low) dose " * 20])
    cut = windows([pieces], encoder.tokenizer.window_length)
    assert len(cut) > 2
    expected = np.zeros((len(pieces), 2, 3), dtype=np.float32)
    for window in cut:
        ids = torch.tensor([[2, *pieces.ids[window.start : window.end].tolist(), 3]])
        with torch.inference_mode():
            logits = network(ids, None)[0, 1:-1].numpy()
        expected[window.first : window.last] = logits[window.first - window.start : window.last - window.start]
    (found,) = document_logits(network, [pieces], encoder.tokenizer, cpu)
    np.testing.assert_allclose(found, expected[pieces.heads], atol=2e-5)


def test_a_model_reads_documents_in_the_context_that_it_was_trained_with(
    network: TaggingNetwork, encoder: Encoder, tmp_path: Path, cpu: Device
) -> None:
    tokenizer = encoder.tokenizer
    first, second, others = "Heparin and (low) dose of", "Pain after aspirin!", "The pain. " * 30
    pieces = tokenizer([f"{first} days. {second} {others}", f"{first} morphine. {second} {others}"])
    words_before = [int(one.heads[: int(np.flatnonzero(one.sentences)[1])].sum()) for one in pieces]
    text = f"{first} days. {second}"
    seen, shapes, tokens = {}, {}, {}
    for context in ("sentence", "document"):
        behaviour = Behaviour(("Chemical", "Disease"), 1.5, tokenizer.pad, tokenizer.max_length, context=context)
        tagger = Tagger.load(write_model(tmp_path, "p", network, tokenizer, behaviour, {})[0], cpu)
        logits = tagger.logits(pieces)
        one, two = (of_one[begin : begin + 4] for of_one, begin in zip(logits, words_before, strict=True))
        seen[context] = bool(np.abs(one - two).max() > 1e-3)
        shapes[context] = [of_one.shape for of_one in logits]
        (prediction,) = tagger.predict([Document("1", text)])
        tokens[context] = prediction.uncertainty.tokens
    assert seen == {"sentence": False, "document": True}
    # whatever it is read in, a document has one row for each word, and one number of word pieces
    assert shapes["sentence"] == shapes["document"]
    assert tokens["sentence"] == tokens["document"]
    (whole,) = tokenizer([text])
    (found,) = document_logits(network, [whole], tokenizer, cpu, context="document")
    with torch.inference_mode():
        ids = torch.tensor([[*tokenizer.before, *whole.ids.tolist(), *tokenizer.after]])
        by_hand = network(ids, None)[0, 1:-1].numpy()[whole.heads]
    np.testing.assert_allclose(found, by_hand, atol=2e-5)


def test_a_model_cuts_sentences_by_the_rules_that_it_was_trained_with(
    network: TaggingNetwork, encoder: Encoder, tmp_path: Path, cpu: Device
) -> None:
    # rules 1 take the "d" for an initial
    first, second = "The patient took aspirin for 5 d.", "Then low dose of pain"
    tokenizer = encoder.tokenizer
    for rules in RULES:
        behaviour = Behaviour(("Chemical", "Disease"), 1.5, tokenizer.pad, tokenizer.max_length, sentence_rules=rules)
        tagger = Tagger.load(write_model(tmp_path, "p", network, tokenizer, behaviour, {})[0], cpu)
        whole, alone = tagger.logits(tokenizer([f"{first} {second}", first], sentence_rules=rules))
        assert np.allclose(whole[: len(alone)], alone, atol=1e-4) == (rules == 2)
        (prediction,) = tagger.predict([Document("1", f"{first} {second}")])
        (decoded,) = decode([whole])
        assert prediction.uncertainty.entity_entropy == pytest.approx(decoded.entity_entropy, rel=1e-5)


@pytest.mark.parametrize("context", ["sentence", "document"])
def test_the_same_mentions_have_the_same_offsets_however_the_document_is_cut(
    encoder: Encoder, cpu: Device, context: TextContext
) -> None:
    text = "The patient took aspirin (low dose). " * 9 + "Aspirin after aspirin! " + "low dose of aspirin and " * 20
    network = TaggingNetwork(encoder.network(), 1)
    first = int(encoder.tokenizer(["aspirin"])[0].ids[0])

    def begins_where_aspirin_does(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        logits = torch.zeros((*ids.shape, 1, 3))
        logits[..., 0, 1] = torch.where(ids == first, 20.0, -20.0)
        logits[..., 0, 2] = -20.0
        return logits

    network.forward = begins_where_aspirin_does  # type: ignore[method-assign, assignment]
    tagger = Tagger("p", network, encoder.tokenizer, Behaviour(("Chemical",), 1.0, 0, 64, context=context), cpu)
    (prediction,) = tagger.predict([Document("1", text)])
    expected = [match.span() for match in re.finditer("aspirin", text, re.IGNORECASE)]
    assert len(expected) == 31
    assert [(one.start, one.end) for one in prediction.entities] == expected


def test_batches_hold_each_window_once_and_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 500, 512).tolist()
    cut = [Window(number, 0, length, 0, length) for number, length in enumerate(lengths)]
    found = list(batches(cut, 2048))
    assert sorted(n for members in found for n in members) == list(range(len(cut)))
    padded = sum(len(members) * max(len(cut[n]) for n in members) for members in found)
    assert all(len(members) * max(len(cut[n]) for n in members) <= 2048 for members in found)
    assert padded < 1.05 * sum(lengths)
    assert list(batches([Window(0, 0, 600, 0, 600)], 100)) == [[0]]


def test_the_measures_are_those_of_the_papers() -> None:
    # two words, P(y*) = 0.5, P(second) = 0.2
    found = Decoded(
        ((0, 0, 1, 0.6),),
        float(np.log(0.5)),
        float(np.log(0.3)),
        entropy=1.2,
        entity_entropy=0.7,
        expected=0.8,
        words=2,
    )
    measures = uncertainty(found, tokens=3)
    assert measures.least_confidence == pytest.approx(-np.log(0.5))
    assert measures.margin == pytest.approx(-np.log(0.5 - 0.2))
    assert measures.entropy == pytest.approx(0.6)
    assert measures.mnlp == pytest.approx(-np.log(0.5) / 2)
    assert measures.entity_entropy == 0.7, "a sum, whatever the number of words"
    assert measures.tokens == 3
    assert uncertainty(NOTHING, tokens=0) == Uncertainty(0.0, 0.0, 0.0, 0.0, 0.0, 0)
    assert str(uncertainty(NOTHING, tokens=0).mnlp) == "0.0", "not minus zero"


def test_confidence_is_the_expected_f1_with_one_right_answer_added() -> None:
    def of(scores: list[float], expected: float) -> float:
        return confidence(scores, expected)

    assert of([], 0.0) == 1.0
    assert of([], 1.0) == 0.5
    assert of([0.5], 0.5) == pytest.approx(2 / 2.5)
    assert of([0.9] * 10, 10.0) == pytest.approx(19 / 21)
    # long or short: what counts is how sure the mentions are
    assert of([0.9] * 100, 100.0) == pytest.approx(0.9, abs=0.01)
    assert of([1.0, 1.0], 2.0) == 1.0
    assert of([0.4] * 5, 5.0) < of([0.6] * 5, 5.0) < of([0.99] * 5, 5.0)
