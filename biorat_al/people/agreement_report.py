"""The report on agreement between annotators: what each pair, and all pairs together, agree on, with intervals.

Each figure is computed from sums over documents, and its interval by resampling these
(:mod:`biorat_al.people.bootstrap`). An F1 between two annotators is twice what both have, divided by what each has; it
is the same whoever is taken as gold. All pairs together are the sums over pairs.
:data:`~biorat_al.people.compared_text.MEASURES` says what is compared.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from biorat_al.claims import check_target, claimed
from biorat_al.corpus.model.identity import mention_key, relation_keys
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.files import replacing
from biorat_al.people import chance
from biorat_al.people.bootstrap import Array, Interval, interval, ratio
from biorat_al.people.compared_text import MEASURES, OF_RELATIONS, ComparedText, Marked, Measure, compare_text
from biorat_al.people.doubles import Double, read_doubles, several_answers
from biorat_al.people.matching import DIFFERENCES, Difference
from biorat_al.people.pseudonyms import number_of
from biorat_al.wording import plural

ALL_PAIRS = "all pairs"

_OF_SOMETHING: tuple[Measure, ...] = ("label", *OF_RELATIONS)
"""Measures that are undefined where there is nothing to compare."""

COLUMNS = ("first", "second", "label", "measure", "value", "low", "high", "texts", "marked")

Pair = tuple[str, str]

Labels = tuple[str | None, str | None]


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
class Disagreement:
    """One difference between two annotators.

    :param document: id of the document, or of the segment.
    :param first: what the first of `annotators` marked; None if that is nothing. `second` likewise.
    """

    difference: Difference
    document: str
    annotators: Pair
    first: Marked | None
    second: Marked | None

    def concerns(self, label: str) -> bool:
        """Return whether one of the two marked something with this label."""
        return any(side is not None and side.label == label for side in (self.first, self.second))

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        first, second = (None if side is None else side._asdict() for side in (self.first, self.second))
        return {
            "difference": self.difference,
            "document": self.document,
            "annotators": list(self.annotators),
            "first": first,
            "second": second,
        }


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


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Agreement between annotators on the texts that several of them annotated independently.

    :param blind: whether only answers count that began without a pre-label.
    :param not_blind: number of texts left out because they have fewer than two such answers.
    :param documents: number of documents among the texts; `sentences`: number of segments.
    :param all_pairs: all pairs together.
    :param pairs: each pair that annotated a text together, in the order of the pseudonyms.
    :param disagreements: all differences, in the order of the texts.
    """

    blind: bool
    not_blind: int
    documents: int
    sentences: int
    all_pairs: ComparedAnnotators
    pairs: tuple[ComparedAnnotators, ...]
    disagreements: tuple[Disagreement, ...] = field(repr=False)

    def only(self, label: str) -> AgreementReport:
        """Return the report on one label of mentions or relations.

        :raises UsageError: nobody used this label in these texts; the message lists the known ones.
        """
        known = [name for name, _ in self.all_pairs.parts() if name]
        if label not in known:
            raise UsageError(
                f"nobody marked {label!r} in the texts that several people annotated; there are "
                f"{', '.join(known) or 'no labels'}"
            )
        kept = tuple(one for one in self.disagreements if one.concerns(label))

        def reduced(scope: ComparedAnnotators, among: Iterable[Disagreement]) -> ComparedAnnotators:
            counts = Counter(one.difference for one in among)
            return replace(
                scope,
                overall=None,
                by_label={label: scope.by_label[label]} if label in scope.by_label else {},
                by_relation={label: scope.by_relation[label]} if label in scope.by_relation else {},
                differences={kind: counts[kind] for kind in DIFFERENCES},
                confusion={labels: number for labels, number in scope.confusion.items() if label in labels},
            )

        return replace(
            self,
            all_pairs=reduced(self.all_pairs, kept),
            pairs=tuple(
                reduced(pair, [one for one in kept if one.annotators == pair.annotators]) for pair in self.pairs
            ),
            disagreements=kept,
        )

    def examples(self, number: int) -> list[Disagreement]:
        """Return examples of each kind of difference, spread evenly over the texts.

        :param number: most examples of a kind.
        """
        found = []
        for kind in DIFFERENCES:
            some = [one for one in self.disagreements if one.difference == kind]
            shown = min(number, len(some))
            found += [some[place * len(some) // shown] for place in range(shown)]
        return found

    def as_dict(self, *, examples: int) -> dict[str, Any]:
        """Return JSON values; figures are fractions.

        :param examples: most examples of each kind of difference.
        """
        return {
            "blind": self.blind,
            "left_out": self.not_blind,
            "documents": self.documents,
            "sentences": self.sentences,
            "measures": dict(MEASURES),
            "all_pairs": self.all_pairs.as_dict(),
            "pairs": [pair.as_dict() for pair in self.pairs],
            "examples": [one.as_dict() for one in self.examples(examples)],
        }

    def write_csv(self, path: Path, *, force: bool = False) -> None:
        """Write a table with a row for each figure; those of all pairs come first, without a second annotator.

        The columns are ``first`` and ``second`` (annotator), ``label`` (empty for all labels), ``measure``, ``value``,
        ``low`` and ``high`` (ends of the interval), ``texts`` and ``marked`` (mentions or relations of both).

        :param force: replace an existing file.
        :raises ProjectError: the file already exists and `force` is not set.
        """
        with claimed(path, force=force) as claim:
            check_target(path, force=force, claim=claim)
            with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows())

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of :meth:`write_csv`, with None for empty cells."""
        for scope in (self.all_pairs, *self.pairs):
            first, second = (ALL_PAIRS, None) if scope is self.all_pairs else scope.annotators
            for label, figures in scope.parts():
                for measure, (value, between) in figures.measured.items():
                    low, high = between or (None, None)
                    yield {
                        "first": first,
                        "second": second,
                        "label": label or None,
                        "measure": measure,
                        "value": value,
                        "low": low,
                        "high": high,
                        "texts": scope.texts,
                        "marked": sum(figures.marked.values()),
                    }


def agreement_report(doubles: Iterable[Double], *, blind: bool = True, not_blind: int = 0) -> AgreementReport:
    """Compare the annotators of texts that several people annotated.

    :param doubles: the texts, at least one.
    :param blind: as for :class:`AgreementReport`, like `not_blind`.
    """
    everybody = _Tally()
    pairs: defaultdict[Pair, _Tally] = defaultdict(_Tally)
    disagreements: list[Disagreement] = []
    documents = sentences = 0
    for double in doubles:
        documents += double.role != "segment"
        sentences += double.role == "segment"
        places = chance.tokens(double.document.text)
        given = {name: chance.categories(places, one.entities) for name, one in double.given.items()}
        everybody.text(double, chance.coincidences(list(given.values())))
        for first, second in combinations(double.given, 2):
            compared = compare_text(double.document, double.given[first], double.given[second])
            of_pair = pairs[first, second]
            of_pair.text(double, chance.contingency(given[first], given[second]))
            of_pair.add(double.drawn_with, compared)
            everybody.add(double.drawn_with, compared)
            disagreements += [
                Disagreement(difference, double.document.id, (first, second), *sides)
                for difference, *sides in compared.differences
            ]
    names = sorted({name for pair in pairs for name in pair}, key=number_of)
    return AgreementReport(
        blind,
        not_blind,
        documents,
        sentences,
        everybody.compared(tuple(names), "alpha"),
        tuple(
            pairs[first, second].compared((first, second), "kappa")
            for first, second in sorted(pairs, key=lambda pair: [number_of(name) for name in pair])
        ),
        tuple(disagreements),
    )


def measure_agreement(session: Session, *, pre_labelled: bool = False) -> AgreementReport:
    """Compare the annotators of a project on the texts that several of them annotated independently.

    :param pre_labelled: also count answers that began from a pre-label.
    :raises NothingToDoYet: no text has two answers that count.
    """
    answered = several_answers(session, pre_labelled=pre_labelled)
    if not answered.chosen:
        raise NothingToDoYet(_nothing(answered.not_blind))
    doubles = read_doubles(session, answered.chosen, pre_labelled=pre_labelled)
    return agreement_report(doubles, blind=not pre_labelled, not_blind=answered.not_blind)


def _nothing(not_blind: int) -> str:
    if not_blind:
        return (
            f"several people answered {plural(not_blind, 'text')} independently, but no text has two answers that "
            "began without a pre-label; to count the others too, which flatters: biorat-al agreement --pre-labelled"
        )
    return (
        "no document has independent answers of two people yet, so their agreement is not known; ask two people for "
        "the same task, best in the blind test set"
    )


class _Tally:
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


class _Figures:
    """The figures of a tally with their intervals."""

    def __init__(self, tally: _Tally, annotators: Sequence[str], corrected: Literal["kappa", "alpha"]) -> None:
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
        # if neither marked anything at all, they agree, as in Counts.f1; this says nothing of a label or of relations
        empty = 1.0 if label is None and measure not in _OF_SOMETHING else np.nan
        return _measured(parts, partial(ratio, empty=empty))


def _measured(sums: Array, figure: Callable[[Array], Array]) -> Measured:
    value = float(figure(sums.sum(0)[None])[0])
    return Measured(None, None) if np.isnan(value) else Measured(value, interval(sums, figure))


def _place(label: str | None) -> tuple[bool, str]:
    """Return the place of a label among others; None comes last."""
    return label is None, label or ""
