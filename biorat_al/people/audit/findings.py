"""What an audit finds, and how findings on the same place become one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from biorat_al.people.audit.annotated import Worded
from biorat_al.wording import shortened

Kind = Literal["missed", "extra", "label", "borders"]
"""What seems wrong: a mention is not marked, nothing should be marked, another label, other borders."""

Source = Literal["string", "border", "shape", "twin", "model"]
"""Where evidence comes from: other places of the string, words at borders, the mention's shape, a near-duplicate, a
model."""

FLOOR = 0.05
"""Findings with a lower score are not reported."""

_CONTEXT = 60
_LONGEST_QUOTE = 60


class Excerpt(NamedTuple):
    """A place in a document.

    :param start: with `end`, offsets in the document's text: code points, end exclusive.
    :param before: the text before it, cut to a few words; `after` likewise.
    """

    document: str
    start: int
    end: int
    before: str
    text: str
    after: str


class Suggestion(NamedTuple):
    """The mention that the evidence suggests instead."""

    label: str
    start: int
    end: int
    text: str


class Evidence(NamedTuple):
    """A reason to suspect an error.

    :param score: probability of an error by this evidence alone.
    """

    source: Source
    sentence: str
    score: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that looks wrong.

    :param label: the label of the mention that is marked there; None if none is.
    :param suggested: the mention to mark there instead; None if nothing should be marked.
    :param evidence: the reasons, the strongest first.
    :param annotators: pseudonyms of those who annotated the document.
    """

    kind: Kind
    excerpt: Excerpt
    label: str | None
    suggested: Suggestion | None
    evidence: tuple[Evidence, ...]
    annotators: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """A cautious guess of the probability that it is an error, from the strongest evidence."""
        return self.evidence[0].score

    @property
    def suggestion(self) -> str:
        """What to do about it, as a phrase."""
        if self.suggested is None:
            return f"do not mark it as {self.label}"
        label, start, end, text = self.suggested
        if self.kind == "missed":
            return f"mark it as {label}"
        if self.kind == "label":
            return f"label it {label} instead of {self.label}"
        return f"mark “{shortened(text, _LONGEST_QUOTE, end=20)}” ({start}–{end}) instead"

    def concerns(self, label: str) -> bool:
        """Return whether a label is marked or suggested here."""
        return label in (self.label, self.suggested.label if self.suggested else None)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "score": round(self.score, 4),
            "kind": self.kind,
            **self.excerpt._asdict(),
            "label": self.label,
            "suggested": self.suggested._asdict() if self.suggested else None,
            "suggestion": self.suggestion,
            "evidence": [one._asdict() | {"score": round(one.score, 4)} for one in self.evidence],
            "annotators": list(self.annotators),
        }

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> Finding:
        """Return the finding that :meth:`as_dict` gave; its scores have four digits."""
        suggested = values["suggested"]
        return cls(
            values["kind"],
            Excerpt(**{name: values[name] for name in Excerpt._fields}),
            values["label"],
            None if suggested is None else Suggestion(**suggested),
            tuple(Evidence(**one) for one in values["evidence"]),
            tuple(values["annotators"]),
        )


def excerpt(worded: Worded, start: int, end: int) -> Excerpt:
    """Return a place with the words around it."""
    text = worded.text
    left, right = max(start - _CONTEXT, 0), min(end + _CONTEXT, len(text))
    # cut at words, unless there are none
    before, after = text[left:start], text[end:right]
    if left and " " in before:
        before = f"…{before[before.index(' ') :]}"
    if right < len(text) and " " in after:
        after = f"{after[: after.rindex(' ') + 1]}…"
    return Excerpt(worded.id, start, end, before, text[start:end], after)


def suggestion(worded: Worded, label: str, first: int, end: int) -> Suggestion:
    """Return the mention of a range of words as a suggestion."""
    span = worded.span(first, end)
    return Suggestion(label, *span, worded.text[slice(*span)])


def quoted(text: str) -> str:
    """Return a text in quotation marks, on one line and cut to a readable length."""
    return f"“{shortened(' '.join(text.split()), _LONGEST_QUOTE, end=20)}”"


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding for each place, worst first.

    Of findings that overlap, the one with the highest score stays. It takes over the evidence of those that suggest
    the same.
    """
    kept: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=_order):
        others = kept[finding.excerpt.document]
        for number, other in enumerate(others):
            if _overlap(other.excerpt, finding.excerpt):
                if (other.kind, other.suggested) == (finding.kind, finding.suggested):
                    new = [one for one in finding.evidence if one not in other.evidence]
                    others[number] = replace(other, evidence=(*other.evidence, *new))
                break
        else:
            others.append(finding)
    return sorted((finding for some in kept.values() for finding in some), key=_order)


def _overlap(one: Excerpt, other: Excerpt) -> bool:
    return one.start < other.end and other.start < one.end


def _order(finding: Finding) -> tuple[Any, ...]:
    place = finding.excerpt
    return -finding.score, place.document, place.start, place.end, finding.kind, finding.evidence[0].sentence
