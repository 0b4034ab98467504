"""Bernoulli draws of random adversarial training, which decide what is adversarial, and their expected cost.

RanAT4BIE (arXiv 2509.11191) draws at random to save a part of the adversarial passes. Its abstract does not say the
norm, the size and the unit of the draw, so they are settings here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biorat_al.settings import AdversarialSettings, Arm


class BernoulliDraws:
    """Draws whether each step, or each of its windows, is adversarial.

    :param arm: ``none`` and ``matched`` never are, ``at`` always is, ``rat`` with the settings' probability.
    """

    def __init__(self, arm: Arm, settings: AdversarialSettings, seed: int) -> None:
        mean = mean_probability(arm, settings)
        ends = max(0.0, 2 * mean - 1), min(1.0, 2 * mean)
        self._first, self._last = {"constant": (mean, mean), "rising": ends, "falling": ends[::-1]}[settings.schedule]
        self._by_example = settings.draw == "example"
        # a separate stream, so that these draws shift no other random choice
        self._generator = np.random.default_rng([seed, 0xAD])

    def probability(self, done: float) -> float:
        """Return p at the point where a share `done` of the training is done."""
        return self._first + (self._last - self._first) * done

    def next(self, windows: int, done: float = 0.5) -> NDArray[np.bool_]:
        """Draw for the next step; draws are in [0, 1), so p = 0 means never and p = 1 always.

        :param windows: number of windows in the step.
        :param done: share of the training that is done.
        :returns: whether each window is adversarial, shape (windows,); all are equal if the draw is by batch.
        """
        values = self._generator.random(windows if self._by_example else 1)
        return np.broadcast_to(values < self.probability(done), windows)


def mean_probability(arm: Arm, settings: AdversarialSettings) -> float:
    """Return p of an arm, averaged over the schedule."""
    return {"none": 0.0, "matched": 0.0, "rat": settings.probability, "at": 1.0}[arm]


def passes_per_step(arm: Arm, settings: AdversarialSettings, batch_size: int) -> float:
    """Return the expected passes of an optimizer step of `arm`, in units of a plain step's forward and backward pass.

    A pass counts by its number of windows, so the mean is the same for draws by batch and draws by window. A backward
    pass counts as two forward passes, as in Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1.

    :param batch_size: windows per step; the unlabelled windows of ``vat`` count relative to it.
    """
    p = mean_probability(arm, settings)
    steps = attack_steps(settings)
    if settings.attack == "pgd":
        return 1 + p * steps
    if settings.attack == "freelb":
        return 1 - p + p * steps
    if settings.attack == "vat":
        # unlabelled windows have no clean pass for labels; a forward pass gives the output to stay close to
        unlabelled = settings.unlabelled / batch_size
        return 1 + p * (steps + 1 + unlabelled * (1 / 3 + steps + 1))
    return 1 + p


def attack_steps(settings: AdversarialSettings) -> int:
    """Return K of ``pgd`` and ``freelb``, the power iterations of ``vat``, or 1 for ``single-step``.

    The defaults are those of the papers: Zhu et al. 2020 ("FreeLB") mostly take three steps, Miyato et al. 2019
    ("Virtual Adversarial Training") one iteration.
    """
    return settings.steps or (3 if settings.attack in ("pgd", "freelb") else 1)
