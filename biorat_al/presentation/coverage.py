"""The text that ``coverage`` prints."""

from __future__ import annotations

from collections.abc import Iterable

from biorat_al.efficiency.coverage.coverage import TARGET, FoundShare, MentionCoverage
from biorat_al.presentation.text import labelled, notes_text, percent, table, wrapped_text

_TARGET = f"{TARGET:.0%}".replace("%", " %")


def coverage_text(coverage: MentionCoverage, name: str) -> str:
    """Return which share of all mentions has been found, what that rests on, and what is left to do.

    :param name: of the project.
    """
    pool, left = coverage.words
    lines = [f"{name}: mentions found so far"]
    lines += _table([coverage.total, *coverage.labels])
    lines += labelled("text", f"{left:,} of {pool:,} words of the pool are not annotated yet")
    if coverage.hours is not None:
        hours, low, high = coverage.hours
        span = f"{_hours(low)} to {_hours(high)}"
        text = f"{_hours(hours)} of annotation ({span}) until {_TARGET} are found, if the text is read in random order"
        if coverage.hours_varied is not None:
            least, most = map(_hours, coverage.hours_varied)
            text += f"; {least} to {most} with one price halved or doubled"
        lines += labelled("hours", text if high > 0 else f"{_TARGET} of all mentions are found")
    lines += wrapped_text(coverage.basis, "")
    if coverage.advice is not None:
        lines += wrapped_text(coverage.advice, "")
    return "\n".join([*lines, *notes_text(coverage.notes)])


def _table(rows: Iterable[FoundShare]) -> list[str]:
    body = [["", "found", "left", "share found", "95 % interval"]]
    for row in rows:
        ends = row.share_interval
        body.append(
            [
                "all labels" if row.label is None else row.label,
                f"{row.found:,}",
                "–" if row.left is None else f"{row.left:,.0f}",
                "–" if row.share is None else f"{percent(row.share)} %",
                "–" if ends is None else f"{percent(ends[0])} to {percent(ends[1])} %",
            ]
        )
    return table(body, sides=("left", "right", "right", "right", "right"), indent=2)


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 10 else f"{hours:,.0f} h"
