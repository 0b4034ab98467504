"""The documents that several people annotated, with what they differ on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.people.pseudonyms import pseudonyms
from biorat_al.people.settling.differences import Compared, compare, digest_of, sides_of
from biorat_al.store.annotations import CHUNK, chunks, load_annotations
from biorat_al.store.answers import Answer, annotators, answers
from biorat_al.store.documents import document_keys
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.settling.settlements import answered_digests, settlements


@dataclass(frozen=True, slots=True)
class Contested:
    """A document that several people annotated, whether or not they differ.

    :param document_id: its row id.
    :param key: the id that the user knows.
    :param digest: changes with their answers.
    """

    document_id: int
    key: str
    role: Role
    compared: Compared
    digest: str


def contested(session: Session, documents: Collection[int] | None = None) -> Iterator[Contested]:
    """Yield the documents and segments on which several people have a vote, as if nobody had settled anything.

    The test set comes first, then the pool, then segments of documents that nobody annotated as a whole.

    :param documents: row ids of those to compare; None: all.
    """
    if documents is not None and not documents:
        return
    names = pseudonyms(annotators(session))
    for role, several in _several(session):
        wanted = [answer for answer in several if documents is None or answer.document_id in documents]
        for some in chunks(wanted, CHUNK):
            keys = document_keys(session, [answer.document_id for answer in some])
            own = load_annotations(session, sorted({vote.annotation_id for answer in some for vote in answer.votes}))
            for answer in some:
                key = keys[answer.document_id]
                people = {names.get(vote.annotator or "", ""): vote for vote in answer.votes}
                letters = sides_of(key, people)
                given = {letters[name]: own[vote.annotation_id] for name, vote in people.items()}
                compared = compare(
                    given,
                    {letter: name for name, letter in letters.items()},
                    {letters[name]: vote.unasked for name, vote in people.items()},
                )
                yield Contested(answer.document_id, key, role, compared, _digest(given, letters))


def _digest(given: dict[str, Annotation], letters: dict[str, str]) -> str:
    # by pseudonym: the letters may change when somebody joins, which alone is nothing new
    by_name = {name: given[letter] for name, letter in letters.items()}
    return digest_of(by_name)


def _several(session: Session) -> Iterator[tuple[Role, list[Answer]]]:
    whole: set[int] = set()
    for role in sorted(ROLES, key=("test", "pool", "segment").index):
        found = answers(session, role, with_gold=False, settled=False)
        if role == "segment":
            parents = parents_of(session, [answer.document_id for answer in found])
            found = [answer for answer in found if parents.get(answer.document_id) not in whole]
        whole.update(answer.document_id for answer in found)
        yield role, [answer for answer in found if len(answer.votes) > 1]


def outdated(session: Session) -> list[str]:
    """Return the ids of the documents whose annotators changed their answers after they were adjudicated.

    A document counts until it is adjudicated anew, or until the answers are what they were.
    """
    answered = answered_digests(settlements(session, "disputes"))
    return [one.key for one in contested(session, answered.keys()) if one.digest not in answered[one.document_id]]
