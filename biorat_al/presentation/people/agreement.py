"""The text that ``agreement`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from biorat_al.people.agreement_figures import ComparedAnnotators, Figures, Measured
from biorat_al.people.agreement_report import AgreementReport
from biorat_al.people.compared_text import CORRECTED, NOTHING, OF_RELATIONS, Measure
from biorat_al.people.pairing import MEANINGS
from biorat_al.presentation.text import Side, table, wrapped_text
from biorat_al.wording import plural

_MEANINGS: dict[Measure, str] = {
    "strict": "same label, same spans",
    "overlap": "same label, a character in common",
    "place": "same spans, any label",
    "label": "share with the same label among the same spans",
    "document": "same names in the document",
    "kappa": "Cohen's, on tokens",
    "alpha": "Krippendorff's, on tokens",
    "relations_on_agreed_mentions": "between mentions that both marked",
    "relations": "end to end",
}

_COLUMNS: tuple[Measure, ...] = ("strict", "overlap", "place", "document")


def agreement_text(report: AgreementReport, examples: int) -> str:
    """Return how far annotators agree: figures, confusions and differences.

    :param examples: most examples of each kind of difference.
    """
    lines = wrapped_text(_first_line(report), "")
    if report.not_blind:
        lines += wrapped_text(
            f"Left out: {plural(report.not_blind, 'text')} without two answers that began without a pre-label "
            "(--pre-labelled counts them)",
            "",
        )
    if not report.blind:
        lines += wrapped_text("Answers that began from pre-labels count too: this flatters the agreement.", "")
    if report.all_pairs.overall is not None:
        lines += ["", "All pairs (F1 in %, alpha from 0 for chance to 1; 95 % intervals over documents)"]
        lines += _overall(report.all_pairs.overall)
    lines += _pairs(report)
    lines += _labels("label", report.all_pairs.by_label, (*_COLUMNS, "alpha"))
    lines += _labels("relation", report.all_pairs.by_relation, OF_RELATIONS)
    lines += _confusion(report.all_pairs)
    lines += _differences(report, examples)
    if report.pre_labels is not None:
        lines += ["", "Do pre-labels bias people?"]
        for sentence in report.pre_labels.sentences:
            lines += wrapped_text(sentence, "  ")
    return "\n".join(lines)


def _first_line(report: AgreementReport) -> str:
    people = plural(len(report.all_pairs.annotators), "annotator")
    how = "independently and without pre-labels" if report.blind else "independently"
    return f"{people} on {report.texts} that several of them annotated {how}"


def _overall(figures: Figures) -> list[str]:
    names = {measure: "relations" if measure in OF_RELATIONS else measure for measure in figures.measured}
    rows = [(names[measure], *_cells(measure, one), _MEANINGS[measure]) for measure, one in figures.measured.items()]
    return table(rows, sides=("left", "right", "left", "left"), indent=2)


def _pairs(report: AgreementReport) -> Iterator[str]:
    """Yield the table of pairs."""
    columns: tuple[Measure, ...] = ("strict", "overlap", "place", "kappa")
    rows = []
    for pair in report.pairs:
        figures = pair.overall or next((one for _, one in pair.parts()), None)
        if figures is None:
            continue
        if "strict" not in figures.measured:
            columns = OF_RELATIONS
        marked = "\n".join(f"{number:,}" for number in figures.marked.values())
        rows.append(["\n".join(pair.annotators), f"{pair.texts:,}", marked, *_in_columns(figures, columns)])
    if rows:
        yield ""
        yield from table([["annotators", "texts", "marked", *map(_heading, columns)], *rows], sides=_sides(columns, 3))


def _labels(what: str, by_label: Mapping[str, Figures], columns: Sequence[Measure]) -> Iterator[str]:
    """Yield the table of labels, all pairs together."""
    if by_label:
        yield ""
        yield from table(
            [
                [what, "marked", *map(_heading, columns)],
                *(
                    [label, f"{sum(figures.marked.values()):,}", *_in_columns(figures, columns)]
                    for label, figures in by_label.items()
                ),
            ],
            sides=_sides(columns, 2),
        )


def _confusion(scope: ComparedAnnotators) -> Iterator[str]:
    if scope.confusion:
        yield ""
        yield "Labels of mentions that answer to each other (share a character)"
        rows = [
            (first or NOTHING, second or NOTHING, f"{number:,}") for (first, second), number in scope.confusion.items()
        ]
        yield from table([("one", "the other", "mentions"), *rows], sides=("left", "left", "right"), indent=2)


def _differences(report: AgreementReport, examples: int) -> Iterator[str]:
    yield ""
    counts = [(kind, number) for kind, number in report.all_pairs.differences.items() if number]
    if not counts:
        yield "No differences."
        return
    yield "Differences, all pairs"
    yield from table(
        [(kind, f"{number:,}", MEANINGS[kind]) for kind, number in counts], sides=("left", "right", "left"), indent=2
    )
    for kind, some in groupby(report.examples(examples), key=lambda one: one.difference):
        yield ""
        yield f"{kind}, for example"
        for one in some:
            yield from wrapped_text(f"{one.document}  {one.sentence}", "  ")


def _in_columns(figures: Figures, columns: Sequence[Measure]) -> list[str]:
    return ["\n".join(_cells(column, figures.measured.get(column, Measured(None, None)))).strip() for column in columns]


def _cells(measure: Measure, one: Measured) -> tuple[str, str]:
    """Return a figure and its interval as text."""
    corrected = measure in CORRECTED

    def text(value: float) -> str:
        return f"{value:.2f}" if corrected else f"{100 * value:.1f}"

    if one.value is None:
        return "–", ""
    return text(one.value), "" if one.interval is None else f"{text(one.interval[0])}–{text(one.interval[1])}"


def _heading(measure: Measure) -> str:
    return {"relations_on_agreed_mentions": "agreed mentions", "relations": "end to end"}.get(measure, measure)


def _sides(columns: Sequence[Measure], before: int) -> list[Side]:
    right: list[Side] = ["right"] * (before - 1 + len(columns))
    return ["left", *right]
