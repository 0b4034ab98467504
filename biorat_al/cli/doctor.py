"""``biorat-al doctor``: say what is missing on this machine."""

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
    from biorat_al.presentation.doctor import findings_text

    findings = diagnose(folder)
    show(findings_text(findings))
    if any(finding.state == "missing" for finding in findings):
        raise click.exceptions.Exit(1)
