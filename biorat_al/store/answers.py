"""The annotation that counts for a document, which training, evaluation and export use.

1. If answers were marked as ground truth, the latest of them counts: ``reviewed`` if it was given because an audit had
   found something (:mod:`biorat_al.store.settling`), else ``adjudicated``.
2. Else, if several people answered, the mentions and relations count that more than half of them have (``majority``,
   see :mod:`biorat_al.store.consensus.majority`). What exactly half of them have is left out, unless a preferred
   annotator is named and has it. What could not be decided is kept aside (``disputed``) and masked in training and
   evaluation.
3. Else the one person's answer counts (``single``), or the latest of several by the same person.
4. If nobody has answered, the gold annotation of the document counts (``gold``), if gold should count.

Annotators who could not choose a label (:mod:`biorat_al.store.asked`) have no vote on it. If none of those whose
answers count could choose it, whether the document has any is unknown (:attr:`Answer.unasked`).

Skipped and deleted answers never count, nor do answers given on another text, nor annotations that an action made
without anybody looking at them. An answer that somebody other than its author changed belongs to that person
(:mod:`biorat_al.store.revisions`). In Label Studio's community edition only its API can mark ground truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.role import ROLES
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked
from biorat_al.store.annotations import CHUNK, chunks, load_annotations
from biorat_al.store.asked import Given, Offers
from biorat_al.store.consensus.majority import Majority, alone, majority
from biorat_al.store.parts.segments import cut, parents_of, places_of
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow, DocumentRow, TaskRow
from biorat_al.store.team.seats import seated, shown_doubles

Rule = Literal["adjudicated", "reviewed", "majority", "single", "gold"]
"""How the annotation that counts was decided; see above."""

SETTLED: tuple[Rule, ...] = ("adjudicated", "reviewed")
"""The rules by which one person's answer is the truth, whatever others answered."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer to a document, or its gold annotation.

    :param at: when it was last changed; None for gold.
    :param revises: author of the answer that this annotator changed or copied.
    :param superseded: somebody else has changed it since: it has no vote, but is still the answer that its author gave
        alone.
    :param settles: the kind of settlement that it answers; None for every other answer.
    :param unasked: labels that this annotator could not choose.
    :param guidelines: digest of the guidelines that this annotator saw; None if that is not known.
    """

    annotation_id: int
    source: str
    annotator: str | None
    shown_version: str | None
    at: datetime | None
    ground_truth: bool = False
    revises: str | None = None
    superseded: bool = False
    settles: str | None = None
    unasked: Unasked = EVERYTHING_ASKED
    guidelines: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The annotation that counts for a document, and its source (``person`` or ``gold``).

    :param annotation_id: for a majority, the answer whose version of each mention is taken first.
    :param votes: the votes that decided; more than one for a majority, in the order in which their versions are taken.
    :param independent: the latest answer that each person gave alone, the preferred annotator's first, without ground
        truth; agreement is measured on these. If members of a group were asked for the document, answers of others are
        left out.
    :param shown_double: whether the members of a group who shared the document were given it with pre-labels, to tell
        what these do; agreement is not measured on it.
    """

    document_id: int
    annotation_id: int
    source: str
    annotator: str | None
    shown_version: str | None
    rule: Rule = "single"
    votes: tuple[Vote, ...] = ()
    independent: tuple[Vote, ...] = ()
    shown_double: bool = False

    @property
    def unasked(self) -> Unasked:
        """Labels that none of those could choose whose answers count."""
        return reduce(Unasked.__and__, (vote.unasked for vote in self.votes)) if self.votes else EVERYTHING_ASKED


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer with its annotation.

    :param majority: the annotation, with the supporters of each part, by place in ``answer.votes``.
    :param independent: the annotations of ``answer.independent``, if there are several, without labels that one of them
        was not asked for.
    """

    answer: Answer
    majority: Majority
    independent: tuple[Annotation, ...] = ()


def answers(
    session: Session, split: str, *, with_gold: bool, prefer: str | None = None, settled: bool = True
) -> list[Answer]:
    """Return the answer that counts for each document of a split that has one, in the order of the documents.

    :param with_gold: let gold annotations count where no person has answered.
    :param prefer: the annotator who decides on what exactly half of a document's annotators have.
    :param settled: let ground truth count; if not, what annotators answered decides, as if nobody had settled it.
    """
    sources = ["person", "gold"] if with_gold else ["person"]
    offers = Offers.read(session)
    rows = session.execute(
        select(
            AnnotationRow.document_id,
            AnnotationRow.id,
            AnnotationRow.source,
            AnnotationRow.annotator,
            AnnotationRow.shown_version,
            AnnotationRow.updated_at,
            AnnotationRow.ground_truth,
            AnnotationRow.revises,
            AnnotationRow.superseded,
            AnnotationRow.settles,
            AnnotationRow.fetched_round,
            TaskRow.round_number,
        )
        .outerjoin(TaskRow, TaskRow.id == AnnotationRow.task_id)
        .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
        .where(
            _in_split(split),
            AnnotationRow.source.in_(sources),
            or_(AnnotationRow.current, AnnotationRow.superseded),
            AnnotationRow.skipped.is_(False),
            AnnotationRow.usable.is_(True),
            AnnotationRow.made_from.is_(None),
            *(() if settled else (AnnotationRow.ground_truth.is_(False),)),
        )
        .order_by(
            AnnotationRow.document_id,
            (AnnotationRow.source == "person").desc(),
            AnnotationRow.ground_truth.desc(),
            AnnotationRow.updated_at.desc(),
            AnnotationRow.id.desc(),
        )
    )
    asked, shown = seated(session, split), shown_doubles(session)
    decided = (
        _answer(document_id, [_vote(row, split, offers) for row in some], prefer, asked.get(document_id))
        for document_id, some in groupby(rows, key=lambda row: row.document_id)
    )
    return [
        replace(answer, shown_double=True) if answer.document_id in shown else answer
        for answer in decided
        if answer is not None
    ]


def adjudicated_documents(session: Session) -> list[int]:
    """Return the row ids of the documents that somebody has settled, in order."""
    found = (answers(session, role, with_gold=False) for role in ROLES)
    return sorted(one.document_id for some in found for one in some if one.rule in SETTLED)


def learnt_answers(session: Session, *, with_gold: bool, prefer: str | None = None) -> list[Answer]:
    """Return the answers that models learn from: those of whole pool documents, then those of segments of other ones.

    Once a document has an answer as a whole, its segments no longer count.

    :param with_gold: as for :func:`answers`, like `prefer`.
    """
    whole = answers(session, "pool", with_gold=with_gold, prefer=prefer)
    parts = answers(session, "segment", with_gold=False, prefer=prefer)
    if not parts:
        return whole
    known = {answer.document_id for answer in whole}
    parents = parents_of(session, [answer.document_id for answer in parts])
    return whole + [answer for answer in parts if parents[answer.document_id] not in known]


def load_answers(
    session: Session, chosen: Sequence[Answer], *, prefer: str | None = None
) -> Iterator[tuple[Answer, Annotation]]:
    """Read the annotations of answers, a chunk at a time, in the order given.

    :param prefer: as for :func:`answers`.
    """
    for decision in decisions(session, chosen, prefer=prefer):
        yield decision.answer, decision.majority.annotation


def decisions(session: Session, chosen: Sequence[Answer], *, prefer: str | None = None) -> Iterator[Decision]:
    """Read the annotations of answers with everything that decided them, a chunk at a time, in the order given.

    :param prefer: as for :func:`answers`.
    """
    for some in chunks(chosen, CHUNK):
        ids = {vote.annotation_id for answer in some for vote in _read(answer)}
        found = load_annotations(session, sorted(ids))
        for answer in some:
            voted = [found[vote.annotation_id] for vote in answer.votes]
            if len(voted) == 1:
                decided = alone(voted[0])
            else:
                # the preferred annotator's answer comes first, if it exists
                preferred = 0 if prefer is not None and answer.annotator == prefer else None
                decided = majority(voted, preferred, [vote.unasked for vote in answer.votes])
            several = answer.independent if len(answer.independent) > 1 else ()
            unasked = reduce(Unasked.__or__, (vote.unasked for vote in several), EVERYTHING_ASKED)
            yield Decision(answer, decided, tuple(_without(found[vote.annotation_id], unasked) for vote in several))


def annotators(session: Session) -> list[str]:
    """Return everybody who has ever answered or skipped, in the order of their first answers.

    New names come only at the end. A person who changed or copied an answer comes after its author.
    """
    rows = session.execute(
        select(AnnotationRow.annotator, AnnotationRow.revises, func.min(AnnotationRow.id))
        .where(AnnotationRow.source == "person", AnnotationRow.made_from.is_(None))
        .group_by(AnnotationRow.annotator, AnnotationRow.revises)
        .order_by(func.min(AnnotationRow.id))
    )
    names = (name for annotator, revises, _ in rows for name in (revises, annotator) if name is not None)
    return list(dict.fromkeys(names))


def read_gold(store: Store, keys: Sequence[str]) -> Mapping[str, Annotation]:
    """Return :func:`gold_annotations` of a store; an oracle answers from these."""
    with store.read() as session:
        return gold_annotations(session, keys)


def gold_annotations(session: Session, keys: Sequence[str]) -> Mapping[str, Annotation]:
    """Return gold annotations by the documents' ids; documents without gold are left out.

    The gold of a segment is the part of its document's gold within it.
    """
    places = places_of(session, keys)
    found: dict[str, int] = {}
    for some in chunks(list(dict.fromkeys([*keys, *(document for document, _ in places.values())]))):
        rows = session.execute(
            select(DocumentRow.key, AnnotationRow.id)
            .join(AnnotationRow, AnnotationRow.document_id == DocumentRow.id)
            .where(DocumentRow.key.in_(some), AnnotationRow.source == "gold")
        )
        found.update((key, annotation_id) for key, annotation_id in rows)
    loaded = load_annotations(session, list(found.values()))
    gold = {key: loaded[annotation_id] for key, annotation_id in found.items()}
    asked = set(keys)
    return {key: one for key, one in gold.items() if key in asked} | dict(cut(gold, places))


def _in_split(split: str) -> ColumnElement[bool]:
    """Return the condition that an annotation is of a document of this split, as a database finds it fastest.

    Test documents are few, and so are people's answers in the pool: the former are looked up one by one, for the latter
    the search begins with the annotations.
    """
    if split == "test":
        return AnnotationRow.document_id.in_(select(DocumentRow.id).where(DocumentRow.split == split))
    return DocumentRow.split == split


def _answer(document_id: int, given: list[Vote], prefer: str | None, asked: frozenset[str] | None) -> Answer | None:
    """Decide on a document's answer from its votes, sorted people before gold, ground truth first, latest first.

    :param asked: names of the members who were asked for the document, in small letters; None: anybody was.
    """
    votes = [vote for vote in given if not vote.superseded]
    if not votes:
        return None
    people = [vote for vote in votes if vote.source == "person"]
    deciding = _latest(people, prefer)
    rule: Rule = "majority" if len(deciding) > 1 else "single"
    if not people or people[0].ground_truth:
        reviewed = votes[0].settles == "review"
        rule, deciding = ("reviewed" if reviewed else "adjudicated") if people else "gold", (votes[0],)
    alone_given = [vote for vote in given if vote.source == "person" and vote.revises is None]
    if asked is not None:
        alone_given = [vote for vote in alone_given if (vote.annotator or "").casefold() in asked]
    independent = _latest(alone_given, prefer)
    first = deciding[0]
    return Answer(
        document_id,
        first.annotation_id,
        first.source,
        first.annotator,
        first.shown_version,
        rule,
        deciding,
        independent,
    )


def _vote(row: Sequence[Any], split: str, offers: Offers) -> Vote:
    *columns, fetched, asked = row[1:]
    vote = Vote(*columns)
    given = Given(split, fetched, asked, vote.at) if vote.source == "person" else None
    unasked, guidelines = offers.unasked(given), None if given is None else offers.guidelines(given)
    return replace(vote, unasked=unasked, guidelines=guidelines) if unasked or guidelines else vote


def _without(annotation: Annotation, unasked: Unasked) -> Annotation:
    """Return an annotation without the mentions of labels that were not asked for."""
    if not unasked.labels:
        return annotation
    entities = tuple(entity for entity in annotation.entities if entity.label not in unasked.labels)
    there = {entity.id for entity in entities}
    relations = tuple(one for one in annotation.relations if {one.head, one.tail} <= there)
    return replace(annotation, entities=entities, relations=relations)


def _latest(votes: Sequence[Vote], prefer: str | None) -> tuple[Vote, ...]:
    """Return the latest vote of each person, without ground truth, the preferred annotator's first."""
    latest: dict[str | None, Vote] = {}
    for vote in votes:
        if not vote.ground_truth:
            latest.setdefault(vote.annotator, vote)
    return tuple(sorted(latest.values(), key=lambda vote: vote.annotator != prefer))


def _read(answer: Answer) -> tuple[Vote, ...]:
    return (*answer.votes, *answer.independent) if len(answer.independent) > 1 else answer.votes
