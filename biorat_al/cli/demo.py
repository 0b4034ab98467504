"""``biorat-al demo``: a project on an invented corpus."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.terminal import show
from biorat_al.progress import TerminalProgress


@click.command()
@click.option("--auto", is_flag=True, help="Play the annotator for three rounds, through Label Studio itself.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo-project"),
    show_default=True,
    help="Where to put it.",
)
def demo(auto: bool, folder: Path) -> None:
    """Set up a project on an invented corpus, with a local Label Studio.

    \b
    Example:
      biorat-al demo --auto --folder demo-project
    """
    from biorat_al.demo.run import run_demo

    run_demo(folder, auto=auto, say=show, progress=TerminalProgress())
