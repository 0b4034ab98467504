"""``biorat-al predict``: pre-annotate documents."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import Command, force_option, project_option, reading_options
from biorat_al.cli.terminal import show
from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.progress import TerminalProgress


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@project_option
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The JSONL file to write.")
@reading_options()
@force_option
def predict(files: tuple[str, ...], folder: Path | None, output: Path, reading: ReadOptions, force: bool) -> None:
    """Pre-annotate documents with the newest model.

    FILE is a file or folder with documents in any format that init reads.

    \b
    Examples:
      biorat-al predict new-abstracts.txt --output predicted.jsonl
      biorat-al predict new/ --format brat --output predicted.jsonl
    """
    from biorat_al.project import Project
    from biorat_al.wording import plural

    with Project.open(folder) as project:
        count = project.predict(files, output, reading=reading, force=force, progress=TerminalProgress())
    show(f"Wrote {plural(count, 'document')} to {output}")
