"""The demo's learning curve, as text and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from biorat_al.rounds.status import RoundStatus

_WIDTH = 40

# told apart without colour by marker and line, and with most kinds of colour blindness by colour
_STYLES = {"rat": ("#0072B2", "o", "-"), "none": ("#D55E00", "s", "--"), "at": ("#009E73", "^", ":")}


def measured(rounds: Sequence[RoundStatus]) -> list[RoundStatus]:
    """The rounds in which at least one model was measured."""
    return [row for row in rounds if row.labelled is not None and any(f1 is not None for f1 in row.f1.values())]


def curve_text(rounds: Sequence[RoundStatus]) -> str:
    """One bar per round and arm, for a terminal."""
    lines = ["Learning curve: strict span F1 on the held-out test documents"]
    for row in measured(rounds):
        for arm, f1 in row.f1.items():
            if f1 is not None:
                bar = "█" * round(_WIDTH * f1)
                lines.append(f"  {row.labelled:>4} documents  {arm:<4}  {bar:<{_WIDTH}}  {100 * f1:5.1f}")
    return "\n".join(lines)


def draw_curve(rounds: Sequence[RoundStatus], title: str, path: Path) -> Path:
    """Draw the curve to a picture; its kind follows the path's suffix (``.png``, ``.svg``)."""
    # without a screen, and without touching what the caller's program draws
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
