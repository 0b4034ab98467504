"""What ``doctor`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biorat_al.doctor import Finding


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
