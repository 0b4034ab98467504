"""A Sphinx extension: puts what is generated from the code into the pages that ask for it.

A page asks with a block of its own::

    ```{from-code} settings
    ```
"""

from __future__ import annotations

import re
from typing import Any

import click
import reference
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", _fill_help)
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True}
