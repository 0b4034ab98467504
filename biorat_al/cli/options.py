"""Options that several commands share, and help texts that list what can be chosen."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from biorat_al.corpus.formats.base import SPLITS, ReadOptions

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

project_option = click.option(
    "--project",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The project's folder.  [default: searched for from here upwards]",
)
force_option = click.option("--force", is_flag=True, help="Replace existing output.")

# options of commands that read documents
ignore_option = click.option(
    "--ignore-label", "ignored", multiple=True, metavar="LABEL", help="A label in the documents to leave out."
)
encoder_option = click.option(
    "--encoder", default="pubmedbert", show_default=True, metavar="NAME|FOLDER", help="The base encoder."
)
_BORROW = (
    click.option(
        "--borrow",
        "borrowed",
        multiple=True,
        metavar="FILE|FOLDER|hf:NAME",
        help="A corpus that others annotated, from which the models begin; may be repeated. hf:OWNER/NAME[:CONFIG] is "
        "one of BigBio's on the Hugging Face hub.",
    ),
    click.option(
        "--borrow-entity",
        "borrowed_entities",
        multiple=True,
        metavar="LABEL[=SOURCE,...]",
        help="Labels of the borrowed corpora that count as LABEL; may be repeated.  [default: as for --entity]",
    ),
    click.option(
        "--borrow-license",
        "borrow_licenses",
        multiple=True,
        metavar="LICENCE",
        help="Licence of the borrowed corpora: one for all, or one for each.  [default: as the files state it]",
    ),
)
_PRE_LABELS = (
    click.option(
        "--pre-labels",
        "pre_labels",
        multiple=True,
        metavar="FILE|FOLDER",
        help="Predictions of anything else for these documents, shown as pre-labels; may be repeated.",
    ),
    click.option(
        "--dictionary",
        "dictionaries",
        multiple=True,
        metavar="FILE[=LABEL]",
        help="Names to show as pre-labels where they occur: a name and an identifier with a tab between, or OBO; may "
        "be repeated.",
    ),
)
size_option = click.option(
    "--size", type=click.IntRange(min=1), default=20, show_default=True, help="Documents per round."
)

ray_option = click.option(
    "--ray",
    is_flag=False,
    flag_value="",
    metavar="[ADDRESS]",
    help="Work on the Ray cluster at ADDRESS (HOST:PORT, or auto).  [without ADDRESS: as in the settings, or else Ray "
    "on this machine]",
)


def borrow_options(command: Decorated) -> Callable[..., Any]:
    """Add the options for corpora that others annotated."""
    wrapped: Callable[..., Any] = command
    for option in reversed(_BORROW):
        wrapped = option(wrapped)
    return wrapped


def pre_label_options(command: Decorated) -> Callable[..., Any]:
    """Add the options for pre-labels from files and dictionaries."""
    wrapped: Callable[..., Any] = command
    for option in reversed(_PRE_LABELS):
        wrapped = option(wrapped)
    return wrapped


def reading_options(format_name: str = "--format") -> Callable[[Decorated], Callable[..., Any]]:
    """Return a decorator that adds the options for reading files, passed as one :class:`ReadOptions` called `reading`.

    :param format_name: name of the option for the format.
    """
    options = (
        click.option(
            format_name, "format_", metavar="NAME", help="Format of the files: {formats}.  [default: recognised]"
        ),
        click.option(
            "--split",
            type=click.Choice(SPLITS),
            help="Where to cut a file without document borders: a text file at blank lines (paragraphs) or line ends "
            "(lines), CoNLL at its sentences; none: the file is one document.",
        ),
        click.option(
            "--skip-invalid",
            is_flag=True,
            help="Leave out and count what is broken: mentions whose text does not match their offsets, relations "
            "without an end, unfinished lines.",
        ),
        click.option(
            "--trust-offsets",
            is_flag=True,
            help="Keep and count mentions whose text differs from the document; use the text at their offsets.",
        ),
    )

    def decorate(command: Decorated) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_reading(
            *args: Any, format_: str | None, split: str | None, skip_invalid: bool, trust_offsets: bool, **others: Any
        ) -> Any:
            reading = ReadOptions(format_, skip_invalid, trust_offsets, split)
            return command(*args, reading=reading, **others)

        wrapped: Callable[..., Any] = with_reading
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


class Command(click.Command):
    """A command whose help may hold ``{formats}``, ``{written}``, ``{read_only}``, ``{strategies}`` and ``{exports}``.

    These are filled in only when the help is shown, because the registries take a second to import.
    """

    def get_help(self, ctx: click.Context) -> str:
        """Return the help with the names filled in."""
        self.help = _filled(self.help)
        for parameter in self.params:
            if isinstance(parameter, click.Option):
                parameter.help = _filled(parameter.help)
        return super().get_help(ctx)


def _filled(text: str | None) -> str | None:
    """Replace the placeholders in a help text by names from the registries."""
    for place, names in _NAMES.items():
        if text and place in text:
            text = text.replace(place, names())
    return text


def _formats() -> str:
    """Return the names of all formats."""
    from biorat_al.corpus.formats.registry import FORMATS

    return _listed([known.name for known in FORMATS])


def _written() -> str:
    """Return the names of the formats that can be written."""
    from biorat_al.corpus.formats.registry import FORMATS

    return _listed([known.name for known in FORMATS if known.can_write])


def _read_only() -> str:
    """Return the names of the formats that can only be read."""
    from biorat_al.corpus.formats.registry import FORMATS

    return _listed([known.name for known in FORMATS if not known.can_write], "and")


def _strategies() -> str:
    """Return the names of the query strategies."""
    from biorat_al.acquisition.registry import STRATEGIES

    return _listed(list(STRATEGIES))


def _exports() -> str:
    """Return the names of the export formats."""
    from biorat_al.export.export import FORMATS

    return _listed(list(FORMATS))


_NAMES: dict[str, Callable[[], str]] = {
    "{formats}": _formats,
    "{written}": _written,
    "{read_only}": _read_only,
    "{strategies}": _strategies,
    "{exports}": _exports,
}


def _listed(names: list[str], last: str = "or") -> str:
    """Join names with commas and a word before the last one."""
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)
