"""Several annotators: what counts where they disagree."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from biorat_al.settings.base import Name, Part

MASK = "mask"

_PREFER = "prefer:"


def _known_rule(value: str) -> str:
    if value == MASK:
        return value
    name = value.removeprefix(_PREFER).strip()
    if not value.startswith(_PREFER):
        raise ValueError(f'expected "{MASK}" or "{_PREFER}NAME", not {value!r}')
    if not name:
        raise ValueError(f'"{_PREFER}" names nobody; write for example "{_PREFER}ann@example.org"')
    return _PREFER + name


class TeamSettings(Part):
    """The annotators of a project.

    :param ties: how mentions and relations count on which annotators disagree, until that is settled: ``mask`` (neither
        there nor not there, in the loss and in the scores; left out of the export), or ``prefer:NAME`` (what that
        annotator answered decides; where that annotator has not answered, they are masked).
    """

    ties: Annotated[Name, AfterValidator(_known_rule)] = MASK

    @property
    def preferred(self) -> str | None:
        """The annotator whose answer decides ties; None where they are masked."""
        return None if self.ties == MASK else self.ties.removeprefix(_PREFER)
