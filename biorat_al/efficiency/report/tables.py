"""Sections of a report, with tables of figures and intervals, for the page, JSON and CSV alike."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from biorat_al.efficiency.report.plots import Plot
from biorat_al.efficiency.statistics.cost import Spread
from biorat_al.efficiency.statistics.estimates import Estimate, Unit

Form = Literal[
    "percent",
    "points",
    "ratio",
    "count",
    "large",
    "seconds",
    "seconds_exact",
    "minutes",
    "rate",
    "change",
    "hours",
    "bytes",
]
"""How a number is written: a fraction as a percentage, a difference of fractions with its sign, a factor, …"""

NONE = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval, or with the reason why it has none.

    :param value: the number; None if it is unknown.
    :param relation: ``exactly``, or how the true number relates to the value (``more than``).
    :param note: text shown instead of the interval, or after it.
    :param interval: whether `low` and `high` are an interval; an open end is None.
    """

    value: float | None
    form: Form
    low: float | None = None
    high: float | None = None
    relation: str = "exactly"
    note: str = ""
    interval: bool = False

    @property
    def text(self) -> str:
        """The number without its interval."""
        if self.value is None:
            return NONE
        number = written(self.value, self.form)
        return number if self.relation == "exactly" else f"{self.relation} {number}"

    @property
    def interval_text(self) -> str:
        """The interval, or the reason why it is missing; empty if neither was given."""
        if not self.interval:
            return self.note
        if (
            self.low is not None
            and self.high is not None
            and written(self.low, self.form) == written(self.high, self.form)
        ):
            text = "no spread"
        elif self.low is None and self.high is None:
            text = "no bound on either side"
        elif self.low is None:
            text = f"up to {written(self.high or 0.0, self.form)}"
        elif self.high is None:
            text = f"{written(self.low, self.form)} or more"
        else:
            text = f"{written(self.low, self.form)} to {written(self.high, self.form)}"
        return f"{text}, {self.note}" if self.note else text

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        values: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        if self.relation != "exactly":
            values["relation"] = self.relation
        if self.note:
            values["note"] = self.note
        return values


Cell = str | int | Figure | None


@dataclass(frozen=True, slots=True)
class FigureTable:
    """A table of the report.

    :param name: name of its CSV file, in letters and hyphens.
    :param columns: headings by key.
    :param rows: cells by key.
    :param note: how the figures were obtained: seeds, documents, arm, who selected, what the intervals are.
    :param below: column → another column that the page shows in the same cells, below the figures of the first.
    :param inline: whether the page shows intervals beside their figures if there is room, rather than below.
    :param folded: whether the page shows the table only when the reader opens it; it is always printed.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Cell]]
    note: str
    below: Mapping[str, str] = field(default_factory=dict)
    inline: bool = False
    folded: bool = False

    @property
    def shown(self) -> list[str]:
        """Keys of the columns that the page shows next to each other."""
        return [key for key in self.columns if key not in self.below.values()]

    def is_number(self, key: str) -> bool:
        """Return whether a column holds numbers, which the page aligns to the right."""
        cells = [row.get(key) for row in self.rows]
        return any(isinstance(cell, (int, Figure)) for cell in cells) and not any(isinstance(c, str) for c in cells)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        rows = [{key: _json(row.get(key)) for key in self.columns} for row in self.rows]
        return {"name": self.name, "title": self.title, "columns": dict(self.columns), "rows": rows, "note": self.note}

    def csv(self) -> str:
        """Return the table as CSV; a figure with an interval takes three columns."""
        wide = {key for key in self.columns if any(_is_wide(row.get(key)) for row in self.rows)}
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            name for key in self.columns for name in ((key, f"{key}_low", f"{key}_high") if key in wide else (key,))
        )
        for row in self.rows:
            writer.writerow(cell for key in self.columns for cell in _flat(row.get(key), key in wide))
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    :param key: id of the section in the page, in letters and hyphens.
    :param texts: paragraphs before the plots and tables.
    """

    key: str
    title: str
    texts: Sequence[str] = ()
    tables: Sequence[FigureTable] = ()
    plots: Sequence[Plot] = ()


def estimated(estimate: Estimate | None, form: Form, *, missing: str = "cannot be said") -> Figure:
    """Make a figure from an estimate with its confidence interval.

    :param missing: the reason to show if there is no estimate.
    """
    if estimate is None or (estimate.value is None and estimate.low is None and estimate.high is None):
        return Figure(None, form, note=missing)
    value = estimate.value
    low, high = estimate.low, estimate.high
    if form == "percent":
        # a share of mentions; the symmetric interval can go beyond 0 or 1, which a share cannot
        low, high = (None if end is None else min(max(end, 0.0), 1.0) for end in (low, high))
    return Figure(
        None if value is None else value.value,
        form,
        low,
        high,
        "exactly" if value is None else value.relation,
        interval=True,
    )


def labels_form(unit: Unit) -> Form:
    """Return how numbers of labels in a unit are written."""
    return "hours" if unit == "hours" else "count"


def spread(found: Spread | None, form: Form, seeds: int) -> Figure:
    """Make a figure from a mean over seeds with its range."""
    if found is None:
        return Figure(None, form)
    if seeds < 2:
        return Figure(found.mean, form)
    return Figure(found.mean, form, found.low, found.high, interval=True)


def written(value: float, form: Form) -> str:
    """Write a number: ``71.3``, ``+2.1``, ``×0.87``, ``1,204``, ``5.40 M``, ``3.2 s``, ``1.20 GB``."""
    if form == "percent":
        return f"{100 * value:.1f}"
    if form == "points":
        return f"{100 * value:+.1f}"
    if form == "ratio":
        return f"×{value:.2f}"
    if form == "seconds":
        return f"{value:,.1f} s" if value < 100 else f"{value:,.0f} s"
    if form == "seconds_exact":
        return f"{value:,.2f} s" if value < 1 else f"{value:,.1f} s"
    if form == "rate":
        return f"{value:,.2f}"
    if form == "change":
        return f"{value:+,.2f}"
    if form == "minutes":
        return f"{value:,.1f} min"
    if form == "hours":
        return f"{value:,.1f} h"
    if form == "bytes":
        return f"{value / 1e9:,.2f} GB" if value >= 1e9 else f"{value / 1e6:,.0f} MB"
    if form == "large" and value >= 1e5:
        return f"{value / 1e6:,.2f} M"
    return f"{value:,.0f}"


def written_interval(estimate: Estimate, form: Form) -> str | None:
    """Write an interval with its level, such as ``95 % interval +0.1 to +1.5``; None if it has an open end."""
    if estimate.low is None or estimate.high is None:
        return None
    return f"{100 * estimate.level:.3g} % interval {written(estimate.low, form)} to {written(estimate.high, form)}"


def words(items: Iterable[str]) -> str:
    """Join words: ``a``, ``a and b``, ``a, b and c``."""
    listed = list(items)
    return f"{', '.join(listed[:-1])} and {listed[-1]}" if len(listed) > 1 else "".join(listed)


def _is_wide(cell: Cell) -> bool:
    return isinstance(cell, Figure) and cell.interval


def _json(cell: Cell) -> Any:
    return cell.as_dict() if isinstance(cell, Figure) else cell


def _flat(cell: Cell, wide: bool) -> tuple[Any, ...]:
    if isinstance(cell, Figure):
        value = "" if cell.value is None else cell.value
        shown = value if cell.relation == "exactly" else f"{cell.relation} {value}"
        if not wide:
            return (shown,)
        return (shown, "" if cell.low is None else cell.low, "" if cell.high is None else cell.high)
    text = "" if cell is None else cell
    if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")):
        # a spreadsheet would read the text as a formula
        text = f"'{text}"
    return (text, "", "") if wide else (text,)
