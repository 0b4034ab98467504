"""A Sphinx extension: puts what is generated from the code into the pages that ask for it.

A page asks with such a block::

    ```{from-code} settings
    ```
"""

from __future__ import annotations

import re
from typing import Any

import click
import reference
from docutils import nodes
from sphinx.application import Sphinx

from biorat_al.cli import cli

_BLOCK = re.compile(r"^```\{from-code\} (\w+)\n```$", re.MULTILINE)


def _fill(app: Sphinx, name: str, content: list[str]) -> None:
    content[0] = _BLOCK.sub(lambda match: reference.PAGES[match[1]](), content[0])


def _fill_help(app: Sphinx) -> None:
    """Let every command fill in the names that its help lists, which it does when it is asked for its help."""

    def ask(command: click.Command, context: click.Context) -> None:
        command.get_help(context)
        if isinstance(command, click.Group):
            for name, below in command.commands.items():
                ask(below, click.Context(below, parent=context, info_name=name))

    ask(cli, click.Context(cli, info_name="biorat-al"))


def _show_examples(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Turn the examples at the end of a help text, which come as lines with bars, into a block of code."""
    start = next((place for place, line in enumerate(lines) if line.startswith("| Example")), None)
    if start is not None:
        head, *examples = [line.removeprefix("| ") for line in lines[start:] if line.strip("| ")]
        lines[start:] = [f"{head[:-1]}::", "", *(f"   {line}" for line in examples), ""]


def _show_defaults(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Show a default that is a path as a user would write it."""
    lines[:] = [re.sub(r"\w+Path\('([^']*)'\)", r"\1", line) for line in lines]


def _draw_dashes(app: Sphinx, doctree: nodes.document) -> None:
    """Turn the two hyphens between a parameter and what it means into a dash; elsewhere they begin an option."""
    for text in list(doctree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", _fill_help)
    app.connect("source-read", _fill)
    app.connect("doctree-read", _draw_dashes)
    app.connect("sphinx-click-process-description", _show_examples)
    app.connect("sphinx-click-process-options", _show_defaults)
    return {"parallel_read_safe": True}
