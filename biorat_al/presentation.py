"""Reports and statuses as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from biorat_al.corpus.base import ReadReport
from biorat_al.project import Project
from biorat_al.rounds.plan import RoundPlan
from biorat_al.rounds.runner import RoundReport, StepReport
from biorat_al.rounds.status import ProjectStatus, RoundStatus
from biorat_al.store.documents import ImportReport

if TYPE_CHECKING:
    from biorat_al.desk.labelstudio.credentials import Credentials
    from biorat_al.desk.labelstudio.server import ServerInfo
    from biorat_al.doctor import Finding

_LISTED = 5


def plural(count: int, noun: str, plural_form: str | None = None) -> str:
    """``1 task``, ``2 tasks``, ``1,000 tasks``."""
    return f"{count:,} {noun if count == 1 else plural_form or noun + 's'}"


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
        f"  pool      {plural(pool, 'document')}",
        f"  test set  {plural(report.test_documents, 'document')}, held out",
        f"  labels    {', '.join(project.settings.labels)}",
    ]
    if report.mentions:
        lines.append(f"  mentions  {_counts(report.mentions)}")
    if report.duplicates:
        examples = ", ".join(report.duplicate_examples[:3])
        lines.append(f"  {plural(report.duplicates, 'duplicate')} with the same text, read once: {examples}")
    if report.leaks:
        lines.append(f"  {plural(report.leaks, 'document')} left out: a test document has the same text")
    if read.invalid_count:
        lines.append(f"  {plural(read.invalid_count, 'mention')} left out: the text does not match the offsets")
        lines.extend(f"    {invalid.message}" for invalid in read.invalid[:_LISTED])
    if read.skipped_count:
        lines.append(f"  {plural(read.skipped_count, 'file')} not read:")
        lines.extend(f"    {skipped.path}: {skipped.reason}" for skipped in read.skipped[:_LISTED])
    if report.ignored:
        lines.append(f"  ignored   {_counts(report.ignored)}")
    if report.test_documents == 0:
        lines.append("  There is no test set, so no model will be measured.")
    return "\n".join([*lines, f"Next: cd {project.folder} && biorat-al round"])


def round_text(report: RoundReport, status: ProjectStatus) -> str:
    """What a round did, a line per step, and what to do next."""
    lines = [f"Round {report.number} of {status.name}" + (" (went on where it was cut off)" if report.resumed else "")]
    for step in report.steps:
        text = step.counts.get("reason", "") if step.state == "skipped" else _step_text(step)
        lines.append(f"  {step.name:<9} {text}" + (f"  ({duration(step.seconds)})" if step.state == "done" else ""))
    notes = [text for step in report.steps for kind in ("problems", "notices") for text in step.counts.get(kind, ())]
    lines.extend(f"  Note: {text}" for text in dict.fromkeys(notes))
    open_tasks = status.tasks["pool"]["open"]
    if open_tasks:
        lines.append(f"Next: {plural(open_tasks, 'open task')} at {status.urls.get('pool', status.desk)}")
        blind = status.tasks["test"]["open"]
        if blind:
            lines.append(f"      and {plural(blind, 'blind test task')} at {status.urls['test']}")
        lines.append("      then: biorat-al round")
    elif not status.left:
        lines.append("The pool is used up. Next: biorat-al export corpus")
    return "\n".join(lines)


def plan_text(plan: RoundPlan) -> str:
    """What a round would do."""
    lines = [f"Round {plan.number} {'would go on' if plan.resumes else 'would begin'}; nothing has been done."]
    if plan.waits:
        return "\n".join([*lines, f"  It would wait: {plan.waits}"])
    if plan.labelled:
        lines.append(f"  train on  {plan.labelled:,} annotated documents or more, arms: {', '.join(plan.arms)}")
    else:
        lines.append("  train     nothing yet: no document is annotated")
    lines.append(f"  ask for   {plan.budget}, by {plan.strategy}, from {plural(plan.left, 'document')}")
    return "\n".join(lines)


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
    lines = [
        f"{status.name}  ({status.folder})",
        f"  database  {status.database}",
        f"  encoder   {status.encoder}",
        f"  labels    {', '.join(status.labels)}",
        f"  pool      {plural(status.documents['pool'], 'document')}: {status.labelled['pool']:,} annotated, "
        f"{tasks['open'] + tasks['pushing']:,} open, {tasks['skipped']:,} skipped, {status.left:,} never asked for",
        f"  test set  {plural(status.documents['test'], 'document')}: {status.labelled['test']:,} annotated",
    ]
    if tasks["deleted"]:
        lines.append(f"  {plural(tasks['deleted'], 'task')} deleted on the desk; answers fetched before are kept")
    if status.mentions:
        lines.append(f"  mentions  {_counts(status.mentions)}")
    if status.open_now is not None:
        now = ", ".join(f"{count:,} open ({role})" for role, count in status.open_now.items())
        lines.append(f"  right now {now}")
    if status.desk_problem:
        lines.append(f"  desk      {status.desk_problem}")
    lines.extend(f"  {role:<9} {url}" for role, url in status.urls.items())
    if status.rounds:
        lines += ["", *_round_table(status.rounds)]
    else:
        lines.append("No round yet. Next: biorat-al round")
    return "\n".join(lines)


def _round_table(rounds: Sequence[RoundStatus]) -> Iterable[str]:
    arms = list(dict.fromkeys(arm for row in rounds for arm in row.f1))
    header = ["round", "trained on", *(f"F1 {arm}" for arm in arms), "test docs", "asked for", "strategy", "time"]
    body = [
        [
            str(row.number),
            "–" if row.labelled is None else f"{row.labelled:,}",
            *(percent(row.f1.get(arm)) for arm in arms),
            str(row.evaluated or "–"),
            str(row.asked_for),
            row.strategy or "–",
            duration(row.seconds) if row.state == "done" else f"stopped before {row.waiting_for}",
        ]
        for row in rounds
    ]
    yield from table([header, *body])
    if arms:
        yield "F1: strict spans on the held-out test documents, one model per arm and round (one seed)."


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as aligned columns; the first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _step_text(step: StepReport) -> str:
    return _STEP_TEXTS[step.name](step.counts)


def _pull_text(counts: Mapping[str, Any]) -> str:
    parts = [plural(counts["new"], "new answer")]
    for name, words in (
        ("changed", "edited"),
        ("deleted", "deleted"),
        ("skipped", "skipped"),
        ("deleted_tasks", "tasks deleted"),
        ("drafts", "drafts left alone"),
    ):
        if counts[name]:
            parts.append(f"{counts[name]:,} {words}")
    return ", ".join(parts)


def _train_text(counts: Mapping[str, Any]) -> str:
    empty = f" ({counts['empty_documents']:,} empty)" if counts["empty_documents"] else ""
    mentions = plural(counts["mentions"], "mention")
    return f"{plural(counts['documents'], 'document')}{empty}, {mentions}; arms: {', '.join(counts['models'])}"


def _evaluate_text(counts: Mapping[str, Any]) -> str:
    scores = ", ".join(f"F1 {percent(f1)} ({arm})" for arm, f1 in counts["f1"].items())
    return f"{scores} on {counts['documents']:,} of {plural(counts['of'], 'test document')}"


def _select_text(counts: Mapping[str, Any]) -> str:
    text = f"{plural(counts['documents'], 'document')} of {counts['of']:,}, {counts['tokens']:,} word pieces, "
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
