"""The whole command line: its commands, its exit codes, and how errors are shown."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from biorat_al.claims import noting_finished
from biorat_al.cli.coverage import coverage
from biorat_al.cli.db import db
from biorat_al.cli.demo import demo
from biorat_al.cli.doctor import doctor
from biorat_al.cli.export import export
from biorat_al.cli.files.convert import convert
from biorat_al.cli.files.validate import validate
from biorat_al.cli.init import init
from biorat_al.cli.label_studio import label_studio
from biorat_al.cli.people.adjudicate import adjudicate
from biorat_al.cli.people.agreement import agreement
from biorat_al.cli.people.audit import audit
from biorat_al.cli.people.team import team
from biorat_al.cli.predict import predict
from biorat_al.cli.report import report
from biorat_al.cli.round import round_
from biorat_al.cli.simulate import simulate
from biorat_al.cli.status import status
from biorat_al.cli.terminal import exit_code, like_ctrl_c, show
from biorat_al.disk import cause, fullest, has_no_room, is_full, usual_places
from biorat_al.errors import BioratError
from biorat_al.progress import clear_bars
from biorat_al.redaction import redact
from biorat_al.version import __version__


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    commands=[
        init,
        round_,
        status,
        coverage,
        team,
        agreement,
        adjudicate,
        export,
        predict,
        simulate,
        report,
        audit,
        convert,
        validate,
        label_studio,
        demo,
        doctor,
        db,
    ],
)
@click.version_option(__version__, prog_name="biorat-al")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Build a biomedical corpus with a model that learns from your corrections.

    init sets up a project, round is run after each batch of annotation, export writes the corpus.

    \b
    Examples:
      biorat-al demo --auto
      biorat-al init --help
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status.

    0 done, 1 failed, 2 wrong use, 3 nothing to do yet, 130 interrupted (143 by SIGTERM, 129 by SIGHUP).
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # removed here, so that it may be anywhere among the words
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal without dashes or accents shows a question mark, which is better than no answer
            stream.reconfigure(errors="replace")
    finished: list[str] = []
    try:
        # without standalone_mode, click returns the exit status of a command
        with noting_finished(finished), like_ctrl_c():
            code = cli.main(words, prog_name="biorat-al", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        # click quotes a wrong value, which may be an address with a password
        message = io.StringIO()
        error.show(message)
        _say(message.getvalue().rstrip("\n"))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        if debug:
            _show_traceback(error)
        with suppress(OSError):  # the terminal may be gone
            afterwards = finished[0] if finished else _AFTERWARDS.get(_command(words), _ANEW)
            _say(f"Interrupted. {afterwards}")
        sys.exit(exit_code(error))
    except Exception as error:
        if debug:
            _show_traceback(error)
            sys.exit(error.exit_code if isinstance(error, BioratError) else 1)
        sys.exit(_explain(error))


def _say(text: str) -> None:
    """Print on standard error, with secrets hidden."""
    clear_bars()
    show(redact(text), err=True)


def _show_traceback(error: BaseException) -> None:
    """Print the traceback of an error, with secrets hidden."""
    clear_bars()
    click.echo(redact("".join(traceback.format_exception(error))), err=True, nl=False)


def _explain(error: Exception) -> int:
    """Print an error in one sentence; return the exit status."""
    if isinstance(error, BioratError):
        _say(f"{'' if error.exit_code == 3 else 'Error: '}{error}")
        return error.exit_code
    if isinstance(error, OSError):
        _say(f"Error: {_of_the_system(error)}")
        return 1
    _say(
        f"Error: something went wrong that should not have ({type(error).__name__}); "
        "add --debug to the same command to see where"
    )
    return 1


_GO_ON = "What is finished is kept: run the same command again to go on."
_ANEW = "Nothing is left half done: run the same command again, it starts from scratch."
_AFTERWARDS = {
    "round": _GO_ON,
    "simulate": _GO_ON,
    "adjudicate": _GO_ON,
    "demo": (
        "If the demo's project is already made, go on in its folder with: biorat-al round. Else run the same command "
        "again."
    ),
}


def _command(words: Sequence[str]) -> str:
    """Return the command among the words of a call; options may come before it."""
    return next((word for word in words if word in cli.commands), "")


_NOT_KNOWN = (
    "a disk is full, and not one that this program knows of (df shows which); make room there, and run the same "
    "command again"
)


def _of_the_system(error: OSError) -> str:
    """Return what the system refused, and where: an error on an open file does not have the file's name."""
    if isinstance(error.filename, (str, bytes)):
        name = os.fsdecode(error.filename)
        return f"{name}: {cause(error, Path(name))}"
    if is_full(error):
        place = fullest(usual_places())
        return f"something could not be written: {cause(error, place) if has_no_room(place) else _NOT_KNOWN}"
    return error.strerror or str(error)
