"""First screen of a project's report: progress, quality of the model, hours left, next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biorat_al.acquisition.price.pace import Pace
from biorat_al.efficiency.report.arms import ARMS
from biorat_al.efficiency.report.sections.labels import LabelCounts, over_documents
from biorat_al.efficiency.report.sections.relations import END_TO_END, RelationCounts, relations_section
from biorat_al.efficiency.report.study import Study, selecting_run, tested_mentions
from biorat_al.efficiency.report.tables import Cell, FigureTable
from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.forecast import Forecast, Reach, amount, forecast
from biorat_al.efficiency.statistics.powerlaw import MINIMUM_POINTS
from biorat_al.rounds.status import ProjectStatus
from biorat_al.settings import COMMITTEE
from biorat_al.wording import inflected, plural

NOT_KNOWN = "not known yet"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the first screen.

    :param value: the answer in a few words.
    :param detail: sentences on how it was obtained, or on why it is unknown.
    """

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Overview:
    """The first screen.

    :param facts: facts in the order in which they are shown.
    :param tables: F1 by label.
    """

    facts: Sequence[Fact]
    tables: Sequence[FigureTable] = field(default=())

    @property
    def sentences(self) -> list[str]:
        """The facts, one line each."""
        return [f"{fact.label}: {fact.value}" for fact in self.facts]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "facts": [{"label": fact.label, "value": fact.value, "detail": fact.detail} for fact in self.facts],
            "tables": [table.as_dict() for table in self.tables],
        }


@dataclass(frozen=True)
class ProjectMeasurements:
    """What was measured in a project, beyond its runs.

    :param labels: counts of mentions by label.
    :param relations: counts of relations.
    :param pace: seconds of annotation for one more document; None if no document has been answered.
    """

    labels: LabelCounts
    relations: RelationCounts
    pace: Pace | None


def project_overview(status: ProjectStatus, study: Study, target: float, known: ProjectMeasurements | None) -> Overview:
    """Return the first screen of a project with at least one round.

    :param target: F1, a fraction, for which the remaining work is forecast.
    :param known: measurements of the project; None if no model has been measured.
    """
    run = selecting_run(study.runs) if known and tested_mentions(study.runs) else None
    tables = _tables(status, study, run, known) if run is not None and known is not None else []
    return Overview(
        [_progress(status), _quality(status, run), _left(status, run, target, known), _next(status)],
        tables,
    )


def _progress(status: ProjectStatus) -> Fact:
    whole = status.documents["pool"] - status.to_annotate
    pool = f"{whole:,} of {status.documents['pool']:,}"
    test = f"{status.labelled['test']:,} of {status.documents['test']:,}"
    done = sum(row.state == "done" for row in status.rounds)
    tested = f"{pool} documents of the pool" if not status.documents["test"] else f"{test} test documents"
    detail = [f"Rounds finished: {done}.", f"Marked so far: {plural(sum(status.mentions.values()), 'mention')}."]
    detail.insert(
        0, f"Annotated as well, without pre-labels: {tested}." if status.documents["test"] else "No test set."
    )
    if status.has_sentences and status.wholeness is not None:
        detail.append(
            f"Annotated by themselves: {plural(status.labelled.get('segment', 0), 'sentence')} of documents that have "
            f"no answer as a whole; begun in this way: {plural(status.wholeness.begun, 'document')}."
        )
    for role, noun in (("pool", "document"), ("segment", "sentence")):
        if skipped := status.tasks.get(role, {}).get("skipped"):
            detail.append(f"Skipped: {plural(skipped, noun)}.")
    if status.borrowed:
        detail.append(f"Borrowed for the start, not counted here: {status.borrowed}.")
    if status.start:
        detail.append(f"{status.start}.")
    detail += [f"{sentence}." for sentence in status.pre_labels]
    return Fact("Progress", f"{pool} documents annotated", " ".join(detail))


def _quality(status: ProjectStatus, run: Run | None) -> Fact:
    label = "How well the model finds mentions (F1)"
    if run is None:
        return Fact(label, NOT_KNOWN, _unmeasured(status))
    last = run.points[-1]
    _, f1 = over_documents(run, last.counts)
    trained = ARMS.get(run.arm, "see the settings").partition(":")[0]
    named = f"arm {run.arm}: {trained}" if run.arm != COMMITTEE else f"the {COMMITTEE}: {trained}"
    detail = (
        f"Of 100, with its 95 % interval over the {plural(len(last.counts), 'test document')}. The model of round "
        f"{last.round} that pre-labels ({named}; encoder {Path(run.encoder).name})."
    )
    return Fact(label, f"{f1.text} ({f1.interval_text})", detail)


def _unmeasured(status: ProjectStatus) -> str:
    """Return why there is no F1, and what is needed for one."""
    if not status.documents["test"]:
        return "This project has no test documents to measure a model on."
    if not any(row.models for row in status.rounds):
        return "No model has been trained yet. That takes annotated documents and one more round."
    if not status.labelled["test"]:
        return (
            f"None of the {plural(status.documents['test'], 'test document')} is annotated yet. Annotate them, without "
            "pre-labels; the next round measures."
        )
    if not any(row.evaluated for row in status.rounds):
        return "No model has been measured yet; the next round measures."
    return (
        "The annotated test documents hold no mention that a model could find, or the model was not measured on them."
    )


def _left(status: ProjectStatus, run: Run | None, target: float, known: ProjectMeasurements | None) -> Fact:
    """Return the hours that remain to the target."""
    label = f"Hours left to an F1 of {100 * target:.1f}"
    if run is None or known is None:
        return Fact(label, NOT_KNOWN, "There is no F1 yet from which it could be forecast.")
    found = forecast(run.points, target, known.pace)
    return Fact(label, _in_short(found), _at_length(found, status.to_annotate))


def _in_short(found: Forecast) -> str:
    """Return a forecast in a few words."""
    if found.outcome == "cannot be told":
        return NOT_KNOWN
    if found.outcome == "reached":
        return "none: it has been reached"
    if found.outcome == "levels off" or found.documents is None:
        return "not reached at this rate"
    if found.hours is None:
        return f"about {amount(found.documents.value or 0.0, 'more document')}"
    return f"about {amount(found.hours.value or 0.0, 'hour')} ({_span(found.hours)})"


def _span(reach: Reach) -> str:
    low = amount(reach.low or 0.0)
    return f"{low} or more" if reach.high is None else f"{low} to {amount(reach.high)}"


def _at_length(found: Forecast, left: int) -> str:
    """Return a forecast in sentences."""
    if found.outcome == "cannot be told":
        return (
            f"A forecast takes {MINIMUM_POINTS} measured rounds, the last with at least half as many documents again "
            f"as the first; usable so far: {found.points}."
        )
    said = found.sentence(left)
    if found.outcome == "expected" and found.hours is None:
        said += " The hours are unknown, since nobody has answered a task yet."
    return said


def _next(status: ProjectStatus) -> Fact:
    """Return what to do now, according to the last contact with the desk."""
    label, last = "Next step", status.rounds[-1]
    again = "then run: biorat-al round"
    if last.state not in ("done", "waiting") and not last.has_tasks:
        begun = f"It was interrupted at the step {last.waiting_for}. To go on with it: biorat-al round"
        if status.running is not None:
            begun = f"It is under way, at the step {last.waiting_for}: {status.running}."
        return Fact(label, f"Let round {last.number} end", begun)
    tasks = [
        (status.tasks[role]["open"], noun, status.urls.get(role))
        for role, noun in (("pool", "open task"), ("segment", "open sentence"), ("test", "blind test task"))
        if status.tasks.get(role, {}).get("open")
    ]
    if tasks and status.desk != "oracle":
        many = [(inflected(2, noun), url) for _, noun, url in tasks]
        where = " and ".join(f"{nouns} at {url}" if url else nouns for nouns, url in many)
        value = f"Annotate {' and '.join(plural(count, noun) for count, noun, _ in tasks)}"
        return Fact(label, value, f"{where[0].upper()}{where[1:]}; {again}. Open tasks as counted at the last round.")
    if not tasks and status.is_used_up:
        unit = "sentence" if status.left else "document"
        return Fact(
            label, "Export the corpus", f"Every {unit} of the pool has been asked for. Run: biorat-al export OUT"
        )
    return Fact(label, f"Run round {last.number + 1}", "Run: biorat-al round")


def _tables(status: ProjectStatus, study: Study, run: Run, known: ProjectMeasurements) -> list[FigureTable]:
    rows: list[dict[str, Cell]] = []
    for name in run.points[-1].by_label:
        tested, f1 = over_documents(run, known.labels.get(run.arm, {}).get(name, {}))
        rows.append({"label": name, "marked": status.mentions.get(name, 0), "tested": tested, "f1": f1})
    if len(rows) > 1:
        tested, f1 = over_documents(run, run.points[-1].counts)
        marked = sum(status.mentions.values())
        rows.append({"label": "all labels", "marked": marked, "tested": tested, "f1": f1})
    columns = {
        "label": "label",
        "marked": "mentions marked",
        "tested": "of these in test documents",
        "f1": "F1 (of 100)",
    }
    note = (
        "100 would be perfect: every mention found, nothing else marked, label and borders exact. Beside or below each "
        "F1 is its 95 % interval over test documents, wide where a label has few mentions there. It is one training: "
        "what another seed would give is not in the interval."
    )
    tables = [FigureTable("overview-labels", "F1 by label", columns, rows, note, inline=True)]
    related = relations_section(study, known.relations)
    if related is not None:
        whole = related.tables[0]
        kept = [row for row in whole.rows if (row["arm"], row["between"]) == (run.arm, END_TO_END)]
        shown = {key: heading for key, heading in whole.columns.items() if key not in ("arm", "between")}
        note = "Predicted from the text alone: a relation is right only if both of its mentions are."
        tables.append(FigureTable("overview-relations", "F1 of relations", shown, kept, note, inline=True))
    return tables
