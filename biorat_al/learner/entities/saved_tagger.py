"""A tagging model read from disk; :mod:`biorat_al.learner.encoder.saved_model` describes the folder of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from biorat_al.corpus.sentences import FIRST_RULES, RULES
from biorat_al.learner.encoder.saved_model import damaged, read_contents
from biorat_al.learner.encoder.tokenizing import Tokenizer
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.settings import TextContext


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The values that affect a model's predictions besides weights, configuration and tokenizer.

    :param labels: entity types, in the order of the network's outputs.
    :param temperature: divisor of the log-odds of mentions (:class:`~biorat_al.learner.scaling.Scaling`).
    :param pad: id of the padding token.
    :param max_length: window length in word pieces, special tokens included.
    :param offset: added to the divided log-odds; files of older versions do not have it.
    :param context: the windows that it was trained on, and reads documents in.
    :param sentence_rules: the rules for where the sentences of these windows end.
    """

    labels: tuple[str, ...]
    temperature: float
    pad: int
    max_length: int
    offset: float = 0.0
    context: TextContext = "sentence"
    sentence_rules: int = FIRST_RULES


def read_model(folder: Path) -> tuple[TaggingNetwork, Tokenizer, Behaviour]:
    """Load a tagging model from its folder alone, with weights in 32-bit floats on the CPU.

    :raises LearnerError: the folder does not exist, or is not a complete model of a known format.
    """
    base, head, tokenizer, values = read_contents(folder, TaggingNetwork)
    try:
        behaviour = Behaviour(**{**values, "labels": tuple(values["labels"])})
        if behaviour.context not in get_args(TextContext):
            raise TypeError(f"its windows are {behaviour.context!r}, which this version does not know")
        if behaviour.sentence_rules not in RULES:
            raise TypeError(f"its sentences are cut by rules {behaviour.sentence_rules!r}, unknown to this version")
        network = TaggingNetwork(base, len(behaviour.labels))
        network.head.load_state_dict(head)
    except (KeyError, TypeError, RuntimeError) as error:
        raise damaged(folder, error) from error
    return network, tokenizer, behaviour
