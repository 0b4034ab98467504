"""Short explanations of the arms, shown wherever their names appear."""

from __future__ import annotations

from collections.abc import Iterable

from biorat_al.settings import COMMITTEE

ARMS = {
    "none": "plain training: the model reads the documents as they are",
    "rat": "random adversarial training: in some steps, drawn at random, the model also learns from word vectors that "
    "are shifted in the direction that misleads it most",
    "matched": "plain training for as many passes as rat makes, so with the same computing time: what rat has to beat",
    COMMITTEE: "the average of a round's models, which pre-labels and chooses documents",
    "at": "full adversarial training: the word vectors are shifted in every step",
}
"""Arm → how its models are trained."""


def explained(arms: Iterable[str]) -> dict[str, str]:
    """Return an explanation for each known arm of `arms`, the plain arm first."""
    named = set(arms)
    return {arm: text for arm, text in ARMS.items() if arm in named}
