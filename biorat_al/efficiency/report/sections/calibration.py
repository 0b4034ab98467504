"""The section on how well confidences of the last models agree with how often they are right."""

from __future__ import annotations

from biorat_al.efficiency.report.plots import Plot, PlotLine
from biorat_al.efficiency.report.study import Study, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section
from biorat_al.efficiency.statistics.calibration_error import Calibration, calibration_error


def calibration_section(study: Study) -> Section:
    """Return the section on how well confidences of each arm's last model agree with how often it is right."""
    found: dict[str, Calibration] = {}
    texts = []
    for arm, runs in study.arms.items():
        calibration, why = tried(calibration_error, runs)
        if calibration is not None and calibration.mentions:
            found[arm] = calibration
        elif why:
            texts.append(f"{arm}: {why}.")
    if not found:
        missing = "Not measured: no model of these runs has proposed a mention with a confidence on a test document."
        return Section("calibration", "Calibration", [missing, *texts])
    rows: list[dict[str, Cell]] = [
        {
            "arm": arm,
            "error": Figure(one.error, "percent", one.low, one.high, interval=True),
            "mentions": one.mentions,
            "runs": one.runs,
            "documents": max(study.measured(run) for run in study.arms[arm]),
        }
        for arm, one in found.items()
    ]
    columns = {
        "arm": "arm",
        "error": "expected calibration error (points)",
        "mentions": "proposed mentions",
        "runs": "models",
        "documents": "test documents",
    }
    note = (
        "The mean distance between the confidence of proposed mentions and the share of them that is right, in equal "
        "bins of confidence; 0 is perfect. The last model of each run, all seeds together, on all test documents that "
        "it was measured on: bins are not kept by document, so none is left out here. Rough 95 % confidence intervals "
        "over proposed mentions, taken to be independent of each other: too narrow where errors come in clusters."
    )
    title = "Share of proposed mentions that are right, against their confidence, by arm; the dotted line is perfect"
    plot = Plot(
        "calibration",
        title,
        "confidence",
        "share that is right",
        [_reliability(arm, one) for arm, one in found.items()],
        (0, 1),
        diagonal=True,
    )
    table = FigureTable("calibration", "Expected calibration error", columns, rows, note)
    return Section("calibration", "Calibration", texts, [table], [plot])


def _reliability(arm: str, calibration: Calibration) -> PlotLine:
    """Return the line of a reliability diagram: share that is right against mean confidence, without empty bins."""
    full = [one for one in calibration.bins if one.count]
    return PlotLine(arm, [one.confidence / one.count for one in full], [one.right / one.count for one in full])
