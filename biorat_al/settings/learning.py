"""Settings for models: the encoder, the training, the adversarial passes, and relations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from biorat_al.settings.base import Place, SettingsPart

Arm = Literal["none", "matched", "rat", "at"]
"""The way in which a model is trained.

``none``: without adversarial steps. ``rat``: each step is adversarial with probability p. ``at``: every step is
adversarial (p = 1). ``matched``: without adversarial steps, but with as many passes as ``rat`` makes, so a baseline
with the same compute and not only the same epochs.
"""


TextContext = Literal["sentence", "document"]
"""What an entity model reads at once: a sentence, or as many consecutive sentences of a document as fit."""


COMMITTEE = "committee"
"""The name under which the committee of a round's arms is measured, beside the arms."""


class EncoderSettings(SettingsPart):
    """The encoder that every round starts from.

    :param name: ``pubmedbert``, ``minilm``, a folder, or a name on the model hub.
    :param max_length: longest window in word pieces, special tokens included; None: the encoder's own limit, but at
        most 512. `training.context` says what a window is; a longer sentence is read in overlapping windows.
    """

    name: Place = "pubmedbert"
    max_length: Annotated[int, Field(ge=16, le=100_000)] | None = None


class TrainingSettings(SettingsPart):
    """How a model is trained on all corrections so far.

    :param arms: the models that each round trains.
    :param selecting_arm: the arm that pre-annotates and chooses the next batch, if there is no committee.
    :param committee: the mean of the arms' probabilities pre-annotates and chooses the next batch, if there are several
        arms. A settings file that an older version wrote does not have this setting, and goes on with the selecting
        arm; ``committee = true`` added to it counts from the next round on.
    :param learning_rate: peak learning rate; None: 2e-4 for encoders of up to 50 million parameters, 3e-5 for larger
        ones.
    :param epochs: largest number of passes over the training documents.
    :param min_steps: smallest number of optimizer steps; with few labels, this takes more epochs. None: 450 for
        encoders of up to 50 million parameters, 120 for larger ones and for relations.
    :param context: what an entity model reads at once, in training and in prediction: ``sentence``, or ``document``:
        several consecutive sentences, as many as fit into `encoder.max_length` word pieces. A model keeps the context
        that it was trained with. Models of relations read a pair with its surroundings, whatever the context is.
    :param sentence_rules: number of the rules for where sentences end in what entity models read: ``1``, those of older
        versions, end a sentence only where all signs agree; ``2`` as a reader would. A settings file that does not have
        this setting has rules 1, and a model keeps those that it was trained with.
    :param batch_size: sentences per optimizer step; with the context ``document``, a step takes as many windows as hold
        about this number of sentences, at least one.
    :param weight_decay: weight decay of AdamW.
    :param warmup: share of the steps in which the learning rate rises; it falls to 0 over the remaining steps.
    :param dev_share: share of the annotated documents kept back for early stopping and calibration, once there are 20.
        With 0 all are trained on, and mentions are calibrated on what the model of an earlier round proposed in
        documents that were annotated since.
    :param patience: training stops once the development score is clearly below the best this many times in a row; with
        `dev_share` 0 there is no such score, and it always goes on to the end.
    """

    arms: Annotated[tuple[Arm, ...], Field(min_length=1)] = ("rat", "none")
    selecting_arm: Arm = "rat"
    committee: bool = True
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 3
    min_steps: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    context: TextContext = "sentence"
    sentence_rules: Literal[1, 2] = 2
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 4
    weight_decay: Annotated[float, Field(ge=0, le=100)] = 0.01
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    dev_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    patience: Annotated[int, Field(ge=1, le=10_000)] = 3

    @property
    def has_committee(self) -> bool:
        """Whether the arms vote together; one arm alone is no committee."""
        return self.committee and len(self.arms) > 1

    @property
    def selecting(self) -> str:
        """What pre-annotates and chooses the next batch: the committee, or else the selecting arm."""
        return COMMITTEE if self.has_committee else self.selecting_arm

    @model_validator(mode="after")
    def _selecting_arm_is_trained(self) -> TrainingSettings:
        if self.selecting_arm not in self.arms:
            raise ValueError(f"selecting_arm {self.selecting_arm!r} is not among the arms {list(self.arms)}")
        if len(set(self.arms)) != len(self.arms):
            raise ValueError("arms has a name twice")
        return self


USUAL_SHIFT = 0.06
"""Default of :attr:`AdversarialSettings.shift`."""


class AdversarialSettings(SettingsPart):
    """The perturbation of the word vectors in the arms ``rat`` and ``at``.

    :param probability: p of the Bernoulli draw that decides what is adversarial (arm ``rat``).
    :param draw: whether the draw is made once for a whole ``batch``, or for each ``example`` (window) in it; then the
        adversarial pass has only the drawn examples.
    :param schedule: how p changes during training: ``constant``, linearly ``rising`` from max(0, 2p - 1), or linearly
        ``falling`` to it; the mean is p.
    :param attack: ``single-step`` along the gradient of the clean pass (FGM with the norm ``l2``, FGSM with ``linf``),
        ``pgd``, ``freelb``, or ``vat`` (virtual adversarial: away from the clean output, needs no labels).
    :param norm: the norm that measures the size of the perturbation.
    :param scope: where the norm is taken: over each ``token``, each ``sequence`` (window), or the ``batch``.
    :param shift: size of the perturbation, the same for every norm and scope: the root mean square L2 shift of a word
        vector, in units of the encoder's mean word vector (its L2 norm).
    :param epsilon: replaces `shift` by the norm itself in its scope, in units of the encoder's mean word embedding norm
        (of the same kind: l2, linf or l1). With the same epsilon, another norm or scope moves the vectors up to 16
        times as far. Projects of version 0.1 have it.
    :param steps: K of ``pgd`` and ``freelb``, power iterations of ``vat``; None: 3, or 1 for ``vat``.
    :param step_size: step size of ``pgd`` and ``freelb``, in units of epsilon; None: 2.5 / K.
    :param unlabelled: number of sentences of the unlabelled pool in each adversarial step of ``vat``; with the context
        ``document``, as many windows as hold about this number.
    """

    probability: Annotated[float, Field(ge=0, le=1)] = 0.25
    draw: Literal["batch", "example"] = "batch"
    schedule: Literal["constant", "rising", "falling"] = "constant"
    attack: Literal["single-step", "pgd", "freelb", "vat"] = "single-step"
    norm: Literal["l2", "linf", "l1"] = "l2"
    scope: Literal["token", "sequence", "batch"] = "sequence"
    shift: Annotated[float, Field(ge=0, le=1000)] = USUAL_SHIFT
    epsilon: Annotated[float, Field(ge=0, le=1000)] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    step_size: Annotated[float, Field(gt=0, le=1000)] | None = None
    unlabelled: Annotated[int, Field(ge=0, le=10_000)] = 0

    @property
    def size(self) -> tuple[str, float]:
        """The setting that gives the size of the perturbation, and its value."""
        return ("shift", self.shift) if self.epsilon is None else ("epsilon", self.epsilon)

    @model_validator(mode="after")
    def _has_one_size(self) -> AdversarialSettings:
        if self.epsilon is not None and self.shift != USUAL_SHIFT:
            raise ValueError("shift and epsilon both state the size of the perturbation; keep one of them")
        return self

    @model_validator(mode="after")
    def _fits_the_attack(self) -> AdversarialSettings:
        if self.unlabelled and self.attack != "vat":
            raise ValueError(f"unlabelled is for the attack 'vat' alone; {self.attack!r} needs labels")
        if self.steps is not None and self.attack == "single-step":
            raise ValueError("steps is not for the attack 'single-step', which makes one")
        if self.step_size is not None and self.attack not in ("pgd", "freelb"):
            raise ValueError(f"step_size is for the attacks 'pgd' and 'freelb', not for {self.attack!r}")
        return self


class RelationSettings(SettingsPart):
    """How relations are learnt and predicted, if the project has any.

    :param level: what a candidate joins: two mentions (``mention``), or two concepts of the document (``document``),
        read at their two closest mentions. Mentions without a concept count as one concept if they have the same type
        and spelling.
    :param window: number of neighbouring sentences that must contain both: 1 is the same sentence, 2 also the next one,
        and so on; ``document`` is no limit. Here sentences end by rules 1, whatever `training.sentence_rules` is.
    :param max_length: word pieces read for a candidate, markers and special tokens included. If there are more between
        the two, only the surroundings of each are read.
    :param negatives: largest number of training candidates without a relation for each candidate with one; they are
        drawn again in each epoch.
    :param class_weights: weight relation types by the inverse square root of their number.
    :param learning_rate: peak learning rate; None: 5e-5 for encoders of up to 50 million parameters, 2e-5 for larger
        ones.
    :param epochs: largest number of passes over the training candidates.
    :param batch_size: candidates per optimizer step.
    :param dev_share: share of the annotated documents kept back to tune the threshold, once there are 20; None: that of
        training, or 0.1 if that is 0.
    """

    level: Literal["mention", "document"] = "mention"
    window: Annotated[int, Field(ge=1, le=100_000)] | Literal["document"] = 1
    max_length: Annotated[int, Field(ge=32, le=512)] = 128
    negatives: Annotated[float, Field(gt=0, le=100_000)] = 4.0
    class_weights: bool = True
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 3
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 8
    dev_share: Annotated[float, Field(ge=0, le=0.5)] | None = None
