"""A person's name is removed from a project; the work stays, under the pseudonym that exports give it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.errors import UsageError
from biorat_al.people.pseudonyms import pseudonyms
from biorat_al.people.team.forgotten import digest_of, without_name
from biorat_al.store.answers import annotators
from biorat_al.store.store import now
from biorat_al.store.tables import AnnotationRow, ProjectRow, RoundRow, SettlementRow, StepRow
from biorat_al.store.team.members import add_member, find_member, member_projects
from biorat_al.store.team.seats import TO_COME, seats_in_state
from biorat_al.wording import are, shortened

_NAMED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (AnnotationRow, ("raw", "problems")),
    (RoundRow, ("request", "settings")),
    (StepRow, ("counts",)),
    (SettlementRow, ("shown",)),
)
"""The tables with columns of JSON in which a name may be."""

_AT_ONCE = 200
_LARGEST = 20_000_000
"""Bytes of a file that is searched for the name."""


@dataclass(frozen=True, slots=True)
class ForgottenPerson:
    """What became of a person's name.

    :param pseudonym: what replaces it.
    :param answers: number of answers that are kept, all revisions counted.
    :param urls: the person's projects on the desk, whose titles have the name.
    :param files: files in the project's folder that still have the name.
    """

    pseudonym: str
    answers: int
    urls: tuple[str, ...]
    files: tuple[Path, ...] = ()


def forget(session: Session, name: str) -> ForgottenPerson:
    """Replace a person's name in the whole database by a pseudonym, and let the person leave the group.

    :raises UsageError: nobody with this name is in the project, or open tasks wait for this person.
    """
    names = annotators(session)
    spelt = {one.casefold(): one for one in names}
    member = find_member(session, name)
    known = spelt.get(name.strip().casefold()) or (None if member is None else member.name)
    if known is None or (member is not None and member.forgotten is not None):
        raise UsageError(f"{shortened(name, 80)!r} has not answered in this project and is not in its team")
    if member is not None and (waiting := len(seats_in_state(session, *TO_COME, member_id=member.id))):
        raise UsageError(
            f"{are(waiting, 'task')} open for {known}, and would be answered under that name; move them first: "
            f"biorat-al team reassign {known} --to NAME"
        )
    if member is None:
        member = add_member(session, known, "annotator", now())
    pseudonym = pseudonyms(names).get(known, f"member-{member.id}")
    salt = session.scalars(select(ProjectRow.uid)).one()
    urls = tuple(row.url for row in member_projects(session) if row.member_id == member.id)
    member.name, member.forgotten, member.left_at = pseudonym, digest_of(known, salt), member.left_at or now()
    session.flush()
    answers = _rename_answers(session, known, pseudonym)
    for table, columns in _NAMED:
        _clean(session, table, columns, known, pseudonym)
    return ForgottenPerson(pseudonym, answers, urls)


def files_with(folder: Path, name: str) -> Iterator[Path]:
    """Yield the files of a project's folder that have a name in them, other than models and the database."""
    wanted = name.strip().casefold().encode()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[0] == "models" or path.suffix == ".safetensors" or path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size <= _LARGEST and wanted in path.read_bytes().lower():
            yield inside


def _rename_answers(session: Session, name: str, pseudonym: str) -> int:
    """Put the pseudonym in place of the name of those who made or changed answers; count the person's own."""
    count = 0
    for column in ("annotator", "revises"):
        attribute = getattr(AnnotationRow, column)
        rows = session.scalars(select(AnnotationRow).where(attribute == name)).all()
        for row in rows:
            setattr(row, column, pseudonym)
        count += len(rows) if column == "annotator" else 0
        session.flush()
        session.expunge_all()
    return count


def _clean(session: Session, table: Any, columns: tuple[str, ...], name: str, pseudonym: str) -> None:
    """Replace the name in columns of JSON; rows are changed as objects, so that their checksums are renewed."""
    keys = table.__table__.primary_key.columns
    idents = session.execute(select(*keys).order_by(*keys)).all()
    for begin in range(0, len(idents), _AT_ONCE):
        for ident in idents[begin : begin + _AT_ONCE]:
            row = session.get_one(table, tuple(ident))
            for column in columns:
                value = getattr(row, column)
                cleaned = without_name(value, name, pseudonym)
                if cleaned != value:
                    setattr(row, column, cleaned)
        session.flush()
        session.expunge_all()
