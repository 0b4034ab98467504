"""What users should know about the files that were read, as lines that every reading command prints in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.corpus.formats.base import ReadReport
from biorat_al.wording import plural, shortened

SHOWN = 5
"""How many items of each kind are named; all are counted."""


LONGEST = 1000
"""Most characters of a message. A broken file can have a whole text where an id should be."""


def reading_lines(read: ReadReport) -> list[str]:
    """Return notes, what was kept on trust, what was left out, and which files were not read.

    A line that begins with blanks belongs to the line before it.
    """
    lines = [f"Note: {sentence}" for sentence in read.notes[:SHOWN]]
    lines += more(len(read.notes))
    if read.trusted_count:
        lines.append(
            f"{plural(read.trusted_count, 'mention')} kept by the offsets, although the text there differs from what "
            "the file says"
        )
    if read.invalid_count:
        lines.append(f"{plural(read.invalid_count, 'mention')} left out: the text does not match the offsets")
        lines += listed([invalid.message for invalid in read.invalid], read.invalid_count)
    if read.relations_left_out:
        lines.append(f"{plural(read.relations_left_out, 'relation')} left out with those mentions")
    for kind, number in read.left_out.most_common():
        lines.append(f"Left out ({number:,}): {kind}")
        messages = [message for known, message in (*read.faults, *read.unread) if known == kind]
        if messages:
            lines += listed(messages, number)
    if read.skipped_count:
        lines.append(f"{plural(read.skipped_count, 'file')} not read:")
        lines += listed([f"{skipped.path}: {skipped.reason}" for skipped in read.skipped], read.skipped_count)
    return lines


def listed(messages: Sequence[str], count: int) -> list[str]:
    """Return the first messages, indented, and a line that counts the others."""
    return [f"  {shortened(message, LONGEST)}" for message in messages[:SHOWN]] + more(count)


def more(count: int) -> list[str]:
    """Return a line that counts the items that were not shown, or no line."""
    return [f"  … and {count - SHOWN:,} more"] if count > SHOWN else []
