"""``biorat-al validate``: list what is wrong with a corpus."""

from __future__ import annotations

import click

from biorat_al.cli.options import Command, reading_options
from biorat_al.cli.terminal import show
from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.progress import TerminalProgress


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...")
@reading_options()
def validate(paths: tuple[str, ...], reading: ReadOptions) -> None:
    """List everything that is wrong with a corpus.

    FILE|FOLDER may have any format that init reads. An error is anything that init or convert would refuse with the
    same options, or that BigBio's own checker warns of; other things to know are warnings. Exits with status 1 if
    anything is wrong, with 0 if there are only warnings.

    \b
    Examples:
      biorat-al validate corpus.pubtator
      biorat-al validate brat-folder/ --format brat
    """
    from biorat_al.corpus.validate import validate_corpus
    from biorat_al.presentation.corpus import validation_text

    validation = validate_corpus(paths, options=reading, progress=TerminalProgress())
    show(validation_text(validation))
    if validation.problems:
        raise click.exceptions.Exit(1)
