"""The texts that ``convert`` and ``validate`` print."""

from __future__ import annotations

from biorat_al.corpus.convert import Conversion
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.validate import Validation
from biorat_al.presentation.text import kinds_text
from biorat_al.wording import plural


def validation_text(validation: Validation, shown: int = 20) -> str:
    """Return what is wrong with a corpus, at most `shown` messages of each severity, and the counts by kind."""
    count = plural(validation.documents, "document")
    wrong, warnings = validation.problems.total(), validation.warnings.total()
    if not wrong and not warnings:
        return f"{count}: nothing wrong."
    lines = _listed(validation.messages, wrong, shown)
    lines.append(f"{count}: {wrong:,} wrong" if wrong else f"{count}: no faults, {plural(warnings, 'warning')}:")
    lines += kinds_text(validation.problems)
    if wrong and warnings:
        lines.append(f"{plural(warnings, 'warning')}:")
    lines += _listed([f"warning: {remark}" for remark in validation.remarks], warnings, shown)
    return "\n".join([*lines, *kinds_text(validation.warnings)])


def conversion_text(conversion: Conversion) -> str:
    """Return what was written, and what the target does not hold."""
    written, read = conversion.written, conversion.read
    count = plural(written.documents, "document")
    lines = [f"Wrote {count} to {conversion.target}"]
    lines += reading_lines(read)
    if conversion.lost:
        lines.append("Not in it, or not as it was:")
        lines += kinds_text(conversion.lost)
    else:
        lines.append("Nothing was lost.")
    if written.warned:
        lines.append("Against the format's own conventions, written all the same:")
        lines += kinds_text(written.warned)
    return "\n".join(lines)


def _listed(messages: list[str], count: int, shown: int) -> list[str]:
    """Return the first messages, and how many more there are."""
    more = count - len(messages[:shown])
    # a message may stand for several of a kind
    return messages[:shown] + ([f"… and {more:,} more"] if more > 0 and len(messages) > shown else [])
