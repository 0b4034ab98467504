"""``biorat-al simulate``: play the annotator on a corpus with gold answers."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import (
    Command,
    borrow_options,
    encoder_option,
    ignore_option,
    ray_option,
    reading_options,
    size_option,
)
from biorat_al.cli.terminal import show
from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.progress import TerminalProgress


def _numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Read numbers that commas separate.

    :raises click.BadParameter: one of them is no number from 1 on.
    """
    try:
        numbers = tuple(int(one) for one in value.split(",")) if value is not None else ()
    except ValueError:
        raise click.BadParameter(f"{value!r} is not of the form 20,20,40") from None
    if any(number < 1 for number in numbers):
        raise click.BadParameter("each size is at least 1")
    return numbers


@click.command(cls=Command)
@click.option(
    "--documents",
    multiple=True,
    required=True,
    metavar="FILE|FOLDER",
    help="Documents with gold annotations; may be repeated.",
)
@reading_options()
@click.option("--test-documents", multiple=True, metavar="FILE", help="Documents of the test set.")
@click.option("--test-size", type=click.IntRange(min=1), help="Or draw this many documents at random.")
@click.option(
    "--entity",
    "entities",
    multiple=True,
    required=True,
    metavar="LABEL[=SOURCE,...]",
    help="An entity label, as for init; may be repeated.",
)
@ignore_option
@borrow_options
@click.option(
    "--arm",
    "arms",
    multiple=True,
    type=click.Choice(["none", "matched", "rat", "at", "committee"]),
    default=("none", "matched", "rat"),
    show_default=True,
    help="How the models are trained (see above); may be repeated.",
)
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    default=("mnlp",),
    show_default=True,
    metavar="NAME",
    help="Query strategy: {strategies}; may be repeated.",
)
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Number of runs of each kind.")
@click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True, help="Models in each run.")
@size_option
@click.option(
    "--sizes",
    metavar="N,N,...",
    callback=_numbers,
    help="Documents of each round, instead of --rounds and --size; if they grow, few models cover a long curve.",
)
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
@click.option("--name", metavar="NAME", help="Name of the corpus in reports.  [default: as OUTPUT]")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Runs at the same time.  [default: as cores and memory allow]"
)
@ray_option
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="The simulation's folder."
)
def simulate(
    documents: tuple[str, ...],
    reading: ReadOptions,
    test_documents: tuple[str, ...],
    test_size: int | None,
    entities: tuple[str, ...],
    ignored: tuple[str, ...],
    borrowed: tuple[str, ...],
    borrowed_entities: tuple[str, ...],
    borrow_licenses: tuple[str, ...],
    arms: tuple[str, ...],
    strategies: tuple[str, ...],
    seeds: int,
    rounds: int,
    size: int,
    sizes: tuple[int, ...],
    encoder: str,
    passive: tuple[str, ...],
    full: bool,
    changes: tuple[str, ...],
    name: str | None,
    workers: int | None,
    ray: str | None,
    output: Path,
) -> None:
    """Play the annotator on a corpus with gold answers: arms against each other, strategy by strategy.

    Run the same command again after an interruption: it goes on where it stopped. More arms, strategies and seeds can
    be added later. biorat-al report --simulation OUTPUT shows the results. Only mentions are simulated: relations in
    the documents are neither learnt nor measured.

    The arms are none (plain training), rat (random adversarial training: a step is adversarial with the probability
    that the settings give), at (every step is adversarial) and matched (plain, with as much computing as rat, so
    that longer training cannot explain a gain of rat). committee trains rat and none, and lets the mean of both choose
    and be measured, as a new project does.

    \b
    Examples:
      biorat-al simulate --documents train.pubtator \\
          --test-documents test.pubtator --entity Chemical \\
          --entity Disease --output simulation
      biorat-al simulate --documents corpus/ --test-size 50 \\
          --entity Disease --arm none --arm rat --strategy mnlp \\
          --strategy random --seeds 3 --output simulation

    With --ray, each run is a task of a Ray cluster, made by whichever machine has room. A run goes on elsewhere if its
    machine is lost, and its models are those that one machine would make with the same number of threads.
    """
    from biorat_al.corpus.sources import Sources
    from biorat_al.efficiency.simulation.options import simulation_grid, simulation_settings
    from biorat_al.efficiency.simulation.simulation import Simulation
    from biorat_al.presentation.simulation import simulation_text
    from biorat_al.project import default_name, with_borrowed_labels

    progress = TerminalProgress()
    simulation = Simulation.create(
        output,
        with_borrowed_labels(
            simulation_settings(name or default_name(output), entities, encoder=encoder, size=size, changes=changes),
            borrowed_entities,
        ),
        simulation_grid(
            arms, strategies, seeds=seeds, rounds=len(sizes) or rounds, passive=passive, full=full, sizes=sizes
        ),
        Sources(
            documents,
            test_documents,
            test_size,
            ignored,
            reading,
            borrow=borrowed,
            borrow_licenses=borrow_licenses,
        ),
        progress,
    )
    show(simulation_text(simulation.run(workers, progress, ray=ray), output))
