"""Words at which a model that had not learnt from the document is sure of something else than what is marked.

This is confident learning (:mod:`biorat_al.people.audit.confident`) on words, whose classes are the labels and none. It
needs the probability of every label at every word, which only models have that were trained for the audit. Each label
has a chain of tags by itself, so the probability of a class is that of its label and no other one, divided by the sum
over all classes.

Doubtful words next to each other make one finding:

- unmarked words that have a label: a mention was missed, or the mention beside them is too short;
- a whole mention whose words have no label, or all the same other one: it should not be marked, or has a wrong label;
- words at one border of a mention that have none: the mention is too long.

Words in mentions of several labels and in disputed ones are left out, as are labels that nobody was asked for. The odds
of an error are those of :mod:`biorat_al.people.audit.predictions`, with the mean probability over the words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Span
from biorat_al.people.audit.annotated import MarkedWords, Worded
from biorat_al.people.audit.borders import RATE
from biorat_al.people.audit.confident import NO_CLASS, class_thresholds, doubtful
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, Kind, Suggestion, excerpt
from biorat_al.people.audit.predictions import SUREST, Predicted, WordChances
from biorat_al.people.audit.shares import ERRORS, posterior
from biorat_al.people.audit.strings import extra_rate

NONE = 0
"""The class of words outside of all mentions; those of labels follow."""


class _Words(NamedTuple):
    """The words of one document, as its model cuts them.

    :param marks: the mention that covers each word, if exactly one does.
    :param given: class of each word; `NO_CLASS` if it is not known.
    :param probabilities: shape (words, classes).
    """

    worded: Worded
    predicted: Predicted
    chances: WordChances
    marks: list[MarkedWords | None]
    given: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def label(self, number: int) -> str:
        """Return the label of a class."""
        return self.chances.labels[number - 1]

    def span(self, first: int, end: int) -> Span:
        """Return the place of a range of words."""
        return Span(int(self.chances.starts[first]), int(self.chances.ends[end - 1]))


class _Stretch(NamedTuple):
    """Words next to each other with the same given class, of the same mention, and the same probable class."""

    first: int
    end: int
    given: int
    probable: int
    mark: MarkedWords | None


def word_findings(corpus: Sequence[Worded], predicted: Mapping[str, Predicted]) -> Iterator[Finding]:
    """Yield the places at whose words a model is sure of something else.

    :param predicted: by document id; documents without the probabilities of words are left out.
    """
    everything = [
        _words(worded, predicted[worded.id], chances)
        for worded in corpus
        if worded.id in predicted and (chances := predicted[worded.id].words) is not None
    ]
    for labels in sorted({one.chances.labels for one in everything}):
        yield from _of_one_model([one for one in everything if one.chances.labels == labels], extra_rate(corpus))


def _of_one_model(documents: Sequence[_Words], extra: float) -> Iterator[Finding]:
    """Yield the findings in documents whose models know the same labels."""
    given = np.concatenate([one.given for one in documents])
    probabilities = np.concatenate([one.probabilities for one in documents])
    known = given != NO_CLASS
    if not known.any():
        return
    thresholds = class_thresholds(given[known], probabilities[known])
    for one in documents:
        probable = np.full(len(one.given), NO_CLASS)
        asked = one.given != NO_CLASS
        probable[asked] = doubtful(one.given[asked], one.probabilities[asked], thresholds)
        for stretch in _stretches(one, probable):
            yield from _finding(one, stretch, thresholds, extra)


def _words(worded: Worded, predicted: Predicted, chances: WordChances) -> _Words:
    """Return the words of a document with their given classes and the probabilities of all classes."""
    number = len(chances.starts)
    unasked = worded.annotated.unasked.labels
    inside = np.where([label in unasked for label in chances.labels], 0.0, chances.inside)
    outside = 1 - inside
    none = outside.prod(axis=1)
    alone = np.stack(
        [inside[:, one] * np.delete(outside, one, axis=1).prod(axis=1) for one in range(inside.shape[1])], axis=1
    )
    probabilities = np.concatenate([none[:, None], alone], axis=1)
    probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)

    covering: list[list[MarkedWords]] = [[] for _ in range(number)]
    classes = {label: place for place, label in enumerate(chances.labels, start=NONE + 1)}
    given = np.full(number, NONE)
    for mark in worded.marks:
        for place in chances.words_in(mark.entity.spans):
            covering[place].append(mark)
            given[place] = classes.get(mark.label, NO_CLASS)
    given[[len(marks) > 1 for marks in covering]] = NO_CLASS
    for entity in worded.annotated.disputed:
        given[chances.words_in(entity.spans)] = NO_CLASS
    given[np.isin(given, [classes[label] for label in unasked & classes.keys()])] = NO_CLASS
    marks = [some[0] if len(some) == 1 else None for some in covering]
    return _Words(worded, predicted, chances, marks, given, probabilities)


def _stretches(one: _Words, probable: NDArray[np.int64]) -> Iterator[_Stretch]:
    first = 0
    for (given, other, _), some in groupby(zip(one.given.tolist(), probable.tolist(), map(id, one.marks), strict=True)):
        end = first + len(list(some))
        if other != NO_CLASS:
            yield _Stretch(first, end, given, other, one.marks[first])
        first = end


def _finding(one: _Words, stretch: _Stretch, thresholds: NDArray[np.float64], extra: float) -> Iterator[Finding]:
    """Yield the finding of a stretch of doubtful words, if what to do about it is clear."""
    found = _unmarked(one, stretch) if stretch.mark is None else _marked(one, stretch, stretch.mark)
    if found is None:
        return
    kind, mark, suggested = found
    confidence = float(one.probabilities[stretch.first : stretch.end, stretch.probable].mean())
    rates = {"borders": RATE, "extra": extra, "label": ERRORS}
    if kind == "missed" and suggested is not None:
        rates["missed"] = one.predicted.rate(suggested.label, [Span(suggested.start, suggested.end)])
    score = posterior(min(confidence, SUREST), rates[kind])
    if score < FLOOR:
        return
    what = "no mention" if stretch.probable == NONE else one.label(stretch.probable)
    sentence = (
        f"{one.predicted.model}, which had not learnt from this document, takes these words for {what} with "
        f"probability {confidence:.2f} (mean of all words annotated so: {thresholds[stretch.probable]:.2f})"
    )
    place = mark.entity if mark is not None else one.span(stretch.first, stretch.end)
    evidence = (Evidence("model", sentence, score),)
    label = mark.label if mark is not None else None
    yield Finding(kind, excerpt(one.worded, place.start, place.end), label, suggested, evidence, one.worded.annotators)


_Found = tuple[Kind, MarkedWords | None, Suggestion | None]


def _unmarked(one: _Words, stretch: _Stretch) -> _Found | None:
    """Return what is wrong with unmarked words that have a label; None if they are signs only."""
    start, end = one.span(stretch.first, stretch.end)
    label = one.label(stretch.probable)
    if not any(sign.isalnum() for sign in one.worded.text[start:end]):
        return None
    for beside in (stretch.first - 1, stretch.end):
        mark = one.marks[beside] if 0 <= beside < len(one.marks) else None
        if mark is not None and mark.label == label and not mark.entity.is_discontinuous:
            wider = Span(min(start, mark.entity.start), max(end, mark.entity.end))
            return "borders", mark, _suggestion(one, label, wider)
    return "missed", None, _suggestion(one, label, Span(start, end))


def _marked(one: _Words, stretch: _Stretch, mark: MarkedWords) -> _Found | None:
    """Return what is wrong with a mention of which these words are doubtful; None if only its middle is."""
    numbers = one.chances.words_in(mark.entity.spans)
    whole = len(numbers) == stretch.end - stretch.first
    if whole and stretch.probable == NONE:
        return "extra", mark, None
    if whole:
        suggested = Suggestion(one.label(stretch.probable), mark.entity.start, mark.entity.end, _text(one, mark))
        return None if mark.entity.is_discontinuous else ("label", mark, suggested)
    if stretch.probable != NONE or mark.entity.is_discontinuous:
        return None
    left = [number for number in numbers if not stretch.first <= number < stretch.end]
    if left[-1] - left[0] != len(left) - 1:
        return None
    shorter = one.span(left[0], left[-1] + 1)
    if not any(sign.isalnum() for sign in one.worded.text[slice(*shorter)]):
        return None
    return "borders", mark, _suggestion(one, mark.label, shorter)


def _text(one: _Words, mark: MarkedWords) -> str:
    return one.worded.text[mark.entity.start : mark.entity.end]


def _suggestion(one: _Words, label: str, span: Span) -> Suggestion:
    return Suggestion(label, *span, one.worded.text[slice(*span)])
