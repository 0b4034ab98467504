"""The work that a document is expected to take, from its length and a model's pre-labels.

A pre-label of calibrated confidence c is expected to be confirmed with probability c, and else to be changed or
removed, in the proportion in which annotators of this project have done so. What the model missed cannot be seen in its
predictions; it is expected in proportion to what is right among them, again as annotators have found it. Before anybody
has answered a task with pre-labels, half of the wrong ones count as changed, and one mention is missed for every two
that are right. Without a model, mentions are expected at the rate per word at which they have been marked so far, or,
before the first answer, at one in sixteen words. The last figures are guesses; a strategy that divides by seconds needs
only their order to be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from biorat_al.acquisition.price.answered import AnsweredWork
from biorat_al.acquisition.price.work import Work, total

_CHANGED, _MISSED, _PER_WORD = 0.5, 0.5, 1 / 16

_BEFORE = 10.0
"""Mentions that each guess counts for beside what was observed."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What annotators do on average.

    :param changed: share of the wrong pre-labels that are changed rather than removed.
    :param missed: mentions added for each pre-label that is right.
    :param per_word: mentions for each word.
    """

    changed: float = _CHANGED
    missed: float = _MISSED
    per_word: float = _PER_WORD


def rates_of(answers: Iterable[AnsweredWork]) -> Rates:
    """Return what annotators have done so far, with guesses where little has been observed."""
    known = [one for one in answers if one.exact]
    # people's own answers, shown again, say nothing about a model's pre-labels
    judged = [one.own or one.work for one in known]
    shown = total(work for work in judged if work.confirmed or work.changed or work.removed)
    every = total(one.work for one in known)
    return Rates(
        (shown.changed + _CHANGED * _BEFORE) / (shown.changed + shown.removed + _BEFORE),
        (shown.added + _MISSED * _BEFORE) / (shown.confirmed + _BEFORE),
        (every.mentions + _BEFORE) / (every.words + _BEFORE / _PER_WORD),
    )


def expected_work(words: float, confidences: Sequence[float] | None, rates: Rates) -> Work:
    """Return the work that one task with a document of this length is expected to take.

    :param confidences: the model's confidence in each of its pre-labels, from 0 to 1; None: there are no pre-labels.
    """
    if confidences is None:
        return Work(words, added=words * rates.per_word, tasks=1)
    right = sum(confidences)
    wrong = len(confidences) - right
    return Work(
        words,
        added=rates.missed * right,
        changed=rates.changed * wrong,
        removed=(1 - rates.changed) * wrong,
        confirmed=right,
        tasks=1,
    )
