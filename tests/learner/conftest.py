"""A small encoder with random weights, and documents that it can learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from biorat_al.corpus.model.document import Document, Entity, Span
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder
from biorat_al.learner.entities.batching import Batch, encode_part, make_batch
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.training import train
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings
from tests.learner.jobs import trained

DRUGS = ("aspirin", "naloxone", "heparin", "lithium", "morphine")
OTHERS = ("the", "patient", "took", "with", "and", "after", "pain", "for", "days", "low", "dose", "of")


def make_encoder_folder(folder: Path, positions: int = 64) -> Path:
    """Save a BERT of two thin layers with a word-piece vocabulary; its tokenizer file truncates and pads, as some do.

    :param positions: longest input.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + [str(digit) for digit in range(10)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*OTHERS, "asp", "##irin", "nal", "##ox", "##one", *letters, *(f"##{letter}" for letter in letters)]
    words += list(dict.fromkeys(".,-()/"))
    vocabulary = {word: number for number, word in enumerate([*special, *words])}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    backend.enable_truncation(8)
    backend.enable_padding(length=8)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=positions,
    )
    tokenizer.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = BertModel(
            BertConfig(
                vocab_size=len(vocabulary),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=positions,
            )
        )
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder_folder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def encoder(encoder_folder: Path) -> Encoder:
    return resolve_encoder(str(encoder_folder))


@pytest.fixture
def cpu() -> Device:
    return Device("cpu", bf16=False)


def example(number: int, random: Random) -> Example:
    """Return a text in which every drug is a Chemical, and one "pain" in it is a Disease."""
    words = [random.choice(OTHERS if random.random() < 0.7 else DRUGS) for _ in range(random.randint(4, 14))]
    text, entities = "", []
    for word in words:
        start = len(text)
        text += word + " "
        label = "Chemical" if word in DRUGS else "Disease" if word == "pain" else None
        if label:
            entities.append(Entity(f"T{len(entities) + 1}", label, (Span(start, start + len(word)),)))
    return Example(Document(f"d{number:03d}", text), tuple(entities))


@pytest.fixture
def make_examples() -> Callable[[int], list[Example]]:
    def make(count: int) -> list[Example]:
        random = Random(count)
        return [example(number, random) for number in range(count)]

    return make


@pytest.fixture
def network(encoder: Encoder) -> TaggingNetwork:
    """Return a network for two labels, without dropout."""
    network = TaggingNetwork(encoder.network(), 2)
    network.initialise_head(torch.Generator().manual_seed(0))
    return network.eval()


@pytest.fixture
def batch(encoder: Encoder, cpu: Device, make_examples: Callable[[int], list[Example]]) -> Batch:
    """Return six windows of different length."""
    rows = encode_part(make_examples(6), encoder.tokenizer, ["Chemical", "Disease"]).rows(62)
    return make_batch(rows, encoder.tokenizer, cpu)


@pytest.fixture
def run(encoder: Encoder, tmp_path: Path, cpu: Device) -> Callable[..., Any]:
    """Train one arm on examples for a few steps, with some of the options changed."""
    quick = TrainingSettings(epochs=1, min_steps=6, batch_size=4, learning_rate=1e-3)

    def run(examples: list[Example], arm: str = "rat", **changes: Any) -> Any:
        options: dict[str, Any] = {
            "labels": ["Chemical", "Disease"],
            "encoder": encoder, "arm": arm, "training": quick, "seed": 13, "prefix": "p",
            "adversarial": AdversarialSettings(probability=0.5), "models_dir": tmp_path / "models", "device": cpu,
        }  # fmt: skip
        return trained(train, examples, **{**options, **changes})

    return run
