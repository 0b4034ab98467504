"""Pieces of text that several commands print: percentages, durations, tables and notes."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from biorat_al.corpus.model.role import Role
from biorat_al.wording import plural

if TYPE_CHECKING:
    from biorat_al.rounds.status import ProjectStatus

WIDTH = 80
"""Columns that a text may take."""

LABEL_WIDTH = 9
"""Columns that a label takes beside its value."""

RelationF1 = Mapping[Any, Mapping[Any, float | None]]
"""F1 of a model's relations: first key ``gold`` or ``predicted`` mentions, second key the level."""


def percent(fraction: float | None) -> str:
    """Return a fraction as a percentage, ``71.3``; ``–`` for None."""
    return "–" if fraction is None else f"{100 * fraction:.1f}"


def duration(seconds: float) -> str:
    """Return a number of seconds for people: ``0.4 s``, ``58 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def notes_text(notes: Iterable[str]) -> list[str]:
    """Return the lines of some notes, each note once."""
    return [line for text in dict.fromkeys(notes) for line in note_text(f"Note: {text}")]


Side = Literal["left", "right"]


def table(rows: Sequence[Sequence[str]], *, sides: Sequence[Side] = (), indent: int = 0) -> list[str]:
    """Return the lines of a table; cells that do not fit are wrapped within their column.

    :param sides: where the cells of each column are aligned; all on the right if empty.
    :param indent: blanks before each line.
    """
    # imported late: it takes a tenth of a second, and only commands that print a table need it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for side in sides or ["right"] * len(rows[0]):
        grid.add_column(justify=side)
    for row in rows:
        grid.add_row(*map(Text, row))
    console = Console(file=StringIO(), width=WIDTH - indent, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(grid)
    return [f"{' ' * indent}{line}".rstrip() for line in captured.get().splitlines()]


def kinds_text(kinds: Counter[str]) -> list[str]:
    """Return a line for each kind of thing that was counted, the most frequent first."""
    rows = [(f"{number:,}", kind) for kind, number in kinds.most_common()]
    return table(rows, sides=("right", "left"), indent=2) if rows else []


def counts_text(counts: Mapping[str, int]) -> str:
    """Return counts by label in one line, sorted by label: ``Chemical 12, Disease 7``."""
    return ", ".join(f"{label} {count:,}" for label, count in sorted(counts.items()))


def labelled(label: str, text: str) -> list[str]:
    """Return a label with a text beside it, wrapped."""
    return wrapped_text(text, _beginning(label))


def labelled_line(label: str, text: str) -> str:
    """Return a label with a text beside it in one line: an address or path, which people copy."""
    return f"{_beginning(label)}{text}"


def note_text(text: str) -> list[str]:
    """Return the lines of one note, wrapped."""
    return wrapped_text(text, "  ")


def wrapped_text(text: str, beginning: str) -> list[str]:
    """Wrap a text at words; the lines after the first are indented by the width of `beginning`."""
    # an address or a path without blanks stays in one piece
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=beginning,
        subsequent_indent=" " * len(beginning),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [beginning.rstrip()]


def disputes_text(status: ProjectStatus) -> list[str]:
    """Return how far annotators agree and what is disputed; nothing where no document has several answers."""
    return labelled("agreement", status.disputes.sentence) if status.disputes else []


OPEN_TASKS: Mapping[Role, str] = {"pool": "open task", "segment": "open sentence", "test": "blind test task"}
"""What an open task of each role is called."""


def open_tasks_text(status: ProjectStatus) -> list[str]:
    """Return for each role with open tasks how many there are, and where."""
    return [
        f"{plural(count, noun)}{seats_text(count, status.seats.get(role))}{_where(status, role)}"
        for role, noun in OPEN_TASKS.items()
        if (count := status.tasks.get(role, {}).get("open", 0))
    ]


def _where(status: ProjectStatus, role: Role) -> str:
    """Return where the tasks of a role are: at an address, or in the projects of the members of a group."""
    url = status.urls.get(role)
    return f" at {url}" if url else ", who has them: biorat-al team status"


def seats_text(tasks: int, seats: int | None) -> str:
    """Return how many answers open tasks still need, where several people answer the same task."""
    return f" (for {plural(seats, 'more answer')})" if seats is not None and seats != tasks else ""


def level_name(wanted: str, measured: Iterable[RelationF1]) -> str:
    """Return the level at which to show F1 of relations: `wanted`, unless nothing was measured at that level."""
    levels = {level for f1 in measured for level in f1["gold"]}
    return wanted if wanted in levels or not levels else min(levels)


def both_scores(f1: RelationF1, level: str) -> str:
    """Return F1 of relations between annotated mentions and end to end: ``71.3 / 65.0``."""
    return " / ".join(percent(f1[between].get(level)) for between in ("gold", "predicted"))


def _beginning(label: str) -> str:
    """Return a label padded to the width of all labels."""
    return f"  {label:<{LABEL_WIDTH}} "
