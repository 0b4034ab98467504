"""The text that ``doctor`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biorat_al.doctor import CheckResult


def findings_text(findings: Sequence[CheckResult]) -> str:
    """Return the findings, the worst last so that they stay on screen."""
    marks = {"ok": "ok", "warning": "note", "missing": "MISSING"}
    width = max(map(len, marks.values()))
    ordered = sorted(findings, key=lambda finding: list(marks).index(finding.state))
    lines = []
    for finding in ordered:
        lines.append(f"{marks[finding.state]:<{width}}  {finding.topic}: {finding.sentence}")
        if finding.advice:
            lines.append(f"{'':<{width}}  → {finding.advice}")
    return "\n".join(lines)
