"""Mentions that a model predicts surely and annotators have not marked, or marked in another way.

This takes two parts of confident learning (Northcutt, Jiang and Chuang 2021, *Confident learning: estimating
uncertainty in dataset labels*, Journal of Artificial Intelligence Research 70, sections 2 and 3):

- Only predictions out of sample count: those of a model that has not learnt from the document.
- A prediction is confident if its confidence reaches the mean confidence of the label's predictions that annotators
  confirm (equation 2, the threshold of a class). So a label of which the model is never sure has a low threshold.

Which of the words of a document are probably annotated wrongly is another question, to which the probability of every
label at every word is needed (:mod:`biorat_al.people.audit.doubted_words`). Models of rounds keep only what they
predict, and then a mention that no model predicts is no evidence.

With a calibrated confidence c, the odds of an error are ``c e : (1 - c)``, where e is how often annotators make such an
error (:mod:`biorat_al.people.audit.shares`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.corpus.model.identity import MentionKey, mention_key
from biorat_al.people.audit.annotated import MarkedWords, Worded
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, Kind, Suggestion, excerpt
from biorat_al.people.audit.shares import ERRORS, posterior

SUREST = 0.99
"""Highest confidence that is believed."""

_SEEN = 0.25
"""How much rarer an error is where the annotator saw the prediction and decided against it."""


@dataclass(frozen=True, slots=True, eq=False)
class WordChances:
    """How probable each label is at each word of a document.

    :param labels: the labels that the model knows.
    :param starts: the first code point of each word, shape (words,); `ends` is one past its last.
    :param inside: calibrated probability that the word is in a mention of the label, shape (words, labels).
    """

    labels: tuple[str, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    inside: NDArray[np.float64]

    def words_in(self, spans: Sequence[Span]) -> list[int]:
        """Return the numbers of the words of which spans cover a character."""
        first = [int(np.searchsorted(self.ends, start, side="right")) for start, _ in spans]
        last = [int(np.searchsorted(self.starts, end, side="left")) for _, end in spans]
        return [number for ends in zip(first, last, strict=True) for number in range(*ends)]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model predicted for a document before it had learnt from the document's answers.

    :param model: what to call the model in a sentence.
    :param entities: the predicted mentions; each score is a calibrated confidence.
    :param seen: the mentions that annotators saw as pre-labels.
    :param words: how probable each label is at each word; None if that is not known.
    """

    model: str
    entities: tuple[Entity, ...]
    seen: frozenset[MentionKey] = frozenset()
    words: WordChances | None = None

    def rate(self, label: str, spans: Iterable[Span]) -> float:
        """Return how often annotators miss or mislabel a mention; they do so less where they saw it as a pre-label."""
        return ERRORS * (_SEEN if (label, frozenset(spans)) in self.seen else 1)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What models that were trained for an audit make of the documents that they have not learnt from.

    :param folds: number of parts that the documents were cut into, each of which a model has not seen.
    :param predicted: by document id.
    """

    folds: int = 0
    predicted: Mapping[str, Predicted] = field(default_factory=dict)


NOTHING_HELD_OUT = HeldOut()
"""No model was trained for the audit."""


def model_findings(corpus: Sequence[Worded], predicted: Mapping[str, Predicted]) -> Iterator[Finding]:
    """Yield the places where a confident prediction differs from what is marked.

    :param predicted: by document id; documents without predictions are left out.
    """
    pairs = [(worded, predicted[worded.id]) for worded in corpus if worded.id in predicted]
    thresholds = _thresholds(pairs)
    for worded, prediction in pairs:
        for entity in prediction.entities:
            confidence = entity.score or 0.0
            score = posterior(min(confidence, SUREST), prediction.rate(entity.label, entity.spans))
            if confidence < thresholds.get(entity.label, inf) or score < FLOOR:
                continue
            found = _difference(worded, entity)
            if found is not None:
                kind, mark = found
                seen = ", which the annotator saw" if mention_key(entity) in prediction.seen else ""
                sentence = (
                    f"{prediction.model}, which had not learnt from this document, predicted {entity.label} here with "
                    f"confidence {confidence:.2f}{seen}"
                )
                marked = mark.entity if mark else entity
                suggested = Suggestion(entity.label, entity.start, entity.end, worded.text[entity.start : entity.end])
                evidence = (Evidence("model", sentence, score),)
                place = excerpt(worded, marked.start, marked.end)
                yield Finding(kind, place, mark.label if mark else None, suggested, evidence, worded.annotators)


def _thresholds(pairs: Iterable[tuple[Worded, Predicted]]) -> dict[str, float]:
    """Return the mean confidence of the predictions that annotators confirm, by label."""
    confirmed: defaultdict[str, list[float]] = defaultdict(list)
    for worded, prediction in pairs:
        marked = {(mark.label, mark.entity.spans) for mark in worded.marks}
        for entity in prediction.entities:
            if (entity.label, entity.spans) in marked and entity.score is not None:
                confirmed[entity.label].append(entity.score)
    return {label: fmean(scores) for label, scores in confirmed.items()}


def _difference(worded: Worded, entity: Entity) -> tuple[Kind, MarkedWords | None] | None:
    """Return what is marked otherwise where a mention is predicted; None if nothing is, or it is not known."""
    numbers = worded.words_in(entity)
    if not numbers or not worded.masked.isdisjoint(numbers) or entity.label in worded.annotated.unasked.labels:
        return None
    there = list({id(mark): mark for number in numbers for mark in worded.covering[number]}.values())
    same = [mark for mark in there if mark.entity.spans == entity.spans]
    if any(mark.label == entity.label for mark in same):
        return None
    if same:
        return "label", same[0]
    if not there:
        return "missed", None
    overlapping = [mark for mark in there if mark.label == entity.label]
    return ("borders", overlapping[0]) if overlapping else None
