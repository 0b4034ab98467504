"""Settings for several annotators: who is asked for what, and what counts if they disagree."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from biorat_al.settings.base import Name, SettingsPart

MASK, DROP = "mask", "drop"

_PREFER = "prefer:"

Share = Annotated[float, Field(ge=0, le=1)]


def _known_rule(value: str) -> str:
    if value in (MASK, DROP):
        return value
    name = value.removeprefix(_PREFER).strip()
    if not value.startswith(_PREFER):
        raise ValueError(f'expected "{MASK}", "{DROP}" or "{_PREFER}NAME", not {value!r}')
    if not name:
        raise ValueError(f'"{_PREFER}" names nobody; write for example "{_PREFER}ann@example.org"')
    return _PREFER + name


class TeamSettings(SettingsPart):
    """The annotators of a project. The shares count once the project has a group of annotators.

    :param double: share of each batch that two annotators are given, each without pre-labels, so that agreement can be
        measured. These documents are drawn at random before the query strategy chooses the others.
    :param double_test: share of the test documents that two annotators are given, if the group has two.
    :param double_pre_labels: share of the documents of the pool for two annotators that both get with pre-labels, drawn
        at random, so that one can tell whether pre-labels make annotators more alike. Agreement is then measured on the
        others.
    :param without_pre_labels: share of the documents for one annotator that are given without pre-labels, drawn at
        random, so that one can tell whether pre-labels bias people.
    :param ties: how a mention or relation counts on which annotators disagree, until that is settled: ``mask`` (ignored
        in the loss and in the scores, and left out of the export), ``drop`` (the same, and a document with a dispute
        counts neither in training nor in the scores), or ``prefer:NAME`` (that annotator's answer decides; without an
        answer of that annotator, it is masked).
    """

    double: Share = 0.0
    double_test: Share = 1.0
    double_pre_labels: Share = 0.0
    without_pre_labels: Share = 0.0
    ties: Annotated[Name, AfterValidator(_known_rule)] = MASK

    @property
    def preferred(self) -> str | None:
        """The annotator whose answer decides ties; None if nobody's does."""
        return self.ties.removeprefix(_PREFER) if self.ties.startswith(_PREFER) else None

    @property
    def drops(self) -> bool:
        """Whether a document with a dispute counts neither in training nor in the scores."""
        return self.ties == DROP
