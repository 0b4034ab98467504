"""Tables of the first screen: who has done what, F1 by label beside what people reach, and what is disputed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.efficiency.report.sections.labels import LabelCounts, over_documents
from biorat_al.efficiency.report.sections.relations import END_TO_END, RelationCounts, relations_section
from biorat_al.efficiency.report.study import Study
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable
from biorat_al.efficiency.runs.model import Run
from biorat_al.people.agreement_figures import Measured
from biorat_al.people.agreement_report import AgreementReport, Disagreement, examples_of
from biorat_al.people.ceiling import Ceiling
from biorat_al.people.pairing import MEANINGS
from biorat_al.people.work_by_annotator import WorkOfAnnotator
from biorat_al.rounds.status import ProjectStatus
from biorat_al.wording import plural


def people_table(work: Sequence[WorkOfAnnotator], agreement: AgreementReport | None) -> FigureTable | None:
    """Return who has done what; None if there is nobody yet.

    :param agreement: how far people agree; None if that is not known.
    """
    if not work:
        return None
    columns = {"annotator": "annotator"}
    columns |= {
        role: heading
        for role, heading in (("pool", "documents"), ("segment", "sentences"), ("test", "test documents"))
        if role == "pool" or any(one.answers[role] for one in work)
    }
    if any(one.open is not None for one in work):
        columns["open"] = "still open"
    columns["mentions"] = "mentions marked"
    notes = ["Annotators have pseudonyms, which are those of the export."]
    if any(one.timed for one in work):
        columns |= {"hours": "hours", "minutes": "minutes each"}
        notes.append("Hours: as the desk recorded them, for the answers that have a time.")
    if agreement is not None:
        columns["agreement"] = "agreement (F1 of 100)"
        notes.append(
            f"Agreement with all others: strict F1 on {agreement.texts} that several people annotated, each alone"
            + (" and without pre-labels" if agreement.blind else "; with answers that began from pre-labels, which "
               "makes people more alike than they are")
            + ", with its 95 % interval over documents."
        )  # fmt: skip
    people = agreement.people if agreement is not None else {}
    rows: list[dict[str, Cell]] = [
        {
            "annotator": _name(one),
            **{role: one.answers[role] for role in ("pool", "segment", "test")},
            "open": one.open,
            "mentions": one.mentions,
            "hours": _hours(one),
            "minutes": Figure(one.seconds / 60 / one.timed, "minutes") if one.timed else None,
            "agreement": _measured(people.get(one.name)),
        }
        for one in work
    ]
    return FigureTable("overview-annotators", "Who has done what", columns, rows, " ".join(notes), inline=True)


def labels_table(status: ProjectStatus, run: Run, counts: LabelCounts) -> FigureTable:
    """Return F1 of the newest model by label, beside what people reach.

    :param run: the run of the model that pre-labels.
    """
    ceiling = status.ceiling
    rows: list[dict[str, Cell]] = []
    for name in run.points[-1].by_label:
        tested, f1 = over_documents(run, counts.get(run.arm, {}).get(name, {}))
        people = ceiling.by_label.get(name) if ceiling is not None else None
        marked = status.mentions.get(name, 0)
        rows.append({"label": name, "marked": marked, "tested": tested, "f1": f1, "people": _agreed(people)})
    if len(rows) > 1:
        tested, f1 = over_documents(run, run.points[-1].counts)
        marked = sum(status.mentions.values())
        everything = _agreed(ceiling.annotators if ceiling is not None else None)
        rows.append({"label": "all labels", "marked": marked, "tested": tested, "f1": f1, "people": everything})
    columns = {
        "label": "label",
        "marked": "mentions marked",
        "tested": "of these in test documents",
        "f1": "F1 of the model (of 100)",
    }
    if ceiling is not None:
        columns["people"] = "F1 between people"
    return FigureTable("overview-labels", "F1 by label", columns, rows, _labels_note(ceiling), inline=True)


def _labels_note(ceiling: Ceiling | None) -> str:
    note = (
        "100 would be perfect: every mention found, nothing else marked, label and borders exact. Beside or below each "
        "F1 is its 95 % interval over test documents, wide where a label has few mentions there. It is one training: "
        "what another seed would give is not in the interval."
    )
    if ceiling is None:
        return note
    documents = plural(ceiling.annotators.documents, "test document")
    return (
        f"{note} Between people: what annotators reach against each other on {documents} that several of them "
        "annotated without pre-labels; a model that learns from them can hardly do better."
    )


def relations_table(study: Study, run: Run, counts: RelationCounts) -> FigureTable | None:
    """Return F1 of relations of the newest model; None in a project without relations."""
    related = relations_section(study, counts)
    if related is None:
        return None
    whole = related.tables[0]
    kept = [row for row in whole.rows if (row["arm"], row["between"]) == (run.arm, END_TO_END)]
    shown = {key: heading for key, heading in whole.columns.items() if key not in ("arm", "between")}
    note = "Predicted from the text alone: a relation is right only if both of its mentions are."
    return FigureTable("overview-relations", "F1 of relations", shown, kept, note, inline=True)


def disputes_table(disagreements: Sequence[Disagreement]) -> FigureTable | None:
    """Return how often annotators differ, by kind, each with an example; None if nothing is disputed."""
    if not disagreements:
        return None
    counts = Counter(one.difference for one in disagreements)
    rows: list[dict[str, Cell]] = [
        {
            "kind": f"{one.difference}: {MEANINGS[one.difference]}",
            "number": counts[one.difference],
            "example": f"{one.document} – {one.sentence}",
        }
        for one in examples_of(disagreements, 1)
    ]
    columns = {"kind": "kind", "number": "number", "example": "for example"}
    note = (
        "In the documents with something that nobody has settled. Each pair of annotators is counted. More examples: "
        "biorat-al agreement --pre-labelled --examples 10"
    )
    return FigureTable("overview-disputes", "What is disputed", columns, rows, note)


def _name(one: WorkOfAnnotator) -> str:
    if one.name:
        return one.name
    return "not named" if one.answers else f"not begun yet ({plural(one.people, 'annotator')})"


def _hours(one: WorkOfAnnotator) -> Figure:
    if not one.timed:
        return Figure(None, "hours", note="not recorded" if one.answers else "")
    without = one.answers.total() - one.timed
    return Figure(one.seconds / 3600, "hours", note=f"{plural(without, 'answer')} without a time" if without else "")


def _measured(one: Measured | None) -> Figure | None:
    if one is None or one.value is None:
        return None
    return _figure(one.value, one.interval)


def _agreed(one: AgreementF1 | None) -> Figure | None:
    return None if one is None else _figure(one.f1, one.interval)


def _figure(value: float, between: tuple[float, float] | None) -> Figure:
    if between is None:
        return Figure(value, "percent", note="one document shows no spread")
    return Figure(value, "percent", *between, interval=True)
