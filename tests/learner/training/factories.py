"""Steps of the training loop on the small encoder, without a training around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.batching import Batch, EncodedPart
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.passes import Passes, View
from biorat_al.settings import AdversarialSettings, Arm, TrainingSettings

LABELS = ["Chemical", "Disease"]


def clean_gradient(network: TaggingNetwork, batch: Batch) -> tuple[float, torch.Tensor]:
    """Return the loss and its gradient by the word vectors."""
    with EmbeddingTap(network.word_embedding) as tap:
        tap.listen = True
        loss = tagging_loss(network(batch.ids, batch.mask), batch.tags)
        loss.backward()
        return float(loss.detach()), tap.gradient()


def shifted_loss(network: TaggingNetwork, batch: Batch, shift: torch.Tensor) -> float:
    """Return the loss with `shift` added to the word vectors."""
    with EmbeddingTap(network.word_embedding) as tap, torch.no_grad():
        tap.shift = shift
        return float(tagging_loss(network(batch.ids, batch.mask), batch.tags))


def make_fit(
    encoder: Encoder,
    arm: Arm,
    *,
    dropout: bool = True,
    seed: int = 7,
    unlabelled_part: EncodedPart | None = None,
    **adversarial: Any,
) -> Fit:
    """Return a training run that has not begun.

    :param unlabelled_part: the documents that nobody has annotated.
    :param adversarial: settings of it; the probability is 0.5 unless given.
    """
    network = TaggingNetwork(encoder.network(), len(LABELS))
    network.initialise_head(torch.Generator().manual_seed(0))
    settings = AdversarialSettings(**{"probability": 0.5, "epsilon": 0.5, **adversarial})
    device = Device("cpu", bf16=False)
    training = TrainingSettings(batch_size=6)
    fit = Fit(
        network,
        LABELS,
        TrainingJob(encoder=encoder, arm=arm, training=training, adversarial=settings, seed=seed, device=device),
        unlabelled=unlabelled_part,
    )
    network.train(dropout)
    return fit


def run_steps(fit: Fit, batches: Sequence[Batch]) -> Fit:
    """Make a step with each batch."""
    with EmbeddingTap(fit.network.word_embedding) as tap:
        for batch in batches:
            fit.step(batch, tap)
    return fit


def same_weights(one: Fit, other: Fit) -> bool:
    """Return whether two networks have the same bits."""
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def attack_gradients(fit: Fit, batch: Batch, drawn: Sequence[bool]) -> dict[str, torch.Tensor]:
    """The gradients that an adversarial step with these drawn windows leaves at the weights, which stay as they are."""
    fit.network.zero_grad(set_to_none=True)
    with EmbeddingTap(fit.network.word_embedding) as tap:
        passes = Passes(fit.network, fit.device, fit._draws, tap, fit.outcome.cost)
        fit._attack.step(passes, View(batch, (fit.seed, 0)), np.array(drawn))
    found = {name: weights.grad.clone() for name, weights in fit.network.named_parameters() if weights.grad is not None}
    fit.network.zero_grad(set_to_none=True)
    return found


def loss_gradients(fit: Fit, batch: Batch, shift: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
    """Return the gradients of the loss at shifted vectors by plain differentiation, with the same dropout masks."""
    fit._draws.begin(fit.seed, 0)
    with EmbeddingTap(fit.network.word_embedding) as tap:
        tap.shift = shift
        loss = tagging_loss(fit.network(batch.ids, batch.mask), batch.tags)
    weights = dict(fit.network.named_parameters())
    return dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))


def vector_gradient(fit: Fit, batch: Batch, shift: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the loss by the word vectors at a shift, with the same dropout masks."""
    shift = shift.detach().requires_grad_()
    fit._draws.begin(fit.seed, 0)
    with EmbeddingTap(fit.network.word_embedding) as tap:
        tap.shift = shift
        loss = tagging_loss(fit.network(batch.ids, batch.mask), batch.tags)
    return torch.autograd.grad(loss, shift)[0]
