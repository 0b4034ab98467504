"""``biorat-al agreement``: how far annotators agree."""

from __future__ import annotations

import json
from pathlib import Path

import click

from biorat_al.cli.options import force_option, project_option
from biorat_al.cli.terminal import show


@click.command()
@project_option
@click.option("--label", metavar="LABEL", help="Only this label, of mentions or relations.  [default: all]")
@click.option("--pre-labelled", is_flag=True, help="Also count answers that began from a pre-label.")
@click.option(
    "--examples",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    metavar="N",
    help="Examples of each kind of difference.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--csv", "table", type=click.Path(path_type=Path), metavar="FILE", help="Also write the figures to a table."
)
@force_option
def agreement(
    folder: Path | None,
    label: str | None,
    pre_labelled: bool,
    examples: int,
    as_json: bool,
    table: Path | None,
    force: bool,
) -> None:
    """Show how far annotators agree, for each pair and each label.

    Counted are documents and sentences that several people annotated, each alone and without pre-labels. Annotators
    have the pseudonyms of the export; examples hold text of the documents. The last lines say what pre-labels do to
    people, or how many documents would tell.

    \b
    Examples:
      biorat-al agreement
      biorat-al agreement --label Disease --examples 10
      biorat-al agreement --json --csv agreement.csv
    """
    from biorat_al.presentation.people.agreement import agreement_text
    from biorat_al.project import Project

    with Project.open(folder) as project:
        report = project.agreement(label=label, pre_labelled=pre_labelled)
    if table is not None:
        report.write_csv(table, force=force)
    if as_json:
        click.echo(json.dumps(report.as_dict(examples=examples), indent=2, ensure_ascii=False))
        return
    show(agreement_text(report, examples))
    if table is not None:
        show(f"Wrote {table}")
