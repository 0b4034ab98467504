"""Mentions that a model predicts surely and annotators have not marked, or marked in another way.

This takes two parts of confident learning (Northcutt, Jiang and Chuang 2021, *Confident learning: estimating
uncertainty in dataset labels*, Journal of Artificial Intelligence Research 70, sections 2 and 3):

- Only predictions out of sample count: those of a model that has not learnt from the document.
- A prediction is confident if its confidence reaches the mean confidence of the label's predictions that annotators
  confirm (equation 2, the threshold of a class). So a label of which the model is never sure has a low threshold.

It does not take the joint distribution of given and true labels, because that needs the probability of every label at
every span, and only the predicted mentions are kept. So a mention that the model does not predict is no evidence
here: how improbable the model finds it is not known.

With a calibrated confidence c, the odds of an error are ``c e : (1 - c)``, where e is how often annotators make such an
error (:mod:`biorat_al.people.audit.shares`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

from biorat_al.corpus.model.document import Entity
from biorat_al.people.audit.annotated import Mark, Worded
from biorat_al.people.audit.findings import FLOOR, Evidence, Finding, Kind, Suggestion, excerpt
from biorat_al.people.audit.shares import ERRORS, posterior

_SUREST = 0.99
"""Highest confidence that is believed."""

_SEEN = 0.25
"""How much rarer an error is where the annotator saw the prediction and decided against it."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model predicted for a document before it had learnt from the document's answers.

    :param model: version of the model.
    :param entities: the predicted mentions; each score is a calibrated confidence.
    :param seen: whether annotators saw them as pre-labels.
    """

    model: str
    entities: tuple[Entity, ...]
    seen: bool = False


def model_findings(corpus: Sequence[Worded], predicted: Mapping[str, Predicted]) -> Iterator[Finding]:
    """Yield the places where a confident prediction differs from what is marked.

    :param predicted: by document id; documents without predictions are left out.
    """
    pairs = [(worded, predicted[worded.id]) for worded in corpus if worded.id in predicted]
    thresholds = _thresholds(pairs)
    for worded, prediction in pairs:
        rate = ERRORS * (_SEEN if prediction.seen else 1)
        for entity in prediction.entities:
            confidence = entity.score or 0.0
            score = posterior(min(confidence, _SUREST), rate)
            if confidence < thresholds.get(entity.label, inf) or score < FLOOR:
                continue
            found = _difference(worded, entity)
            if found is not None:
                kind, mark = found
                seen = ", which the annotator saw" if prediction.seen else ""
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


def _difference(worded: Worded, entity: Entity) -> tuple[Kind, Mark | None] | None:
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
