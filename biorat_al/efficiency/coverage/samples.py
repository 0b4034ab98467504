"""The random samples of a project: what rounds with the strategy ``random`` picked, and a test set drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.efficiency.coverage.estimate import FEWEST, Sample
from biorat_al.efficiency.coverage.texts import Texts, annotated_test_set
from biorat_al.rounds.steps.select import FRAME, is_random_draw
from biorat_al.settings import Settings
from biorat_al.store.documents import was_test_set_named
from biorat_al.store.models import expected_mentions
from biorat_al.store.picks import picks_of
from biorat_al.store.rounds import all_rounds, steps_of
from biorat_al.wording import plural


@dataclass(frozen=True)
class RandomSample:
    """A random sample and what it is.

    :param title: in words, such as ``120 sentences of round 5``.
    :param with_model: whether it is known what a model had expected in it.
    """

    title: str
    sample: Sample
    with_model: bool = False


def random_samples(session: Session, settings: Settings, texts: Texts) -> list[RandomSample]:
    """Return the random samples of a project that are large enough, in the order in which they were drawn."""
    found = [_test_set(session, settings, texts)]
    for row in all_rounds(session):
        counts = next((one.counts for one in steps_of(session, row.number) if one.name == "select"), {})
        if is_random_draw(counts):
            found.append(_of_round(session, texts, row.number, counts))
    return [one for one in found if one is not None and one.sample.is_usable]


def _test_set(session: Session, settings: Settings, texts: Texts) -> RandomSample | None:
    """Return the annotated test documents, a random sample of all documents; None if they were not drawn at random."""
    if was_test_set_named(session) is not False:
        return None
    words, mentions = annotated_test_set(session, settings, texts.labels)
    title = f"{plural(len(words), 'test document')}"
    return RandomSample(title, Sample(words, mentions, float(texts.words.sum()), texts.found.sum(axis=0)))


def _of_round(session: Session, texts: Texts, number: int, counts: Mapping[str, Any]) -> RandomSample | None:
    """Return what a round drew at random and annotators have answered or skipped; what they skipped has no mentions.

    What was asked for before and is still open is taken to be as rich as what the sample was drawn from.
    """
    picked = np.array([pick.document_id for pick in picks_of(session, number)], dtype=np.int64)
    whole = bool(np.isin(picked, texts.documents).all())
    own = texts.documents if whole else texts.ids
    done = np.isin(own, picked)
    # of a document that is still open, some sentences may have been answered before
    done &= ~np.isin(own, own[done & ~texts.seen & ~texts.in_state("skipped")])
    units, place = np.unique(own[done], return_inverse=True)
    if len(units) < FEWEST:
        return None
    frame = ~texts.given & ~texts.asked_before(number, whole=whole)
    rest = frame & ~done
    waiting = ~frame & ~texts.given & texts.unseen
    around = float(texts.words[rest].sum())
    sample = Sample(
        _summed(texts.words[done], place, len(units)),
        _summed(texts.found[done], place, len(units)),
        around + float(texts.words[waiting].sum()),
        texts.found[rest].sum(axis=0),
    )
    noun = "document" if whole else "sentence"
    title = f"{plural(len(units), noun)} of round {number}"
    if len(units) < len(picked):
        title = f"{len(units):,} of {plural(len(picked), noun)} of round {number}"
    # documents that were begun by sentences are shown with the answers to these, which replace what was predicted there
    begun = whole and bool((texts.asked_before(number) & np.isin(own, picked)).any())
    expected = None if begun else _expected(session, texts.labels, units.tolist(), counts.get(FRAME, {}))
    if expected is None:
        return RandomSample(title, sample)
    of_units, per_word = expected
    rest_expected = np.maximum(per_word * float(texts.words[frame].sum()) - of_units.sum(axis=0), 0.0)
    if around > 0:
        rest_expected = rest_expected * sample.rest / around
    return RandomSample(title, replace(sample, expected=of_units, rest_expected=rest_expected), with_model=True)


def _expected(
    session: Session, labels: Sequence[str], units: Sequence[int], frame: Mapping[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return what the model that predicted a sample before it was annotated expected.

    :param frame: what the round has noted; rounds before there was a model, or of earlier versions, have not.
    :return: mentions in each text of the sample, shape (texts, labels), and for each word of what it was drawn from,
        shape (labels,); None if this is not known.
    """
    if not frame.get("words"):
        return None
    by_unit = dict(expected_mentions(session, frame["model"], units))
    if by_unit.keys() != set(units):
        return None
    of_units = np.array([[by_unit[unit][label] for label in labels] for unit in units], dtype=np.float64)
    total = np.array([frame["expected"].get(label, 0.0) for label in labels])
    return of_units, total / frame["words"]


def _summed(values: NDArray[np.float64], place: NDArray[np.int64], number: int) -> NDArray[np.float64]:
    """Return the sums of the rows of `values` that belong together, shape (number, ...).

    :param place: which sum each row belongs to.
    """
    summed = np.zeros((number, *values.shape[1:]))
    np.add.at(summed, place, values)
    return summed
