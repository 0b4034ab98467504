"""``biorat-al report``: a page on progress, F1, hours left, and how arms and strategies compare."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import (
    force_option,
    project_option,
)
from biorat_al.cli.terminal import show
from biorat_al.errors import UsageError


@click.command()
@project_option
@click.option(
    "--simulation",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Report on a simulation instead of a project.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER|FILE.html",
    help="Where to write it.  [default: report, in the folder of the project or simulation]",
)
@click.option(
    "--target",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="F1 to compare the arms at and to forecast, e.g. 0.8.",
)
@force_option
def report(
    folder: Path | None, simulation: Path | None, output: Path | None, target: float | None, force: bool
) -> None:
    """Write a page on progress, F1 by label, hours left, and how arms and strategies compare.

    A project's page begins with how far it is, how good beside people, who did what, what is disputed, and what to do
    next; calling it again renews the page. The page needs no network. Its figures as JSON and CSV, and its plots, go
    into a folder beside it.

    \b
    Examples:
      biorat-al report
      biorat-al report --simulation simulation --target 0.8
    """
    if simulation is not None:
        from biorat_al.efficiency.report.build import write_simulation_report

        if folder is not None:
            raise UsageError("--project and --simulation exclude each other")
        page, made = write_simulation_report(simulation, output, target=target, force=force)
    else:
        from biorat_al.project import Project

        with Project.open(folder) as project:
            page, made = project.report(output, target=target, force=force)
    for sentence in made.sentences:
        show(sentence)
    show(f"Wrote {page}")
