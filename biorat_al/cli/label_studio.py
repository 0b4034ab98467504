"""``biorat-al label-studio``: a local Label Studio."""

from __future__ import annotations

import click

from biorat_al.cli.terminal import show
from biorat_al.progress import TerminalProgress


@click.group("label-studio")
def label_studio() -> None:
    """Run a local Label Studio, if you have none.

    \b
    Example:
      biorat-al label-studio start
    """


@label_studio.command("start")
@click.option("--port", type=click.IntRange(1, 65535), help="Where it listens.  [default: any free port]")
def label_studio_start(port: int | None) -> None:
    """Start it on this machine; install it first if necessary (about 1 GB, in its own environment).

    \b
    Example:
      biorat-al label-studio start --port 8080
    """
    from biorat_al.desk.labelstudio.local_server.server import LocalServer
    from biorat_al.presentation.label_studio import server_text

    server = LocalServer()
    server.install(TerminalProgress())
    show(server_text(server.start(port, TerminalProgress()), server.credentials()))


@label_studio.command("install")
def label_studio_install() -> None:
    """Install it without starting it.

    \b
    Example:
      biorat-al label-studio install
    """
    from biorat_al.desk.labelstudio.local_server.server import LocalServer

    show(f"Label Studio {LocalServer().install(TerminalProgress())} is installed.")


@label_studio.command("stop")
def label_studio_stop() -> None:
    """Stop it and keep its data.

    \b
    Example:
      biorat-al label-studio stop
    """
    from biorat_al.desk.labelstudio.local_server.server import LocalServer

    show("Stopped." if LocalServer().stop() else "It was not running.")


@label_studio.command("status")
def label_studio_status() -> None:
    """Say whether it is running, and where.

    \b
    Example:
      biorat-al label-studio status
    """
    from biorat_al.desk.labelstudio.local_server.server import LocalServer
    from biorat_al.presentation.label_studio import server_text

    server = LocalServer()
    info = server.status()
    if info is None:
        show("It is not running. Start it with: biorat-al label-studio start")
    else:
        show(server_text(info, server.credentials()))
