"""What ``convert`` and ``validate`` print."""

from __future__ import annotations

from collections import Counter

from biorat_al.corpus.convert import Conversion
from biorat_al.corpus.notices import reading_lines
from biorat_al.corpus.validate import Validation
from biorat_al.wording import plural


def validation_text(validation: Validation, shown: int = 20) -> str:
    """What a person should know of a validation."""
    count = plural(validation.documents, "document")
    wrong, warnings = validation.problems.total(), validation.warnings.total()
    if not wrong and not warnings:
        return f"{count}: nothing wrong."
    lines = _listed(validation.messages, wrong, shown)
    lines.append(f"{count}: {wrong:,} wrong" if wrong else f"{count}: no faults, {plural(warnings, 'warning')}:")
    lines += _counted(validation.problems)
    if wrong and warnings:
        lines.append(f"{plural(warnings, 'warning')}:")
    lines += _listed([f"warning: {remark}" for remark in validation.remarks], warnings, shown)
    return "\n".join([*lines, *_counted(validation.warnings)])


def conversion_text(conversion: Conversion) -> str:
    """What a person should know of a conversion."""
    written, read = conversion.written, conversion.read
    count = plural(written.documents, "document")
    lines = [f"Wrote {count} to {conversion.target}"]
    lines += reading_lines(read)
    if conversion.lost:
        lines.append("Not in it, or not as it was:")
        lines += [f"  {number:>9,}  {kind}" for kind, number in conversion.lost.most_common()]
    else:
        lines.append("Nothing was lost.")
    if written.warned:
        lines.append("Against the format's own conventions, written all the same:")
        lines += [f"  {number:>9,}  {kind}" for kind, number in written.warned.most_common()]
    return "\n".join(lines)


def _listed(messages: list[str], count: int, shown: int) -> list[str]:
    left = count - len(messages[:shown])
    # a message may stand for several of a kind
    return messages[:shown] + ([f"… and {left:,} more"] if left > 0 and len(messages) > shown else [])


def _counted(kinds: Counter[str]) -> list[str]:
    return [f"  {number:>9,}  {kind}" for kind, number in kinds.most_common()]
