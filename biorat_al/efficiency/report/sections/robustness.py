"""The section on the F1 that the last models lose on changed test documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biorat_al.efficiency.report.study import Study, intervals, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section, estimated
from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.estimates import Estimate
from biorat_al.efficiency.statistics.robustness_deltas import robustness_deltas

_BORDERS = "capitals also help to decide where a sentence ends, so some texts are cut into other sentences"

_CONDITIONS = {
    "typos": "typing errors",
    "case": "changed case",
    "swap": "entities swapped for others of their label",
}


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
