"""The tables above the text: what annotators differ on, and what an audit found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from biorat_al.corpus.model.document import Entity, Span
from biorat_al.desk.base import Sheet, SheetRow
from biorat_al.people.audit.findings import Finding
from biorat_al.people.settling.differences import Differences, MentionVersion, RelationVersion
from biorat_al.wording import plural, shortened

NOTHING = "–"
"""What a cell says where an annotator has nothing."""

_AROUND = 40
_LONGEST = 100


def difference_sheet(differences: Differences, text: str) -> Sheet:
    """Return the table of what annotators differ on: a row for each place, a column for each annotator.

    :param text: the document's text.
    """
    sides = tuple(differences.sides)
    rows = [_mention_row(some, sides, text) for some in differences.mention_places()]
    rows += [_relation_row(some, sides, text) for some in differences.relation_places()]
    who = " and ".join((", ".join(sides[:-1]), sides[-1])) if len(sides) > 1 else "".join(sides)
    if not rows:
        return Sheet(f"{who} agree on everything in this document.", sides=sides)
    return Sheet(f"{who} differ in {plural(len(rows), 'place')}.", sides, tuple(rows), sides)


def finding_sheet(findings: Sequence[Finding]) -> Sheet:
    """Return the table of what an audit found in a document: places, evidence and suggestions."""
    rows = []
    for one in sorted(findings, key=lambda one: (one.excerpt.start, one.excerpt.end, -one.score)):
        place = one.excerpt
        marked = "not marked" if one.label is None else f"marked as {one.label}"
        evidence = "; ".join(part.sentence for part in one.evidence)
        rows.append(SheetRow(marked, (place.before, place.text, place.after), (evidence, one.suggestion)))
    number = plural(len(rows), "place")
    return Sheet(f"{number} in this document may be wrong.", ("Why", "Suggestion"), tuple(rows))


def _mention_row(some: Sequence[MentionVersion], sides: Sequence[str], text: str) -> SheetRow:
    cells = []
    for side in sides:
        having = [one.entity for one in some if side in one.by]
        cells.append("; ".join(_named(entity, text) for entity in having) or NOTHING)
    return SheetRow(_title(some, sides), _excerpt([one.entity for one in some], text), tuple(cells))


def _title(some: Sequence[MentionVersion], sides: Sequence[str]) -> str:
    """Return what the annotators differ on in a place."""
    having = [side for side in sides if any(side in one.by for one in some)]
    if len(having) < len(sides):
        return f"Only {' and '.join(having)}"
    labels = {frozenset(one.entity.label for one in some if side in one.by) for side in sides}
    spans = {frozenset(span for one in some if side in one.by for span in one.entity.spans) for side in sides}
    if len(labels) > 1:
        return "Label and borders" if len(spans) > 1 else "Label"
    return "Borders"


def _relation_row(some: Sequence[RelationVersion], sides: Sequence[str], text: str) -> SheetRow:
    cells = ["; ".join(_related(one, text) for one in some if side in one.by) or NOTHING for side in sides]
    return SheetRow("Relation", _excerpt([end for one in some for end in (one.head, one.tail)], text), tuple(cells))


def _related(one: RelationVersion, text: str) -> str:
    arrow = "→" if one.relation.directed else "–"
    head, tail = (shortened(end.surface(text), _LONGEST, end=30) for end in (one.head, one.tail))
    return f"{one.relation.label}: {head} {arrow} {tail}"


def _named(entity: Entity, text: str) -> str:
    return f"{entity.label} “{shortened(entity.surface(text), _LONGEST, end=30)}”"


def _excerpt(entities: Iterable[Entity], text: str) -> tuple[str, str, str]:
    """Return the place that the mentions take up, with a few words around it."""
    spans = [Span(one.start, one.end) for one in entities]
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    left, right = max(start - _AROUND, 0), min(end + _AROUND, len(text))
    before, after = text[left:start], text[end:right]
    if left and " " in before:
        before = f"…{before[before.index(' ') :]}"
    if right < len(text) and " " in after:
        after = f"{after[: after.rindex(' ') + 1]}…"
    return before, shortened(text[start:end], 2 * _LONGEST, end=_LONGEST), after
