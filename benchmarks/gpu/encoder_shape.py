"""An encoder of PubMedBERT's shape with random weights, and made-up abstracts for it; needs no network.

The speed of a network does not depend on what its weights are. The vocabulary is made of the syllables that the made-up
words are made of, so that a word has two to five word pieces, as biomedical words have.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import torch

from biorat_al.corpus.model.document import Document, Entity, Relation, Span
from biorat_al.learner.types import Example
from biorat_al.settings import RelationType

LABEL = "Disease"
TREATS = RelationType(name="treats", head="Chemical", tail=LABEL)
VOCABULARY = 30522
"""Word pieces that PubMedBERT knows; what the syllables leave over is filled up."""

SHAPES = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    "tiny": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128},
}
"""``base`` is PubMedBERT's; ``tiny`` is to try this folder's scripts on a CPU."""

_SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprstvz" for vowel in "aeiou"]


def write_encoder(folder: Path, shape: str, seed: int = 13) -> Path:
    """Write the files of a BERT encoder (configuration, word pieces, weights drawn at random) and return the folder."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ","]
    pieces += [*_SYLLABLES, *("##" + syllable for syllable in _SYLLABLES)]
    pieces += [f"[unused{number}]" for number in range(VOCABULARY - len(pieces))]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    # by its position: the keyword for the file is not the same in all versions of transformers
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True, model_max_length=512)
    tokenizer.save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = BertModel(BertConfig(vocab_size=VOCABULARY, **SHAPES[shape]))
    network.save_pretrained(folder)
    return folder


def made_up_examples(count: int, seed: int = 13) -> list[Example]:
    """Return texts of the length of abstracts in which about one word in twelve is a mention, always by the same names.

    The names can be learnt from their word pieces, so that F1 tells whether a training works.
    """
    return list(_examples(count, random.Random(seed)))


def _examples(count: int, draw: random.Random) -> Iterator[Example]:
    names = ["".join(draw.choices(_SYLLABLES, k=draw.randint(3, 5))) for _ in range(60)]
    others = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4))) for _ in range(2000)]
    for number in range(count):
        text, entities = "", []
        for place in range(draw.randint(120, 280)):
            mention = draw.random() < 1 / 12
            word = draw.choice(names if mention else others)
            text += " " if place else ""
            if mention:
                entities.append(Entity(f"T{len(entities) + 1}", LABEL, (Span(len(text), len(text) + len(word)),)))
            text += word + ("." if draw.random() < 1 / 20 else "")
        yield Example(Document(f"d{number:05d}", text), tuple(entities))


def made_up_relations(count: int, seed: int = 13) -> list[Example]:
    """Return texts of four sentences of two mentions each, which are related if one of two words is between them."""
    draw = random.Random(seed)
    return [_related(number, draw) for number in range(count)]


def _related(number: int, draw: random.Random) -> Example:
    text, entities, relations = "", [], []
    for _ in range(4):
        between = draw.choice(["baco", "dife", "gulo", "maci"])
        ids = []
        for label, before in (("Chemical", "zaso "), (LABEL, f" {between} ")):
            text += before
            word = "".join(draw.choices(_SYLLABLES, k=2))
            ids.append(f"T{len(entities) + 1}")
            entities.append(Entity(ids[-1], label, (Span(len(text), len(text) + len(word)),)))
            text += word
        if between in ("baco", "dife"):
            relations.append(Relation(f"R{len(relations) + 1}", TREATS.name, *ids))
        text += ". "
    return Example(Document(f"r{number:05d}", text.rstrip()), tuple(entities), tuple(relations))
