"""The texts of the commands on the members of a group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from biorat_al.people.team.forgetting import ForgottenPerson
from biorat_al.people.team.joining import FormerMember, Invitation
from biorat_al.people.team.work import NOT_A_MEMBER, PersonWork
from biorat_al.presentation.text import Side, percent, table, wrapped_text
from biorat_al.rounds.team.moving import Moved
from biorat_al.wording import are, plural, verb

_SIDES: tuple[Side, ...] = ("right", "right", "right", "right", "right", "right", "left", "left")


def invitation_text(invitation: Invitation, project: str) -> str:
    """Return who has joined, the invitation link, and a letter to send.

    :param project: the project's name.
    """
    rows = [(one.name, one.role, _account(one.has_account, one.is_back, invitation.link)) for one in invitation.joined]
    lines = [f"In the team of {project} now:", *table(rows, sides=("left", "left", "left"), indent=2)]
    if invitation.link is not None and invitation.without_account:
        lines += ["", "Invitation link; whoever has it can make an account:", f"  {invitation.link}"]
        lines += ["", f"To send to {', '.join(invitation.without_account)}:", ""]
        lines += _letter(project, invitation.desk, invitation.link)
    known = [one.name for one in invitation.joined if one.has_account]
    if invitation.link is not None and known:
        lines += ["", f"To send to {', '.join(known)}:", "", *_letter(project, invitation.desk, None)]
    lines += ["", "They get tasks with the next round: biorat-al round"]
    return "\n".join(lines)


def _account(has_account: bool, is_back: bool, link: str | None) -> str:
    back = "is back; " if is_back else ""
    if link is None:
        return f"{back}needs no account"
    return f"{back}has an account" if has_account else f"{back}no account yet"


def _letter(project: str, desk: str, link: str | None) -> list[str]:
    """Return the lines of a letter; `link` is None for somebody who has an account."""
    begin = (
        f"open {link} and make an account with this e-mail address"
        if link
        else f"log in at {desk} with the account that you have"
    )
    steps = (
        begin,
        "open the project that has your address in its name, and click “Label All Tasks”",
        "read the instruction, which opens before the first task and stays behind a button at every task",
        "work alone: leave the projects and answers of others as they are, and use “Skip” for what you cannot decide",
    )
    lines = [f"  You are invited to annotate documents for {project}:", ""]
    for number, step in enumerate(steps, start=1):
        lines += wrapped_text(f"{step[0].upper()}{step[1:]}.", f"  {number}. ")
    return lines


def team_text(people: Sequence[PersonWork], desk_problem: str, at: datetime) -> str:
    """Return what each person was asked for and has done.

    :param at: the present time.
    """
    if not people:
        return "Nobody is in the team. To add somebody: biorat-al team add"
    lines = table([(str(number), _name(one)) for number, one in enumerate(people, 1)], sides=("right", "left"))
    header = ["", "assigned", "open", "done", "skipped", "minutes", "last seen", "agreement"]
    rows = [[str(number), *_figures(one, at)] for number, one in enumerate(people, 1)]
    lines += ["", *table([header, *rows], sides=_SIDES)]
    lines += ["", *wrapped_text(_EXPLANATION, "")]
    breaks = sum(one.time.breaks for one in people)
    if breaks:
        were = "was" if breaks == 1 else "were"
        lines += wrapped_text(
            f"{plural(breaks, 'answer')} {were} interrupted by a break; the time that such a document usually takes "
            "counts instead.",
            "",
        )
    if untimed := sum(one.time.untimed for one in people):
        lines += wrapped_text(f"{plural(untimed, 'answer')} without a recorded time: not in the minutes.", "")
    if desk_problem:
        lines += wrapped_text(f"Last seen: by answers only, since the desk did not answer: {desk_problem}", "")
    missing = [one.name for one in people if one.has_account is False and one.role != NOT_A_MEMBER and not one.has_left]
    if missing:
        lines += wrapped_text(f"No account on the desk: {', '.join(missing)}.", "")
    return "\n".join(lines)


_EXPLANATION = (
    "assigned, open, done, skipped: documents and sentences. agreement: strict span F1 with the others in %, its 95 % "
    "interval, and the number of documents that several annotated independently and without pre-labels."
)


def _name(one: PersonWork) -> str:
    said = [one.role] if one.role != "annotator" else []
    said += ["has left"] * one.has_left
    return f"{one.name} ({', '.join(said)})" if said else one.name


def _figures(one: PersonWork, at: datetime) -> list[str]:
    counts = [f"{number:,}" for number in (one.assigned, one.open, one.done, one.skipped)]
    minutes = f"{one.time.seconds / 60:,.0f}" if one.time.answers else "–"
    return [*counts, minutes, _ago(one.seen, at), _agreement(one)]


def _ago(seen: datetime | None, at: datetime) -> str:
    """Return when somebody was seen, roughly."""
    if seen is None:
        return "never"
    minutes = max((at - seen).total_seconds(), 0) / 60
    if minutes < 60:
        return f"{plural(round(minutes), 'minute')} ago"
    if minutes < 48 * 60:
        return f"{plural(round(minutes / 60), 'hour')} ago"
    return f"{seen:%Y-%m-%d}"


def _agreement(one: PersonWork) -> str:
    found = one.agreement
    if found is None:
        return "–"
    low_high = "" if found.interval is None else f" ({percent(found.interval[0])}–{percent(found.interval[1])})"
    return f"{percent(found.f1)}{low_high} on {found.documents:,}"


def left_text(left: FormerMember) -> str:
    """Return what remains of a member who has left, and how to move it."""
    lines = wrapped_text(f"{left.name} gets no more tasks; what {left.name} has answered stays and counts.", "")
    if left.open_tasks:
        to = left.others[0] if left.others else "NAME"
        lines += wrapped_text(f"{are(left.open_tasks, 'task')} still open there; to move them to somebody else:", "")
        lines.append(f"  biorat-al team reassign {left.name} --to {to}")
    return "\n".join(lines)


def moved_text(moved: Moved, name: str, to: str) -> str:
    """Return how many tasks were moved, and which stay."""
    lines = wrapped_text(f"{plural(moved.moved, 'task')} moved from {name} to {to}.", "")
    if moved.begun:
        lines += wrapped_text(
            f"{are(moved.begun, 'task')} left there: somebody has answered, skipped or begun "
            f"{'it' if moved.begun == 1 else 'them'}.",
            "",
        )
    if moved.known:
        lines += wrapped_text(
            f"{are(moved.known, 'task')} left there: {to} is asked for the same "
            f"{'document' if moved.known == 1 else 'documents'}, or has answered "
            f"{'it' if moved.known == 1 else 'them'}; move {'it' if moved.known == 1 else 'them'} to somebody else.",
            "",
        )
    return "\n".join(lines)


def forgotten_text(person: ForgottenPerson, desk: str, *, cleaned: bool) -> str:
    """Return what replaces a name, and where it still is.

    :param desk: address of the desk, which keeps the account and the answers.
    :param cleaned: whether the database keeps nothing of what it replaced.
    """
    answers = f"{plural(person.answers, 'answer')} {verb(person.answers, 'stay')}"
    lines = wrapped_text(
        f"The name is removed from the database; {answers} under the pseudonym {person.pseudonym}, as in exports.", ""
    )
    remains = [f"the account and its answers on the desk, {desk}: delete the account there"]
    if person.urls:
        remains.append(f"the title of the person's projects there: {', '.join(person.urls)}")
    remains += [f"the file {path}" for path in person.files]
    remains.append("backups of the database, and what was exported or printed with the name before")
    if not cleaned:
        remains.append("old versions of rows, until Postgres cleans up (VACUUM)")
    lines += ["", "The name is still in:"]
    for one in remains:
        lines += wrapped_text(one, "  - ")
    return "\n".join(lines)
