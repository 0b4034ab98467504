"""The section on F1 of the last models by entity label, and F1 over the test documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biorat_al.efficiency.report.study import Study, intervals, tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section, estimated
from biorat_al.efficiency.runs.model import Run, f1_of
from biorat_al.efficiency.statistics.curves import f1_at
from biorat_al.store.evaluations import Triple

LabelCounts = Mapping[str, Mapping[str, Mapping[str, Triple]]]
"""Arm → label → test document → strict span counts of the arm's last model."""

_NO_MENTION = Figure(None, "percent", note="no such mention in the test documents")


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
