"""The report on agreement between annotators: what each pair, and all pairs together, agree on, with intervals."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.claims import check_target, claimed
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.files import replacing
from biorat_al.people import chance
from biorat_al.people.agreement_figures import ComparedAnnotators, Measured, Tally, shared_f1
from biorat_al.people.compared_text import CORRECTED, MEASURES, NOTHING, ComparedText, Marked, Shared, compare_text
from biorat_al.people.doubles import Double, read_doubles, several_answers
from biorat_al.people.pairing import DIFFERENCES, Difference
from biorat_al.people.pre_label_bias import PreLabelBias
from biorat_al.people.pseudonyms import number_of
from biorat_al.wording import plural

ALL_PAIRS = "all pairs"

COLUMNS = ("first", "second", "label", "measure", "value", "low", "high", "texts", "marked")

Pair = tuple[str, str]


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

    @property
    def sentence(self) -> str:
        """What each of the two marked, in one line."""
        sides = zip(self.annotators, (self.first, self.second), strict=True)
        return "; ".join(f"{name}: {NOTHING if side is None else side.sentence}" for name, side in sides)

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
class AgreementReport:
    """Agreement between annotators on the texts that several of them annotated independently.

    :param blind: whether only answers count that began without a pre-label.
    :param not_blind: number of texts left out because they have fewer than two such answers.
    :param documents: number of documents among the texts; `sentences`: number of segments.
    :param all_pairs: all pairs together.
    :param pairs: each pair that annotated a text together, in the order of the pseudonyms.
    :param disagreements: all differences, in the order of the texts.
    :param people: strict F1 of each annotator with all others, in the order of the pseudonyms; empty in a report on one
        label.
    :param pre_labels: what pre-labels do to people; None if that was not measured.
    """

    blind: bool
    not_blind: int
    documents: int
    sentences: int
    all_pairs: ComparedAnnotators
    pairs: tuple[ComparedAnnotators, ...]
    disagreements: tuple[Disagreement, ...] = field(repr=False)
    people: Mapping[str, Measured] = field(default_factory=dict)
    pre_labels: PreLabelBias | None = None

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
            people={},
            pre_labels=None,
        )

    @property
    def texts(self) -> str:
        """The number of documents and sentences in words."""
        numbers = ((self.documents, "document"), (self.sentences, "sentence"))
        return " and ".join(plural(number, noun) for number, noun in numbers if number)

    def examples(self, number: int) -> list[Disagreement]:
        """Return examples of each kind of difference, spread evenly over the texts.

        :param number: most examples of a kind.
        """
        return examples_of(self.disagreements, number)

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
            "annotators": {name: figure._asdict() for name, figure in self.people.items()},
            "pairs": [pair.as_dict() for pair in self.pairs],
            **({"pre_labels": self.pre_labels.as_dict()} if self.pre_labels else {}),
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
    everybody = Tally()
    pairs: defaultdict[Pair, Tally] = defaultdict(Tally)
    people: defaultdict[str, defaultdict[int, Shared]] = defaultdict(lambda: defaultdict(lambda: Shared(0, 0)))
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
            for name in (first, second):
                before, more = people[name][double.drawn_with], compared.parts["strict", None]
                people[name][double.drawn_with] = Shared(before.both + more.both, before.all + more.all)
            disagreements += _disagreements(double.document.id, (first, second), compared)
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
        {name: shared_f1(list(people[name].values())) for name in names},
    )


def examples_of(disagreements: Sequence[Disagreement], number: int) -> list[Disagreement]:
    """Return examples of each kind of difference, spread evenly over the texts.

    :param number: most examples of a kind.
    """
    found = []
    for kind in DIFFERENCES:
        some = [one for one in disagreements if one.difference == kind]
        shown = min(number, len(some))
        found += [some[place * len(some) // shown] for place in range(shown)]
    return found


def find_disagreements(session: Session, documents: Collection[int]) -> list[Disagreement]:
    """Return how independent answers to some documents differ, those that began from pre-labels too.

    :param documents: row ids of documents or segments.
    """
    chosen = [one for one in several_answers(session, pre_labelled=True).chosen if one[1].document_id in documents]
    return [
        disagreement
        for double in read_doubles(session, chosen, pre_labelled=True)
        for pair in combinations(double.given, 2)
        for disagreement in _disagreements(
            double.document.id, pair, compare_text(double.document, *(double.given[name] for name in pair))
        )
    ]


def _disagreements(document: str, pair: Pair, compared: ComparedText) -> list[Disagreement]:
    return [Disagreement(difference, document, pair, *sides) for difference, *sides in compared.differences]


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


def known_agreement(session: Session) -> AgreementReport | None:
    """Return the agreement on blind answers; without any, on all independent ones; None if there are none either."""
    for pre_labelled in (False, True):
        try:
            return measure_agreement(session, pre_labelled=pre_labelled)
        except NothingToDoYet:
            continue
    return None


def agreement_lines(session: Session) -> list[str]:
    """Return the figures of all pairs on blind answers in words, for a data card; empty without such answers.

    The first line says on how many texts, each other one has a figure.
    """
    answered = several_answers(session)
    if not answered.chosen:
        return []
    report = agreement_report(read_doubles(session, answered.chosen, pre_labelled=False))
    assert report.all_pairs.overall is not None
    people = plural(len(report.all_pairs.annotators), "annotator")
    lines = [f"Without pre-labels: {people} on {report.texts}, all pairs together, with 95 % intervals"]
    for measure, (value, between) in report.all_pairs.overall.measured.items():
        if value is None:
            continue
        factor, digits = (1, 2) if measure in CORRECTED else (100, 1)
        text = f"{MEASURES[measure]}: {factor * value:.{digits}f}"
        if between is not None:
            text += f" ({factor * between[0]:.{digits}f} to {factor * between[1]:.{digits}f})"
        lines.append(text)
    return lines


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
