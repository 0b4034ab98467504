"""Facts of the first screen: how far the corpus is, the hours left, how good the model is, what is disputed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from biorat_al.acquisition.price.pace import Pace
from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.efficiency.report.arms import ARMS
from biorat_al.efficiency.report.sections.labels import over_documents
from biorat_al.efficiency.runs.model import Run
from biorat_al.efficiency.statistics.forecast import Forecast, Reach, amount, forecast
from biorat_al.efficiency.statistics.powerlaw import MINIMUM_POINTS
from biorat_al.people.agreement_figures import Measured
from biorat_al.people.agreement_report import AgreementReport
from biorat_al.people.ceiling import Ceiling
from biorat_al.people.disputes import counted
from biorat_al.rounds.status import ProjectStatus
from biorat_al.settings import COMMITTEE
from biorat_al.wording import plural

NOT_KNOWN = "not known yet"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the first screen.

    :param value: the answer in a few words.
    :param detail: sentences on how it was obtained, or on why it is unknown.
    :param beside: what to compare the answer with, in a few words; empty if there is nothing.
    """

    label: str
    value: str
    detail: str
    beside: str = ""


def progress(status: ProjectStatus) -> Fact:
    """Return how far the corpus is."""
    whole = status.documents["pool"] - status.to_annotate
    tasks = status.tasks.get("pool", {})
    detail = [f"Open: {tasks.get('open', 0) + tasks.get('pushing', 0):,}; never asked for: {status.left:,}."]
    if skipped := tasks.get("skipped"):
        detail.append(f"Skipped: {plural(skipped, 'document')}.")
    if status.has_sentences and status.wholeness is not None:
        detail.append(
            f"Annotated by themselves: {plural(status.labelled.get('segment', 0), 'sentence')} of documents that have "
            f"no answer as a whole; begun in this way: {plural(status.wholeness.begun, 'document')}."
        )
        if skipped := status.tasks.get("segment", {}).get("skipped"):
            detail.append(f"Skipped: {plural(skipped, 'sentence')}.")
    if status.documents["test"]:
        detail.append(
            f"Test set, annotated without pre-labels: {status.labelled['test']:,} of "
            f"{plural(status.documents['test'], 'document')}."
        )
    else:
        detail.append("No test set.")
    done = sum(row.state == "done" for row in status.rounds)
    marked = plural(sum(status.mentions.values()), "mention")
    detail.append(f"Marked so far: {marked}. Rounds finished: {done}.")
    return Fact("Progress", f"{whole:,} of {status.documents['pool']:,} documents annotated", " ".join(detail))


def quality(status: ProjectStatus, run: Run | None) -> Fact:
    """Return how well the newest model finds mentions, beside what people reach."""
    label = "How well the model finds mentions (F1)"
    beside = f"People: {_with_interval(status.ceiling.annotators)}" if status.ceiling is not None else ""
    tested = len(run.points[-1].counts) if run is not None else 0
    people = [_people(status.ceiling, tested)] if status.ceiling is not None else []
    basis = _basis(status)
    if run is None:
        return Fact(label, NOT_KNOWN, " ".join([_unmeasured(status), *people, *basis]), beside)
    last = run.points[-1]
    _, f1 = over_documents(run, last.counts)
    trained = ARMS.get(run.arm, "see the settings").partition(":")[0]
    named = f"the arm {run.arm}, {trained}" if run.arm != COMMITTEE else f"the {COMMITTEE}, {trained}"
    detail = (
        f"100 would be perfect; in brackets, the 95 % interval over the {plural(tested, 'test document')}. "
        f"The model of round {last.round} that pre-labels: {named}; encoder {Path(run.encoder).name}."
    )
    return Fact(label, f"{f1.text} ({f1.interval_text})", " ".join([detail, *people, *basis]), beside)


def _basis(status: ProjectStatus) -> list[str]:
    """Return sentences on where models begin, and on who pre-labels beside them."""
    found = [f"Borrowed for the start, not counted as progress: {status.borrowed}."] if status.borrowed else []
    found += [f"{status.start}."] if status.start else []
    return [*found, *(f"{sentence}." for sentence in status.pre_labels)]


def _people(ceiling: Ceiling, tested: int) -> str:
    """Return what people reach on the test documents, as sentences.

    :param tested: number of test documents on which the model was measured; 0 if it was not.
    """
    said = (
        f"People: annotators against each other, on {plural(ceiling.annotators.documents, 'test document')} that "
        "several of them answered without pre-labels"
    )
    if ceiling.truth is not None:
        said += f"; against the settled answers to {ceiling.truth.documents:,}: {_with_interval(ceiling.truth)}"
    if ceiling.model is not None and ceiling.model.documents != tested:
        said += f"; the model reaches {_with_interval(ceiling.model)} on these, with what is disputed left out"
    return f"{said}."


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


def hours_left(status: ProjectStatus, run: Run | None, target: float, pace: Pace | None) -> Fact:
    """Return the hours that remain to the target.

    :param target: F1, a fraction.
    :param pace: seconds of annotation for one more document; None if that is not known.
    """
    label = f"Hours left to an F1 of {100 * target:.1f}"
    if run is None:
        return Fact(label, NOT_KNOWN, "There is no F1 yet from which it could be forecast.")
    found = forecast(run.points, target, pace)
    return Fact(label, _in_short(found), _at_length(found, status.to_annotate))


def _in_short(found: Forecast) -> str:
    """Return a forecast in a few words."""
    if found.is_above:
        return "none, by the last measurement"
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
    if found.outcome == "cannot be told" and not found.is_above:
        return (
            f"A forecast takes {MINIMUM_POINTS} measured rounds, the last with at least half as many documents again "
            f"as the first; usable so far: {found.points}."
        )
    said = found.sentence(left)
    if found.outcome == "expected" and found.hours is None:
        said += " The hours are unknown, since nobody has answered a task yet."
    return said


def disputed(status: ProjectStatus, agreement: AgreementReport | None) -> Fact:
    """Return how much annotators dispute, and how far they agree.

    :param agreement: None if no text has independent answers of two people.
    """
    label = "What annotators disagree on"
    found = status.disputes
    if found is None:
        return Fact(
            label,
            NOT_KNOWN,
            "No document has answers of two people. For a figure that can be published, two people annotate the same "
            "documents, each alone.",
        )
    beside = ""
    if agreement is not None and agreement.all_pairs.overall is not None:
        beside = f"Agreement: {_of(agreement.all_pairs.overall.measured['strict'])}"
    several = plural(found.documents, "document")
    if not found.disputed_documents:
        return Fact(label, "nothing is disputed", f"In {several} that several people annotated.", beside)
    detail = (
        f"Of the {several} that several people annotated: {counted(found.mentions, found.relations)}, every version "
        "counted. Until that is settled, no model learns from it, and no score counts it."
    )
    return Fact(label, f"{plural(found.disputed_documents, 'document')} with a dispute", detail, beside)


def _of(one: Measured) -> str:
    if one.value is None:
        return NOT_KNOWN
    return _with_interval(AgreementF1(0, one.value, one.interval))


def _with_interval(one: AgreementF1) -> str:
    if one.interval is None:
        return f"{100 * one.f1:.1f}"
    return f"{100 * one.f1:.1f} ({100 * one.interval[0]:.1f} to {100 * one.interval[1]:.1f})"
