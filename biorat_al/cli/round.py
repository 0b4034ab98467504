"""``biorat-al round``: fetch, train, predict, select and push."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from biorat_al.cli.options import (
    Command,
    project_option,
    ray_option,
)
from biorat_al.cli.terminal import show
from biorat_al.progress import TerminalProgress


@click.command("round", cls=Command)
@project_option
@click.option(
    "--size",
    type=click.IntRange(min=1),
    help="Documents to ask for, or with sentences their worth in time.  [default: as in the settings]",
)
@click.option("--tokens", type=click.IntRange(min=1), help="Word pieces to ask for, instead of documents.")
@click.option("--strategy", metavar="NAME", help="Query strategy: {strategies}.  [default: as in the settings]")
@click.option(
    "--unit",
    type=click.Choice(["document", "sentence"]),
    help="Ask for whole documents or for single sentences.  [default: as in the settings]",
)
@click.option(
    "--complete",
    type=click.IntRange(min=0),
    is_flag=False,
    flag_value=0,
    metavar="[N]",
    help="Ask for whole documents of which some sentences are annotated, at most N.  [default: as in the settings]",
)
@click.option("--partial", is_flag=True, help="Continue although annotators have not finished.")
@click.option(
    "--until-pushed",
    is_flag=True,
    help="Stop when annotators have their tasks; the next `round` measures the models.",
)
@ray_option
@click.option("--dry-run", is_flag=True, help="Say what a round would do, without doing it.")
def round_(
    folder: Path | None,
    size: int | None,
    tokens: int | None,
    strategy: str | None,
    unit: str | None,
    complete: int | None,
    partial: bool,
    until_pushed: bool,
    ray: str | None,
    dry_run: bool,
) -> None:
    """Fetch corrections, train, pre-annotate, select and push the next batch.

    The line of each step is printed when the step has ended. In a file it also says when that was. Annotators have
    their tasks before the models are measured.

    \b
    Examples:
      biorat-al round
      biorat-al round --size 50 --strategy cluster-margin
      biorat-al round --unit sentence
      biorat-al round --complete 20
      biorat-al round --partial --project trial
      biorat-al round --ray 10.0.0.1:6379
    """
    from biorat_al.errors import NothingToDoYet
    from biorat_al.presentation.plan import plan_text
    from biorat_al.presentation.round import RoundLines
    from biorat_al.presentation.text import notes_text
    from biorat_al.project import Project

    asked: dict[str, Any] = {"size": size, "tokens": tokens, "strategy": strategy, "partial": partial, "unit": unit}
    if complete is not None:
        asked["complete"] = complete or True
    with Project.open(folder) as project:
        if dry_run:
            show(plan_text(project.plan(**asked)))
            return
        # a file says when each step ended; on a terminal one sees it
        lines = RoundLines(project.settings.name, show, dated=not sys.stdout.isatty())
        try:
            report = project.round(
                **asked, until_pushed=until_pushed, ray=ray, progress=TerminalProgress(), follow=lines.follow
            )
        except NothingToDoYet as wait:
            for line in notes_text(wait.notes):
                show(line)
            raise
        lines.end(report, project.status(ask_desk=False))
