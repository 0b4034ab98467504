"""``biorat-al db``: the project's database."""

from __future__ import annotations

from pathlib import Path

import click

from biorat_al.cli.options import project_option
from biorat_al.cli.terminal import show


@click.group()
def db() -> None:
    """Manage the project's database.

    \b
    Example:
      biorat-al db upgrade
    """


@db.command("upgrade")
@project_option
def db_upgrade(folder: Path | None) -> None:
    """Upgrade the database of an older version to this version.

    \b
    Example:
      biorat-al db upgrade --project trial
    """
    from biorat_al.project import upgrade_database

    before, after = upgrade_database(folder)
    show("The database is up to date." if before == after else f"Upgraded the database from {before} to {after}.")
