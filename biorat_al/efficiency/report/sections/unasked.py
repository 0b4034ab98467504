"""The report's part on labels that were added after documents had been annotated."""

from __future__ import annotations

from collections.abc import Sequence

from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section
from biorat_al.rounds.unasked import NotAsked
from biorat_al.wording import inflected


def unasked_section(labels: Sequence[NotAsked]) -> Section | None:
    """Count the documents that were not asked for each label; None where all were asked for everything."""
    if not labels:
        return None
    text = (
        "These labels were added after documents had been annotated. Whether such a document has any is not known "
        "until it is asked again: the models are taught neither that it has nor that it has not, and no score counts "
        "it."
    )
    rows: list[dict[str, Cell]] = [
        {
            "label": f"{one.name} (relation)" if one.kind == "relation" else one.name,
            "documents": Figure(len(one.documents), "count"),
            "given": Figure(len(one.given), "count"),
        }
        for one in labels
    ]
    noun = inflected(2, labels[0].noun)
    columns = {"label": "label", "documents": f"{noun} annotated before", "given": f"{noun} that came with annotations"}
    note = f"People have annotated {labels[0].of:,} {noun} in all."
    return Section(
        "unasked",
        "Labels that were added later",
        [text],
        [FigureTable("unasked", "Not asked for", columns, rows, note)],
    )
