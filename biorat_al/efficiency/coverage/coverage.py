"""Which share of all mentions in the pool has been found, and what it takes to find 95 % of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from biorat_al.efficiency.coverage.estimate import FEWEST, LEVEL, UnfoundMentions, mentions_left, share_found
from biorat_al.efficiency.coverage.hours import Hours, Varied, hours_to
from biorat_al.efficiency.coverage.samples import RandomSample, random_samples
from biorat_al.efficiency.coverage.texts import Texts, pool_texts
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.rounds.context import check_sentences
from biorat_al.rounds.pool import predicted_sample
from biorat_al.rounds.unasked import not_asked
from biorat_al.settings import Settings
from biorat_al.store.models import expected_mentions, newest_model
from biorat_al.store.store import Store
from biorat_al.wording import plural

TARGET = 0.95
"""Share of all mentions that a corpus is wanted to have."""

WIDE = 0.1
"""Half the width of an interval from which on a further random sample is advised, as a fraction."""

ADVISED = 10
"""Documents, or sentences worth as many in time, that a random sample is advised to have."""


@dataclass(frozen=True, slots=True)
class FoundShare:
    """How many of the mentions of one label, or of all labels together, have been found.

    :param label: None for all labels together.
    :param found: mentions in the answers that count.
    :param left: estimated mentions in the text that nobody has annotated; None if that cannot be estimated.
    :param interval: of `left`, 95 %; None if no random sample says how far off it may be.
    """

    label: str | None
    found: int
    left: float | None
    interval: tuple[float, float] | None = None

    @property
    def share(self) -> float | None:
        """Share of all mentions that has been found, a fraction."""
        return None if self.left is None else share_found(self.found, self.left)

    @property
    def share_interval(self) -> tuple[float, float] | None:
        """The interval of :attr:`share`; it reaches up to 1 where nothing may be left."""
        if self.interval is None or self.share is None:
            return None
        low, high = (share_found(self.found, end) for end in reversed(self.interval))
        return 0.0 if low is None else low, 1.0 if high is None else high

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON values; shares are fractions."""
        return {
            "label": self.label,
            "found": self.found,
            "left": self.left,
            "left_interval": self.interval,
            "share": self.share,
            "share_interval": self.share_interval,
        }


@dataclass(frozen=True)
class MentionCoverage:
    """Which share of all mentions in the pool has been found, and what that estimate rests on.

    :param total: of all labels together that could be estimated.
    :param labels: of each label, in the order of the settings.
    :param samples: the random samples, each in words and with its weight.
    :param basis: what the estimate rests on, a sentence.
    :param hours: of annotation until 95 % are found, with their interval; None without a random sample.
    :param hours_varied: the least and the most of these hours with one price halved or doubled; None likewise.
    :param advice: what to do for a better estimate, a sentence; None: nothing.
    :param words: words in the pool, and of these in text that nobody has annotated.
    :param notes: sentences on what was left out.
    """

    total: FoundShare
    labels: tuple[FoundShare, ...]
    samples: tuple[tuple[str, float], ...]
    basis: str
    hours: Hours | None
    advice: str | None
    words: tuple[int, int]
    notes: tuple[str, ...] = ()
    hours_varied: Varied | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        hours = None if self.hours is None else dict(zip(("value", "low", "high"), self.hours, strict=True))
        if hours is not None and self.hours_varied is not None:
            hours["least_with_one_price_changed"], hours["most_with_one_price_changed"] = self.hours_varied
        return {
            "level": LEVEL,
            "target": TARGET,
            "total": self.total.as_dict(),
            "labels": [one.as_dict() for one in self.labels],
            "hours": hours,
            "words": {"pool": self.words[0], "not_annotated": self.words[1]},
            "samples": [{"title": title, "weight": weight} for title, weight in self.samples],
            "basis": self.basis,
            "advice": self.advice,
            "notes": list(self.notes),
        }


def mention_coverage(settings: Settings, store: Store) -> MentionCoverage:
    """Estimate which share of all mentions in the pool has been found.

    :raises NothingToDoYet: nothing has been annotated yet.
    """
    with store.read() as session:
        late = [one.name for one in not_asked(session, settings) if one.kind == "label"]
        texts = pool_texts(session, settings, tuple(label for label in settings.labels if label not in late))
        if not texts.seen.any() or not texts.labels:
            raise NothingToDoYet(
                "nothing has been annotated yet, so nothing can be said about what has been found; annotate the open "
                "tasks, then run: biorat-al round"
            )
        drawn = random_samples(session, settings, texts)
        left = mentions_left([one.sample for one in drawn], seed=settings.seed) if drawn else None
        expected = None if drawn else _expected(session, texts)
        hours, varied = (None, None) if left is None else hours_to(session, settings, texts, left, TARGET)
    *labels, total = _rows(texts, left, expected)
    return MentionCoverage(
        total,
        tuple(labels),
        () if left is None else tuple(zip((one.title for one in drawn), left.weights, strict=True)),
        _basis(drawn, left, expected),
        hours,
        _advice(settings, total),
        (int(texts.words.sum()), int(texts.words[texts.unseen].sum())),
        tuple(_notes(texts, late)),
        varied,
    )


def _expected(session: Session, texts: Texts) -> NDArray[np.float64] | None:
    """Return what the newest model expects in the text that nobody has annotated, by label; None without a model."""
    model = newest_model(session)
    if model is None:
        return None
    words: dict[int, float] = defaultdict(float)
    unseen: dict[int, float] = defaultdict(float)
    for row_id, document, count, is_unseen in zip(
        texts.ids.tolist(), texts.documents.tolist(), texts.words.tolist(), texts.unseen.tolist(), strict=True
    ):
        # it may have predicted sentences or documents, and of these some sentences may be annotated
        for one in {row_id, document}:
            words[one] += count
            unseen[one] += count * is_unseen
    ids = [one for one, count in unseen.items() if count > 0]
    total = np.zeros(len(texts.labels))
    predicted = set[int]()
    for row_id, of_one in expected_mentions(session, model.version, ids):
        total += np.array([of_one[label] for label in texts.labels]) * unseen[row_id] / words[row_id]
        predicted.add(row_id)
    sample = predicted_sample(session, model.round_number)
    if sample and sample["words"]:
        # of a large pool only a part was predicted, and a random sample in it says what to expect of the rest
        known = list(predicted)
        rest = texts.unseen & ~np.isin(texts.ids, known) & ~np.isin(texts.documents, known)
        per_word = np.array([sample["expected"].get(label, 0.0) for label in texts.labels]) / sample["words"]
        total += per_word * float(texts.words[rest].sum())
    return total


def _rows(texts: Texts, left: UnfoundMentions | None, expected: NDArray[np.float64] | None) -> list[FoundShare]:
    """Return what was found and what is left of each label, and of all together in the last place."""
    found = texts.found.sum(axis=0)
    rows = []
    for place, label in enumerate((*texts.labels, None)):
        number = round(float(found.sum() if label is None else found[place]))
        if left is not None:
            ends = float(left.low[place]), float(left.high[place])
            rows.append(FoundShare(label, number, float(left.left[place]), ends))
        elif expected is not None:
            rows.append(FoundShare(label, number, float(expected.sum() if label is None else expected[place])))
        else:
            rows.append(FoundShare(label, number, None))
    return rows


def _basis(drawn: Sequence[RandomSample], left: UnfoundMentions | None, expected: NDArray[np.float64] | None) -> str:
    """Return what the estimate rests on, as a sentence."""
    if left is None:
        if expected is None:
            return "There is neither a random sample of the text nor a model, so what is left cannot be estimated."
        return (
            "It rests on the newest model's confidences alone: no random sample of the text says how far off they are, "
            "so there is no interval."
        )
    several = len(drawn) > 1
    names = [
        f"{one.title} ({100 * weight:.0f} %)" if several else one.title
        for one, weight in zip(drawn, left.weights, strict=True)
    ]
    text = f"It rests on {', '.join(names)}, drawn at random"
    if any(one.with_model for one in drawn):
        text += ", and on what the model expected in the text, which the sample corrects"
    return f"{text}."


def _advice(settings: Settings, total: FoundShare) -> str | None:
    """Return what to do for a better estimate, as a sentence; None if it is good enough."""
    ends = total.share_interval
    if ends is not None and (ends[1] - ends[0]) / 2 <= WIDE:
        return None
    unit = "sentence"
    try:
        check_sentences(settings)
    except UsageError:
        unit = "document"
    command = f"biorat-al round --strategy random --unit {unit} --size {ADVISED}"
    if ends is None:
        return (
            f"Fewer than {FEWEST} texts that were drawn at random are annotated, so nothing says how much the text "
            f"that nobody has annotated holds. Let a round draw some: {command}; once they are annotated, run "
            "biorat-al round and biorat-al coverage again."
        )
    return f"A random sample of what is left would make the interval narrower: {command}"


def _notes(texts: Texts, late: Sequence[str]) -> Iterator[str]:
    """Yield a sentence on each thing that was left out."""
    for label in late:
        yield f"{label} was added after documents had been annotated, where it is unknown; it is left out"
    skipped = texts.in_state("skipped", "deleted") & ~texts.seen
    if skipped.any():
        words = int(texts.words[skipped].sum())
        yield f"{plural(words, 'word')} that annotators skipped, or whose tasks were deleted, do not count as left"
