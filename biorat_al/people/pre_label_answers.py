"""The answers of a project with and without pre-labels, read for the question whether pre-labels bias people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.handled import mention_origins
from biorat_al.acquisition.price.work import words_in
from biorat_al.corpus.model.identity import mention_key
from biorat_al.people.pre_label_bias import ComparedAnswers, GivenAnswer, PreLabelBias, Sums, compare_answers
from biorat_al.store.annotations import chunks
from biorat_al.store.answers import Answer, Vote, answers, decisions
from biorat_al.store.parts.segments import answered_spans
from biorat_al.store.tables import AnnotationRow, DocumentRow, MemberRow, SeatRow, TaskRow

NO_ANSWERS = "Whether pre-labels bias people cannot be told yet: nobody has annotated a document of the pool."
NONE_SHOWN = "Whether pre-labels bias people cannot be told yet: no answer began from pre-labels."
ALL_SHOWN = (
    "Whether pre-labels bias people cannot be told: all documents had pre-labels. For a group, without_pre_labels in "
    "[team] gives a share of them without."
)
OTHER_ROUNDS = (
    "Whether pre-labels bias people cannot be told: the documents without pre-labels are those of other rounds than "
    "those with them, so they are other documents. For a group, without_pre_labels in [team] draws a share of each "
    "batch."
)


class _Given(NamedTuple):
    answer: GivenAnswer
    seat: SeatRow | None


class _Pair(NamedTuple):
    """What two people have in common.

    :param drawn: the same, by whether both were given the document with pre-labels, whatever they made of these; None
        if it was not drawn for the two of them.
    """

    sums: Sums | None
    drawn: Sums | None


def measure_pre_label_bias(session: Session) -> PreLabelBias:
    """Compare what people answered in the pool with and without pre-labels."""
    return compare_answers(read_comparison(session))


def read_comparison(session: Session) -> ComparedAnswers:
    """Return the answers to be compared: those drawn at random, if there are any, else all of the pool.

    Documents that were begun by sentences are left out, because what they show is other people's answers.
    """
    pool = answers(session, "pool", with_gold=False)
    begun = answered_spans(session, [one.document_id for one in pool])
    chosen = [one for one in pool if one.document_id not in begun]
    given = list(_given(session, chosen))
    everybody = [one.answer for one in given]
    shown = {one.round for one in everybody if one.shown}
    drawn = [
        _as_drawn(one.answer, one.seat)
        for one in given
        if one.seat is not None and not one.seat.double and one.answer.round in shown
    ]
    found = list(_pairs(session, chosen, {one.document: one.round for one in everybody}))
    pairs = [one.drawn for one in found if one.drawn is not None and one.drawn.round in shown]
    if not (pairs_drawn := bool(_rounds_with_both(pairs))):
        pairs = [one.sums for one in found if one.sums is not None]
    if _rounds_with_both(drawn):
        return ComparedAnswers(drawn, pairs, drawn=True, pairs_drawn=pairs_drawn)
    # what two people got was drawn at random before the others were chosen, so these are other documents
    chosen_alike = [one.answer for one in given if one.seat is None or not one.seat.double]
    why_not = "" if _rounds_with_both(chosen_alike) else _why_not(chosen_alike)
    return ComparedAnswers(chosen_alike, pairs, why_not=why_not, pairs_drawn=pairs_drawn)


def _why_not(given: Sequence[GivenAnswer]) -> str:
    kinds = {one.shown for one in given}
    if not kinds:
        return NO_ANSWERS
    if len(kinds) == 2:
        return OTHER_ROUNDS
    return ALL_SHOWN if True in kinds else NONE_SHOWN


def _rounds_with_both(given: Iterable[GivenAnswer | Sums]) -> set[int]:
    kinds = {(one.round, one.shown) for one in given}
    return {number for number, shown in kinds if (number, not shown) in kinds}


def _as_drawn(one: GivenAnswer, seat: SeatRow) -> GivenAnswer:
    """Return an answer by how the document was drawn, whatever the person made of the pre-labels."""
    return GivenAnswer(one.document, one.round, seat.pre_labels, one.words, one.mentions, one.seconds)


def _given(session: Session, chosen: Sequence[Answer]) -> Iterator[_Given]:
    """Yield the answers that people gave alone, with the seats of a group's annotators."""
    votes = [(answer.document_id, vote) for answer in chosen for vote in answer.independent]
    seats = _seats(session)
    ids = [vote.annotation_id for _, vote in votes]
    mentions = mention_origins(session, ids)
    words: dict[int, int] = {}
    recorded: dict[int, tuple[float | None, int | None]] = {}
    for some in chunks(ids):
        rows = session.execute(
            select(AnnotationRow.id, AnnotationRow.lead_time, TaskRow.round_number)
            .outerjoin(TaskRow, TaskRow.id == AnnotationRow.task_id)
            .where(AnnotationRow.id.in_(some))
        )
        recorded |= {row_id: (seconds, number) for row_id, seconds, number in rows}
    for some in chunks(sorted({document for document, _ in votes})):
        texts = session.execute(select(DocumentRow.id, DocumentRow.text).where(DocumentRow.id.in_(some)))
        words |= {row_id: words_in(text) for row_id, text in texts}
    for document, vote in votes:
        seat = seats.get((document, (vote.annotator or "").casefold()))
        seconds, number = recorded[vote.annotation_id]
        asked_in = seat.round_number if seat is not None else number
        if asked_in is None:
            continue
        marked = sum(mentions.get(vote.annotation_id, {}).values())
        shown = vote.shown_version is not None
        yield _Given(GivenAnswer(document, asked_in, shown, words[document], marked, seconds), seat)


def _seats(session: Session) -> dict[tuple[int, str], SeatRow]:
    """Return the seats of the pool by document and by the member's name in small letters."""
    rows = session.execute(
        select(SeatRow, MemberRow.name).join(MemberRow, MemberRow.id == SeatRow.member_id).where(SeatRow.role == "pool")
    )
    return {(seat.document_id, name.casefold()): seat for seat, name in rows}


def _pairs(session: Session, chosen: Sequence[Answer], rounds: Mapping[int, int]) -> Iterator[_Pair]:
    """Yield what each two people have in common who both had pre-labels for a document, or both had none."""
    seats = {place: seat for place, seat in _seats(session).items() if seat.double}
    several = [one for one in chosen if len(one.independent) > 1 and one.document_id in rounds]
    for decision in decisions(session, several):
        document = decision.answer.document_id
        marked = [
            (vote, {mention_key(entity) for entity in annotation.entities})
            for vote, annotation in zip(decision.answer.independent, decision.independent, strict=True)
        ]
        for (one, ours), (other, theirs) in combinations(marked, 2):
            both, of = 2 * len(ours & theirs), len(ours) + len(theirs)
            alike = _shown(one) == _shown(other)
            given = [seats.get((document, (vote.annotator or "").casefold())) for vote in (one, other)]
            drawn = {seat.pre_labels for seat in given if seat is not None} if None not in given else set()
            yield _Pair(
                Sums(document, rounds[document], _shown(one), both, of) if alike else None,
                Sums(document, rounds[document], drawn.pop(), both, of) if len(drawn) == 1 else None,
            )


def _shown(vote: Vote) -> bool:
    return vote.shown_version is not None
