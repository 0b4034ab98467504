"""The section that forecasts the labels still needed."""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.efficiency.report.study import UNITS, Study, selecting_run, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Form, Section
from biorat_al.efficiency.statistics.estimates import UNIT_NAMES
from biorat_al.efficiency.statistics.forecast import Reach, forecast
from biorat_al.wording import plural

TARGET = 0.8
"""F1 for which the labels are forecast, unless the user names another."""


def forecast_section(study: Study, seconds: Sequence[float], left: int) -> Section:
    """Return the section that forecasts how many more labels the target F1 takes, from the selecting arm's curve.

    :param seconds: time that annotators spent on each document.
    :param left: documents of the pool that are still to be annotated.
    """
    run = selecting_run(study.runs)
    title = "Forecast"
    if run is None:
        return Section("forecast", title, ["The arm that selects has not been measured, so nothing can be forecast."])
    target = study.target or TARGET
    found, why = tried(forecast, run.points, target, seconds)
    if found is None:
        return Section("forecast", title, [f"Nothing can be forecast: {why}."])
    texts = [found.sentence(left)]
    tables = []
    if found.documents is not None:
        more: dict[str, Reach | None] = {
            **{UNIT_NAMES[unit]: getattr(found, unit) for unit in UNITS},
            "annotator hours": found.hours,
        }
        rows: list[dict[str, Cell]] = [
            {"unit": name, "more": _reach(reach, "hours" if reach is found.hours else "count")}
            for name, reach in more.items()
            if reach is not None
        ]
        if found.hours is None:
            timed = "the time of one document only" if len(seconds) == 1 else "no times"
            texts.append(f"No hours can be given: the desk has recorded {timed}.")
        note = (
            f"From {plural(found.points, 'point')} of the learning curve of {run.arm} (seed {run.seed}, "
            f"{plural(len(run.points[-1].counts), 'test document')}); 95 % intervals for this curve on these test "
            "documents, if it continues as an inverse power law. They do not cover other test documents or another "
            "seed. The other units follow from the documents, at the rate so far."
        )
        columns = {"unit": "unit", "more": "more labels needed"}
        tables.append(FigureTable("forecast", f"More labels to an F1 of {100 * target:.1f}", columns, rows, note))
    return Section("forecast", title, texts, tables)


def _reach(reach: Reach, form: Form) -> Figure:
    if reach.value is None and reach.low is None and reach.high is None:
        return Figure(None, form, note="not expected")
    return Figure(reach.value, form, reach.low, reach.high, interval=True)
