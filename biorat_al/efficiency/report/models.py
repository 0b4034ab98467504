"""Sections on the last models: F1 by label, robustness, calibration; and on the forecast and the provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.report.changes import by_rounds
from biorat_al.efficiency.report.plots import Plot, PlotLine
from biorat_al.efficiency.report.sensitivity import forecast_sensitivity
from biorat_al.efficiency.report.study import UNITS, Study, intervals, selecting_run, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Form, Section, estimated
from biorat_al.efficiency.runs.changed_settings import flat_settings
from biorat_al.efficiency.runs.model import Run, f1_of
from biorat_al.efficiency.statistics.calibration_error import Calibration, calibration_error
from biorat_al.efficiency.statistics.curves import f1_at
from biorat_al.efficiency.statistics.estimates import UNIT_NAMES, Estimate
from biorat_al.efficiency.statistics.forecast import Reach, forecast
from biorat_al.efficiency.statistics.next_hour import next_hour_sentence
from biorat_al.efficiency.statistics.robustness_deltas import robustness_deltas
from biorat_al.store.evaluations import Triple
from biorat_al.wording import plural

LabelCounts = Mapping[str, Mapping[str, Mapping[str, Triple]]]
"""Arm → label → test document → strict span counts of the arm's last model."""

TARGET = 0.8
"""F1 for which the labels are forecast, unless the user names another."""

_NO_MENTION = Figure(None, "percent", note="no such mention in the test documents")

_BORDERS = "capitals also help to decide where a sentence ends, so some texts are cut into other sentences"

_IN_OTHER_TABLES = ("models", "settings", "changed_settings")
"""Parts of a run's provenance that are shown in separate tables."""

_CONDITIONS = {
    "typos": "typing errors",
    "case": "changed case",
    "swap": "entities swapped for others of their label",
}


def labels_section(study: Study, counts: LabelCounts | None) -> Section:
    """Return the section with F1 of each arm's last model by entity label.

    :param counts: counts on the test documents that count; None if they are not kept by document.
    """
    rows: list[dict[str, Cell]] = []
    labels = dict.fromkeys(label for runs in study.arms.values() for run in runs for label in run.points[-1].by_label)
    for label in labels:
        for arm, runs in study.arms.items():
            if counts is None:
                mentions, f1 = _over_seeds([run.points[-1].by_label.get(label, (0, 0, 0)) for run in runs])
            else:
                mentions, f1 = over_documents(runs[-1], counts[arm].get(label, {}))
            rows.append({"label": label, "arm": arm, "mentions": mentions, "f1": f1})
    everyone = [run for runs in study.arms.values() for run in runs]
    if counts is not None:
        how = intervals({arm: len(runs) for arm, runs in study.arms.items()})
    elif len({run.seed for run in everyone}) > 1:
        how = (
            "Means over the seeds, from the smallest to the largest; these ranges are no confidence intervals. "
            "By label the counts of all test documents are kept together."
        )
    else:
        how = "No interval: there is one seed, and by label the counts of all test documents are kept together."
    columns = {"label": "label", "arm": "arm", "mentions": "test mentions", "f1": "F1 (%)"}
    note = f"The last model of each run. {study.basis(everyone)}. {how}"
    return Section("labels", "By entity label", tables=[FigureTable("labels", "F1 by label", columns, rows, note)])


def robustness_section(study: Study) -> Section:
    """Return the section on the F1 that each arm's last model loses to typing errors, changed case and swaps."""
    rows: list[dict[str, Cell]] = []
    texts = [
        "The last models on changed versions of the test documents: the difference in F1, in points, from the "
        "unchanged documents."
    ]
    everyone: list[Run] = []
    seeds: dict[str, int] = {}
    for arm, runs in study.arms.items():
        whole = [run for run in runs if run.points[-1].robustness]
        found: dict[str, Estimate] | None
        found, why = tried(robustness_deltas, whole) if whole else (None, "")
        texts += [f"{arm}: {why}."] if why else []
        rows += [
            {
                "arm": arm,
                "condition": _CONDITIONS.get(condition, condition),
                "delta": estimated(delta, "points"),
                "seeds": delta.seeds,
            }
            for condition, delta in (found or {}).items()
        ]
        if found:
            everyone += whole
            seeds[arm] = min(delta.seeds for delta in found.values())
    if not rows:
        missing = "Not measured in these runs; the setting evaluation.robustness turns it on."
        return Section("robustness", "Robustness", [missing, *texts[1:]])
    of_case = [row["delta"] for row in rows if row["condition"] == _CONDITIONS["case"]]
    texts += [_on_case(everyone, of_case)] if of_case else []
    columns = {"condition": "condition", "arm": "arm", "delta": "F1 against unchanged (points)", "seeds": "seeds"}
    rows.sort(key=lambda row: str(row["condition"]))
    note = f"{study.basis(everyone)}. {intervals(seeds)}"
    return Section("robustness", "Robustness", texts, [FigureTable("robustness", "F1 lost", columns, rows, note)])


def _on_case(runs: Sequence[Run], deltas: Sequence[Cell]) -> str:
    """Explain the F1 under changed case, given whether the encoder distinguishes upper and lower case."""
    encoders = [run.provenance.get("encoder") for run in runs]
    known = {encoder.get("uncased") if isinstance(encoder, Mapping) else None for encoder in encoders}
    if known == {False}:
        return "This encoder knows capital letters, so a word in changed case is another word to it."
    begin = (
        "This encoder knows lower case only, so a word in changed case is the same word to it"
        if known == {True}
        else "To an encoder that knows lower case only, as PubMedBERT and MiniLM do, a word in changed case is the same"
    )
    if any(isinstance(delta, Figure) and delta.value for delta in deltas):
        return f"{begin}. Differences under changed case come from elsewhere: {_BORDERS}."
    return f"{begin}. That no F1 is lost under changed case is therefore no merit of an arm."


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


def provenance_section(runs: Sequence[Run], facts: Mapping[str, Any]) -> Section:
    """Return the section with what is needed to repeat the runs: versions, seeds, settings, hashes.

    :param facts: further facts, beyond those of the runs.
    """
    rows: list[dict[str, Cell]] = []
    for run in runs:
        models = run.provenance.get("models") or [{}]
        rows.append(
            {
                "run": run.id,
                "kind": run.kind,
                "arm": run.arm,
                "strategy": run.strategy,
                "seed": run.seed,
                "selected": run.selected_by or "itself",
                "points": len(run.points),
                "model": str(models[-1].get("version") or ""),
                "weights": str(models[-1].get("weights_sha256") or "")[:16],
                "data": str(models[-1].get("training_data_sha256") or "")[:16],
            }
        )
    columns = {
        "run": "run",
        "kind": "kind",
        "arm": "arm",
        "strategy": "strategy",
        "seed": "seed",
        "selected": "documents chosen by",
        "points": "models",
        "model": "last model",
        "weights": "its weights (sha256)",
        "data": "its training data (sha256)",
    }
    shared: dict[str, list[str]] = {}
    for run in runs:
        shown = {name: run.provenance[name] for name in run.provenance if name not in _IN_OTHER_TABLES}
        for name, value in flat_settings(shown).items():
            for text in map(_as_text, value if isinstance(value, list) else [value]):
                if text not in shared.setdefault(name, []):
                    shared[name].append(text)
    known: list[dict[str, Cell]] = [{"fact": name, "value": _as_text(value)} for name, value in facts.items()]
    known += [
        {"fact": name.replace("_", " ").replace(".", ": "), "value": value}
        for name, values in shared.items()
        for value in values
    ]
    note = "The first 16 digits of each hash; all of them, and every setting of every run, are in the file runs.jsonl."
    tables = [FigureTable("facts", "Program, machine and data", {"fact": "what", "value": "value"}, known, "")]
    if runs:
        differ = "Where the runs differ, each value once; where rounds differ, each value with its rounds."
        named = {"setting": "setting", "value": "value"}
        tables += [
            FigureTable("settings", "Settings", named, _settings(runs), differ, folded=True),
            FigureTable("runs", "Runs", columns, rows, note, folded=True),
        ]
    return Section("provenance", "Where this comes from", tables=tables)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _over_seeds(triples: Sequence[Triple]) -> tuple[int, Figure]:
    """Return the number of annotated mentions of a label, and F1 as a mean over runs with its range."""
    mentions = max(tp + fn for tp, _, fn in triples)
    if not mentions:
        return 0, _NO_MENTION
    values = [f1_of([triple]) for triple in triples]
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mentions, Figure(mean, "percent")
    return mentions, Figure(mean, "percent", min(values), max(values), interval=True)


def over_documents(run: Run, counts: Mapping[str, Triple], nothing: Figure = _NO_MENTION) -> tuple[int, Figure]:
    """Return the number of annotated mentions, and F1 of a run's last model with its interval over test documents.

    :param counts: counts of the model, by test document.
    :param nothing: figure to return for F1 if nothing is annotated.
    """
    annotated = sum(tp + fn for tp, _, fn in counts.values())
    if not annotated:
        return 0, nothing
    point = run.points[-1].model_copy(update={"counts": dict(counts)})
    found, why = tried(f1_at, [run.model_copy(update={"points": (point,)})], point.documents)
    return annotated, estimated(found, "percent", missing=why)


def _reliability(arm: str, calibration: Calibration) -> PlotLine:
    """Return the line of a reliability diagram: share that is right against mean confidence, without empty bins."""
    full = [one for one in calibration.bins if one.count]
    return PlotLine(arm, [one.confidence / one.count for one in full], [one.right / one.count for one in full])


def _reach(reach: Reach, form: Form) -> Figure:
    if reach.value is None and reach.low is None and reach.high is None:
        return Figure(None, form, note="not expected")
    return Figure(reach.value, form, reach.low, reach.high, interval=True)


def _settings(runs: Sequence[Run]) -> list[dict[str, Cell]]:
    """Return the rows of the table of settings: each setting with the values that the runs had."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        changed = run.provenance.get("changed_settings") or {}
        for name, value in flat_settings(run.provenance.get("settings") or {}).items():
            text = by_rounds(changed[name]) if name in changed else json.dumps(value, ensure_ascii=False)
            found.setdefault(name, {})[text] = None
    return [{"setting": name, "value": "; ".join(values)} for name, values in found.items()]
