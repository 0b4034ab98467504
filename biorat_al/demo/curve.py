"""The learning curve of the demo, as text and as an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from biorat_al.presentation.text import percent, table
from biorat_al.rounds.status import RoundStatus
from biorat_al.settings import COMMITTEE
from biorat_al.wording import plural

_WIDTH = 40

# the marker and the line distinguish the arms without colour; the colours suit most kinds of colour blindness
_STYLES = {
    "rat": ("#0072B2", "o", "-"),
    "none": ("#D55E00", "s", "--"),
    "at": ("#009E73", "^", ":"),
    "matched": ("#A65787", "D", "-."),
    COMMITTEE: ("#222223", "v", "-"),
}


def measured(rounds: Sequence[RoundStatus]) -> list[RoundStatus]:
    """Return the rounds in which at least one model was measured."""
    return [row for row in rounds if row.labelled is not None and any(f1 is not None for f1 in row.f1.values())]


def curve_text(rounds: Sequence[RoundStatus]) -> str:
    """Return the curve as text: one bar for each round and arm."""
    lines = ["Learning curve: strict span F1 on the held-out test documents"]
    bars = [
        (plural(row.labelled or 0, "document"), arm, ("█" * round(_WIDTH * f1)).ljust(_WIDTH), percent(f1))
        for row in measured(rounds)
        for arm, f1 in row.f1.items()
        if f1 is not None
    ]
    if bars:
        lines += table(bars, sides=("right", "left", "left", "right"), indent=2)
    return "\n".join(lines)


def draw_curve(rounds: Sequence[RoundStatus], title: str, path: Path) -> Path:
    """Draw the curve to an image file; its suffix decides the type (``.png``, ``.svg``)."""
    # this needs no screen and does not touch figures of the caller
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    rows = measured(rounds)
    for arm in dict.fromkeys(arm for row in rows for arm in row.f1):
        points = [(row.labelled, 100 * f1) for row in rows if (f1 := row.f1.get(arm)) is not None]
        colour, marker, line = _STYLES[arm]
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, linestyle=line, label=arm)
    axes.set_xlabel("annotated documents")
    axes.set_ylabel("strict span F1 (%)")
    axes.set_ylim(0, 100)
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend(title="arm", loc="lower right")
    figure.savefig(path, dpi=150)
    return path
