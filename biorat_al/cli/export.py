"""``biorat-al export``: write the annotated corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from biorat_al.cli.options import Command, force_option, project_option
from biorat_al.cli.terminal import show


@click.command(cls=Command)
@click.argument("out", type=click.Path(path_type=Path))
@project_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["bigbio", "jsonl"]),
    default="bigbio",
    show_default=True,
    help="{exports}: a folder that datasets loads, or one file with everything.",
)
@force_option
@click.option(
    "--validation",
    type=click.FloatRange(min=0),
    default=0,
    metavar="N|SHARE",
    help="Documents of the pool, or a share below 1, for a validation split.",
)
@click.option("--prefer", metavar="ANNOTATOR", help="The annotator who decides ties.  [default: as in the settings]")
@click.option("--title", metavar="TEXT", help="Title of the corpus, for the data card.  [default: the project's name]")
@click.option("--description", metavar="TEXT|FILE", help="What the corpus is, for the data card.")
@click.option("--citation", metavar="TEXT|FILE", help="How to cite it: CITATION.bib, BibTeX or a reference in words.")
@click.option("--homepage", metavar="URL", help="The corpus's page, for the data card.")
@click.option("--license", "license_", metavar="ID", help="The licence, for the data card, e.g. cc-by-4.0.")
@click.option(
    "--language", "languages", multiple=True, metavar="CODE", help="A language of the texts, e.g. en; may be repeated."
)
@click.option(
    "--guidelines",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Annotation guidelines, to be copied.  [default: the project's]",
)
@click.option(
    "--partial",
    type=click.Choice(["sentences"]),
    help="Also write the annotated sentences of documents that are not whole, as a split of their own.",
)
@click.option("--loader", is_flag=True, help="Also write the loading module of BigBio's own layout.")
def export(
    out: Path,
    folder: Path | None,
    format_: str,
    force: bool,
    validation: float,
    prefer: str | None,
    title: str | None,
    description: str | None,
    citation: str | None,
    homepage: str | None,
    license_: str | None,
    languages: tuple[str, ...],
    guidelines: Path | None,
    partial: Literal["sentences"] | None,
    loader: bool,
) -> None:
    """Write the annotated corpus to OUT.

    OUT is a new folder (bigbio) or a new file (jsonl). It holds whole documents: those that were annotated as a whole,
    or of which every sentence was. Where several people annotated a document, ground truth counts,
    else whatever more than half of them marked; ties are left out and listed, unless --prefer, or ties in biorat.toml,
    names the annotator who decides.

    \b
    Examples:
      biorat-al export corpus --license cc-by-4.0 --language en
      biorat-al export corpus.jsonl --format jsonl
    """
    from biorat_al.export.export import ExportOptions
    from biorat_al.presentation.export import export_text
    from biorat_al.project import Project

    options = ExportOptions(
        validation, prefer, license_, languages, guidelines, loader, title, description, citation, homepage, partial
    )
    with Project.open(folder) as project:
        report = project.export(out, format=format_, force=force, options=options)
    show(export_text(report, out))
