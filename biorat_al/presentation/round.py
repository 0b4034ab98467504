"""The text that ``round`` prints, at once or step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from biorat_al.acquisition.stopping import StoppingAdvice
from biorat_al.learner.relations.candidates import MOST_CANDIDATES
from biorat_al.presentation.text import (
    both_scores,
    disputes_text,
    duration,
    labelled,
    level_name,
    note_text,
    notes_text,
    open_tasks_text,
    percent,
)
from biorat_al.rounds.borrowing.start import START, StartDecision, start_in_words
from biorat_al.rounds.completing import COMPLETING
from biorat_al.rounds.notes import finding_notes
from biorat_al.rounds.pool import SAMPLE
from biorat_al.rounds.pre_labels.choice import MEASURED, measured_in, sentences
from biorat_al.rounds.runner import RoundReport, StepReport
from biorat_al.rounds.status import ProjectStatus
from biorat_al.rounds.steps.evaluate import TRAINED
from biorat_al.rounds.steps.train import LATER
from biorat_al.rounds.unasked import left_out_text
from biorat_al.settings import COMMITTEE
from biorat_al.wording import plural, verb

_MEASURES = "measures the models"
"""What follows the push, as long as no arm is left to be trained."""

_UNREPRESENTABLE = {
    "same_type_nesting": "inside or across another of the same label; the longest was learnt, all are kept",
    "discontinuous": "in several pieces; their places were not learnt from, all are kept",
    "off_token_border": "beginning or ending inside a word; learnt as the whole word, kept as annotated",
    "no_token": "on blanks or signs that the encoder drops; nothing could be learnt, all are kept",
    "other_label": "with a label that the project does not have; not learnt, all are kept",
}
"""The kinds of mentions that the model cannot represent, in words."""

_NOT_CANDIDATES = {
    "outside_window": "farther apart than the window of sentences; not learnt, all are kept",
    "too_many": f"farther apart than the {MOST_CANDIDATES:,} nearest pairs of the document; not learnt, all are kept",
    "other_types": "between labels that its type does not join; not learnt, all are kept",
    "other_label": "with a label that the project does not have; not learnt, all are kept",
    "several_labels": "on a pair that has another one; the first of the settings was learnt, all are kept",
    "unlinked": "between concepts one of which no mention is linked to; not learnt, all are kept",
    "to_itself": "of a mention or a concept with itself; not learnt, all are kept",
}
"""The kinds of relations that no candidate pair expresses, in words."""


def round_text(report: RoundReport, status: ProjectStatus) -> str:
    """Return what a round did, one line for each step, and what to do next."""
    steps = [line for step in _ended(report) for line in _step_lines(step)]
    return "\n".join([*_heading(report, status.name), *steps, *_after_the_steps(report, status)])


class RoundLines:
    """Shows the text of a round while it runs: the line of each step as soon as it has ended.

    A text that cannot be shown (a full disk, a pipe that nobody reads) does not end the round, only :meth:`end`.

    :param name: name of the project.
    :param show: called with each part of the text.
    :param dated: also say when each step ended, in local time, as one looks for in a log.
    """

    def __init__(self, name: str, show: Callable[[str], object], *, dated: bool = False) -> None:
        self._name = name
        self._show = show
        self._dated = dated
        self._shown: list[StepReport] = []
        self._start = time.monotonic()

    def follow(self, report: RoundReport) -> None:
        """Show the steps that have ended since the last call."""
        with suppress(OSError):
            self._show_steps(report)

    def end(self, report: RoundReport, status: ProjectStatus) -> None:
        """Show the rest: what there is to note, and what to do next."""
        self._show_steps(report)
        self._show("\n".join(_after_the_steps(report, status)))

    def _show_steps(self, report: RoundReport) -> None:
        new = [step for step in _ended(report) if step not in self._shown]
        lines = [] if self._shown else _heading(report, self._name)
        lines += [line for step in new for line in _step_lines(step, dated=self._dated)]
        self._shown += new
        is_pushed = any(step.name == "push" for step in new)
        if is_pushed and report.step("train").state == "done" and not _is_measured(report):
            lines += _tasks_are_there(report, time.monotonic() - self._start)
        if lines:
            self._show("\n".join(lines))


def _ended(report: RoundReport) -> list[StepReport]:
    return [step for step in report.steps if step.state in ("done", "skipped")]


def _is_measured(report: RoundReport) -> bool:
    """Return whether the models have been measured, as far as a round can measure them."""
    return any(step.name == "evaluate" for step in _ended(report))


def _tasks_are_there(report: RoundReport, seconds: float) -> list[str]:
    """Return that annotators can begin, for a round that goes on.

    :param seconds: since the start.
    """
    counts = report.step("push").counts
    tasks = counts.get("tasks", 0) + counts.get("test_tasks", 0)
    if not tasks:
        return []
    said = f"{plural(tasks, 'task')} {verb(tasks, 'are')} there for annotators, {duration(seconds)} after the start"
    follows = "trains the other arms and measures the models" if LATER in report.step("train").counts else _MEASURES
    return note_text(f"{said}. What follows {follows}; nobody need wait for it.")


def _heading(report: RoundReport, name: str) -> list[str]:
    return [f"Round {report.number} of {name}", *(note_text("went on where it was cut off") if report.resumed else ())]


def _step_lines(step: StepReport, *, dated: bool = False) -> list[str]:
    """Return the lines of one step: what it did, and how long it took.

    :param dated: also when it ended.
    """
    if step.state == "skipped":
        return labelled(step.name, step.counts.get("reason", ""))
    when = f", done {step.ended_at.astimezone():%Y-%m-%d %H:%M}" if dated and step.ended_at is not None else ""
    return labelled(step.name, f"{_step_text(step)}  ({_time(step)}{when})")


def _after_the_steps(report: RoundReport, status: ProjectStatus) -> list[str]:
    """Return what there is to note, and what to do next."""
    notes = [text for step in report.steps for text in step.counts.get("notices", ())]
    notes += _start_notes(report)
    if measured := measured_in(step.counts for step in report.steps):
        notes += sentences(measured)
    notes += finding_notes(status.findings)
    for kind, count in report.step("train").counts.get("unrepresentable", {}).items():
        notes.append(f"{plural(count, 'mention')} {_UNREPRESENTABLE.get(kind, kind)}")
    for kind, count in report.step("train").counts.get("not_candidates", {}).items():
        notes.append(f"{plural(count, 'relation')} {_NOT_CANDIDATES.get(kind, kind)}")
    if cut := report.step("train").counts.get("cut_documents"):
        notes.append(
            f"{plural(cut, 'document')} with more than {MOST_CANDIDATES:,} pairs that could be related; "
            "the nearest were learnt from"
        )
    if "no_relation_model" in report.step("train").counts:
        notes.append(f"The models predict mentions alone: {report.step('train').counts['no_relation_model']}")
    lines = notes_text(notes)
    lines += disputes_text(status)
    lines += _advice(report.verdicts)
    if not _is_measured(report):
        lines += note_text("The models are not measured yet: the next `biorat-al round` does that")
    if todo := open_tasks_text(status):
        lines += [f"Next: {todo[0]}", *(f"      and {text}" for text in todo[1:]), "      then: biorat-al round"]
    elif status.is_used_up:
        lines.append("The pool is used up. Next: biorat-al export corpus")
    return lines


def _advice(verdicts: Sequence[StoppingAdvice]) -> list[str]:
    """Return one sentence of advice once two criteria can be judged; a single one says too little."""
    if len(verdicts) < 2:
        return []
    values = ", ".join(
        f"{verdict.criterion} {100 * verdict.value:+.1f} points of F1"
        if verdict.criterion == "performance plateau"
        else f"{verdict.criterion} {percent(verdict.value)}%"
        for verdict in verdicts
        if verdict.holds
    )
    number = sum(verdict.holds for verdict in verdicts)
    text = f"Advice: {number} of {len(verdicts)} stopping criteria {verb(number, 'hold')}"
    text += f" ({values})" if values else ""
    return note_text(text + (": more annotation may bring little" if number >= 2 else ": go on annotating"))


def _time(step: StepReport) -> str:
    """Return how long a step took; of one that was cut off, how long its last attempt took."""
    # answers are fetched again each time a round is told to wait
    again = step.attempts > 1 and step.name != "pull"
    return duration(step.seconds) + (f" in the last of {step.attempts} attempts" if again else "")


def _step_text(step: StepReport) -> str:
    """Return what a step did."""
    return _STEP_TEXTS[step.name](step.counts)


def _pull_text(counts: Mapping[str, Any]) -> str:
    """Return what was fetched from the desk."""
    parts = [plural(counts["new"], "new answer")]
    for name, noun, words in (
        ("changed", "", "edited"),
        ("revised", "", "of them by somebody else than the author"),
        ("deleted", "", "deleted"),
        ("skipped", "", "skipped"),
        ("deleted_tasks", "task", "deleted"),
        ("unattended", "", "not counted, since nobody has looked at them"),
        ("drafts", "draft", "left alone"),
    ):
        # earlier versions of the program did not count all of them
        if counts.get(name):
            number = plural(counts[name], noun) if noun else f"{counts[name]:,}"
            parts.append(f"{number} {words}")
    if settled := counts.get("settled"):
        number = settled["new"] + settled["changed"]
        parts.append(f"{plural(number, 'document')} settled")
    if unknown := counts.get("unknown_tasks"):
        parts.append(f"{plural(unknown, 'task')} that this project did not make, left alone")
    return ", ".join(parts)


def _train_text(counts: Mapping[str, Any]) -> str:
    """Return what the models were trained on."""
    empty = f" ({counts['empty_documents']:,} empty)" if counts["empty_documents"] else ""
    annotated = plural(counts["mentions"], "mention")
    if "relations" in counts:
        annotated += f", {plural(counts['relations'], 'relation')}"
    sentences = counts.get("sentences", 0)
    whole = counts["documents"] - sentences
    learnt = [plural(whole, "document")] if whole or not sentences else []
    documents = " and ".join([*learnt, *([plural(sentences, "sentence")] if sentences else [])])
    arms = ", ".join(arm for arm in counts["models"] if arm != COMMITTEE)
    voting = " and their committee" if COMMITTEE in counts["models"] else ""
    if LATER in counts:
        voting += f" (after the push: {', '.join(counts[LATER])})"
    # on what earlier models proposed in documents that were annotated since
    known = plural(counts.get("calibrated_on") or 0, "answered proposal")
    calibrated = f"; calibrated on {known}" if counts.get("calibrated_on") else ""
    if last := counts.get("last_model"):
        # of documents that the strategy chose, and whose annotators saw the proposals
        chosen = plural(last["documents"], "text" if sentences else "document")
        calibrated += f"; the last model's proposals in {chosen} annotated since: F1 {percent(last['f1'])}"
    begun = f"; begun from: {start_in_words(counts[START])}" if START in counts else ""
    return f"{documents}{empty}, {annotated}{left_out_text(counts)}; arms: {arms}{voting}{begun}{calibrated}"


def _start_notes(report: RoundReport) -> list[str]:
    """Return a sentence on the comparison of the starts where this round made it, or where it decided against one."""
    counts = report.step("train").counts
    if START not in counts:
        return []
    decision = StartDecision.of_values(counts[START])
    told = decision.compared_in == report.number or not decision.borrowed
    return [decision.sentence] if told and decision.sentence else []


def _evaluate_text(counts: Mapping[str, Any]) -> str:
    """Return F1 on the test documents."""
    scores = ", ".join(f"F1 {percent(f1)} ({arm})" for arm, f1 in counts["f1"].items())
    tested = f"{counts['documents']:,} of {plural(counts['of'], 'test document')}"
    text = f"{scores or 'no model yet'} on {tested}{left_out_text(counts)}"
    if TRAINED in counts:
        text = f"trained {', '.join(counts[TRAINED])}; {text}"
    if "relation_f1" in counts:
        level = level_name(counts["relation_level"], counts["relation_f1"].values())
        found = (f"{both_scores(f1, level)} ({arm})" for arm, f1 in counts["relation_f1"].items())
        text += f"; relations between annotated mentions / end to end: {', '.join(found)}"
    return text


def _compare_text(counts: Mapping[str, Any]) -> str:
    """Return F1 of the model and of files and dictionaries; the notes say who is better."""
    found = counts[MEASURED]
    of_model = next((one["model_f1"] for one in found["measured"] if "model_f1" in one), None)
    scores = [f"F1 {percent(of_model)} ({found['model']})"] if of_model is not None else []
    scores += [f"F1 {percent(one['f1'])} ({one['title']})" for one in found["measured"] if "f1" in one]
    tested = f"{counts['documents']:,} of {plural(counts['of'], 'test document')}"
    return f"{', '.join(scores) or 'nothing to compare'} on {tested}{left_out_text(counts)}"


def _predict_text(counts: Mapping[str, Any]) -> str:
    """Return how many documents or sentences were predicted, and of how many if it was a part of the pool."""
    if SAMPLE not in counts:
        return plural(counts["documents"], counts.get("unit", "document"))
    pool = plural(counts["of"], counts.get("unit", "document"))
    return f"{counts['documents']:,} of {pool}, {counts[SAMPLE]['documents']:,} of them drawn at random"


def _select_text(counts: Mapping[str, Any]) -> str:
    """Return how many documents or sentences were picked, and by which strategy."""
    if counts["strategy"] == COMPLETING:
        begun = plural(counts["of"], "begun document")
        return f"{counts['documents']:,} of {begun}, to be completed, {counts['tokens']:,} word pieces"
    whole = counts.get("candidates", counts["of"])
    pool = f"{counts['drawn']:,} drawn from {whole:,}" if "drawn" in counts else f"{whole:,}"
    text = (
        f"{plural(counts['documents'], counts.get('unit', 'document'))} of {pool}, {counts['tokens']:,} word pieces, "
    )
    text += f"by {counts['strategy']}"
    if "instead_of" in counts:
        text += f" ({counts['instead_of']} needs a model; none has been trained yet)"
    if number := len(counts.get("doubles", ())):
        text += f", {number:,} of them drawn for two annotators"
    return text


def _push_text(counts: Mapping[str, Any]) -> str:
    """Return what was sent to the desk."""
    parts = [f"{plural(counts['tasks'], 'task')}, {counts['pre_labelled']:,} with pre-labels"]
    if "pre_labels_of" in counts:
        parts[0] += f" of {counts['pre_labels_of']}"
    if counts["relabelled"]:
        parts.append(f"{plural(counts['relabelled'], 'open task')} with newer pre-labels")
    if counts["test_tasks"]:
        parts.append(plural(counts["test_tasks"], "blind test task"))
    if counts.get("seats"):
        parts.append(f"{plural(counts['seats'], 'answer')} wanted from the group")
    return ", ".join(parts)


_STEP_TEXTS = {
    "pull": _pull_text,
    "train": _train_text,
    "compare": _compare_text,
    "predict": _predict_text,
    "select": _select_text,
    "push": _push_text,
    "evaluate": _evaluate_text,
}
