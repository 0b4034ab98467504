"""Text on its way to the user: wrapped at words on a terminal, as it is everywhere else."""

from __future__ import annotations

import shutil
import sys
import textwrap

import click


def show(text: str, *, err: bool = False) -> None:
    """Print a text; on a terminal, lines that are too long for it are wrapped at words.

    :param err: on standard error.
    """
    stream = sys.stderr if err else sys.stdout
    if stream.isatty():
        text = wrapped(text, shutil.get_terminal_size().columns)
    click.echo(text, err=err)


def wrapped(text: str, width: int) -> str:
    """Return a text whose lines are wrapped at words; what follows begins where the line begins.

    A word that is longer than a line, such as an address, stays in one piece.
    """
    lines = []
    for line in text.split("\n"):
        if len(line) <= width:
            lines.append(line)
            continue
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=indent if len(indent) < width // 2 else "",
            replace_whitespace=False,
            expand_tabs=False,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
