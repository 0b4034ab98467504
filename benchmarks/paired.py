"""The mean of paired differences, with its 95 % interval by Student's t."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from scipy.stats import t


def student(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of at least two values, and the ends of its interval."""
    mean = statistics.mean(values)
    half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return mean, mean - half, mean + half


def difference(values: Sequence[float], digits: int = 1) -> str:
    """Return the mean in words, with its interval if there are two values or more: ``+0.8 (+0.2 to +1.3)``."""
    if len(values) < 2:
        return f"{values[0]:+.{digits}f}"
    mean, low, high = (f"{value:+.{digits}f}" for value in student(values))
    return f"{mean} ({low} to {high})"
