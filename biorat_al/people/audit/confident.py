"""Confident learning: which given labels are probably wrong, from probabilities out of sample.

After Northcutt, Jiang and Chuang 2021 (*Confident learning: estimating uncertainty in dataset labels*, Journal of
Artificial Intelligence Research 70), section 3.1. The threshold of a class is the mean probability of the class among
the examples that were given it (equation 2). An example is confidently of a class if its probability reaches the
threshold; of several such classes, the most probable one (equation 1). Those that are confidently of another class than
the given one are the off-diagonal entries of the confident joint, and are taken as probably wrong, unless the given
class is also the most probable one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]

NO_CLASS = -1
"""In the place of a class: none is known, or none is confident."""

_CLOSE = 1e-6
"""A probability may be smaller than the threshold by this and reaches it."""


def class_thresholds(given: Classes, probabilities: Floats) -> Floats:
    """Return the mean probability of each class among the examples that were given it, shape (classes,).

    :param given: class of each example, shape (examples,).
    :param probabilities: shape (examples, classes).
    :returns: infinity for a class that no example was given.
    """
    numbers = np.bincount(given, minlength=probabilities.shape[1])
    own = np.take_along_axis(probabilities, given[:, None], axis=1)[:, 0]
    sums = np.bincount(given, weights=own, minlength=probabilities.shape[1])
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.inf)


def confident_classes(probabilities: Floats, thresholds: Floats) -> Classes:
    """Return the class that each example confidently has, shape (examples,); :data:`NO_CLASS` if there is none."""
    reached = probabilities >= thresholds - _CLOSE
    best = np.where(reached, probabilities, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), best, NO_CLASS)


def doubtful(given: Classes, probabilities: Floats, thresholds: Floats) -> Classes:
    """Return the class that each example probably has instead of the given one; :data:`NO_CLASS` where none is."""
    confident = confident_classes(probabilities, thresholds)
    kept = (confident == given) | (probabilities.argmax(axis=1) == given)
    return np.where(kept, NO_CLASS, confident)
