"""Section on relations, for projects that annotate relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from biorat_al.efficiency.report.sections.labels import over_documents
from biorat_al.efficiency.report.study import Study, intervals
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section
from biorat_al.efficiency.runs.model import Run
from biorat_al.store.evaluations import Measure, Triple, relation_counts_of
from biorat_al.store.store import Store
from biorat_al.store.tables import ModelRow

RelationCounts = Mapping[str, Mapping[Measure, Mapping[str, Mapping[str, Triple]]]]
"""Arm → way of counting → relation label → test document → counts of the arm's last model."""

ALL = "all together"

END_TO_END = "predicted mentions"

_BETWEEN = {"gold": "annotated mentions", "predicted": END_TO_END}
_LEVELS = {"mention": "pairs of mentions", "document": "pairs of concepts"}
_NO_RELATION = Figure(None, "percent", note="no such relation in the test documents")


def relation_counts(store: Store, runs: Sequence[Run]) -> RelationCounts:
    """Return counts of relations of the last model of each arm; arms without a relation model are left out.

    :param runs: the project's runs; only the test documents of their last points count.
    """
    found: dict[str, dict[Measure, dict[str, dict[str, Triple]]]] = {}
    with store.read() as session:
        for run in runs:
            last = run.points[-1]
            version = session.scalar(
                select(ModelRow.version).where(ModelRow.arm == run.arm, ModelRow.round_number == last.round)
            )
            for measure, by_label in relation_counts_of(session, version or "").items():
                found.setdefault(run.arm, {})[measure] = {
                    label: {key: triple for key, triple in counts.items() if key in last.counts}
                    for label, counts in by_label.items()
                }
    return found


def relations_section(study: Study, counts: RelationCounts) -> Section | None:
    """Return F1 of each arm's last model by relation label and way of counting; None without a relation model.

    :param counts: see :func:`relation_counts`.
    """
    measured = {arm: runs[-1] for arm, runs in study.arms.items() if arm in counts}
    if not measured:
        return None
    rows: list[dict[str, Cell]] = []
    for measure in dict.fromkeys(measure for arm in measured for measure in counts[arm]):
        for label in dict.fromkeys(label for arm in measured for label in _with_all(counts[arm].get(measure, {}))):
            for arm, run in measured.items():
                triples = _with_all(counts[arm].get(measure, {})).get(label, {})
                number, f1 = over_documents(run, triples, _NO_RELATION)
                rows.append(
                    {
                        "counted": _LEVELS[measure.level],
                        "between": _BETWEEN[measure.entities],
                        "label": label,
                        "arm": arm,
                        "relations": number,
                        "f1": f1,
                    }
                )
    columns = {
        "counted": "counted as",
        "between": "predicted between",
        "label": "label",
        "arm": "arm",
        "relations": "test relations",
        "f1": "F1 (%)",
    }
    note = (
        f"The last model of each arm. {study.basis(list(measured.values()))}. {intervals(dict.fromkeys(measured, 1))} "
        "Between predicted mentions a relation is right only if both of its mentions are; between annotated mentions "
        "these are given. Pairs of concepts are counted once for a document, however often it speaks of them. What it "
        "took to train relation models is not among the costs of training in this report."
    )
    return Section("relations", "Relations", tables=[FigureTable("relations", "F1 of relations", columns, rows, note)])


def _with_all(by_label: Mapping[str, Mapping[str, Triple]]) -> dict[str, Mapping[str, Triple]]:
    """Return the counts by label and, with several labels, of all labels together."""
    if len(by_label) < 2:
        return dict(by_label)
    sums: dict[str, Triple] = {}
    for counts in by_label.values():
        for key, (tp, fp, fn) in counts.items():
            before = sums.get(key, (0, 0, 0))
            sums[key] = before[0] + tp, before[1] + fp, before[2] + fn
    return {**by_label, ALL: sums}
