"""A very small encoder with random weights, for tests of the machinery rather than of what it learns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from biorat_al.demo.corpus import read_demo_corpus


def make_tiny_encoder(folder: Path, *, hidden: int = 32, positions: int = 128) -> Path:
    """Write a BERT with two narrow layers, and a word-piece vocabulary of the demo corpus, to `folder`."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = {word for record in read_demo_corpus() for word in re.findall(r"\w+|[^\w\s]", record.document.text.lower())}
    letters = sorted({letter for word in words for letter in word})
    vocabulary = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
        *letters, *(f"##{letter}" for letter in letters), *sorted(word for word in words if len(word) > 1),
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    listing = folder / "vocab.txt"
    listing.write_text("\n".join(dict.fromkeys(vocabulary)), encoding="utf-8")
    BertTokenizerFast(vocab=str(listing), do_lower_case=True).save_pretrained(folder)
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(dict.fromkeys(vocabulary)), hidden_size=hidden, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=2 * hidden, max_position_embeddings=positions,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    torch.random.set_rng_state(state)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a very small encoder."""
    return make_tiny_encoder(tmp_path_factory.mktemp("encoder"))
