"""``biorat-al team``: who annotates, and what each person has done."""

from __future__ import annotations

import json
from pathlib import Path

import click

from biorat_al.cli.options import project_option
from biorat_al.cli.terminal import show


@click.group("team")
def team() -> None:
    """Manage a group of annotators: invite people, see who does what, move tasks, remove names.

    \b
    Examples:
      biorat-al team add ann@example.org bob@example.org
      biorat-al team status
    """


@team.command("add")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option(
    "--adjudicator",
    "adjudicators",
    multiple=True,
    metavar="NAME",
    help="Somebody who settles what annotators disagree on; may be repeated.",
)
@project_option
def team_add(folder: Path | None, names: tuple[str, ...], adjudicators: tuple[str, ...]) -> None:
    """Add annotators, and print the invitation link and a letter to send.

    NAME is an e-mail address: the one with which the person has an account in Label Studio, or will make one. Somebody
    who has left comes back. Either all of them are added or nobody.

    \b
    Examples:
      biorat-al team add ann@example.org bob@example.org
      biorat-al team add cyd@example.org --adjudicator lead@example.org
    """
    from biorat_al.presentation.people.team import invitation_text
    from biorat_al.project import Project

    if not names and not adjudicators:
        raise click.UsageError("Nobody is named: give an e-mail address, or --adjudicator with one.")
    with Project.open(folder) as project:
        show(invitation_text(project.team.add(names, adjudicators=adjudicators), project.settings.name))


@team.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@project_option
def team_status(folder: Path | None, as_json: bool) -> None:
    """Show what each person was asked for and has done, how long it took, and the agreement with the others.

    Names are shown as they are: this is for the leader of the group, and not for publication.

    \b
    Examples:
      biorat-al team status
      biorat-al team status --json
    """
    from biorat_al.project import Project

    with Project.open(folder) as project:
        status = project.team.status()
    if as_json:
        values = {"people": [one.as_dict() for one in status.people], "desk_problem": status.desk_problem or None}
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    from biorat_al.presentation.people.team import team_text
    from biorat_al.store.store import now

    show(team_text(status.people, status.desk_problem, now()))


@team.command("reassign")
@click.argument("name", metavar="NAME")
@click.option("--to", required=True, metavar="NAME", help="The annotator who gets the tasks.")
@click.option("--limit", type=click.IntRange(min=1), help="Most tasks to move, the newest first.  [default: all]")
@project_option
def team_reassign(folder: Path | None, name: str, to: str, limit: int | None) -> None:
    """Give the open tasks of NAME to somebody else.

    They are deleted in one project on the desk and made in the other. Whatever somebody has answered, skipped or begun
    stays where it is. If the command is cut off, the same command goes on, and so does the next round.

    \b
    Examples:
      biorat-al team reassign bob@example.org --to ann@example.org
      biorat-al team reassign bob@example.org --to ann@example.org --limit 10
    """
    from biorat_al.presentation.people.team import moved_text
    from biorat_al.progress import TerminalProgress
    from biorat_al.project import Project

    with Project.open(folder) as project:
        moved = project.team.reassign(name, to, limit=limit, progress=TerminalProgress())
    show(moved_text(moved, name, to))


@team.command("leave")
@click.argument("name", metavar="NAME")
@project_option
def team_leave(folder: Path | None, name: str) -> None:
    """Give NAME no more tasks; answers stay, and open tasks until they are moved.

    \b
    Example:
      biorat-al team leave bob@example.org
    """
    from biorat_al.presentation.people.team import left_text
    from biorat_al.project import Project

    with Project.open(folder) as project:
        show(left_text(project.team.leave(name)))


@team.command("forget")
@click.argument("name", metavar="NAME")
@project_option
def team_forget(folder: Path | None, name: str) -> None:
    """Remove NAME from the project's database, and keep the work.

    The pseudonym of exports takes its place, in answers, in what Label Studio sent, and in the history of the rounds.
    Answers of this person that are fetched later get the pseudonym too. What keeps the name is listed. This cannot be
    undone.

    \b
    Example:
      biorat-al team forget bob@example.org
    """
    from biorat_al.presentation.people.team import forgotten_text
    from biorat_al.project import Project

    with Project.open(folder) as project:
        person = project.team.forget(name)
        desk = "Label Studio" if project.settings.desk.kind == "label-studio" else project.desk.address()
        show(forgotten_text(person, desk, cleaned=project.store.is_sqlite))
