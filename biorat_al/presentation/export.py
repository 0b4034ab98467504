"""The text that ``export`` prints."""

from __future__ import annotations

from pathlib import Path

from biorat_al.export.export import ExportReport
from biorat_al.export.notes import export_notes
from biorat_al.export.splits import SENTENCES
from biorat_al.presentation.text import kinds_text, wrapped_text
from biorat_al.wording import plural

TIES_SHOWN = 20
"""Number of ties that are printed."""


def export_text(report: ExportReport, out: Path) -> str:
    """Return what was written, the ties, and what else a person should know."""
    counts = ", ".join(
        plural(count, f"{split} document" if split != SENTENCES else "sentence")
        for split, count in report.documents.items()
        if count
    )
    lines = [f"Wrote {counts} to {out}"]
    if report.tie_count:
        lines.append(
            f"{plural(report.tie_count, 'tie')}: marked by exactly half of a document's annotators "
            "(--prefer ANNOTATOR decides them here, ties in biorat.toml in training as well)"
        )
        lines += [f"  {tie}" for tie in report.ties[:TIES_SHOWN]]
        lines += [f"  … and {report.tie_count - TIES_SHOWN:,} more"] if report.tie_count > TIES_SHOWN else []
    lines += [line for text in export_notes(report) for line in wrapped_text(text, "")]
    if report.warnings:
        lines.append("Against BigBio's conventions, written all the same:")
        lines += kinds_text(report.warnings)
    return "\n".join(lines)
