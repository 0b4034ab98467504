"""The same string marked in some places and not in others, or marked with two labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from biorat_al.people.audit.annotated import Worded
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, Kind, Suggestion, excerpt, quoted, suggestion
from biorat_al.people.audit.places import Key, StringPlace, StringPlaces
from biorat_al.people.audit.shares import ERRORS, Count, SharePrior, fit, posterior


def string_findings(corpus: Sequence[Worded], spreads: Mapping[Key, StringPlaces]) -> Iterator[Finding]:
    """Yield the places where a string is marked, or labelled, unlike in most of its other places."""
    prior = fit(spread.all for spread in spreads.values())
    labelled = _label_priors(spreads)
    extra = extra_rate(corpus)
    for spread in spreads.values():
        if spread.all.places > 1:
            for place in spread.places:
                worded = corpus[place.document]
                yield from _marked(worded, spread, place, prior, extra)
                if len(place.labels) == 1 and len(spread.labels) > 1:
                    yield from _labelled(worded, spread, place, labelled)


def extra_rate(corpus: Sequence[Worded]) -> float:
    """Return how often a place that is no mention is taken to be marked, per word: as many as mentions are missed."""
    mentions = sum(len(worded.marks) for worded in corpus)
    return ERRORS * mentions / max(sum(len(worded.keys) for worded in corpus), 1)


def _marked(
    worded: Worded, spread: StringPlaces, place: StringPlace, prior: SharePrior, extra: float
) -> Iterator[Finding]:
    """Yield a finding if the place is marked unlike most others, or not marked unlike most others."""
    far, near = spread.others(place)
    share = prior.share_near(far, near)
    score = posterior(1 - share, extra) if place.labels else posterior(share, ERRORS)
    if score < FLOOR:
        return
    suggested: Suggestion | None = None
    kind: Kind = "extra"
    here = "here it is"
    if not place.labels:
        kind, here = "missed", "here not"
        suggested = suggestion(worded, most_common(spread), place.first, place.end)
    start, end = worded.span(place.first, place.end)
    both = far.plus(*near)
    # a string that occurs in no other document says the same twice
    own = f" ({near.marked:,} of {near.places:,} in this document)" if near.places and far.places else ""
    text = quoted(worded.text[start:end])
    sentence = f"{text} is marked in {both.marked:,} of {both.places:,} other places{own}, {here}"
    label = place.labels[0] if place.labels else None
    evidence = (Evidence("string", sentence, score),)
    yield Finding(kind, excerpt(worded, start, end), label, suggested, evidence, worded.annotators)


def _label_priors(spreads: Mapping[Key, StringPlaces]) -> dict[tuple[str, str], SharePrior]:
    """Return the prior of the share of the first label, for each pair of labels, among a string's mentions with either.

    Labels that the same strings often share, because the context decides between them, get one that says so.
    """
    counts: defaultdict[tuple[str, str], list[Count]] = defaultdict(list)
    labels = sorted({label for spread in spreads.values() for label in spread.labels})
    for spread in spreads.values():
        for one in spread.labels:
            for other in labels:
                if one != other:
                    number = spread.labels[one] + spread.labels[other]
                    # in both orders, so that the prior does not depend on the order of the labels
                    counts[one, other].append(Count(spread.labels[one], number))
                    if other not in spread.labels:
                        counts[other, one].append(Count(0, number))
    return {pair: fit(some, truncated=False) for pair, some in counts.items()}


def _labelled(
    worded: Worded, spread: StringPlaces, place: StringPlace, priors: Mapping[tuple[str, str], SharePrior]
) -> Iterator[Finding]:
    """Yield a finding if the string has another label in most of its other mentions."""
    (own,) = place.labels
    others = {label: number - (label == own) for label, number in spread.labels.items()}
    best = max(sorted(others), key=others.__getitem__)
    if best == own:
        return
    either = Count(others[best], others[best] + others[own])
    score = posterior(priors[best, own].share(either), ERRORS)
    if score < FLOOR:
        return
    start, end = worded.span(place.first, place.end)
    text = quoted(worded.text[start:end])
    total = sum(others.values())
    sentence = f"{text} is labelled {best} in {others[best]:,} of {total:,} other mentions, here {own}"
    evidence = (Evidence("string", sentence, score),)
    suggested = suggestion(worded, best, place.first, place.end)
    yield Finding("label", excerpt(worded, start, end), own, suggested, evidence, worded.annotators)


def most_common(spread: StringPlaces) -> str:
    """Return the label that a string has most often."""
    return max(sorted(spread.labels), key=spread.labels.__getitem__)
