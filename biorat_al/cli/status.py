"""``biorat-al status``: show how far a project has come."""

from __future__ import annotations

import json
from pathlib import Path

import click

from biorat_al.cli.options import (
    project_option,
)
from biorat_al.cli.terminal import show


@click.command()
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--offline", is_flag=True, help="Do not ask Label Studio for the latest counts.")
@click.option(
    "--target",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="The F1 whose cost in hours and labels is forecast.",
)
def status(folder: Path | None, as_json: bool, offline: bool, target: float) -> None:
    """Show how far the project has come.

    \b
    Examples:
      biorat-al status
      biorat-al status --json --offline --project trial
    """
    from biorat_al.presentation.status import status_text
    from biorat_al.project import Project

    with Project.open(folder) as project:
        current = project.status(ask_desk=not offline, target=target)
    if as_json:
        click.echo(json.dumps(current.as_dict(), indent=2, ensure_ascii=False))
    else:
        show(status_text(current))
