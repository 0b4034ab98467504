"""``biorat-al init``: set up a project."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import (
    Command,
    borrow_options,
    encoder_option,
    ignore_option,
    pre_label_options,
    reading_options,
    size_option,
)
from biorat_al.cli.terminal import show
from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.progress import TerminalProgress


@click.command(cls=Command)
@click.argument("folder", metavar="PROJECT", type=click.Path(path_type=Path))
@click.option(
    "--documents", multiple=True, required=True, metavar="FILE|FOLDER", help="Documents of the pool; may be repeated."
)
@reading_options()
@click.option(
    "--entity",
    "entities",
    multiple=True,
    required=True,
    metavar="LABEL[=SOURCE,...]",
    help="An entity label to annotate; may be repeated. NAME=A,B counts the documents' labels A and B as NAME.",
)
@ignore_option
@click.option(
    "--relation",
    "relations",
    multiple=True,
    metavar="NAME[=SOURCE,...]:HEAD:TAIL",
    help="A relation to annotate, e.g. CID:Chemical:Disease: its label and the entity labels that it leads from and "
    "to; may be repeated, also with the same name.",
)
@click.option("--symmetric", multiple=True, metavar="NAME", help="A relation without a direction; may be repeated.")
@click.option(
    "--relation-level",
    type=click.Choice(["mention", "document"]),
    help="What a relation joins: two mentions, or two concepts of the document.  [default: mention]",
)
@click.option(
    "--relation-window",
    metavar="N|document",
    help="Number of sentences that two related mentions may span, or no limit.  [default: 1]",
)
@click.option("--gold", is_flag=True, help="The annotations in the documents are right.")
@click.option("--test-documents", multiple=True, metavar="FILE", help="Documents of the held-out test set.")
@click.option(
    "--test-size", type=click.IntRange(min=0), help="Documents drawn at random for it.  [default: a tenth, at most 50]"
)
@borrow_options
@pre_label_options
@encoder_option
@click.option(
    "--database",
    metavar="URL",
    help="A Postgres address without a password.  [default: that in BIORAT_DATABASE_URL, else a SQLite file]",
)
@click.option(
    "--desk",
    type=click.Choice(["label-studio", "oracle"]),
    default="label-studio",
    show_default=True,
    help="Where people annotate; the oracle answers from gold annotations.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=13, show_default=True, help="Decides every choice.")
@size_option
@click.option(
    "--strategy",
    default="mnlp",
    show_default=True,
    metavar="NAME",
    help="Query strategy once there is a model: {strategies}.",
)
@click.option(
    "--guidelines",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Annotation guidelines (Markdown or text), copied into the project and shown to annotators.",
)
@click.option("--name", metavar="NAME", help="The project's name.  [default: that of its folder]")
def init(
    folder: Path,
    documents: tuple[str, ...],
    reading: ReadOptions,
    entities: tuple[str, ...],
    ignored: tuple[str, ...],
    relations: tuple[str, ...],
    symmetric: tuple[str, ...],
    relation_level: str | None,
    relation_window: str | None,
    gold: bool,
    test_documents: tuple[str, ...],
    test_size: int | None,
    borrowed: tuple[str, ...],
    borrowed_entities: tuple[str, ...],
    borrow_licenses: tuple[str, ...],
    pre_labels: tuple[str, ...],
    dictionaries: tuple[str, ...],
    encoder: str,
    database: str | None,
    desk: str,
    seed: int,
    size: int,
    strategy: str,
    guidelines: Path | None,
    name: str | None,
) -> None:
    """Set up a project: read the documents, draw the test set.

    PROJECT is the folder to make; it must be new or empty.

    \b
    Examples:
      biorat-al init trial --documents abstracts.jsonl \\
          --entity Chemical --entity Disease
      biorat-al init trial --documents pool.pubtator --gold \\
          --test-documents test.pubtator --entity Disease \\
          --entity Chemical --relation CID:Chemical:Disease
      biorat-al init trial --documents abstracts.jsonl \\
          --entity Disease --borrow ncbi_train.pubtator \\
          --borrow-entity Disease=SpecificDisease,DiseaseClass
      biorat-al init trial --documents abstracts.jsonl \\
          --entity Disease --entity Chemical --dictionary mondo.obo=Disease \\
          --pre-labels pubtator3.pubtator
    """
    from biorat_al.corpus.sources import Sources
    from biorat_al.presentation.init import init_text
    from biorat_al.project import Project, RelationOptions, default_name, new_settings, with_borrowed_labels

    settings = new_settings(
        name or default_name(folder),
        entities,
        encoder=encoder,
        database=database,
        desk=desk,
        seed=seed,
        size=size,
        strategy=strategy,
        relations=RelationOptions(relations, symmetric, relation_level, relation_window),
    )
    project, report, read = Project.init(
        folder,
        with_borrowed_labels(settings, borrowed_entities),
        Sources(
            documents,
            test_documents,
            test_size,
            ignored,
            reading,
            gold,
            borrow=borrowed,
            borrow_licenses=borrow_licenses,
            pre_labels=pre_labels,
            dictionaries=dictionaries,
        ),
        guidelines=guidelines,
        progress=TerminalProgress(),
    )
    with project:
        show(init_text(project, report, read))
