"""What ``audit`` prints, and the findings as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from biorat_al.claims import check_target, claimed
from biorat_al.files import replacing
from biorat_al.people.audit.audit import Audit
from biorat_al.people.audit.findings import Finding
from biorat_al.people.audit.habits import Habit
from biorat_al.people.audit.shares import ERRORS
from biorat_al.presentation.text import Side, notes_text, table, wrapped_text
from biorat_al.wording import plural

KINDS = {"missed": "not marked", "extra": "marked", "label": "label", "borders": "borders"}
"""What a finding is about, in a word or two."""

SCORE = (
    "The score is a cautious guess of the probability that the place is an error. It comes from the share of other "
    f"places that are annotated otherwise, if {100 * ERRORS:.0f} % of mentions are missed, {100 * ERRORS:.0f} % have a "
    f"wrong label and {100 * ERRORS:.0f} % wrong borders."
)

_COLUMNS = (
    "score", "kind", "document", "start", "end", "text", "label", "suggested_label", "suggested_start",
    "suggested_end", "suggested_text", "suggestion", "evidence", "sources", "annotators", "before", "after",
)  # fmt: skip


def audit_text(audit: Audit) -> str:
    """Return the findings, the habits and what the findings rest on."""
    lines = [summary(audit)]
    for number, finding in enumerate(audit.findings, start=1):
        lines += ["", *_finding(number, finding)]
    if audit.left_out:
        lines += ["", f"… and {plural(audit.left_out, 'more finding')} (--limit)"]
    lines += ["", *_habits(audit)]
    if audit.findings:
        lines += wrapped_text(SCORE, "")
    return "\n".join([*lines, *notes_text(audit.notes)])


def summary(audit: Audit) -> str:
    """Return how much was looked at, and how much was found, in a sentence."""
    looked = f"{plural(audit.mentions, 'mention')} in {plural(audit.documents, 'document')}"
    found = len(audit.findings) + audit.left_out
    if not found:
        return f"{looked}: nothing looks wrong."
    return f"{looked}: {plural(found, 'place')} may be wrong."


def write_csv(audit: Audit, path: Path, *, force: bool = False) -> None:
    """Write the findings as CSV, in UTF-8.

    :raises ProjectError: the file already exists and `force` is not set.
    """
    with claimed(path, force=force) as claim:
        check_target(path, force=force, claim=claim)
        with replacing(path) as half, half.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(map(_row, audit.findings))


def habit_cells(habit: Habit) -> dict[str, str]:
    """Return how often mentions show a habit, by annotator: ``23 of 1,027 (2.2 %)``."""
    return {
        who: f"{marked:,} of {places:,}" + (f" ({100 * marked / places:.1f} %)" if places else "")
        for who, (marked, places) in habit.counts.items()
    }


def _finding(number: int, finding: Finding) -> list[str]:
    place = finding.excerpt
    about = KINDS[finding.kind] + (f" as {finding.label}" if finding.kind == "extra" else "")
    head = f"{number:>3}. {finding.score:.2f} {about}: {place.document} at {place.start}–{place.end}"
    text = " ".join(f"{place.before}[{place.text}]{place.after}".split())
    return [
        *wrapped_text(head, ""),
        *wrapped_text(text, "     "),
        *(line for one in finding.evidence for line in wrapped_text(one.sentence, "     - ")),
        *wrapped_text(f"suggestion: {finding.suggestion}", "     "),
    ]


def _habits(audit: Audit) -> list[str]:
    """Return the table of habits, a row for each annotator where there are several."""
    rows = [
        [habit.name if number == 0 else "", who, cell]
        for habit in audit.habits
        for number, (who, cell) in enumerate(habit_cells(habit).items())
    ]
    several = any(len(habit.counts) > 1 for habit in audit.habits)
    shown = rows if several else [[name, cell] for name, _, cell in rows]
    sides: list[Side] = ["left"] * len(shown[0])
    return ["How borders are drawn, among the mentions that could have it:", *table(shown, sides=sides, indent=2)]


def _row(finding: Finding) -> list[str]:
    place, suggested = finding.excerpt, finding.suggested
    cells = [
        f"{finding.score:.4f}",
        finding.kind,
        place.document,
        place.start,
        place.end,
        place.text,
        finding.label or "",
        *((suggested.label, suggested.start, suggested.end, suggested.text) if suggested else ("", "", "", "")),
        finding.suggestion,
        "; ".join(one.sentence for one in finding.evidence),
        " ".join(dict.fromkeys(one.source for one in finding.evidence)),
        " ".join(finding.annotators),
        place.before,
        place.after,
    ]
    return [_cell(cell) for cell in cells]


def _cell(value: object) -> str:
    """Return a cell that a spreadsheet does not read as a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
