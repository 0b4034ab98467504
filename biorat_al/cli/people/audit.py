"""``biorat-al audit``: list what looks wrong in the annotated documents."""

from __future__ import annotations

import json
from pathlib import Path

import click

from biorat_al.cli.options import Command, force_option, project_option, reading_options
from biorat_al.cli.terminal import show
from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.errors import UsageError
from biorat_al.progress import TerminalProgress


@click.command(cls=Command)
@project_option
@click.option(
    "--documents",
    multiple=True,
    metavar="FILE|FOLDER",
    help="Audit an annotated corpus instead of a project; may be repeated.",
)
@reading_options()
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Number of findings, worst first."
)
@click.option("--label", metavar="LABEL", help="Only findings on this label, marked or suggested.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    metavar="K",
    help="Also train K models (5 is usual), each of which reads a part of the documents that it has not learnt from.",
)
@click.option("--push", is_flag=True, help="Ask people again about these findings, in a project for review.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the findings as CSV.")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with the findings.")
@force_option
def audit(
    folder: Path | None,
    documents: tuple[str, ...],
    reading: ReadOptions,
    limit: int,
    label: str | None,
    folds: int | None,
    push: bool,
    as_json: bool,
    csv_file: Path | None,
    page: Path | None,
    force: bool,
) -> None:
    """List what looks wrong in the annotated documents, worst first.

    A finding is a string that is marked in most of its places but not here, or the reverse; a string with another label
    than elsewhere; borders unlike those of other mentions; a near-duplicate that is annotated differently; or a sure
    prediction of a model that had not learnt from the document. Each has its place, the evidence, a suggestion, and a
    cautious guess of the probability that it is an error. Nothing is changed.

    With --folds 5, the documents are cut into five parts, and five models are trained, each on four of them. What a
    model is sure of in the part that it has not seen, but is annotated otherwise, is a finding too. That takes about
    four times as long as the training of one arm in a round. It is kept, and done again when annotations have changed.

    With --push, the documents with these findings are asked again in a project for review, with the findings above the
    text. What is submitted there is the document's truth from then on. Findings that somebody has looked at are not
    asked again. On test documents, findings that rest on a model alone are left out, since models are measured there.

    \b
    Examples:
      biorat-al audit --limit 20
      biorat-al audit --label Disease --html audit.html --csv audit.csv
      biorat-al audit --folds 5
      biorat-al audit --push --limit 50
      biorat-al audit --documents corpus.pubtator
    """
    from biorat_al.presentation.people.audit import audit_text, write_csv
    from biorat_al.presentation.people.audit_page import write_page

    if push:
        _push(folder, bool(documents or as_json or csv_file or page), limit, label, folds)
        return
    if documents:
        from biorat_al.people.audit.of_files import audit_files

        if folder is not None:
            raise UsageError("--project and --documents exclude each other")
        if folds is not None:
            raise UsageError("--folds is for a project, whose settings say how models are trained")
        name = ", ".join(Path(path).name for path in documents)
        found = audit_files(documents, reading, limit=limit, label=label)
    else:
        from biorat_al.project import Project

        if reading != ReadOptions():
            raise UsageError("--format, --split, --skip-invalid and --trust-offsets are for --documents")
        with Project.open(folder) as project:
            name = project.settings.name
            found = project.audit(limit=limit, label=label, folds=folds, progress=TerminalProgress())
    if csv_file is not None:
        write_csv(found, csv_file, force=force)
    if page is not None:
        write_page(found, name, page, force=force)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
        return
    show(audit_text(found))
    for written in (csv_file, page):
        if written is not None:
            show(f"Wrote {written}")


def _push(folder: Path | None, more: bool, limit: int, label: str | None, folds: int | None) -> None:
    """Ask people again.

    :param more: whether other options were given that say what to do with the findings.
    """
    from biorat_al.presentation.people.settling import asked_text
    from biorat_al.project import Project

    if more:
        raise UsageError("--push excludes --documents, --json, --csv and --html")
    with Project.open(folder) as project:
        report = project.settling.review(limit=limit, label=label, folds=folds, progress=TerminalProgress())
        show(asked_text(report))
