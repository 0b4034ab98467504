"""The report's part on annotators: what they did with the pre-labels, how long it took, whether it gets better."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from biorat_al.efficiency.report.study import tried
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section, estimated
from biorat_al.efficiency.runs.annotator_work import RoundWork
from biorat_al.efficiency.runs.model import Point, Run
from biorat_al.efficiency.statistics.curves import f1_at
from biorat_al.efficiency.statistics.estimates import Estimate
from biorat_al.wording import plural

DEFINITIONS = (
    "Of the mentions that a model proposed, “accepted” ones stand in the answer as they were, “changed” ones with "
    "another label or other borders, “removed” ones not at all; “added” mentions were marked by hand. The desk marks "
    "each mention of an answer so (Label Studio: prediction, prediction-changed, manual); removed are the proposed "
    "ones less those accepted and changed. Skipped and deleted answers do not count."
)


RELATIONS = (
    "Of the relations that a model proposed, “accepted” ones stand in the answer, between the same mentions; “removed” "
    "ones do not, and “added” ones stand there alone. The desk does not mark relations, so answers are compared: a "
    "relation whose mention was given other borders or another label counts as one removed and one added."
)


def work_section(work: Sequence[RoundWork], relations: Sequence[RoundWork] = ()) -> Section:
    """What annotators did, by round.

    :param relations: what they did with relations, in a project that asks for any.
    """
    key, title = "annotators", "What annotators did with the pre-labels"
    if not work:
        return Section(key, title, ["Nobody has annotated a document of the pool yet."])
    quality = {part.round: _quality(part) for part in work if part.handled}
    texts = [_trend(quality), DEFINITIONS]
    unknown = sum(part.unknown for part in work)
    if unknown:
        texts.append(
            f"Left out of the counts: {plural(unknown, 'answer')} whose mentions do not say where they came from, "
            "or whose pre-labels are no longer known."
        )
    rows: list[dict[str, Cell]] = []
    for part in work:
        proposed = part.proposed
        rows.append(
            {
                "round": part.round,
                "shown": "yes" if part.shown else "no",
                "answers": Figure(part.answers, "count"),
                "mentions": Figure(part.mentions, "count"),
                "proposed": proposed if part.handled else None,
                **{what: _share(part, what) for what in ("accepted", "changed", "removed")},
                "added": part.total("added") if part.handled else None,
                "quality": quality.get(part.round) if part.handled else None,
                "seconds": _time(part),
            }
        )
    columns = {
        "round": "round",
        "shown": "pre-labels",
        "answers": "answers",
        "mentions": "mentions in them",
        "proposed": "proposed",
        "accepted": "accepted",
        "changed": "changed",
        "removed": "removed",
        "added": "added",
        "quality": "F1 of pre-labels (%)",
        "seconds": "time per answer",
    }
    note = (
        "By the round whose model made the pre-labels; without pre-labels, the round that asked. F1 of pre-labels: "
        "strict span F1 with the answers as gold, 95 % confidence intervals over documents; who sees a pre-label may "
        "leave it where they would have marked otherwise, so it flatters. Time per answer: median and middle half of "
        "what the desk recorded, edits included; the spread of the answers, not a confidence interval."
    )
    tables = [FigureTable("annotators", "By round", columns, rows, note, {"answers": "mentions"})]
    if relations:
        texts.append(RELATIONS)
        tables.append(_relation_table(relations))
    return Section(key, title, texts, tables)


def _relation_table(work: Sequence[RoundWork]) -> FigureTable:
    rows: list[dict[str, Cell]] = [
        {
            "round": part.round,
            "shown": "yes" if part.shown else "no",
            "answers": Figure(part.answers, "count"),
            "relations": Figure(part.mentions, "count"),
            "proposed": part.proposed if part.handled else None,
            **{what: _share(part, what) for what in ("accepted", "removed")},
            "added": part.total("added") if part.handled else None,
            "quality": _quality(part) if part.handled else None,
        }
        for part in work
    ]
    columns = {
        "round": "round",
        "shown": "pre-labels",
        "answers": "answers",
        "relations": "relations in them",
        "proposed": "proposed",
        "accepted": "accepted",
        "removed": "removed",
        "added": "added",
        "quality": "F1 of pre-labels (%)",
    }
    note = (
        "Rounds as above. F1 of pre-labels: of relations between mentions, with the answers as gold, 95 % confidence "
        "intervals over documents."
    )
    return FigureTable("annotators-relations", "Relations, by round", columns, rows, note, {"answers": "relations"})


def seconds_per_document(work: Sequence[RoundWork]) -> list[float]:
    """What all answers to a document took together, document by document."""
    spent: dict[str, float] = {}
    for part in work:
        for key, answers in part.seconds.items():
            spent[key] = spent.get(key, 0.0) + sum(answers)
    return list(spent.values())


def _quality(part: RoundWork) -> Figure:
    """F1 of a round's pre-labels, with the answers as gold."""
    if not any(sum(triple) for triple in part.counts.values()):
        return Figure(None, "percent", note="nothing proposed, nothing marked")
    point = Point(
        round=part.round, documents=len(part.counts), tokens=0, mentions=part.mentions, counts=part.counts,
        by_label={}, cost={},
    )  # fmt: skip
    run = Run(id="work", kind="live", corpus="", encoder="", arm="", strategy="", seed=0, points=(point,))
    found: Estimate | None
    found, why = tried(f1_at, [run], len(part.counts))
    return estimated(found, "percent", missing=why) if found else Figure(point.f1, "percent", note=why)


def _trend(quality: dict[int, Figure]) -> str:
    """Whether pre-annotation gets better, in a sentence."""
    said = {number: figure for number, figure in quality.items() if figure.interval}
    if len(said) < 2:
        return "Whether the pre-labels get better is not known yet: that takes answers to the pre-labels of two rounds."
    (first, before), *_, (last, after) = sorted(said.items())
    figures = (
        f"F1 {before.text} ({before.interval_text}) in round {first}, {after.text} ({after.interval_text}) in "
        f"round {last}"
    )
    caution = "The rounds asked about different documents, chosen for being hard, so this is no clean comparison."
    if before.high is not None and after.low is not None and after.low > before.high:
        return f"Pre-annotation has got better: {figures}, and the intervals do not overlap. {caution}"
    if before.low is not None and after.high is not None and after.high < before.low:
        return f"Pre-annotation has got worse: {figures}, and the intervals do not overlap. {caution}"
    return f"No change in the quality of the pre-labels could be shown: {figures}; the intervals overlap. {caution}"


def _share(part: RoundWork, what: str) -> Figure | None:
    if not part.handled:
        return None
    count = part.total(what)
    note = f"{100 * count / part.proposed:.0f} %" if part.proposed else ""
    return Figure(count, "count", note=note)


def _time(part: RoundWork) -> Figure:
    seconds = sorted(value for answers in part.seconds.values() for value in answers)
    if not seconds:
        return Figure(None, "seconds", note="not recorded")
    if len(seconds) < 4:
        return Figure(statistics.median(seconds), "seconds", note="too few for a spread")
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Figure(statistics.median(seconds), "seconds", low, high, interval=True)
