"""Strict span scores, and the reliability of confidences.

A mention is right if its label and all its spans are right, as in CoNLL 2003 and BC5CDR. Disputed mentions are masked:
they do not count as missed, and predictions in their place count neither as right nor as wrong
(:mod:`biorat_al.learner.disputes`). Labels that nobody was asked for in a document are left out there on both sides.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from biorat_al.corpus.model.document import Entity
from biorat_al.corpus.model.identity import MentionKey, mention_key
from biorat_al.learner.counts import Counts, Scores
from biorat_al.learner.disputes import Undecided

NOTHING: Mapping[str, Sequence[Entity]] = MappingProxyType({})
"""No mention in any document."""

ALL_ASKED: Mapping[str, Collection[str]] = MappingProxyType({})
"""All labels were asked for in every document."""

BINS = 10
"""Number of equal parts of [0, 1] into which confidences are sorted."""


def score(
    gold: Mapping[str, Sequence[Entity]],
    predicted: Mapping[str, Iterable[Entity]],
    labels: Sequence[str],
    disputed: Mapping[str, Iterable[Entity]] = NOTHING,
    unasked: Mapping[str, Collection[str]] = ALL_ASKED,
) -> Scores:
    """Compare mentions, document by document.

    A mention is its label and the set of its spans; if a document has the same mention twice, it counts once. Gold
    mentions that the tagger cannot represent (discontinuous ones) count as missed like any other.

    :param gold: mentions by document id; only these documents count.
    :param predicted: mentions by document id; a document without an entry has none.
    :param labels: labels that count; mentions of others are left out on both sides.
    :param disputed: masked mentions by document id, neither present nor absent.
    :param unasked: labels by document id that nobody was asked for.

    >>> from biorat_al import Entity, Span, score
    >>> gold = [Entity("T1", "Chemical", (Span(0, 7),)), Entity("T2", "Chemical", (Span(20, 27),))]
    >>> found = [Entity("P1", "Chemical", (Span(0, 7),)), Entity("P2", "Chemical", (Span(20, 26),))]
    >>> scores = score({"17": gold}, {"17": found}, labels=["Chemical"])
    >>> scores.overall.tp, scores.overall.fp, scores.overall.fn, scores.overall.f1
    (1, 1, 1, 0.5)
    """
    by_label = {label: Counts() for label in labels}
    by_document = {}
    for document, entities in gold.items():
        unknown = unasked.get(document, ())
        right = {mention for mention in _mentions(entities, by_label) if mention[0] not in unknown}
        undecided = Undecided(entities, disputed.get(document, ()), unknown)
        proposed = {mention for mention in _mentions(predicted.get(document, ()), by_label) if mention not in undecided}
        of_document = Counts()
        for label in labels:
            ours = {mention for mention in right if mention[0] == label}
            theirs = {mention for mention in proposed if mention[0] == label}
            tp = len(ours & theirs)
            counts = Counts(tp, len(theirs) - tp, len(ours) - tp)
            by_label[label] += counts
            of_document += counts
        by_document[document] = of_document
    return Scores(sum(by_label.values(), Counts()), by_label, by_document)


@dataclass(frozen=True, slots=True)
class Bin:
    """Predicted mentions with confidences in one of the equal parts of [0, 1].

    :param count: number of mentions.
    :param confidence: sum of their confidences.
    :param right: number of right ones.
    """

    count: int = 0
    confidence: float = 0.0
    right: int = 0

    def __add__(self, other: Bin) -> Bin:
        return Bin(self.count + other.count, self.confidence + other.confidence, self.right + other.right)


def reliability(
    gold: Mapping[str, Sequence[Entity]],
    predicted: Mapping[str, Iterable[Entity]],
    labels: Sequence[str],
    disputed: Mapping[str, Iterable[Entity]] = NOTHING,
    unasked: Mapping[str, Collection[str]] = ALL_ASKED,
) -> list[Bin]:
    """Sort predicted mentions by confidence into `BINS` bins of equal width (Guo et al. 2017, section 2).

    A confidence on a border belongs to the upper bin, 1 to the last. Mentions without a score are left out. Parameters
    and the definition of right are as in :func:`score`; a mention predicted twice counts with the higher score.

    :returns: the bins, from the lowest confidence to the highest.
    """
    bins = [Bin()] * BINS
    for document, entities in gold.items():
        right = _mentions(entities, labels)
        undecided = Undecided(entities, disputed.get(document, ()), unasked.get(document, ()))
        scores: dict[MentionKey, float] = {}
        for entity in predicted.get(document, ()):
            if entity.score is not None:
                for mention in _mentions([entity], labels):
                    scores[mention] = max(entity.score, scores.get(mention, 0.0))
        for mention, confidence in scores.items():
            if mention in undecided:
                continue
            bins[min(int(confidence * BINS), BINS - 1)] += Bin(1, confidence, int(mention in right))
    return bins


def _mentions(entities: Iterable[Entity], labels: Container[str]) -> set[MentionKey]:
    return {mention_key(entity) for entity in entities if entity.label in labels}
