"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

project_option = click.option(
    "--project",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The project's folder; looked for from here upwards unless given.",
)
force_option = click.option("--force", is_flag=True, help="Replace what is there.")
file_format_option = click.option(
    "--format", "format_", metavar="NAME", help="Format of the files, recognised unless given: {formats}."
)

# what commands that read documents share
format_option = click.option(
    "--format", "format_", metavar="NAME", help="Format of the documents, recognised unless given: {formats}."
)
ignore_option = click.option(
    "--ignore-label", "ignored", multiple=True, metavar="LABEL", help="A label in the documents to leave out."
)
skip_invalid_option = click.option(
    "--skip-invalid", is_flag=True, help="Leave out mentions whose text does not match their offsets."
)
encoder_option = click.option(
    "--encoder", default="pubmedbert", show_default=True, metavar="NAME|FOLDER", help="The base encoder."
)
size_option = click.option(
    "--size", type=click.IntRange(min=1), default=20, show_default=True, help="Documents per round."
)
