"""Reports and statuses as text for a terminal of 80 columns."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.acquisition.stopping import Verdict
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.notices import reading_lines
from biorat_al.export.export import ExportReport
from biorat_al.export.notes import export_notes
from biorat_al.learner.relations.candidates import MOST_CANDIDATES
from biorat_al.project import Project
from biorat_al.rounds.notes import finding_notes
from biorat_al.rounds.plan import RoundPlan
from biorat_al.rounds.runner import RoundReport, StepReport
from biorat_al.rounds.status import ProjectStatus, RoundStatus
from biorat_al.rounds.unasked import left_out_text
from biorat_al.store.documents import ImportReport
from biorat_al.wording import plural

if TYPE_CHECKING:
    from biorat_al.desk.labelstudio.local_server.credentials import Credentials
    from biorat_al.desk.labelstudio.local_server.server import ServerInfo
    from biorat_al.doctor import Finding
    from biorat_al.efficiency.runs.model import Run

WIDTH = 80

_LABEL = 9

_UNREPRESENTABLE = {
    "same_type_nesting": "inside or across another of the same label; the longest was learnt, all are kept",
    "discontinuous": "in several pieces; their places were not learnt from, all are kept",
    "off_token_border": "beginning or ending inside a word; learnt as the whole word, kept as annotated",
    "no_token": "on blanks or signs that the encoder drops; nothing could be learnt, all are kept",
    "other_label": "with a label that the project does not have; not learnt, all are kept",
}
"""What the model cannot represent, in words."""

_NOT_CANDIDATES = {
    "outside_window": "farther apart than the window of sentences; not learnt, all are kept",
    "too_many": f"farther apart than the {MOST_CANDIDATES:,} nearest pairs of the document; not learnt, all are kept",
    "other_types": "between labels that its type does not join; not learnt, all are kept",
    "other_label": "with a label that the project does not have; not learnt, all are kept",
    "several_labels": "on a pair that has another one; the first of the settings was learnt, all are kept",
    "unlinked": "between concepts one of which no mention is linked to; not learnt, all are kept",
    "to_itself": "of a mention or a concept with itself; not learnt, all are kept",
}
"""What of the relations no candidate can express, in words."""

RelationF1 = Mapping[Any, Mapping[Any, float | None]]
"""F1 of a model's relations by what they lie between and by level."""

_LEVELS = {"mention": "pairs of mentions", "document": "pairs of concepts"}

TIES_SHOWN = 20
"""How many ties an export prints."""


def percent(fraction: float | None) -> str:
    """A fraction as points of a hundred, ``71.3``; ``–`` where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.1f}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``58 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def init_text(project: Project, report: ImportReport, read: ReadReport) -> str:
    """What ``init`` did."""
    pool = report.documents - report.test_documents - report.leaks
    lines = [
        f"Project {project.settings.name} is ready in {project.folder}",
        *_item("pool", plural(pool, "document")),
        *_item("test set", f"{plural(report.test_documents, 'document')}, held out"),
        *_item("labels", ", ".join(project.settings.labels)),
    ]
    if report.mentions:
        lines += _item("mentions", _counts(report.mentions))
    if project.settings.relations:
        lines += _item("relations", _relations_text(project.settings.relation_labels, report))
    if report.duplicates:
        examples = ", ".join(report.duplicate_examples[:3])
        lines += _note(f"{plural(report.duplicates, 'duplicate')} with the same text, read once: {examples}")
    if report.leaks:
        lines += _note(f"{plural(report.leaks, 'document')} left out: a test document has the same text")
    for line in reading_lines(read):
        # places and messages stay on one line, to be copied
        lines += [f"  {line}"] if line.startswith(" ") else _note(line)
    if report.ignored:
        lines += _item("ignored", _counts(report.ignored))
    if report.test_documents == 0:
        lines += _note("There is no test set, so no model will be measured.")
    return "\n".join([*lines, f"Next: cd {shlex.quote(str(project.folder))} && biorat-al round"])


def _relations_text(labels: Sequence[str], report: ImportReport) -> str:
    if not report.relations:
        return ", ".join(labels)
    aside = f"; kept aside: {_counts(report.relations_aside)}" if report.relations_aside else ""
    return f"{_counts(report.relations)}{aside}"


def round_text(report: RoundReport, status: ProjectStatus) -> str:
    """What a round did, a line per step, and what to do next."""
    lines = [f"Round {report.number} of {status.name}"]
    if report.resumed:
        lines += _note("went on where it was cut off")
    for step in report.steps:
        text = step.counts.get("reason", "") if step.state == "skipped" else _step_text(step)
        lines += _item(step.name, text + (f"  ({duration(step.seconds)})" if step.state == "done" else ""))
    notes = [text for step in report.steps for text in step.counts.get("notices", ())]
    notes += finding_notes(status.findings)
    for kind, count in report.step("train").counts.get("unrepresentable", {}).items():
        notes.append(f"{plural(count, 'mention')} {_UNREPRESENTABLE[kind]}")
    for kind, count in report.step("train").counts.get("not_candidates", {}).items():
        notes.append(f"{plural(count, 'relation')} {_NOT_CANDIDATES[kind]}")
    if cut := report.step("train").counts.get("cut_documents"):
        notes.append(
            f"{plural(cut, 'document')} with more than {MOST_CANDIDATES:,} pairs that could be related; "
            "the nearest were learnt from"
        )
    if "no_relation_model" in report.step("train").counts:
        notes.append(f"The models predict mentions alone: {report.step('train').counts['no_relation_model']}")
    lines += notes_text(notes)
    lines += _disputes(status)
    lines += _advice(report.verdicts)
    open_tasks = status.tasks["pool"]["open"]
    blind = status.tasks["test"]["open"]
    if open_tasks or blind:
        todo = [
            f"{plural(count, noun)}{_seats(count, status.seats.get(role))} at {status.urls.get(role, status.desk)}"
            for count, noun, role in ((open_tasks, "open task", "pool"), (blind, "blind test task", "test"))
            if count
        ]
        lines += [f"Next: {todo[0]}", *(f"      and {text}" for text in todo[1:]), "      then: biorat-al round"]
    elif not status.left:
        lines.append("The pool is used up. Next: biorat-al export corpus")
    return "\n".join(lines)


def _disputes(status: ProjectStatus) -> list[str]:
    """How far annotators agree, and what is disputed; nothing where no document has several answers."""
    return _item("agreement", status.disputes.sentence) if status.disputes else []


def notes_text(notes: Iterable[str]) -> list[str]:
    """What a person should know, each thing once."""
    return [line for text in dict.fromkeys(notes) for line in _note(f"Note: {text}")]


def _advice(verdicts: Sequence[Verdict]) -> list[str]:
    """One sentence, once two criteria can be judged; one alone says too little."""
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
    text = f"Advice: {number} of {len(verdicts)} stopping criteria {'holds' if number == 1 else 'hold'}"
    text += f" ({values})" if values else ""
    return _note(text + (": more annotation may bring little" if number >= 2 else ": go on annotating"))


def plan_text(plan: RoundPlan) -> str:
    """What a round would do."""
    lines = [f"Round {plan.number} {'would go on' if plan.resumes else 'would begin'}; nothing has been done."]
    if plan.waits:
        return "\n".join([*lines, *_note(f"It would wait: {plan.waits}")])
    if plan.labelled:
        documents = plural(plan.labelled, "annotated document")
        lines += _item("train on", f"{documents} or more, arms: {', '.join(plan.arms)}")
    else:
        lines += _item("train", "nothing yet: no document is annotated")
    lines += _item("ask for", f"{plan.budget}, by {plan.strategy}, from {plural(plan.left, 'document')}")
    return "\n".join(lines)


def export_text(report: ExportReport, out: Path) -> str:
    """What a person should know of an export."""
    counts = ", ".join(plural(count, f"{split} document") for split, count in report.documents.items() if count)
    lines = [f"Wrote {counts} to {out}"]
    if report.tie_count:
        lines.append(
            f"{plural(report.tie_count, 'tie')}: marked by exactly half of a document's annotators "
            "(--prefer ANNOTATOR decides them here, ties in biorat.toml in training as well)"
        )
        lines += [f"  {tie}" for tie in report.ties[:TIES_SHOWN]]
        lines += [f"  … and {report.tie_count - TIES_SHOWN:,} more"] if report.tie_count > TIES_SHOWN else []
    lines += [line for text in export_notes(report) for line in _wrapped(text, "")]
    if report.warnings:
        lines.append("Against BigBio's conventions, written all the same:")
        lines += [f"  {number:>9,}  {kind}" for kind, number in report.warnings.most_common()]
    return "\n".join(lines)


def simulation_text(runs: Sequence[Run], folder: Path) -> str:
    """What a simulation came to: the last model of each arm and strategy, averaged over the seeds."""
    from biorat_al.efficiency.statistics.curves import groups

    rows = [["runs", "arm", "strategy", "seeds", "documents", "F1 (mean, lowest to highest)"]]
    for key, members in groups(runs).items():
        f1 = [run.points[-1].f1 for run in members]
        spread = f"{percent(sum(f1) / len(f1))} ({percent(min(f1))} to {percent(max(f1))})"
        documents = max(run.points[-1].documents for run in members)
        kind = f"{key.kind}, {Path(key.encoder).name}, picks of {key.selected_by}" if key.selected_by else key.kind
        rows.append([kind, key.arm, key.strategy, str(len(members)), f"{documents:,}", spread])
    return "\n".join([*table(rows), f"Next: biorat-al report --simulation {folder}"])


def server_text(info: ServerInfo, credentials: Credentials | None) -> str:
    """Where the local Label Studio is and how to get in."""
    lines = [f"Label Studio {info.version} is running at {info.url}", f"  data      {info.data_dir}"]
    if credentials is not None:
        lines += [f"  login     {credentials.email}", f"  password  {credentials.password}"]
    return "\n".join(lines)


def findings_text(findings: Sequence[Finding]) -> str:
    """What the doctor found, worst last so that it stays on screen."""
    marks = {"ok": "ok     ", "warning": "note   ", "missing": "MISSING"}
    ordered = sorted(findings, key=lambda finding: list(marks).index(finding.state))
    lines = []
    for finding in ordered:
        lines.append(f"{marks[finding.state]}  {finding.topic}: {finding.sentence}")
        if finding.advice:
            lines.append(f"         → {finding.advice}")
    return "\n".join(lines)


def status_text(status: ProjectStatus) -> str:
    """How far a project has come."""
    tasks = status.tasks["pool"]
    pool = (
        f"{plural(status.documents['pool'], 'document')}: {status.labelled['pool']:,} annotated, "
        f"{tasks['open'] + tasks['pushing']:,} open{_seats(tasks['open'], status.seats.get('pool'))}, "
        f"{tasks['skipped']:,} skipped, {status.left:,} never asked for"
    )
    lines = [
        status.name,
        f"  folder    {status.folder}",
        f"  database  {status.database}",
        f"  encoder   {status.encoder}",
        *_item("labels", ", ".join(status.labels)),
        *_item("pool", pool),
        *_item("test set", f"{plural(status.documents['test'], 'document')}: {status.labelled['test']:,} annotated"),
    ]
    if tasks["deleted"]:
        lines += _note(f"{plural(tasks['deleted'], 'task')} deleted on the desk; answers fetched before are kept")
    if status.mentions:
        lines += _item("mentions", _counts(status.mentions))
    if status.relation_level is not None:
        lines += _item("relations", _counts(status.relations) or "none")
    if status.concept_relations:
        lines += _item("", f"between concepts: {_counts(status.concept_relations)}")
    lines += _disputes(status)
    if status.open_now is not None:
        seats = status.seats_now or {}
        now = (f"{count:,} open{_seats(count, seats.get(role))} ({role})" for role, count in status.open_now.items())
        lines += _item("right now", ", ".join(now))
    if status.desk_problem:
        lines += _item("desk", status.desk_problem)
    lines.extend(f"  {role:<{_LABEL}} {url}" for role, url in status.urls.items())
    lines += notes_text([*finding_notes(status.findings), *(one.sentence for one in status.not_asked)])
    if status.rounds:
        lines += ["", *_round_table(status.rounds)]
        lines += _relation_table(status)
        if status.forecast:
            lines += textwrap.wrap(status.forecast, WIDTH)
    else:
        lines.append("No round yet. Next: biorat-al round")
    return "\n".join(lines)


def _round_table(rounds: Sequence[RoundStatus]) -> Iterable[str]:
    arms = list(dict.fromkeys(arm for row in rounds for arm in row.f1))
    header = ["round", "trained", *(f"F1 {arm}" for arm in arms), "tested", "asked", "strategy", "time"]
    body = [
        [
            str(row.number),
            "–" if row.labelled is None else f"{row.labelled:,}",
            *(percent(row.f1.get(arm)) for arm in arms),
            f"{row.evaluated:,}" if row.evaluated else "–",
            f"{row.asked_for:,}",
            row.strategy or "–",
            duration(row.seconds) if row.state == "done" else _STATES.get(row.state, row.state),
        ]
        for row in rounds
    ]
    yield from table([header, *body])
    if arms:
        yield "trained, tested, asked: numbers of documents learnt from, measured on, asked for"
        yield "F1: strict spans on the test documents; one model per arm and round (one seed)"
    last = rounds[-1]
    if last.state == "waiting":
        yield f"Round {last.number} waits for annotators; then: biorat-al round"
    elif last.state != "done":
        yield f"Round {last.number} has not ended (step {last.waiting_for}); to go on with it: biorat-al round"


def _relation_table(status: ProjectStatus) -> Iterable[str]:
    measured = [row for row in status.rounds if row.relation_f1]
    if not measured or status.relation_level is None:
        return
    arms = list(dict.fromkeys(arm for row in measured for arm in row.relation_f1))
    level = _level(status.relation_level, (f1 for row in measured for f1 in row.relation_f1.values()))
    body = [
        [str(row.number), *(_both(row.relation_f1[arm], level) if arm in row.relation_f1 else "–" for arm in arms)]
        for row in measured
    ]
    yield ""
    yield from table([["round", *(f"relations {arm}" for arm in arms)], *body])
    yield f"F1 of relations as {_LEVELS[level]}: between annotated mentions / end to end"


_STATES = {"running": "not ended", "waiting": "waits"}


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as aligned columns; the first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _step_text(step: StepReport) -> str:
    return _STEP_TEXTS[step.name](step.counts)


def _pull_text(counts: Mapping[str, Any]) -> str:
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
        # an earlier version of the program did not count all of them
        if counts.get(name):
            number = plural(counts[name], noun) if noun else f"{counts[name]:,}"
            parts.append(f"{number} {words}")
    if unknown := counts.get("unknown_tasks"):
        parts.append(f"{plural(unknown, 'task')} that this project did not make, left alone")
    return ", ".join(parts)


def _seats(tasks: int, seats: int | None) -> str:
    """How many answers open tasks still want, where several people answer the same one."""
    return f" (for {plural(seats, 'more answer')})" if seats is not None and seats != tasks else ""


def _train_text(counts: Mapping[str, Any]) -> str:
    empty = f" ({counts['empty_documents']:,} empty)" if counts["empty_documents"] else ""
    annotated = plural(counts["mentions"], "mention")
    if "relations" in counts:
        annotated += f", {plural(counts['relations'], 'relation')}"
    documents = plural(counts["documents"], "document")
    return f"{documents}{empty}, {annotated}{left_out_text(counts)}; arms: {', '.join(counts['models'])}"


def _evaluate_text(counts: Mapping[str, Any]) -> str:
    scores = ", ".join(f"F1 {percent(f1)} ({arm})" for arm, f1 in counts["f1"].items())
    text = f"{scores} on {counts['documents']:,} of {plural(counts['of'], 'test document')}{left_out_text(counts)}"
    if "relation_f1" in counts:
        level = _level(counts["relation_level"], counts["relation_f1"].values())
        found = (f"{_both(f1, level)} ({arm})" for arm, f1 in counts["relation_f1"].items())
        text += f"; relations between annotated mentions / end to end: {', '.join(found)}"
    return text


def _level(wanted: str, measured: Iterable[RelationF1]) -> str:
    """The level that F1 of relations is shown at: that of the settings of today, unless nothing was measured at it."""
    levels = {level for f1 in measured for level in f1["gold"]}
    return wanted if wanted in levels or not levels else min(levels)


def _both(f1: RelationF1, level: str) -> str:
    """F1 of relations between annotated mentions and end to end."""
    return " / ".join(percent(f1[between].get(level)) for between in ("gold", "predicted"))


def _select_text(counts: Mapping[str, Any]) -> str:
    pool = f"{counts['drawn']:,} drawn from {counts['of']:,}" if "drawn" in counts else f"{counts['of']:,}"
    text = f"{plural(counts['documents'], 'document')} of {pool}, {counts['tokens']:,} word pieces, "
    if "instead_of" in counts:
        return text + f"by {counts['strategy']} ({counts['instead_of']} needs a model, and there is none yet)"
    return text + f"by {counts['strategy']}"


def _push_text(counts: Mapping[str, Any]) -> str:
    parts = [f"{plural(counts['tasks'], 'task')}, {counts['pre_labelled']:,} with pre-labels"]
    if counts["relabelled"]:
        parts.append(f"{plural(counts['relabelled'], 'open task')} with newer pre-labels")
    if counts["test_tasks"]:
        parts.append(plural(counts["test_tasks"], "blind test task"))
    return ", ".join(parts)


_STEP_TEXTS = {
    "pull": _pull_text,
    "train": _train_text,
    "evaluate": _evaluate_text,
    "predict": lambda counts: plural(counts["documents"], "document"),
    "select": _select_text,
    "push": _push_text,
}


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{label} {count:,}" for label, count in sorted(counts.items()))


def _item(label: str, text: str) -> list[str]:
    """A label and a text beside it, in as many lines as it takes."""
    return _wrapped(text, f"  {label:<{_LABEL}} ")


def _note(text: str) -> list[str]:
    return _wrapped(text, "  ")


def _wrapped(text: str, beginning: str) -> list[str]:
    # what has no blanks, an address or a file's name, stays in one piece
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=beginning,
        subsequent_indent=" " * len(beginning),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [beginning.rstrip()]
