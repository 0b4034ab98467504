"""Numbers in words, for all that is read by people."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """``1 task``, ``2 tasks``, ``1,000 tasks``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
