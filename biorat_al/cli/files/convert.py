"""``biorat-al convert``: write documents in another format."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import Command, force_option, reading_options
from biorat_al.cli.terminal import show
from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.progress import TerminalProgress


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="IN...")
@click.argument("out", type=click.Path(path_type=Path))
@reading_options("--from")
@click.option("--to", required=True, metavar="NAME", help="Format to write: {written}.")
@force_option
def convert(paths: tuple[str, ...], out: Path, reading: ReadOptions, to: str, force: bool) -> None:
    """Write documents in another format, and list what that format cannot hold.

    IN is a file or folder, OUT the file or folder to write. {read_only} can only be read.

    \b
    Examples:
      biorat-al convert corpus.pubtator corpus.jsonl --to jsonl
      biorat-al convert abstracts.nbib abstracts.jsonl --to jsonl
      biorat-al convert brat-folder/ corpus.xml --from brat --to bioc-xml
    """
    from biorat_al.corpus.convert import convert_corpus
    from biorat_al.presentation.corpus import conversion_text

    conversion = convert_corpus(paths, out, to=to, options=reading, force=force, progress=TerminalProgress())
    show(conversion_text(conversion))
