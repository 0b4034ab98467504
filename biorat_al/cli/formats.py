"""Documents without a project: convert and validate."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import NamesFormats, force_option, reading_options
from biorat_al.corpus.base import ReadOptions
from biorat_al.progress import TerminalProgress


@click.command(cls=NamesFormats)
@click.argument("paths", nargs=-1, required=True, metavar="IN...")
@click.argument("out", type=click.Path(path_type=Path))
@reading_options("--from")
@click.option("--to", required=True, metavar="NAME", help="Format to write.")
@force_option
def convert(paths: tuple[str, ...], out: Path, reading: ReadOptions, to: str, force: bool) -> None:
    """Write documents in another format, and say what that has no place for.

    IN is a file or folder, OUT what is written. Formats are {written}; {read_only} can only be read.

    Example: biorat-al convert abstracts.nbib abstracts.jsonl --to jsonl
    """
    from biorat_al.corpus.convert import conversion_text, convert_corpus

    conversion = convert_corpus(paths, out, to=to, options=reading, force=force, progress=TerminalProgress())
    click.echo(conversion_text(conversion))


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...")
@reading_options()
def validate(paths: tuple[str, ...], reading: ReadOptions) -> None:
    """Say everything that is wrong with a corpus.

    FILE|FOLDER is of any format that init reads. Wrong is what init or convert would refuse with the same options, and
    all that BigBio's own checker warns of; other things that should be known are warnings. Exits with status 1 if
    anything is wrong, with 0 if there are only warnings.
    """
    from biorat_al.corpus.validate import validate_corpus, validation_text

    validation = validate_corpus(paths, options=reading, progress=TerminalProgress())
    click.echo(validation_text(validation))
    if validation.problems:
        raise click.exceptions.Exit(1)
