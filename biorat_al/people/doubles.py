"""Doubles: texts that several people annotated, each alone.

An answer that began from somebody else's, or that somebody else has changed, is not independent; the author's own
answer from before counts (:attr:`~biorat_al.store.answers.Answer.independent`). An answer is **blind** if it did not
begin from a pre-label either. Pre-labels make annotators more alike than they are, so agreement is measured on blind
answers, unless the caller asks for the others. What a group was given with pre-labels is not blind, even where both
people deleted them: they have seen them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation, Document
from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked
from biorat_al.people.pseudonyms import number_of, pseudonyms
from biorat_al.store.answers import Answer, Decision, annotators, answers, decisions
from biorat_al.store.documents import documents_by_id
from biorat_al.store.parts.segments import parents_of


@dataclass(frozen=True, slots=True)
class Double:
    """A text that several people annotated, each alone.

    :param document: the text: a document, or a segment of one.
    :param role: its role in the project.
    :param drawn_with: row id of the document with which the bootstrap draws it: the document itself, or the one of
        which it is a segment.
    :param given: each person's annotation, by pseudonym, in the order of the pseudonyms; without labels that one of
        them was not asked for.
    """

    document: Document
    role: Role
    drawn_with: int
    given: Mapping[str, Annotation]


@dataclass(frozen=True, slots=True)
class Answered:
    """What several people have answered, by role; see :func:`several_answers`.

    :param chosen: the answers to texts that at least two people annotated, with the role of each.
    :param not_blind: number of texts left out because fewer than two of the independent answers are blind.
    """

    chosen: tuple[tuple[Role, Answer], ...]
    not_blind: int = 0


def several_answers(session: Session, *, pre_labelled: bool = False) -> Answered:
    """Return the answers to all texts of which at least two people gave an independent answer.

    :param pre_labelled: also count answers that began from a pre-label.
    """
    found: list[tuple[Role, Answer]] = []
    not_blind = 0
    for role in ROLES:
        for answer in answers(session, role, with_gold=False):
            if len(answer.independent) < 2:
                continue
            blind = 0 if answer.shown_double else sum(vote.shown_version is None for vote in answer.independent)
            if pre_labelled or blind > 1:
                found.append((role, answer))
            else:
                not_blind += 1
    return Answered(tuple(found), not_blind)


def read_doubles(session: Session, chosen: Sequence[tuple[Role, Answer]], *, pre_labelled: bool) -> Iterator[Double]:
    """Read the texts and annotations of answers, a chunk at a time, in the order given.

    :param chosen: the answers with their roles, from :func:`several_answers`.
    :param pre_labelled: as there.
    """
    names = pseudonyms(annotators(session))
    parents = parents_of(session, [answer.document_id for role, answer in chosen if role == "segment"])
    # a decision needs the preferred annotator only for ties, which are of no concern here
    for (role, answer), decision in zip(chosen, decisions(session, [answer for _, answer in chosen]), strict=True):
        ident = answer.document_id
        yield Double(
            documents_by_id(session, [ident])[ident],
            role,
            parents.get(ident, ident),
            _given(decision, names, pre_labelled=pre_labelled),
        )


def _given(decision: Decision, names: Mapping[str, str], *, pre_labelled: bool) -> dict[str, Annotation]:
    """Return the annotation of each person by pseudonym, in the order of the pseudonyms."""
    votes = decision.answer.independent
    unasked = reduce(Unasked.__or__, (vote.unasked for vote in votes), EVERYTHING_ASKED)
    given = {
        names.get(vote.annotator or "", ""): _asked(annotation, unasked)
        for vote, annotation in zip(votes, decision.independent, strict=True)
        if pre_labelled or vote.shown_version is None
    }
    return {name: given[name] for name in sorted(given, key=number_of)}


def _asked(annotation: Annotation, unasked: Unasked) -> Annotation:
    """Return an annotation without relations that were not asked for; such mentions are left out already."""
    if not unasked.relations:
        return annotation
    return replace(
        annotation, relations=tuple(one for one in annotation.relations if one.label not in unasked.relations)
    )
