"""Whether all is in order: doctor, and the database's upgrade."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import project_option
from biorat_al.cli.terminal import show


@click.command()
@project_option
def doctor(folder: Path | None) -> None:
    """Say what is missing on this machine, in plain words.

    \b
    Example:
      biorat-al doctor --project trial
    """
    from biorat_al.doctor import diagnose
    from biorat_al.presentation import findings_text

    findings = diagnose(folder)
    show(findings_text(findings))
    if any(finding.state == "missing" for finding in findings):
        raise click.exceptions.Exit(1)


@click.group()
def db() -> None:
    """The project's database.

    \b
    Example:
      biorat-al db upgrade
    """


@db.command("upgrade")
@project_option
def db_upgrade(folder: Path | None) -> None:
    """Bring the database of an older version to this one's tables.

    \b
    Example:
      biorat-al db upgrade --project trial
    """
    from biorat_al.project import upgrade_database

    before, after = upgrade_database(folder)
    show("The database is up to date." if before == after else f"Upgraded the database from {before} to {after}.")
