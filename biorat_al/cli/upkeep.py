"""Whether all is in order: doctor, and the database's upgrade."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import project_option


@click.command()
@project_option
def doctor(folder: Path | None) -> None:
    """Say what is missing on this machine, in plain words."""
    from biorat_al.doctor import diagnose
    from biorat_al.presentation import findings_text

    findings = diagnose(folder)
    click.echo(findings_text(findings))
    if any(finding.state == "missing" for finding in findings):
        raise click.exceptions.Exit(1)


@click.group()
def db() -> None:
    """The project's database."""


@db.command("upgrade")
@project_option
def db_upgrade(folder: Path | None) -> None:
    """Bring the database of an older version to this one's tables."""
    from biorat_al.project import upgrade_database

    before, after = upgrade_database(folder)
    click.echo("The database is up to date." if before == after else f"Upgraded the database from {before} to {after}.")
