"""How models are made: the encoder, the training, the adversarial passes, and relations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from biorat_al.settings.base import Part, Place

Arm = Literal["none", "matched", "rat", "at"]
"""How a model is trained.

``none`` plainly, ``rat`` adversarially with probability p, ``at`` adversarially at every step (p = 1), and ``matched``
plainly for as many passes as ``rat`` makes: the baseline that had the same compute, not only the same epochs.
"""


class EncoderSettings(Part):
    """The encoder that every round starts from.

    :param name: ``pubmedbert``, ``minilm``, a folder, or a name on the model hub.
    :param max_length: longest window in word pieces, special tokens included; None takes the encoder's own limit,
        capped at 512. Windows are sentences; a longer sentence is read in overlapping windows.
    """

    name: Place = "pubmedbert"
    max_length: Annotated[int, Field(ge=16, le=100_000)] | None = None


class TrainingSettings(Part):
    """How a model is trained on all corrections so far.

    :param arms: the models that each round trains.
    :param selecting_arm: the one that pre-annotates and chooses the next batch.
    :param learning_rate: peak learning rate; None takes 2e-4 for encoders of up to 50 million parameters, 3e-5 for
        larger ones.
    :param epochs: passes over the training documents at most.
    :param min_steps: with few labels, at least so many optimizer steps are made however many epochs that takes.
    :param batch_size: sentences per optimizer step.
    :param weight_decay: of AdamW.
    :param warmup: share of the steps in which the learning rate rises; it falls to 0 over the others.
    :param dev_share: share of the annotated documents kept back for early stopping and calibration, once there are 20.
    :param patience: evaluations in a row with a development score clearly below the best after which training stops.
    """

    arms: Annotated[tuple[Arm, ...], Field(min_length=1)] = ("rat", "none")
    selecting_arm: Arm = "rat"
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 3
    min_steps: Annotated[int, Field(ge=1, le=1_000_000)] = 120
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 4
    weight_decay: Annotated[float, Field(ge=0, le=100)] = 0.01
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    dev_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    patience: Annotated[int, Field(ge=1, le=10_000)] = 3

    @model_validator(mode="after")
    def _selecting_arm_is_trained(self) -> TrainingSettings:
        if self.selecting_arm not in self.arms:
            raise ValueError(f"selecting_arm {self.selecting_arm!r} is not among the arms {list(self.arms)}")
        if len(set(self.arms)) != len(self.arms):
            raise ValueError("arms has a name twice")
        return self


class AdversarialSettings(Part):
    """The perturbation of the word vectors in the arms ``rat`` and ``at``.

    :param probability: p of the Bernoulli draw that decides what is adversarial (arm ``rat``).
    :param draw: what is drawn for: a whole ``batch``, or each ``example`` (window) of it by itself; the adversarial
        pass then sees the drawn ones alone.
    :param schedule: p over the training: ``constant``, or in a line ``rising`` from, or ``falling`` to,
        max(0, 2p - 1); its mean is p.
    :param attack: ``single-step`` along the gradient of the clean pass (FGM with the norm ``l2``, FGSM with ``linf``),
        ``pgd``, ``freelb``, or ``vat`` (virtual adversarial: away from the clean output, needs no labels).
    :param norm: in which the perturbation's size is measured.
    :param scope: what has one norm: each ``token``, each ``sequence`` (window), or the ``batch``.
    :param epsilon: that norm, in units of the encoder's mean word embedding norm (of the same kind: l2, linf or l1).
    :param steps: K of ``pgd`` and ``freelb``, power iterations of ``vat``; None takes 3, and 1 for ``vat``.
    :param step_size: of ``pgd`` and ``freelb``, in units of epsilon; None takes 2.5 / K.
    :param unlabelled: windows of the unlabelled pool that take part in each adversarial step of ``vat``.
    """

    probability: Annotated[float, Field(ge=0, le=1)] = 0.25
    draw: Literal["batch", "example"] = "batch"
    schedule: Literal["constant", "rising", "falling"] = "constant"
    attack: Literal["single-step", "pgd", "freelb", "vat"] = "single-step"
    norm: Literal["l2", "linf", "l1"] = "l2"
    scope: Literal["token", "sequence", "batch"] = "sequence"
    epsilon: Annotated[float, Field(ge=0, le=1000)] = 0.3
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    step_size: Annotated[float, Field(gt=0, le=1000)] | None = None
    unlabelled: Annotated[int, Field(ge=0, le=10_000)] = 0

    @model_validator(mode="after")
    def _fits_the_attack(self) -> AdversarialSettings:
        if self.unlabelled and self.attack != "vat":
            raise ValueError(f"unlabelled is for the attack 'vat' alone; {self.attack!r} needs labels")
        if self.steps is not None and self.attack == "single-step":
            raise ValueError("steps is not for the attack 'single-step', which makes one")
        if self.step_size is not None and self.attack not in ("pgd", "freelb"):
            raise ValueError(f"step_size is for the attacks 'pgd' and 'freelb', not for {self.attack!r}")
        return self


class RelationSettings(Part):
    """How relations are learnt and predicted, where the project has any.

    :param level: what a candidate joins: two mentions (``mention``), or two concepts of the document (``document``),
        read at the two of their mentions that stand closest. A mention without a concept goes with all those of its
        type that are spelled alike.
    :param window: sentences within which the two must stand: 1 is the same sentence, 2 neighbouring ones, and so on;
        ``document`` is no limit.
    :param max_length: word pieces read for a candidate, markers and special tokens included. Where more lie between the
        two, the surroundings of each are read.
    :param negatives: candidates without a relation that are trained on for each one with a relation, at most; which is
        drawn anew in each epoch.
    :param class_weights: weigh relation types by the inverse square root of their number.
    :param learning_rate: peak learning rate; None takes 5e-5 for encoders of up to 50 million parameters, 2e-5 for
        larger ones.
    :param epochs: passes over the training candidates at most.
    :param batch_size: candidates per optimizer step.
    """

    level: Literal["mention", "document"] = "mention"
    window: Annotated[int, Field(ge=1, le=100_000)] | Literal["document"] = 1
    max_length: Annotated[int, Field(ge=32, le=512)] = 128
    negatives: Annotated[float, Field(gt=0, le=100_000)] = 4.0
    class_weights: bool = True
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 3
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 8
