"""Nothing in a training step makes a GPU wait: no number is read, and no shape depends on one.

On a CPU the same calls can be seen: reading a number is an operation of its own, and so is every one whose result has a
size that is known only once the device is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from biorat_al.learner.encoder.device import Device, put
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.head import _TAKES_WHOLE_MASKS
from biorat_al.learner.entities.batching import Batch, EncodedPart, encode_part
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.loop import Loop
from biorat_al.learner.types import Example
from biorat_al.settings import Arm, RelationSettings
from tests.learner.relations.test_training import SETTINGS, TRAINING, related_examples, train
from tests.learner.training.factories import make_fit

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "unique", "repeat_interleave")


class Watching(TorchDispatchMode):
    """Counts the operations that a GPU would have to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        name = operation.overloadpacket.__name__
        if any(name.startswith(one) for one in WAITING):
            self.seen[name] += 1
        if name in ("index", "index_put", "index_put_"):
            # a mask as an index has to be counted first
            masks = [one for one in arguments[1] if one is not None and one.dtype in (torch.bool, torch.uint8)]
            self.seen["an index that is a mask"] += len(masks)
        return operation(*arguments, **(options or {}))


def test_what_would_wait_is_noticed() -> None:
    numbers = torch.arange(4)
    with Watching() as watching:
        float(numbers.sum())
        numbers[numbers > 1]
    assert set(+watching.seen) >= {"_local_scalar_dense", "an index that is a mask"}


@pytest.mark.slow
@pytest.mark.parametrize("draw", ["batch", "example"])
@pytest.mark.parametrize(
    ("arm", "attack", "norm"),
    [
        ("none", "single-step", "l2"),
        ("rat", "single-step", "l2"),
        ("at", "single-step", "linf"),
        ("at", "pgd", "l2"),
        ("at", "pgd", "l1"),
        ("at", "freelb", "l2"),
        ("at", "vat", "l2"),
    ],
)
def test_no_step_reads_a_number_from_the_device(
    arm: Arm,
    attack: str,
    norm: str,
    draw: str,
    encoder: Encoder,
    batch: Batch,
    make_examples: Callable[[int], list[Example]],
) -> None:
    pool: EncodedPart = encode_part(make_examples(12), encoder.tokenizer, ["Chemical", "Disease"])
    changes: dict[str, Any] = {"unlabelled": 4} if attack == "vat" else {}
    fit = make_fit(encoder, arm, attack=attack, norm=norm, draw=draw, unlabelled_part=pool, **changes)
    with EmbeddingTap(fit.network.word_embedding) as tap:
        fit.step(batch, tap)
        with Watching() as watching:
            for _ in range(4):
                fit.step(batch, tap)
    assert not +watching.seen


def test_no_step_on_relations_reads_a_number_from_the_device(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Loop.step
    watching = Watching()

    def watched(self: Loop, *arguments: Any) -> torch.Tensor:
        with watching:
            return step(self, *arguments)

    monkeypatch.setattr(Loop, "step", watched)
    # as on a GPU
    monkeypatch.setattr(Device, "training_attention", None)
    relations: RelationSettings = SETTINGS
    train(
        tmp_path,
        related_examples(6),
        encoder,
        "rat",
        training=TRAINING,
        relations=relations,
    )
    assert not +watching.seen


@pytest.mark.parametrize("kind", _TAKES_WHOLE_MASKS)
def test_a_mask_of_four_dimensions_changes_no_bit(kind: str) -> None:
    from transformers import AutoConfig, AutoModel

    options = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = AutoConfig.for_model(kind, **options, intermediate_size=64, max_position_embeddings=40, pad_token_id=0)
    torch.manual_seed(3)
    network = TaggingNetwork(AutoModel.from_config(config, attn_implementation="sdpa").eval(), 2)
    ids = torch.randint(2, 50, (4, 12))
    mask = (torch.arange(12) < torch.tensor([12, 9, 5, 1])[:, None]).long()
    given = network.attention_mask(mask)
    assert given is not None
    assert given.shape == (4, 1, 12, 12)
    expected = network.base(input_ids=ids, attention_mask=mask).last_hidden_state
    found = network.base(input_ids=ids, attention_mask=given).last_hidden_state
    assert torch.equal(found, expected)
    whole = network.attention_mask(torch.ones_like(mask))
    assert torch.allclose(
        network.base(input_ids=ids, attention_mask=whole).last_hidden_state,
        network.base(input_ids=ids).last_hidden_state,
        atol=1e-5,
    )


def test_a_gpu_is_given_tensors_from_pinned_memory_without_waiting() -> None:
    class Recording:
        device = torch.device("cpu")

        def __init__(self) -> None:
            self.calls: list[tuple[Any, ...]] = []

        def pin_memory(self) -> Recording:
            self.calls.append(("pin",))
            return self

        def to(self, name: Any, non_blocking: bool = False) -> Recording:
            self.calls.append((str(name), non_blocking))
            return self

    on_gpu, elsewhere = Recording(), Recording()
    put(on_gpu, torch.device("cuda:0"))  # type: ignore[arg-type]
    put(elsewhere, "mps")  # type: ignore[arg-type]
    assert on_gpu.calls == [("pin",), ("cuda:0", True)]
    assert elsewhere.calls == [("mps", False)]
