"""What hours rest on: the price of annotation, and every figure in hours with each price halved and doubled."""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.acquisition.price.estimate import PriceEstimate
from biorat_al.acquisition.price.pace import Pace
from biorat_al.acquisition.price.price import UNIT_OF_WORK
from biorat_al.efficiency.report.study import tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section, estimated
from biorat_al.efficiency.runs.model import priced
from biorat_al.efficiency.statistics.comparison import Comparison, compare
from biorat_al.efficiency.statistics.forecast import Reach

AS_IT_IS = "as it is"

PUBLISHED = (
    "The hours are by prices from published studies, not by times of these annotators: they order what was compared, "
    "and do not say what a project will take. Read them with the tables of each price halved and doubled."
)


def price_section(price: PriceEstimate) -> Section:
    """Return the section on the price of annotation: seconds for each unit of work, and what they rest on."""
    rows: list[dict[str, Cell]] = []
    for kind, unit in UNIT_OF_WORK.items():
        value = getattr(price.price, kind)
        if kind in price.written:
            figure = Figure(value, "seconds_exact", note="as written in the settings")
        else:
            low, high = price.interval(kind)
            figure = Figure(value, "seconds_exact", low, high, interval=True)
        rows.append({"unit": unit, "seconds": figure})
    columns = {"unit": "for each", "seconds": "seconds of an annotator"}
    note = f"95 % intervals. The price is {price.basis}." if not price.is_written else f"The price is {price.basis}."
    texts = [] if price.is_fitted or price.is_written else [PUBLISHED]
    return Section("price", "The price of annotation", texts, [FigureTable("price", "Price", columns, rows, note)])


def sensitivity_table(name: str, made: Sequence[Comparison], price: PriceEstimate | None) -> FigureTable | None:
    """Return what comparisons in hours say with each price halved and doubled; None if none is in hours.

    These are the hours needed, left by right, and the difference of the mean F1 over the curves.

    :param name: name of the table.
    :param made: comparisons; those in other units are left out.
    """
    in_hours = [one for one in made if one.unit == "hours"]
    if price is None or not in_hours:
        return None
    rows: list[dict[str, Cell]] = []
    for label, varied in {AS_IT_IS: price.price, **price.price.variations()}.items():
        row: dict[str, Cell] = {"price": label}
        for place, one in enumerate(in_hours):
            left, right = (priced(runs, varied) for runs in one.runs)
            targets = [one.targets[-1].at or 0.0] if one.targets else []
            again, why = tried(compare, left, right, "hours", targets=targets, level=one.level)
            if targets:
                ratio = again.targets[-1].estimate if again is not None else None
                row[f"ratio{place}"] = estimated(ratio, "ratio", missing=why)
            area = again.area.estimate if again is not None else None
            row[f"area{place}"] = estimated(area, "points", missing=why)
        rows.append(row)
    columns = {"price": "price"}
    for place, one in enumerate(in_hours):
        if one.targets:
            columns[f"ratio{place}"] = f"{one.left} by {one.right}, for F1 {100 * (one.targets[-1].at or 0):.1f}"
        columns[f"area{place}"] = f"{one.left} less {one.right}, mean F1"
    note = (
        "Hours needed, left by right, and the difference of the mean F1 over the hours that both curves cover, if one "
        "price is half or twice what was taken and the others stay. Where a ratio moves across 1, or a difference "
        "across 0, the comparison depends on that price."
    )
    return FigureTable(name, "Hours with each price halved and doubled", columns, rows, note, folded=True)


def forecast_sensitivity(hours: Reach, pace: Pace) -> FigureTable:
    """Return the forecast hours with each price halved and doubled."""
    rows: list[dict[str, Cell]] = [{"price": AS_IT_IS, "hours": _times(hours, 1.0)}]
    rows += [{"price": label, "hours": _times(hours, factor)} for label, factor in pace.factors.items()]
    note = "For the work of the newest documents, if one price is half or twice what was taken and the others stay."
    columns = {"price": "price", "hours": "hours needed"}
    return FigureTable("forecast-price", "Hours with each price halved and doubled", columns, rows, note, folded=True)


def _times(reach: Reach, factor: float) -> Figure:
    value, low, high = (None if one is None else factor * one for one in (reach.value, reach.low, reach.high))
    return Figure(value, "hours", low, high, interval=True)
