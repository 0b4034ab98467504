"""Notes on what an export leaves out, in sentences."""

from __future__ import annotations

from biorat_al.export.export import ExportReport
from biorat_al.wording import plural, verb


def export_notes(report: ExportReport) -> list[str]:
    """Return a sentence for each kind of content that an export leaves out, except ties."""
    notes = []
    if report.begun and not report.partial:
        only = plural(report.begun_sentences, "sentence")
        notes.append(
            f"Left out: {plural(report.begun, 'document')} of which only {only} "
            f"{verb(report.begun_sentences, 'are')} annotated; biorat-al round --complete asks for the rest, "
            "--partial sentences writes the sentences"
        )
    if report.outvoted:
        notes.append(f"Left out: {plural(report.outvoted, 'part')} of answers that only a minority marked")
    if report.left_out:
        names = ", ".join(f"{name} {number:,}" for name, number in sorted(report.left_out.items()))
        notes.append(f"Left out: properties that a document's annotators do not agree on: {names}")
    for label, number in report.unasked.items():
        notes.append(f"Not known: whether {plural(number, 'document')} annotated before {label} was added have any")
    if report.not_counted:
        several = plural(report.not_counted, "annotation")
        notes.append(f"Not counted: {several} that nobody has looked at; biorat-al status lists them")
    if report.not_understood:
        notes.append(f"Not understood: {plural(report.not_understood, 'part')} of answers; biorat-al status lists them")
    return notes
