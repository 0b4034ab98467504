"""Pieces of text that several commands print: percentages, durations, tables, notes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from biorat_al.rounds.status import ProjectStatus
from biorat_al.wording import plural

WIDTH = 80

LABEL_WIDTH = 9

RelationF1 = Mapping[Any, Mapping[Any, float | None]]
"""F1 of a model's relations by what they lie between and by level."""


def percent(fraction: float | None) -> str:
    """A fraction as points of a hundred, ``71.3``; ``–`` where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.1f}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``58 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def notes_text(notes: Iterable[str]) -> list[str]:
    """What a person should know, each thing once."""
    return [line for text in dict.fromkeys(notes) for line in note_text(f"Note: {text}")]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as aligned columns; the first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def counts_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{label} {count:,}" for label, count in sorted(counts.items()))


def labelled(label: str, text: str) -> list[str]:
    """A label and a text beside it, in as many lines as it takes."""
    return wrapped_text(text, f"  {label:<{LABEL_WIDTH}} ")


def note_text(text: str) -> list[str]:
    return wrapped_text(text, "  ")


def wrapped_text(text: str, beginning: str) -> list[str]:
    # what has no blanks, an address or a file's name, stays in one piece
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=beginning,
        subsequent_indent=" " * len(beginning),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [beginning.rstrip()]


def disputes_text(status: ProjectStatus) -> list[str]:
    """How far annotators agree, and what is disputed; nothing where no document has several answers."""
    return labelled("agreement", status.disputes.sentence) if status.disputes else []


def seats_text(tasks: int, seats: int | None) -> str:
    """How many answers open tasks still want, where several people answer the same one."""
    return f" (for {plural(seats, 'more answer')})" if seats is not None and seats != tasks else ""


def level_name(wanted: str, measured: Iterable[RelationF1]) -> str:
    """The level that F1 of relations is shown at: that of the settings of today, unless nothing was measured at it."""
    levels = {level for f1 in measured for level in f1["gold"]}
    return wanted if wanted in levels or not levels else min(levels)


def both_scores(f1: RelationF1, level: str) -> str:
    """F1 of relations between annotated mentions and end to end."""
    return " / ".join(percent(f1[between].get(level)) for between in ("gold", "predicted"))
