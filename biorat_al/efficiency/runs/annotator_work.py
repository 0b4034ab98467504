"""What annotators did with the pre-labels: how many they accepted, changed, removed and added, and how long it took.

Label Studio marks each region of an answer: ``prediction`` was taken over untouched, ``prediction-changed`` was given
another label or other borders, ``manual`` was drawn by the annotator. So, for one answer that began from pre-labels:

- **accepted**: mentions of the answer that are marked ``prediction``;
- **changed**: those that are marked ``prediction-changed``;
- **added**: those that are marked ``manual``;
- **removed**: mentions that the model had proposed, less those accepted and changed.

Strict span F1 of the pre-labels against the answers follows: an accepted mention is a true positive, a changed one is
both a false positive and a false negative, a removed one a false positive, an added one a false negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.checks import ORIGINS
from biorat_al.corpus.model.identity import relation_keys
from biorat_al.store.annotations import chunks, load_annotations
from biorat_al.store.evaluations import Triple
from biorat_al.store.models import predictions
from biorat_al.store.shown import shown_relations
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow, DocumentRow, EntityRow, ModelRow, TaskRow

_Place = tuple[int, bool]
"""Round, and whether there were pre-labels; see :class:`RoundWork`."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of the pre-labels of one answer; see the definitions above."""

    accepted: int
    changed: int
    removed: int
    added: int

    @property
    def counts(self) -> Triple:
        """Strict span counts of the pre-labels, with the answer as gold."""
        return self.accepted, self.changed + self.removed, self.changed + self.added


@dataclass(slots=True)
class RoundWork:
    """The answers that began from the pre-labels of one round's model, or, in rounds without a model, from none.

    :param round: that trained the model whose pre-labels were shown; else the round that asked for the document.
    :param shown: whether there were pre-labels.
    :param handled: by document, of all its answers; empty without pre-labels.
    :param answers: number of answers.
    :param mentions: in the answers; where it is about relations, those.
    :param unknown: answers left out of `handled`, since their mentions do not say where they came from or what was
        shown is no longer known.
    :param seconds: that the desk says were spent on each answer, by document; answers without are left out.
    """

    round: int
    shown: bool
    handled: dict[str, list[Handled]] = field(default_factory=dict)
    answers: int = 0
    mentions: int = 0
    unknown: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def total(self, what: str) -> int:
        """Sum of ``accepted``, ``changed``, ``removed`` or ``added``."""
        return sum(getattr(one, what) for answers in self.handled.values() for one in answers)

    @property
    def proposed(self) -> int:
        """How many the model had proposed."""
        return self.total("accepted") + self.total("changed") + self.total("removed")

    @property
    def counts(self) -> dict[str, Triple]:
        """Strict span counts of the pre-labels by document, with the answers as gold."""
        return {
            key: (
                sum(one.counts[0] for one in answers),
                sum(one.counts[1] for one in answers),
                sum(one.counts[2] for one in answers),
            )
            for key, answers in self.handled.items()
        }


def handled(origins: Mapping[str | None, int], proposed: int) -> Handled | None:
    """What became of `proposed` pre-labels in an answer with so many mentions of each origin.

    :return: None where a mention has no known origin.
    """
    if any(origin not in ORIGINS for origin in origins):
        return None
    accepted, changed, added = (origins.get(origin, 0) for origin in ORIGINS)
    # one pre-label may come back as two mentions: a region with two labels, or pieces that were given different ones
    return Handled(accepted, changed, max(0, proposed - accepted - changed), added)


def annotator_work(store: Store) -> list[RoundWork]:
    """Read what people did in the pool, by round; first the answers without pre-labels of a round, then those with.

    The answers of all annotators count, each in its newest revision; skipped and deleted ones do not.
    """
    with store.read() as session:
        rows = _answers(session)
        origins = _origins(session, [row.id for row, _, _ in rows])
        proposed = _proposed(session, [row for row, _, _ in rows])
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
                if done is None:
                    part.unknown += 1
                else:
                    part.handled.setdefault(key, []).append(done)
    return [work[place] for place in sorted(work)]


def relation_work(store: Store) -> list[RoundWork]:
    """What people did with relations, as :func:`annotator_work` has it of mentions; how long it took is left out.

    The desk does not say where a relation came from, so answers are compared with what was shown. A relation that leads
    between other mentions than before, of other borders or another label, is one removed and one added.
    """
    with store.read() as session:
        rows = _answers(session)
        shown = shown_relations(
            session, ((row.document_id, row.shown_version) for row, _, _ in rows if row.shown_version)
        )
        annotations = load_annotations(session, [row.id for row, _, _ in rows])
        work: dict[_Place, RoundWork] = {}
        for row, key, place in rows:
            part = work.setdefault(place, RoundWork(*place))
            answered = set(relation_keys(annotations[row.id]).values())
            part.answers += 1
            part.mentions += len(answered)
            proposed = shown.get((row.document_id, row.shown_version or ""))
            if proposed is not None:
                accepted = len(proposed & answered)
                done = Handled(accepted, 0, len(proposed) - accepted, len(answered) - accepted)
                part.handled.setdefault(key, []).append(done)
            elif part.shown:
                part.unknown += 1
    return [work[place] for place in sorted(work)]


def _answers(session: Session) -> list[tuple[AnnotationRow, str, _Place]]:
    """The answers that count, each with its document and the part that it belongs to."""
    model_rounds: dict[str, int] = {
        version: number for version, number in session.execute(select(ModelRow.version, ModelRow.round_number))
    }
    rows = session.execute(
        select(AnnotationRow, DocumentRow.key, TaskRow.round_number)
        .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
        .join(TaskRow, TaskRow.id == AnnotationRow.task_id)
        .where(
            DocumentRow.split == "pool",
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


def _origins(session: Session, annotation_ids: Sequence[int]) -> dict[int, dict[str | None, int]]:
    found: dict[int, dict[str | None, int]] = {}
    for some in chunks(annotation_ids):
        for annotation_id, origin, count in session.execute(
            select(EntityRow.annotation_id, EntityRow.origin, func.count())
            .where(EntityRow.annotation_id.in_(some))
            .group_by(EntityRow.annotation_id, EntityRow.origin)
        ):
            found.setdefault(annotation_id, {})[origin] = count
    return found


def _proposed(session: Session, rows: Sequence[AnnotationRow]) -> dict[int, int]:
    """Number of mentions that were proposed, by answer; answers whose pre-labels are not kept are left out."""
    by_version: dict[str, list[AnnotationRow]] = {}
    for row in rows:
        if row.shown_version is not None:
            by_version.setdefault(row.shown_version, []).append(row)
    found: dict[int, int] = {}
    for version, answers in by_version.items():
        kept = predictions(session, version, sorted({row.document_id for row in answers}))
        found.update((row.id, len(kept[row.document_id].entities)) for row in answers if row.document_id in kept)
    return found
