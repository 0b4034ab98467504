"""The section that forecasts the labels still needed."""

from __future__ import annotations

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.report.sections.sensitivity import forecast_sensitivity
from biorat_al.efficiency.report.study import UNITS, Study, selecting_run, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Form, Section
from biorat_al.efficiency.statistics.estimates import UNIT_NAMES
from biorat_al.efficiency.statistics.forecast import Reach, forecast
from biorat_al.efficiency.statistics.next_hour import next_hour_sentence
from biorat_al.wording import plural

TARGET = 0.8
"""F1 for which the labels are forecast, unless the user names another."""


def forecast_section(study: Study, pace: Pace | None, left: int) -> Section:
    """Return the section that forecasts how many more labels the target F1 takes, from the selecting arm's curve.

    :param pace: seconds of annotation for one more document.
    :param left: documents of the pool that are still to be annotated.
    """
    run = selecting_run(study.runs)
    title = "Forecast"
    if run is None:
        return Section("forecast", title, ["The arm that selects has not been measured, so nothing can be forecast."])
    target = study.target or TARGET
    found, why = tried(forecast, run.points, target, pace)
    if found is None:
        return Section("forecast", title, [f"Nothing can be forecast: {why}."])
    texts = [found.sentence(left)]
    texts += [text for text in (next_hour_sentence(run.points, pace, left),) if text]
    tables = []
    if found.documents is not None:
        more: dict[str, Reach | None] = {UNIT_NAMES[unit]: getattr(found, unit) for unit in UNITS}
        rows: list[dict[str, Cell]] = [
            {"unit": name, "more": _reach(reach, "hours" if reach is found.hours else "count")}
            for name, reach in more.items()
            if reach is not None
        ]
        note = (
            f"From {plural(found.points, 'point')} of the learning curve of {run.arm} (seed {run.seed}, "
            f"{plural(len(run.points[-1].counts), 'test document')}); 95 % intervals for this curve on these test "
            "documents, if it continues as an inverse power law. They do not cover other test documents or another "
            "seed. The other units follow from the documents, at the rate so far; the hours also from the price of "
            "annotation, with its uncertainty."
        )
        columns = {"unit": "unit", "more": "more labels needed"}
        tables.append(FigureTable("forecast", f"More labels to an F1 of {100 * target:.1f}", columns, rows, note))
        if found.hours is not None and pace is not None and found.hours.value:
            tables.append(forecast_sensitivity(found.hours, pace))
    return Section("forecast", title, texts, tables)


def _reach(reach: Reach, form: Form) -> Figure:
    if reach.value is None and reach.low is None and reach.high is None:
        return Figure(None, form, note="not expected")
    return Figure(reach.value, form, reach.low, reach.high, interval=True)
