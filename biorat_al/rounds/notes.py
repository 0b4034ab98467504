"""Notes about answers that a person should check, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from biorat_al.store.findings import AnswerPlace, Findings, Revised, Tidied, Unattended
from biorat_al.wording import plural, shortened, verb

LISTED = 20
"""Most documents that a sentence names."""

LONGEST = 500
"""Most characters of a problem's description, since a label may be a whole text."""

_ALL = "biorat-al status --json has all"


def finding_notes(found: Findings) -> list[str]:
    """Return a sentence or two for each finding, naming its documents and tasks."""
    notes = []
    for made_from in ("prediction", "propagated"):
        if some := [item for item in found.unattended if item.made_from == made_from]:
            notes.append(_unattended(some, made_from))
    if found.slips:
        notes.append(_slips(found.slips))
    if found.revised:
        notes.append(_revised(found.revised))
    notes += [f"{_of(item.place)}: {shortened(item.problem, LONGEST)}" for item in found.problems[:LISTED]]
    if len(found.problems) > LISTED:
        notes.append(f"{len(found.problems) - LISTED:,} more parts of answers could not be understood; {_ALL}")
    return notes


def _unattended(some: Sequence[Unattended], made_from: str) -> str:
    places = [item.place for item in some]
    names = " and ".join(sorted({place.annotator or "unknown" for place in places}))
    one = len(some) == 1
    if made_from == "prediction":
        what = "model output that was turned into annotations (Create Annotations From Predictions)"
    else:
        what = "copies of another task's annotation (Propagate Annotations)"
    them, tasks = ("it", "task") if one else ("them", "tasks")
    return (
        f"{plural(len(some), 'annotation')} in Label Studio {'does' if one else 'do'} not count: {what} in the name of "
        f"{names}, which nobody has looked at: {_listed(places)}. Label Studio takes the {tasks} for finished and "
        f"offers {them} to nobody. To undo it, select the {tasks} in the data manager, then Actions, Delete "
        f"Annotations, and choose {names}; whatever else {names} answered or began there is deleted as well, so where "
        "there is any, open the task and delete the one annotation. Then the pre-labels are offered again. An "
        "annotation that somebody opens, corrects and updates counts as that person's answer."
    )


def _slips(some: Sequence[Tidied]) -> str:
    parts = []
    if trimmed := sum(item.trimmed for item in some):
        parts.append(f"{plural(trimmed, 'mention')} began or ended with a blank, which was cut off")
    if joined := sum(item.joined for item in some):
        parts.append(f"{plural(joined, 'mention')} {verb(joined, 'were')} drawn twice and joined with the first")
    return f"{', and '.join(parts)}: {_listed([item.place for item in some])}"


def _revised(some: Sequence[Revised]) -> str:
    pairs = sorted(some, key=lambda item: (item.of, item.place.annotator or ""))
    changes = []
    for (of, by), items in groupby(pairs, key=lambda item: (item.of, item.place.annotator or "")):
        # equal if the author changed the answer again after somebody else had
        who = f"{by} after {of}" if by != of else by
        changes.append(f"{who}: {_listed([item.place for item in items])}")
    return (
        f"{plural(len(some), 'answer')} changed or copied by somebody else than the author, to whom "
        f"{'it is' if len(some) == 1 else 'they are'} credited, and left out of agreement. {'; '.join(changes)}"
    )


def _listed(places: Sequence[AnswerPlace]) -> str:
    shown = ", ".join(map(_of, places[:LISTED]))
    more = len(places) - LISTED
    return shown if more <= 0 else f"{shown} and {more:,} more ({_ALL})"


def _of(place: AnswerPlace) -> str:
    annotation = f", annotation {place.annotation}" if place.annotation is not None else ""
    return f"document {place.document} (task {place.task}{annotation})"
