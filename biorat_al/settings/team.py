"""Settings for several annotators: what counts if they disagree."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from biorat_al.settings.base import Name, SettingsPart

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


class TeamSettings(SettingsPart):
    """The annotators of a project.

    :param ties: how a mention or relation counts on which annotators disagree, until that is settled: ``mask`` (ignored
        in the loss and in the scores, and left out of the export), or ``prefer:NAME`` (that annotator's answer decides;
        without an answer of that annotator, it is masked).
    """

    ties: Annotated[Name, AfterValidator(_known_rule)] = MASK

    @property
    def preferred(self) -> str | None:
        """The annotator whose answer decides ties; None if ties are masked."""
        return None if self.ties == MASK else self.ties.removeprefix(_PREFER)
