"""Help texts that list what can be chosen, from where it is known."""

from __future__ import annotations

from collections.abc import Callable

import click


class Command(click.Command):
    """A command whose help texts may hold ``{formats}``, ``{written}``, ``{read_only}``, ``{strategies}`` and
    ``{exports}``.

    They are filled in when the help is asked for: the registries take a second to import.
    """

    def get_help(self, ctx: click.Context) -> str:
        self.help = _filled(self.help)
        for parameter in self.params:
            if isinstance(parameter, click.Option):
                parameter.help = _filled(parameter.help)
        return super().get_help(ctx)


def _filled(text: str | None) -> str | None:
    for place, names in _NAMES.items():
        if text and place in text:
            text = text.replace(place, names())
    return text


def _formats() -> str:
    from biorat_al.corpus.formats.registry import FORMATS

    return _listed([known.name for known in FORMATS])


def _written() -> str:
    from biorat_al.corpus.formats.registry import FORMATS

    return _listed([known.name for known in FORMATS if known.can_write])


def _read_only() -> str:
    from biorat_al.corpus.formats.registry import FORMATS

    return _listed([known.name for known in FORMATS if not known.can_write], "and")


def _strategies() -> str:
    from biorat_al.acquisition.registry import STRATEGIES

    return _listed(list(STRATEGIES))


def _exports() -> str:
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
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)
