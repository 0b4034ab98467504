"""Section on the annotators: what they did with the pre-labels, how long it took, whether pre-labels get better."""

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
    "Of the mentions that a model proposed, “accepted” ones are in the answer unchanged, “changed” ones with another "
    "label or other borders, and “removed” ones are missing; “added” mentions were marked by hand. The desk marks each "
    "mention of an answer in this way (Label Studio: prediction, prediction-changed, manual); the removed ones are the "
    "proposed ones minus those accepted and changed. Skipped and deleted answers do not count."
)


RELATIONS = (
    "Of the relations that a model proposed, “accepted” ones are in the answer, between the same mentions; “removed” "
    "ones are missing, and “added” ones are only in the answer. The desk does not mark relations, so answers are "
    "compared with proposals: if a mention of a relation got other borders or another label, this counts as one "
    "removed and one added relation."
)


def work_section(work: Sequence[RoundWork], relations: Sequence[RoundWork] = ()) -> Section:
    """Return the section on the work of the annotators, by round.

    :param relations: their work on relations; empty in a project without relations.
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
        "Round: the one whose model made the pre-labels; without pre-labels, the one that asked. F1 of pre-labels: "
        "strict span F1 with the answers as gold, 95 % confidence intervals over documents. It may be too high: "
        "annotators may keep a pre-label that they would not have marked themselves. Time per answer: median and "
        "middle half of the times that the desk recorded, edits included; this is the spread of answers, not a "
        "confidence interval."
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


def _quality(part: RoundWork) -> Figure:
    """Return F1 of a round's pre-labels, with the answers as gold standard."""
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
    """Say in a sentence or two whether the pre-labels get better."""
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
    """Return a count with its share of the proposed mentions; None without pre-labels."""
    if not part.handled:
        return None
    count = part.total(what)
    note = f"{100 * count / part.proposed:.0f} %" if part.proposed else ""
    return Figure(count, "count", note=note)


def _time(part: RoundWork) -> Figure:
    """Return the median time of an answer with the middle half of the times."""
    seconds = sorted(value for answers in part.seconds.values() for value in answers)
    if not seconds:
        return Figure(None, "seconds", note="not recorded")
    if len(seconds) < 4:
        return Figure(statistics.median(seconds), "seconds", note="too few for a spread")
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Figure(statistics.median(seconds), "seconds", low, high, interval=True)
