"""What annotators did with the pre-labels: how many they accepted, changed, removed and added, and how long it took.

Label Studio marks each region of an answer: ``prediction`` was kept as it was, ``prediction-changed`` got another label
or other borders, ``manual`` was drawn by the annotator. In an answer that started from pre-labels we count

- **accepted**: mentions marked ``prediction``;
- **changed**: mentions marked ``prediction-changed``;
- **added**: mentions marked ``manual``;
- **removed**: mentions that the model had proposed, minus the accepted and the changed ones.

These give strict span F1 of the pre-labels against the answers: an accepted mention is a true positive, a changed one
is both a false positive and a false negative, a removed one a false positive, an added one a false negative.

In a document that was begun by sentences, the pre-labels in these are people's answers: only the rest of it counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.handled import (
    Handled,
    handled,
    handled_in_rest,
    mention_origins,
    proposed_mentions,
)
from biorat_al.corpus.model.document import Span
from biorat_al.corpus.model.identity import MentionKey, RelationKey, relation_keys
from biorat_al.corpus.model.role import LEARNT_ROLES
from biorat_al.store.annotations import load_annotations
from biorat_al.store.evaluations import Triple
from biorat_al.store.models import sources_of
from biorat_al.store.segments import answered_spans
from biorat_al.store.shown_relations import shown_relations
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow, DocumentRow, ModelRow, TaskRow

_Place = tuple[int, bool]
"""Round, and whether pre-labels were shown; see :class:`RoundWork`."""


@dataclass(slots=True)
class RoundWork:
    """The answers that started from the pre-labels of one round's model, or those of one round without pre-labels.

    :param round: round that trained the model whose pre-labels were shown; without pre-labels, the round that asked
        for the document.
    :param shown: whether pre-labels were shown.
    :param handled: what was done in each answer, by document; empty without pre-labels.
    :param answers: number of answers.
    :param mentions: number of mentions in the answers; in :func:`relation_work`, of relations.
    :param unknown: answers left out of `handled`, because their mentions have no known origin or because the
        pre-labels that were shown are no longer known.
    :param seconds: time spent on each answer as the desk recorded it, by document; answers without a time are left out.
    """

    round: int
    shown: bool
    handled: dict[str, list[Handled]] = field(default_factory=dict)
    answers: int = 0
    mentions: int = 0
    unknown: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def total(self, what: str) -> int:
        """Return the sum of ``accepted``, ``changed``, ``removed`` or ``added`` over all answers.

        :param what: name of one of these.
        """
        return sum(getattr(one, what) for answers in self.handled.values() for one in answers)

    @property
    def proposed(self) -> int:
        """Number of mentions (or relations) that the model had proposed."""
        return self.total("accepted") + self.total("changed") + self.total("removed")

    @property
    def counts(self) -> dict[str, Triple]:
        """Strict span counts of the pre-labels by document, with the answers as gold standard."""
        return {
            key: (
                sum(one.counts[0] for one in answers),
                sum(one.counts[1] for one in answers),
                sum(one.counts[2] for one in answers),
            )
            for key, answers in self.handled.items()
        }


def annotator_work(store: Store) -> list[RoundWork]:
    """Return what people did in the pool, by round; of each round the answers without pre-labels come first.

    The answers of all annotators count, each in its newest revision; skipped and deleted answers do not.
    """
    with store.read() as session:
        rows = _answers(session)
        origins = mention_origins(session, [row.id for row, _, _ in rows])
        proposed = proposed_mentions(session, [row for row, _, _ in rows])
        rest = handled_in_rest(session, [row for row, _, _ in rows])
        work: dict[_Place, RoundWork] = {}
        for row, key, place in rows:
            part = work.setdefault(place, RoundWork(*place))
            part.answers += 1
            part.mentions += sum(origins.get(row.id, {}).values())
            if row.lead_time is not None:
                part.seconds.setdefault(key, []).append(row.lead_time)
            if part.shown:
                count = proposed.get(row.id)
                done = None if count is None else handled(origins.get(row.id, {}), count)
                done = rest.get(row.id, done)
                if done is None:
                    part.unknown += 1
                else:
                    part.handled.setdefault(key, []).append(done)
    return [work[place] for place in sorted(work)]


def relation_work(store: Store) -> list[RoundWork]:
    """Return what people did with relations, like :func:`annotator_work` for mentions, but without times.

    The desk does not record where a relation came from, so answers are compared with what was shown. If a mention at
    one end of a relation got other borders or another label, the relation counts as one removed and one added.
    """
    with store.read() as session:
        rows = _answers(session)
        shown = shown_relations(
            session, ((row.document_id, row.shown_version) for row, _, _ in rows if row.shown_version)
        )
        annotations = load_annotations(session, [row.id for row, _, _ in rows])
        annotated = answered_spans(session, sorted({row.document_id for row, _, _ in rows}))
        work: dict[_Place, RoundWork] = {}
        for row, key, place in rows:
            part = work.setdefault(place, RoundWork(*place))
            answered = set(relation_keys(annotations[row.id]).values())
            part.answers += 1
            part.mentions += len(answered)
            proposed = shown.get((row.document_id, row.shown_version or ""))
            if proposed is not None:
                spans = annotated.get(row.document_id, [])
                of_model, by_people = _elsewhere(proposed, spans), _elsewhere(answered, spans)
                accepted = len(of_model & by_people)
                done = Handled(accepted, 0, len(of_model) - accepted, len(by_people) - accepted)
                part.handled.setdefault(key, []).append(done)
            elif part.shown:
                part.unknown += 1
    return [work[place] for place in sorted(work)]


def _elsewhere(relations: Collection[RelationKey], annotated: Sequence[Span]) -> set[RelationKey]:
    """Return the relations of which no end touches an annotated segment."""

    def touched(key: RelationKey) -> bool:
        ends = cast(Iterable[MentionKey], key[2])
        return any(
            start < of_end and of_start < end
            for _, spans in ends
            for start, end in spans
            for of_start, of_end in annotated
        )

    return {key for key in relations if not touched(key)}


def _answers(session: Session) -> list[tuple[AnnotationRow, str, _Place]]:
    """Return the answers that count, each with its document's key and with its round."""
    model_rounds: dict[str, int] = {
        version: number for version, number in session.execute(select(ModelRow.version, ModelRow.round_number))
    }
    for source in sources_of(session):
        # one version in many rounds: the round that asked is the one that counts
        model_rounds.pop(source.version, None)
    rows = session.execute(
        select(AnnotationRow, DocumentRow.key, TaskRow.round_number)
        .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
        .join(TaskRow, TaskRow.id == AnnotationRow.task_id)
        .where(
            DocumentRow.split.in_(LEARNT_ROLES),
            AnnotationRow.source == "person",
            AnnotationRow.current.is_(True),
            AnnotationRow.skipped.is_(False),
            AnnotationRow.usable.is_(True),
            AnnotationRow.made_from.is_(None),
        )
        .order_by(AnnotationRow.id)
    )
    return [
        (row, key, (model_rounds.get(row.shown_version or "", asked_in), row.shown_version is not None))
        for row, key, asked_in in rows
    ]
