"""Names that were removed from a project, and answers that the desk still has under them.

The desk keeps a person's account and answers. Whenever it gives one of these answers again, the name would come back
with it. So the project keeps a digest of the removed name: with it, a name can be recognised, and not be read. It is
made by scrypt (RFC 7914), which takes a tenth of a second for each guess, with the project's own number as salt.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.desk.base import DeskAnnotation, Pull
from biorat_al.store.tables import MemberRow, ProjectRow

_COST, _BLOCK, _AT_ONCE = 2**14, 8, 1
"""Parameters of scrypt, as RFC 7914 suggests for interactive use."""

_OF_A_USER = ("created_username",)
"""Fields in a desk's answer that also have a person's first and last name."""


def digest_of(name: str, salt: str) -> str:
    """Return a digest of a name, the same whatever its capital letters."""
    word = name.strip().casefold().encode()
    return hashlib.scrypt(word, salt=salt.encode(), n=_COST, r=_BLOCK, p=_AT_ONCE, dklen=32).hex()


def without_name(value: Any, name: str, pseudonym: str) -> Any:
    """Return a JSON value in which a pseudonym replaces a name, also where it is part of a text or of a key."""
    pattern = re.compile(re.escape(name), re.IGNORECASE)

    def clean(part: Any) -> Any:
        if isinstance(part, str):
            return pattern.sub(lambda _: pseudonym, part)
        if isinstance(part, list):
            return [clean(item) for item in part]
        if not isinstance(part, dict):
            return part
        if any(isinstance(part.get(key), str) and pattern.fullmatch(part[key]) for key in ("email", "username")):
            # a user, with first and last name, telephone number and picture; the number alone identifies nobody
            return {key: item for key, item in part.items() if key == "id"}
        return {
            clean(key): pseudonym if key in _OF_A_USER and pattern.search(str(item)) else clean(item)
            for key, item in part.items()
        }

    return clean(value)


@dataclass(slots=True)
class Forgotten:
    """The people whose names were removed from a project."""

    salt: str
    pseudonyms: dict[str, str]
    _seen: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, session: Session) -> Forgotten:
        """Read who was removed."""
        rows = session.scalars(select(MemberRow).where(MemberRow.forgotten.is_not(None)))
        pseudonyms = {row.forgotten: row.name for row in rows if row.forgotten is not None}
        salt = session.scalar(select(ProjectRow.uid)) if pseudonyms else None
        return cls(salt or "", pseudonyms)

    def name(self, name: str) -> str:
        """Return the pseudonym of a person who was removed, and any other name as it is."""
        if not self.pseudonyms:
            return name
        if name not in self._seen:
            self._seen[name] = self.pseudonyms.get(digest_of(name, self.salt), name)
        return self._seen[name]

    def answer(self, answer: DeskAnnotation) -> DeskAnnotation:
        """Return an answer without names that were removed."""
        if not self.pseudonyms:
            return answer
        people = [name for name in (answer.annotator, answer.editor, answer.copied_from) if name]
        raw, problems = dict(answer.raw), answer.problems
        for name in people:
            pseudonym = self.name(name)
            if pseudonym != name:
                raw = without_name(raw, name, pseudonym)
                problems = tuple(without_name(one, name, pseudonym) for one in problems)
        return replace(
            answer,
            annotator=self.name(answer.annotator),
            editor=self.name(answer.editor) if answer.editor else answer.editor,
            copied_from=self.name(answer.copied_from) if answer.copied_from else answer.copied_from,
            raw=raw,
            problems=problems,
        )

    def pull(self, pull: Pull) -> Pull:
        """Return what was fetched without names that were removed."""
        if not self.pseudonyms:
            return pull
        tasks = tuple(
            replace(task, annotations=tuple(self.answer(answer) for answer in task.annotations)) for task in pull.tasks
        )
        return replace(pull, tasks=tasks, notices=tuple(map(self.text, pull.notices)))

    def text(self, text: str) -> str:
        """Return a sentence without the names of those whose answers have passed here."""
        for name, pseudonym in self._seen.items():
            if name != pseudonym:
                text = without_name(text, name, pseudonym)
        return text
