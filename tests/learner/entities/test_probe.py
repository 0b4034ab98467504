"""What strategies ask of a model: each against its definition, computed another way."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.saved_model import write_model
from biorat_al.learner.entities import probe as representation
from biorat_al.learner.entities.encoding import IGNORED
from biorat_al.learner.entities.inference import document_logits
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.entities.probe import Probe
from biorat_al.learner.entities.saved_tagger import Behaviour
from biorat_al.learner.training.dropout import Dropout
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TextContext

Examples = Callable[[int], list[Example]]

LABELS = 2


@pytest.fixture
def network(encoder: Encoder) -> TaggingNetwork:
    network = TaggingNetwork(encoder.network(), LABELS)
    network.initialise_head(torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.head.weight *= 20  # so that tags and probabilities differ
    return network.eval()


@pytest.fixture
def probe(network: TaggingNetwork, encoder: Encoder, cpu: Device) -> Probe:
    return Probe(network, encoder.tokenizer, cpu)


@pytest.fixture
def documents(make_examples: Examples) -> list[Document]:
    documents = [example.document for example in make_examples(12)]
    long = Document("long", "the pain of aspirin (low) dose " * 40)
    several = Document("several", "Naloxone for pain. The patient took heparin. Pain after days!")
    return [*documents, long, several, Document("blank", " \n"), Document("", "")]


def _of_one_window(document: Document, probe: Probe) -> tuple[torch.Tensor, torch.Tensor, NDArray[np.bool_]]:
    """Last layer and logits at all pieces of a document that is one sentence, and which of these begin words."""
    [pieces] = probe._tokenizer([document.text])
    ids = torch.tensor([[*probe._tokenizer.before, *pieces.ids.tolist(), *probe._tokenizer.after]])
    hidden = probe._network.base(input_ids=ids).last_hidden_state[0, 1:-1]
    return hidden, probe._network.head(hidden).view(-1, LABELS, 3), pieces.heads


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return -(p * np.log(p)).sum(axis=-1)


class TestEmbedding:
    def test_it_is_the_mean_of_the_words_last_layer(self, probe: Probe, documents: list[Document]) -> None:
        found = probe.embedding(documents)
        assert found.shape == (len(documents), 32)
        for number in (0, 5, 11):
            hidden, _, heads = _of_one_window(documents[number], probe)
            assert found[number] == pytest.approx(hidden[heads].mean(dim=0).numpy(), abs=1e-5)

    def test_it_does_not_depend_on_the_chunk(
        self, probe: Probe, documents: list[Document], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = probe.embedding(documents)
        monkeypatch.setattr(representation, "CHUNK", 3)
        assert probe.embedding(documents) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("measure", ["embedding", "gradient", "disagreement", "sensitivity"])
def test_with_document_context_a_measure_is_still_the_mean_over_the_words(
    network: TaggingNetwork, encoder: Encoder, documents: list[Document], cpu: Device, measure: str
) -> None:
    options: dict[str, Any] = {
        "disagreement": {"passes": 2, "seed": 1},
        "sensitivity": {"settings": AdversarialSettings()},
    }.get(measure, {})

    def of(document: Document, context: TextContext) -> NDArray[np.float32]:
        probe = Probe(TaggingNetwork(encoder.network(), LABELS), encoder.tokenizer, cpu, context)
        probe._network.head.load_state_dict(network.head.state_dict())
        found: NDArray[np.float32] = getattr(probe, measure)([document], **options)
        return found

    one, several = documents[0], documents[13]
    assert of(one, "document") == pytest.approx(of(one, "sentence"), abs=1e-5)
    # what is read at once is what a single sentence of the same pieces would be
    joined = replace(several, text=several.text.replace(". The", ". the").replace(". Pain", ". pain"))
    assert of(several, "document") == pytest.approx(of(joined, "sentence"), abs=1e-5)
    assert of(several, "sentence") != pytest.approx(of(several, "document"), abs=1e-5)


class TestGradient:
    def test_it_is_that_of_the_loss_at_the_predicted_tags(self, probe: Probe, documents: list[Document]) -> None:
        found = probe.gradient(documents)
        assert found.shape == (len(documents), LABELS * 3 * 32)
        head = probe._network.head.weight
        for number in (0, 5, 11):
            head.requires_grad_(True)
            _, logits, heads = _of_one_window(documents[number], probe)
            tags = logits.argmax(dim=-1)
            tags[~torch.from_numpy(heads)] = IGNORED
            (gradient,) = torch.autograd.grad(tagging_loss(logits[None], tags[None]), head)
            head.requires_grad_(False)
            assert found[number] == pytest.approx(gradient.flatten().numpy(), abs=1e-5)

    def test_several_windows_are_averaged_over_their_words(
        self, probe: Probe, network: TaggingNetwork, encoder: Encoder, documents: list[Document], cpu: Device
    ) -> None:
        # the gradient by the head's bias is that for an h of 1: its mean over the words follows from the logits alone
        long = documents[12]
        pieces = encoder.tokenizer([long.text])
        assert len(pieces[0]) > encoder.tokenizer.window_length
        [logits] = document_logits(network, pieces, encoder.tokenizer, cpu)
        p = torch.tensor(logits).softmax(dim=-1)
        expected = (p - torch.nn.functional.one_hot(p.argmax(dim=-1), 3)).mean(dim=0)
        with torch.no_grad():
            hidden = torch.cat([batch_hidden(probe, batch) for batch in probe._batches(pieces, 64)])
        assert len(hidden) == len(logits)
        forward = probe._forward

        def of_ones(batch: representation._Batch, *, exact: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
            hidden, log_p = forward(batch, exact=exact)
            return torch.ones_like(hidden), log_p

        probe._forward = of_ones  # type: ignore[method-assign]
        [found] = probe.gradient([long])
        assert found.reshape(LABELS, 3, 32)[..., 0] == pytest.approx(expected.numpy(), abs=1e-5)

    def test_a_large_one_is_projected(
        self, probe: Probe, documents: list[Document], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = probe.gradient(documents[:14])
        # 192 numbers are not even halved by that
        monkeypatch.setattr(representation, "COLUMNS", 97)
        assert probe.gradient(documents[:14]).tolist() == whole.tolist()
        monkeypatch.setattr(representation, "COLUMNS", 96)
        projected = probe.gradient(documents[:14])
        assert projected.shape == (14, 96)
        pairs = np.triu_indices(14, 1)
        distances = [np.linalg.norm(found[:, None] - found, axis=2)[pairs] for found in (whole, projected)]
        # the standard deviation of the ratio is 1 / √(2 · 96), 0.072
        assert distances[1] / distances[0] == pytest.approx(1, abs=0.3)
        assert (distances[1] / distances[0]).mean() == pytest.approx(1, abs=0.1)

    def test_the_projection_is_made_without_a_copy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(representation, "COLUMNS", 256)
        tracemalloc.start()
        try:
            projection = representation._projection(4096)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1.2 * projection.nbytes
        assert np.square(projection).sum(axis=1).mean() == pytest.approx(1, abs=0.01)


def batch_hidden(probe: Probe, batch: representation._Batch) -> torch.Tensor:
    """Return the last layer at the words that count in a batch."""
    return probe._forward(batch)[0][batch.own.bool()]


class TestDisagreement:
    def test_it_is_the_mutual_information(self, probe: Probe, documents: list[Document]) -> None:
        passes = []
        probe._drop(True)
        for number in range(4):
            probe._draws.begin(9, 0, number)
            with torch.no_grad():
                _, logits, heads = _of_one_window(documents[3], probe)
            passes.append(logits.double().softmax(dim=-1).numpy()[heads])
        probe._drop(False)
        sample = np.array(passes)
        expected = (_entropy(sample.mean(axis=0)) - _entropy(sample).mean(axis=0)).sum(axis=1).mean()
        assert expected > 0.01
        assert probe.disagreement([documents[3]], passes=4, seed=9) == pytest.approx([expected], abs=1e-5)

    def test_the_seed_decides_the_masks(self, probe: Probe, documents: list[Document]) -> None:
        first, again, other = (probe.disagreement(documents, passes=3, seed=seed) for seed in (1, 1, 2))
        assert first.tolist() == again.tolist()
        assert first.tolist() != other.tolist()
        assert (first[:14] > 0).all()

    def test_dropout_is_off_before_and_after(self, probe: Probe, documents: list[Document]) -> None:
        before = probe.embedding(documents)
        probe.disagreement(documents, passes=2, seed=1)
        assert probe.embedding(documents).tolist() == before.tolist()

    def test_an_encoder_without_dropout_gets_some_before_the_head(
        self, network: TaggingNetwork, encoder: Encoder, cpu: Device, documents: list[Document]
    ) -> None:
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        probe = Probe(network, encoder.tokenizer, cpu)
        assert [type(module) for module in probe._dropouts] == [Dropout]
        assert (probe.disagreement(documents[:14], passes=3, seed=1) > 0).all()
        assert probe.embedding(documents).tolist() == probe.embedding(documents).tolist()


class TestSensitivity:
    def test_it_is_the_divergence_under_the_steepest_shift(self, probe: Probe, documents: list[Document]) -> None:
        document = documents[3]
        embedding = probe._network.word_embedding
        shift: torch.Tensor | None = None
        handle = embedding.register_forward_hook(
            lambda module, given, output: output if shift is None else output + shift
        )
        _, logits, heads = _of_one_window(document, probe)
        shift = torch.zeros(1, len(logits) + 2, 32, requires_grad=True)
        _, clean, _ = _of_one_window(document, probe)
        assert torch.allclose(clean, logits, atol=1e-5)
        log_p = clean.log_softmax(dim=-1)
        (gradient,) = torch.autograd.grad(-log_p.amax(dim=-1)[torch.from_numpy(heads)].sum(), shift)
        gradient[:, [0, -1]] = 0
        shift = 0.3 * embedding.weight.norm(dim=1)[1:].mean() * gradient / gradient.norm()
        _, moved, _ = _of_one_window(document, probe)
        handle.remove()
        p, q = (each.detach().double().softmax(dim=-1).numpy()[heads] for each in (clean, moved))
        expected = (p * np.log(p / q)).sum(axis=(1, 2)).mean()
        assert expected > 0.01
        [found] = probe.sensitivity([document], settings=AdversarialSettings(epsilon=0.3))
        assert found == pytest.approx(expected, rel=0.02)

    def test_a_larger_shift_changes_more_and_none_nothing(self, probe: Probe, documents: list[Document]) -> None:
        by_size = [
            probe.sensitivity(documents, settings=AdversarialSettings(epsilon=epsilon)) for epsilon in (0, 0.05, 0.3)
        ]
        assert by_size[0] == pytest.approx(0, abs=1e-6)
        assert (by_size[1][:14] < by_size[2][:14]).all()

    @pytest.mark.parametrize("norm", ["l2", "linf", "l1"])
    @pytest.mark.parametrize("scope", ["token", "sequence", "batch"])
    def test_every_norm_and_scope_and_nobody_beside_it_counts(
        self, probe: Probe, documents: list[Document], norm: str, scope: str
    ) -> None:
        settings = AdversarialSettings.model_validate({"norm": norm, "scope": scope})
        together = probe.sensitivity(documents, settings=settings)
        [alone] = probe.sensitivity([documents[5]], settings=settings)
        assert together[5] == pytest.approx(alone, rel=1e-3, abs=1e-6)
        assert (together[:14] > 0).all()

    def test_the_table_of_word_vectors_stays_as_it_is(self, probe: Probe, documents: list[Document]) -> None:
        before = probe._network.word_embedding.weight.clone()
        embedding = probe.embedding(documents)
        probe.sensitivity(documents, settings=AdversarialSettings())
        assert torch.equal(before, probe._network.word_embedding.weight)
        assert probe.embedding(documents).tolist() == embedding.tolist()


@pytest.mark.parametrize("feature", ["embedding", "gradient", "disagreement", "sensitivity"])
class TestEvery:
    def ask(self, probe: Probe, feature: str, documents: list[Document]) -> NDArray[np.float32]:
        options = {
            "disagreement": {"passes": 2, "seed": 1},
            "sensitivity": {"settings": AdversarialSettings()},
        }.get(feature, {})
        found: NDArray[np.float32] = getattr(probe, feature)(documents, **options)
        return found

    def test_no_word_is_zero(self, probe: Probe, feature: str, documents: list[Document]) -> None:
        found = self.ask(probe, feature, documents)
        assert not found[14:].any()
        assert np.isfinite(found).all()
        assert not self.ask(probe, feature, documents[14:]).any()

    def test_no_document(self, probe: Probe, feature: str, documents: list[Document]) -> None:
        assert self.ask(probe, feature, []).shape == self.ask(probe, feature, documents[:1])[:0].shape

    def test_the_same_again_from_the_folder(
        self, probe: Probe, feature: str, documents: list[Document], network: TaggingNetwork, encoder: Encoder,
        cpu: Device, tmp_path: Path,
    ) -> None:  # fmt: skip
        behaviour = Behaviour(("Chemical", "Disease"), 1.5, encoder.tokenizer.pad, encoder.tokenizer.max_length)
        folder, _ = write_model(tmp_path, "p", network, encoder.tokenizer, behaviour, {})
        expected = self.ask(probe, feature, documents)
        assert self.ask(probe, feature, documents).tolist() == expected.tolist()
        assert self.ask(Probe.load(folder, cpu), feature, documents) == pytest.approx(expected, rel=1e-4, abs=1e-5)

    def test_global_random_state_stays(self, probe: Probe, feature: str, documents: list[Document]) -> None:
        before = torch.random.get_rng_state()
        self.ask(probe, feature, documents)
        assert torch.equal(before, torch.random.get_rng_state())
