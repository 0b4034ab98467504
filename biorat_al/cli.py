"""The command line: each command reads its options, calls one library function and prints."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from biorat_al import __version__
from biorat_al.errors import BioratError, UsageError
from biorat_al.progress import TerminalProgress

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="biorat-al")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Build a biomedical corpus with a model that learns from your corrections.

    init sets up a project, round is run after each batch of annotation, export writes the corpus.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    0 done, 1 failed, 2 wrong use, 3 nothing to do yet, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # taken out here, so that it may stand anywhere
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal that has no dash or accent shows a question mark, which is better than no answer
            stream.reconfigure(errors="replace")
    try:
        # without standalone_mode, click hands back the code that a command left with
        code = cli.main(words, prog_name="biorat-al", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        if debug:
            raise
        click.echo("Interrupted. Nothing is lost: run the same command again to go on.", err=True)
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        sys.exit(_explain(error))


def _explain(error: Exception) -> int:
    if isinstance(error, BioratError):
        click.echo(f"{'' if error.exit_code == 3 else 'Error: '}{error}", err=True)
        return error.exit_code
    if isinstance(error, OSError):
        click.echo(f"Error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", err=True)
        return 1
    click.echo(
        f"Error: something went wrong that should not have ({type(error).__name__}); "
        "add --debug to the same command to see where",
        err=True,
    )
    return 1


project_option = click.option(
    "--project",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The project's folder; looked for from here upwards unless given.",
)


# what commands that read documents share
format_option = click.option(
    "--format", "format_", metavar="NAME", help="Format of the documents; recognised unless given."
)
ignore_option = click.option(
    "--ignore-label", "ignored", multiple=True, metavar="LABEL", help="A label in the documents to leave out."
)
skip_invalid_option = click.option(
    "--skip-invalid", is_flag=True, help="Leave out mentions whose text does not match their offsets."
)
encoder_option = click.option(
    "--encoder", default="pubmedbert", show_default=True, metavar="NAME|FOLDER", help="The base encoder."
)
size_option = click.option(
    "--size", type=click.IntRange(min=1), default=20, show_default=True, help="Documents per round."
)


@cli.command()
@click.argument("folder", metavar="PROJECT", type=click.Path(path_type=Path))
@click.option(
    "--documents", multiple=True, required=True, metavar="FILE|FOLDER", help="Documents of the pool; may be repeated."
)
@format_option
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
    help="What is related: two mentions, or two concepts of the document.  [default: mention]",
)
@click.option(
    "--relation-window",
    metavar="N|document",
    help="Sentences within which two related mentions must stand, or no limit.  [default: 1]",
)
@click.option("--gold", is_flag=True, help="The annotations in the documents are right.")
@click.option("--test-documents", multiple=True, metavar="FILE", help="Documents of the held-out test set.")
@click.option(
    "--test-size", type=click.IntRange(min=0), help="Documents drawn at random for it.  [default: a tenth, at most 50]"
)
@encoder_option
@click.option("--database", metavar="URL", help="A Postgres address without a password.  [default: a SQLite file]")
@click.option(
    "--desk",
    type=click.Choice(["label-studio", "oracle"]),
    default="label-studio",
    show_default=True,
    help="Where people annotate; oracle answers from gold annotations.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=13, show_default=True, help="Decides every choice.")
@size_option
@click.option(
    "--strategy",
    default="mnlp",
    show_default=True,
    metavar="NAME",
    help="Query strategy once there is a model: least-confidence, margin, entropy, mnlp, density, bald, adversarial, "
    "core-set, badge, cluster-margin, diverse or random.",
)
@click.option("--name", metavar="NAME", help="The project's name.  [default: that of its folder]")
@skip_invalid_option
def init(
    folder: Path,
    documents: tuple[str, ...],
    format_: str | None,
    entities: tuple[str, ...],
    ignored: tuple[str, ...],
    relations: tuple[str, ...],
    symmetric: tuple[str, ...],
    relation_level: str | None,
    relation_window: str | None,
    gold: bool,
    test_documents: tuple[str, ...],
    test_size: int | None,
    encoder: str,
    database: str | None,
    desk: str,
    seed: int,
    size: int,
    strategy: str,
    name: str | None,
    skip_invalid: bool,
) -> None:
    """Set up a project: read the documents, draw the test set.

    PROJECT is the folder to make; it must be empty or not be there yet.
    """
    from biorat_al.presentation import init_text
    from biorat_al.project import Project, default_name, new_settings

    settings = new_settings(
        name or default_name(folder),
        entities,
        encoder=encoder,
        database=database,
        desk=desk,
        seed=seed,
        size=size,
        strategy=strategy,
        relations=relations,
        symmetric=symmetric,
        relation_level=relation_level,
        relation_window=relation_window,
    )
    project, report, read = Project.init(
        folder,
        settings,
        documents,
        format=format_,
        gold=gold,
        test_documents=test_documents,
        test_size=test_size,
        ignore_labels=ignored,
        skip_invalid=skip_invalid,
        progress=TerminalProgress(),
    )
    with project:
        click.echo(init_text(project, report, read))


@cli.command("round")
@project_option
@click.option("--size", type=click.IntRange(min=1), help="Documents to ask for.  [default: the settings']")
@click.option("--tokens", type=click.IntRange(min=1), help="Word pieces to ask for, instead of documents.")
@click.option("--strategy", metavar="NAME", help="Query strategy, as for init.  [default: the settings']")
@click.option("--partial", is_flag=True, help="Go on although annotators have not finished.")
@click.option("--dry-run", is_flag=True, help="Say what a round would do, and do nothing.")
def round_(
    folder: Path | None, size: int | None, tokens: int | None, strategy: str | None, partial: bool, dry_run: bool
) -> None:
    """Fetch corrections, train, pre-annotate, select and push the next batch."""
    from biorat_al.presentation import plan_text, round_text
    from biorat_al.project import Project

    with Project.open(folder) as project:
        if dry_run:
            click.echo(plan_text(project.plan(size=size, tokens=tokens, strategy=strategy, partial=partial)))
            return
        report = project.round(
            size=size, tokens=tokens, strategy=strategy, partial=partial, progress=TerminalProgress()
        )
        click.echo(round_text(report, project.status(ask_desk=False)))


@cli.command()
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--offline", is_flag=True, help="Do not ask Label Studio for the latest counts.")
@click.option(
    "--target",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="F1 to forecast the labels for.",
)
def status(folder: Path | None, as_json: bool, offline: bool, target: float) -> None:
    """Show how far the project has come."""
    from biorat_al.presentation import status_text
    from biorat_al.project import Project

    with Project.open(folder) as project:
        found = project.status(ask_desk=not offline, target=target)
    click.echo(_json(found.as_dict()) if as_json else status_text(found))


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@project_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["bigbio", "jsonl"]),
    default="bigbio",
    show_default=True,
    help="A folder that datasets loads, or one file with everything.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option(
    "--validation",
    type=click.FloatRange(min=0),
    default=0,
    metavar="N|SHARE",
    help="Documents of the pool, or a share below 1, for a validation split.",
)
@click.option("--prefer", metavar="ANNOTATOR", help="Whose word decides where annotators are at a tie.")
@click.option("--license", "license_", metavar="ID", help="The licence, for the data card, e.g. cc-by-4.0.")
@click.option(
    "--language", "languages", multiple=True, metavar="CODE", help="A language of the texts, e.g. en; may be repeated."
)
@click.option(
    "--guidelines",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Annotation guidelines, to be copied.",
)
@click.option("--loader", is_flag=True, help="Also write the loading module that BigBio's own layout has.")
def export(
    out: Path,
    folder: Path | None,
    format_: str,
    force: bool,
    validation: float,
    prefer: str | None,
    license_: str | None,
    languages: tuple[str, ...],
    guidelines: Path | None,
    loader: bool,
) -> None:
    """Write the annotated corpus to OUT.

    OUT is a folder (bigbio) or a file (jsonl) that is not there yet. Where several people annotated a document, ground
    truth counts, else what more than half of them have; ties are left out and listed.
    """
    from biorat_al.presentation import export_text
    from biorat_al.project import Project
    from biorat_al.rounds.export import ExportOptions

    options = ExportOptions(validation, prefer, license_, languages, guidelines, loader)
    with Project.open(folder) as project:
        report = project.export(out, format=format_, force=force, options=options)
    click.echo(export_text(report, out))


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@project_option
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The JSONL file to write.")
@click.option("--format", "format_", metavar="NAME", help="Format of the files; recognised unless given.")
@click.option("--force", is_flag=True, help="Replace what is there.")
def predict(files: tuple[str, ...], folder: Path | None, output: Path, format_: str | None, force: bool) -> None:
    """Pre-annotate documents with the newest model.

    FILE is a file or folder with documents of any format that init reads.
    """
    from biorat_al.presentation import plural
    from biorat_al.project import Project

    with Project.open(folder) as project:
        count = project.predict(files, output, format=format_, force=force, progress=TerminalProgress())
    click.echo(f"Wrote {plural(count, 'document')} to {output}")


@cli.command()
@click.option(
    "--documents",
    multiple=True,
    required=True,
    metavar="FILE|FOLDER",
    help="Documents with gold annotations; may be repeated.",
)
@format_option
@click.option("--test-documents", multiple=True, metavar="FILE", help="Documents of the test set.")
@click.option("--test-size", type=click.IntRange(min=1), help="Or so many documents, drawn at random.")
@click.option(
    "--entity",
    "entities",
    multiple=True,
    required=True,
    metavar="LABEL[=SOURCE,...]",
    help="An entity label, as for init; may be repeated.",
)
@ignore_option
@skip_invalid_option
@click.option(
    "--arm",
    "arms",
    multiple=True,
    type=click.Choice(["none", "matched", "rat", "at"]),
    default=("none", "matched", "rat"),
    show_default=True,
    help="How the models are trained; may be repeated.",
)
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    default=("mnlp",),
    show_default=True,
    metavar="NAME",
    help="Query strategy, as for init; may be repeated.",
)
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="How many runs of each kind.")
@click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Models in each run.")
@size_option
@encoder_option
@click.option(
    "--passive",
    multiple=True,
    metavar="ARM[@ENCODER]",
    help="Also train this arm, with another encoder if named, on what each run picked; may be repeated.",
)
@click.option("--full", is_flag=True, help="Also train each arm on the whole pool.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PART.NAME=VALUE",
    help="Any other setting of biorat.toml, e.g. adversarial.epsilon=0.1; may be repeated.",
)
@click.option("--name", metavar="NAME", help="What the corpus is called in reports.  [default: as OUTPUT]")
@click.option("--workers", type=click.IntRange(min=1), help="Runs side by side.  [default: as cores and memory allow]")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="The simulation's folder."
)
def simulate(
    documents: tuple[str, ...],
    format_: str | None,
    test_documents: tuple[str, ...],
    test_size: int | None,
    entities: tuple[str, ...],
    ignored: tuple[str, ...],
    skip_invalid: bool,
    arms: tuple[str, ...],
    strategies: tuple[str, ...],
    seeds: int,
    rounds: int,
    size: int,
    encoder: str,
    passive: tuple[str, ...],
    full: bool,
    changes: tuple[str, ...],
    name: str | None,
    workers: int | None,
    output: Path,
) -> None:
    """Play the annotator on a corpus with gold answers: arms against each other, strategy by strategy.

    Run the same command again after an interruption: it goes on where it stopped. More arms, strategies and seeds can
    be added later. biorat-al report --simulation OUTPUT shows what came out. It is of mentions alone: relations in the
    documents are neither learnt nor measured.
    """
    from biorat_al.efficiency.options import simulation_grid, simulation_settings
    from biorat_al.efficiency.simulation import Simulation, Sources
    from biorat_al.presentation import simulation_text
    from biorat_al.project import default_name

    progress = TerminalProgress()
    simulation = Simulation.create(
        output,
        simulation_settings(name or default_name(output), entities, encoder=encoder, size=size, changes=changes),
        simulation_grid(arms, strategies, seeds=seeds, rounds=rounds, passive=passive, full=full),
        Sources(documents, test_documents, test_size, format_, ignored, skip_invalid),
        progress,
    )
    click.echo(simulation_text(simulation.run(workers, progress), output))


@cli.command()
@project_option
@click.option(
    "--simulation",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Report on what simulate made, instead of a project.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER|FILE.html",
    help="Where to write it.  [default: report, in the folder of the project or simulation]",
)
@click.option(
    "--target",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="F1 to compare the arms at and to forecast, e.g. 0.8.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
def report(
    folder: Path | None, simulation: Path | None, output: Path | None, target: float | None, force: bool
) -> None:
    """Say how many labels RAT saved, if it saved any: one page that needs no network.

    Its figures as JSON and CSV, and its plots, are put into a folder beside it.
    """
    if simulation is not None:
        from biorat_al.efficiency.reporting import write_simulation_report

        if folder is not None:
            raise UsageError("--project and --simulation exclude each other")
        page, made = write_simulation_report(simulation, output, target=target, force=force)
    else:
        from biorat_al.project import Project

        with Project.open(folder) as project:
            page, made = project.report(output, target=target, force=force)
    for sentence in made.sentences:
        click.echo(sentence)
    click.echo(f"Wrote {page}")


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="IN...")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--from", "format_", metavar="NAME", help="Format of the files; recognised unless given.")
@click.option("--to", required=True, metavar="NAME", help="Format to write.")
@skip_invalid_option
@click.option("--force", is_flag=True, help="Replace what is there.")
def convert(paths: tuple[str, ...], out: Path, format_: str | None, to: str, skip_invalid: bool, force: bool) -> None:
    """Write documents in another format, and say what that has no place for.

    IN is a file or folder, OUT what is written. Formats are jsonl, pubtator, bioc-xml, bioc-json, brat, chemprot, ddi,
    conll, label-studio and bigbio; plain-text can only be read.
    """
    from biorat_al.corpus.convert import conversion_text, convert_corpus

    conversion = convert_corpus(
        paths, out, to=to, format=format_, skip_invalid=skip_invalid, force=force, progress=TerminalProgress()
    )
    click.echo(conversion_text(conversion))


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...")
@click.option("--format", "format_", metavar="NAME", help="Format of the files; recognised unless given.")
def validate(paths: tuple[str, ...], format_: str | None) -> None:
    """Say everything that is wrong with a corpus.

    FILE|FOLDER is of any format that init reads. All that BigBio's own checker warns of counts as wrong here. Leaves
    with 1 if anything is wrong.
    """
    from biorat_al.corpus.validate import validate_corpus, validation_text

    validation = validate_corpus(paths, format=format_, progress=TerminalProgress())
    click.echo(validation_text(validation))
    if validation.problems:
        raise click.exceptions.Exit(1)


@cli.group("label-studio")
def label_studio() -> None:
    """A local Label Studio for those who have none."""


@label_studio.command("start")
@click.option("--port", type=click.IntRange(1, 65535), help="Where it listens.  [default: any free port]")
def label_studio_start(port: int | None) -> None:
    """Install it if need be (about 1 GB, in an environment of its own) and start it on this machine alone."""
    from biorat_al.desk.labelstudio.server import LocalServer
    from biorat_al.presentation import server_text

    server = LocalServer()
    server.install(TerminalProgress())
    click.echo(server_text(server.start(port, TerminalProgress()), server.credentials()))


@label_studio.command("install")
def label_studio_install() -> None:
    """Install it without starting it."""
    from biorat_al.desk.labelstudio.server import LocalServer

    click.echo(f"Label Studio {LocalServer().install(TerminalProgress())} is installed.")


@label_studio.command("stop")
def label_studio_stop() -> None:
    """Stop it; its data stay."""
    from biorat_al.desk.labelstudio.server import LocalServer

    click.echo("Stopped." if LocalServer().stop() else "It was not running.")


@label_studio.command("status")
def label_studio_status() -> None:
    """Say whether it is running, and where."""
    from biorat_al.desk.labelstudio.server import LocalServer
    from biorat_al.presentation import server_text

    server = LocalServer()
    info = server.status()
    if info is None:
        click.echo("It is not running. Start it with: biorat-al label-studio start")
    else:
        click.echo(server_text(info, server.credentials()))


@cli.command()
@click.option("--auto", is_flag=True, help="Play the annotator for three rounds, through Label Studio itself.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo-project"),
    show_default=True,
    help="Where to put it.",
)
def demo(auto: bool, folder: Path) -> None:
    """Set up a project on an invented corpus, with a local Label Studio."""
    from biorat_al.demo.run import run_demo

    run_demo(folder, auto=auto, say=click.echo, progress=TerminalProgress())


@cli.command()
@project_option
def doctor(folder: Path | None) -> None:
    """Say what is missing on this machine, in plain words."""
    from biorat_al.doctor import diagnose
    from biorat_al.presentation import findings_text

    findings = diagnose(folder)
    click.echo(findings_text(findings))
    if any(finding.state == "missing" for finding in findings):
        raise click.exceptions.Exit(1)


@cli.group()
def db() -> None:
    """The project's database."""


@db.command("upgrade")
@project_option
def db_upgrade(folder: Path | None) -> None:
    """Bring the database of an older version to this one's tables."""
    from biorat_al.project import upgrade_database

    before, after = upgrade_database(folder)
    click.echo("The database is up to date." if before == after else f"Upgraded the database from {before} to {after}.")


def _json(values: Any) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False)
