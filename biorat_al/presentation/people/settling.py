"""The text that ``adjudicate`` and ``audit --push`` print."""

from __future__ import annotations

from biorat_al.people.bootstrap import Interval
from biorat_al.people.settling.upheld import Upheld
from biorat_al.presentation.text import Side, notes_text, table, wrapped_text
from biorat_al.rounds.settling.asking import AskedAgain
from biorat_al.wording import plural

_UPHELD = (
    "A place is one on which annotators differed. An annotator is upheld where the adjudicated answer is the same, be "
    "it that nothing is there; for a label, where the mentions of this label are the same. In brackets is the 95 % "
    "interval, as wide as the number of documents asks for. This is about what was disputed, and does not say how good "
    "somebody is."
)


def asked_text(report: AskedAgain) -> str:
    """Return what was fetched, made and withdrawn, and where to go on."""
    fetched = report.fetched
    lines = []
    if fetched.new or fetched.changed or fetched.deleted:
        parts = [f"{plural(fetched.new, 'new answer')}"]
        parts += [f"{fetched.changed:,} edited"] if fetched.changed else []
        parts += [f"{fetched.deleted:,} deleted"] if fetched.deleted else []
        lines.append(f"Fetched: {', '.join(parts)}")
    done = [f"{plural(report.made, 'task')} made"] if report.made else []
    done += [f"{plural(report.withdrawn, 'outdated task')} withdrawn"] if report.withdrawn else []
    if done:
        lines.append(f"{', '.join(done)[0].upper()}{', '.join(done)[1:]}")
    what = "adjudicated" if report.kind == "disputes" else "reviewed"
    lines.append(f"{plural(report.answered, 'document')} {what}, {report.open:,} open")
    if report.open and report.url:
        lines.append(f"Next: {report.url} (Label All Tasks); then: biorat-al round")
    return "\n".join([*lines, *notes_text(report.notices)])


def upheld_text(upheld: Upheld) -> str:
    """Return how often each annotator was upheld, by label."""
    if not upheld.documents:
        return "Nothing has been adjudicated yet. Next: biorat-al adjudicate"
    names = upheld.annotators
    rows = [["label", *names]]
    for label in (None, *upheld.labels):
        shares = [_share(*upheld.count(name, label), upheld.interval(name, label)) for name in names]
        rows.append([label or "all", *shares])
    right: list[Side] = ["right"] * len(names)
    sides: list[Side] = ["left", *right]
    lines = [f"Upheld in {plural(upheld.documents, 'adjudicated document')}", *table(rows, sides=sides, indent=2)]
    if upheld.neither:
        lines.append(f"In {plural(upheld.neither, 'place')} nobody was upheld.")
    return "\n".join([*lines, *wrapped_text(_UPHELD, "")])


def _share(places: int, upheld: int, between: Interval | None) -> str:
    if not places:
        return "–"
    share = f"{upheld:,} of {places:,}, {100 * upheld / places:.0f} %"
    return share if between is None else f"{share} ({100 * between[0]:.0f} to {100 * between[1]:.0f})"
