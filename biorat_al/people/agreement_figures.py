"""Figures of agreement between annotators, computed from sums over documents, with their intervals.

An F1 between two annotators is twice what both have, divided by what each has; it is the same whoever is taken as gold.
All pairs together are the sums over pairs. The intervals resample the documents (:mod:`biorat_al.people.bootstrap`).
:data:`~biorat_al.people.compared_text.MEASURES` says what is compared.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from biorat_al.corpus.model.identity import mention_key, relation_keys
from biorat_al.people import chance
from biorat_al.people.bootstrap import Array, Interval, interval, ratio
from biorat_al.people.compared_text import MEASURES, OF_RELATIONS, ComparedText, Measure, Shared
from biorat_al.people.doubles import Double
from biorat_al.people.pairing import DIFFERENCES, Difference

Labels = tuple[str | None, str | None]

_OF_SOMETHING: tuple[Measure, ...] = ("label", *OF_RELATIONS)
"""Measures that are undefined where there is nothing to compare."""


class Measured(NamedTuple):
    """A figure with its interval.

    :param value: None if it is undefined, because there is nothing to divide by.
    :param interval: lower and upper end; None if it cannot be computed.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Agreement on one label, or on all of them.

    :param marked: number of mentions (or relations) of each annotator, by pseudonym.
    :param measured: the figures, in the order of :data:`~biorat_al.people.compared_text.MEASURES`.
    """

    marked: Mapping[str, int]
    measured: Mapping[Measure, Measured]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values; figures are fractions."""
        return {"marked": dict(self.marked)} | {name: one._asdict() for name, one in self.measured.items()}


@dataclass(frozen=True, slots=True)
class ComparedAnnotators:
    """How far two annotators agree, or all pairs together.

    :param annotators: pseudonyms.
    :param texts: number of texts that both annotated, or at least two of them all.
    :param overall: figures over all labels; None in a report on one label.
    :param by_label: figures of each entity label that somebody used; `by_relation`: of each relation label.
    :param differences: number of differences by kind.
    :param confusion: labels of the mentions that answer to each other, None for nothing, → number. For all pairs
        together, the order of the two labels has no meaning.
    """

    annotators: tuple[str, ...]
    texts: int
    overall: Figures | None
    by_label: Mapping[str, Figures]
    by_relation: Mapping[str, Figures]
    differences: Mapping[Difference, int]
    confusion: Mapping[Labels, int]

    def parts(self) -> Iterator[tuple[str, Figures]]:
        """Yield all figures with their labels; those over all labels come first, with an empty one."""
        if self.overall is not None:
            yield "", self.overall
        yield from self.by_label.items()
        yield from self.by_relation.items()

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "annotators": list(self.annotators),
            "texts": self.texts,
            "overall": self.overall.as_dict() if self.overall else None,
            "by_label": {label: figures.as_dict() for label, figures in self.by_label.items()},
            "by_relation": {label: figures.as_dict() for label, figures in self.by_relation.items()},
            "differences": dict(self.differences),
            "confusion": [
                {"first": first, "second": second, "number": number}
                for (first, second), number in self.confusion.items()
            ],
        }


class Tally:
    """Sums over the texts of two annotators, or of all, by the document with which the bootstrap draws a text."""

    def __init__(self) -> None:
        self.texts = 0
        self.marked: defaultdict[str, Counter[tuple[str, bool]]] = defaultdict(Counter)
        self.parts: defaultdict[tuple[Measure, str | None], Counter[tuple[int, int]]] = defaultdict(Counter)
        self.cells: defaultdict[int, defaultdict[chance.Cell, float]] = defaultdict(lambda: defaultdict(float))
        self.differences: Counter[Difference] = Counter()
        self.confusion: Counter[Labels] = Counter()

    def text(self, double: Double, cells: Mapping[chance.Cell, float]) -> None:
        """Add a text, with the categories that annotators gave its tokens."""
        self.texts += 1
        for cell, number in cells.items():
            self.cells[double.drawn_with][cell] += number
        for name, annotation in double.given.items():
            counts = self.marked[name]
            counts.update((label, False) for label, _ in {mention_key(entity) for entity in annotation.entities})
            counts.update((label, True) for label, *_ in set(relation_keys(annotation).values()))

    def add(self, unit: int, compared: ComparedText) -> None:
        """Add what two annotators of a text have in common, and how they differ."""
        for key, part in compared.parts.items():
            sums = self.parts[key]
            sums[unit, 0] += part.both
            sums[unit, 1] += part.all
        self.differences.update(difference for difference, *_ in compared.differences)
        self.confusion.update(compared.confusion)

    def compared(self, annotators: tuple[str, ...], corrected: Literal["kappa", "alpha"]) -> ComparedAnnotators:
        """Return the figures.

        :param corrected: the measure that corrects for chance; ``alpha`` is for all pairs together.
        """
        figures = _Figures(self, annotators, corrected)
        relations = {label for measure, label in self.parts if measure in OF_RELATIONS and label is not None}
        entities = {label for measure, label in self.parts if measure == "strict" and label is not None}
        confusion = Counter[Labels]()
        for (first, second), number in self.confusion.items():
            ordered = (first, second) if corrected == "kappa" else sorted((first, second), key=_place)
            confusion[ordered[0], ordered[1]] += number
        return ComparedAnnotators(
            annotators,
            self.texts,
            figures.of(None),
            {label: figures.of(label) for label in sorted(entities)},
            {label: figures.of(label, relation=True) for label in sorted(relations)},
            {kind: self.differences[kind] for kind in DIFFERENCES},
            dict(sorted(confusion.items(), key=lambda item: (-item[1], [_place(label) for label in item[0]]))),
        )


def shared_f1(documents: Sequence[Shared]) -> Measured:
    """Return F1 over documents with its interval; 1 if nothing was marked at all, as in ``Counts.f1``."""
    return _measured(np.array(documents, dtype=np.float64), partial(ratio, empty=1.0))


class _Figures:
    """The figures of a tally with their intervals."""

    def __init__(self, tally: Tally, annotators: Sequence[str], corrected: Literal["kappa", "alpha"]) -> None:
        self._tally, self._annotators, self._corrected = tally, annotators, corrected
        self._units = list(tally.cells)
        self._known, self._cells = chance.table([tally.cells[unit] for unit in self._units])

    def of(self, label: str | None, *, relation: bool = False) -> Figures:
        """Return the figures of a label; of all labels, with those of relations, if it is None."""
        marked = {
            name: sum(
                number
                for (one, is_relation), number in self._tally.marked[name].items()
                if is_relation == relation and label in (None, one)
            )
            for name in self._annotators
        }
        measured: dict[Measure, Measured] = {}
        for measure in MEASURES:
            if measure == self._corrected and not relation:
                measured[measure] = self._on_tokens(label)
            elif (measure, label) in self._tally.parts and (label is None or (measure in OF_RELATIONS) == relation):
                measured[measure] = self._ratio(measure, label)
        return Figures(marked, measured)

    def _on_tokens(self, label: str | None) -> Measured:
        compute = chance.kappa if self._corrected == "kappa" else chance.alpha
        cells = self._cells if label is None else chance.only(label, self._known, self._cells)
        return _measured(cells, compute)

    def _ratio(self, measure: Measure, label: str | None) -> Measured:
        sums = self._tally.parts[measure, label]
        parts = np.array([[sums[unit, side] for side in (0, 1)] for unit in self._units], dtype=np.float64)
        # if neither marked anything at all, they agree, as in Counts.f1; this is no figure of a label or of relations
        empty = 1.0 if label is None and measure not in _OF_SOMETHING else np.nan
        return _measured(parts, partial(ratio, empty=empty))


def _measured(sums: Array, figure: Callable[[Array], Array]) -> Measured:
    value = float(figure(sums.sum(0)[None])[0])
    return Measured(None, None) if np.isnan(value) else Measured(value, interval(sums, figure))


def _place(label: str | None) -> tuple[bool, str]:
    """Return the place of a label among others; None comes last."""
    return label is None, label or ""
