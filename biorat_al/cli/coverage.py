"""``biorat-al coverage``: estimate which share of all mentions has been found."""

from __future__ import annotations

import json
from pathlib import Path

import click

from biorat_al.cli.options import Command, project_option
from biorat_al.cli.terminal import show


@click.command(cls=Command)
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def coverage(folder: Path | None, as_json: bool) -> None:
    """Estimate which share of all mentions has been found, and the hours until 95 % are.

    It needs a random sample of the text: a round with --strategy random (and --unit sentence), or a test set drawn at
    random.

    \b
    Examples:
      biorat-al coverage
      biorat-al coverage --json --project trial
    """
    from biorat_al.presentation.coverage import coverage_text
    from biorat_al.project import Project

    with Project.open(folder) as project:
        found, name = project.coverage(), project.settings.name
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        show(coverage_text(found, name))
