"""Annotators' notes on mentions, in the formats that can hold them.

The note of a mention is its ``extras["note"]``, with line ends between lines. brat's own notes, which have ids and
types, are kept as ``extras["notes"]``; see :mod:`biorat_al.corpus.formats.brat.format`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NOTE = "note"

BRAT_NOTES = "notes"
BRAT_TYPE = "AnnotatorNotes"
"""Type of a brat note that an annotator wrote."""


def joined_notes(notes: Iterable[str]) -> str:
    """Join notes into one, without repetitions and empty notes."""
    return "\n".join(dict.fromkeys(note for note in notes if note.strip()))


def note_of(extras: Mapping[str, Any]) -> str:
    """Return the note of a mention; empty without one."""
    notes = [extras[NOTE]] if isinstance(extras.get(NOTE), str) else []
    of_brat = extras.get(BRAT_NOTES)
    for part in of_brat if isinstance(of_brat, list) else []:
        match part:
            case {"type": str(kind), "text": str(text)} if kind == BRAT_TYPE:
                notes.append(text)
    return joined_notes(notes)
