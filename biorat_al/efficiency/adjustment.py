"""Several comparisons at once: intervals and p-values that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.efficiency.comparison import Comparison


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with Bonferroni intervals and Holm p-values, in the same order."""
    raise NotImplementedError
