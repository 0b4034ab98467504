"""Encoders of other families than BERT go the whole way: train, save, load, predict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from biorat_al.corpus.model.document import Document
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings

Examples = Callable[[int], list[Example]]

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("roberta", SMALL),
        ("electra", SMALL | {"embedding_size": 16}),
        ("albert", SMALL | {"embedding_size": 16}),
        ("mpnet", SMALL),
        ("deberta-v2", SMALL | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}),
        ("modernbert", SMALL),
        ("distilbert", {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 66}),
    ],
)
def test_the_whole_way(
    encoder_folder: Path, tmp_path: Path, cpu: Device, make_examples: Examples, kind: str, options: dict[str, Any]
) -> None:
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    folder = tmp_path / kind
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    tokenizer.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), pad_token_id=0, **options)
        AutoModel.from_config(config).save_pretrained(folder)
    long = Document("long", "the patient took aspirin for pain " * 30)
    examples = [*make_examples(6), Example(long, ())]
    models = [
        train(
            examples,
            TrainingJob(
                encoder=resolve_encoder(str(folder)),
                arm="at",
                training=TrainingSettings(epochs=1, min_steps=3, batch_size=4),
                adversarial=AdversarialSettings(),
                seed=13,
                device=cpu,
            ),
            labels=["Chemical", "Disease"],
            models_dir=tmp_path / name,
            prefix="p",
        )
        for name in "ab"
    ]
    assert models[0].sha256 == models[1].sha256
    assert models[0].summary["adversarial_steps"] == 3
    predictions = [list(Tagger.load(m.folder, cpu).predict([e.document for e in examples])) for m in models]
    assert predictions[0] == predictions[1]
    assert [p.document_id for p in predictions[0]] == [e.document.id for e in examples]
    assert all(p.uncertainty.entropy > 0 for p in predictions[0])
