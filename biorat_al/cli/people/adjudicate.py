"""``biorat-al adjudicate``: settle what annotators disagree on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from biorat_al.cli.options import project_option
from biorat_al.cli.terminal import show
from biorat_al.errors import UsageError
from biorat_al.progress import TerminalProgress


@click.command()
@project_option
@click.option(
    "--only",
    type=click.Choice(["disputed", "all"]),
    default="disputed",
    show_default=True,
    help="Documents on which annotators disagree, or all that several people annotated.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Most documents that wait for an answer.  [default: all]"
)
@click.option("--report", "upheld", is_flag=True, help="Show how often each annotator was upheld, and make nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def adjudicate(
    folder: Path | None, only: Literal["disputed", "all"], limit: int | None, upheld: bool, as_json: bool
) -> None:
    """Make or refresh the project in which somebody settles what annotators disagree on.

    There, what all annotators have is marked; what they differ on is marked with who has it, and listed in a table. The
    answer is the document's truth from then on, in training, scores and the export; the annotators' own answers stay.
    Test documents come first, then the most disputed. Run it again to fetch the answers, and when annotators have
    changed theirs; every round fetches the answers, too.

    \b
    Examples:
      biorat-al adjudicate
      biorat-al adjudicate --limit 20
      biorat-al adjudicate --report --json
    """
    from biorat_al.presentation.people.settling import asked_text, upheld_text
    from biorat_al.project import Project

    if upheld and limit is not None:
        raise UsageError("--report and --limit exclude each other")
    with Project.open(folder) as project:
        if upheld:
            found = project.settling.upheld()
            show(json.dumps(found.as_dict(), indent=2)) if as_json else show(upheld_text(found))
            return
        report = project.settling.adjudicate(only, limit=limit, progress=TerminalProgress())
    show(json.dumps(report.as_dict(), indent=2) if as_json else asked_text(report))
