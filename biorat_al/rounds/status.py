"""The status of a project and of its rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from biorat_al.acquisition.price.estimate import PriceEstimate, project_price
from biorat_al.corpus.model.document import Annotation, ConceptRelation, Entity, Relation
from biorat_al.corpus.model.role import ROLES, SETTLING_ROLES
from biorat_al.desk.base import Desk
from biorat_al.errors import DeskError
from biorat_al.people.ceiling import Ceiling, human_ceiling
from biorat_al.people.disputes import Disputes, find_disputes
from biorat_al.redaction import redact
from biorat_al.rounds.borrowing.kept import told
from biorat_al.rounds.borrowing.start import newest_sentence
from biorat_al.rounds.pre_labels.choice import newest_sentences
from biorat_al.rounds.pre_labels.kept import kept_files
from biorat_al.rounds.settling.progress import SettlingProgress, settling_progress
from biorat_al.rounds.team.fetching import look, united
from biorat_al.rounds.team.places import places_of
from biorat_al.rounds.unasked import NotAsked, not_asked
from biorat_al.settings import AskedUnit, Settings
from biorat_al.store.annotations import chunks
from biorat_al.store.answers import Answer, answers, load_answers
from biorat_al.store.database.busy import holder
from biorat_al.store.database.engine import shown
from biorat_al.store.documents import count_documents
from biorat_al.store.evaluations import Between, Level, evaluation, relation_f1
from biorat_al.store.findings import Findings, findings
from biorat_al.store.models import BORROWED, models_in_use
from biorat_al.store.parts.segments import count_never_asked_segments
from biorat_al.store.parts.wholeness import Wholeness, answered_pool
from biorat_al.store.picks import count_never_asked, picks_of
from biorat_al.store.rounds import all_rounds, steps_of
from biorat_al.store.store import Store
from biorat_al.store.tables import AnnotationRow, EntityRow, RelationRow, RoundRow
from biorat_al.store.tasks import count_seats, count_tasks, desk_project

_Counting = Callable[[Session, Sequence[int]], Iterable[tuple[str, int]]]
"""A function that counts something in annotations, by label; a label may occur several times."""


@dataclass(frozen=True)
class RoundStatus:
    """One round: what it learnt from, what it measured, what it asked for.

    :param labelled: documents, and sentences of other ones, with an answer at training time; None if nothing was
        trained.
    :param f1: strict span F1 on the test documents, a fraction, by arm; None if it was not measured.
    :param evaluated: number of test documents used for the evaluation.
    :param waiting_for: step at which the round stopped; None if it is done.
    :param relation_f1: F1 of relations on the test documents, a fraction, by arm, by kind of mentions (gold or
        predicted) and by level; arms without relations are left out.
    :param begun_again: a step was cut off and begun again; `seconds` has only its last attempt.
    :param unit: what the round asked for.
    :param learnt_sentences: of `labelled`, sentences that were asked for by themselves.
    :param has_tasks: annotators have their tasks, although the round may not have ended.
    """

    number: int
    state: str
    started_at: str
    seconds: float
    labelled: int | None
    f1: dict[str, float | None]
    evaluated: int
    strategy: str | None
    asked_for: int
    waiting_for: str | None
    models: dict[str, str]
    relation_f1: dict[str, dict[Between, dict[Level, float | None]]] = field(default_factory=dict)
    begun_again: bool = False
    unit: Literal["document", "sentence"] = "document"
    learnt_sentences: int = 0
    has_tasks: bool = False


@dataclass(frozen=True)
class ProjectStatus:
    """Current state of a project.

    :param labelled: documents with an answer as a whole, by split; ``segment``: sentences of other documents.
    :param left: documents that were never asked for.
    :param left_sentences: sentences that can be asked for; 0 while no document has been cut into sentences.
    :param unit: what rounds ask for, as in the settings.
    :param wholeness: documents that are annotated as a whole, or by all of their sentences, and those begun.
    :param tasks: number of tasks by role and state, as of the last fetch; a task that needs a further answer is
        ``open``.
    :param seats: number of answers still to come to the open tasks, by role, as of the last fetch.
    :param mentions: number of annotated mentions by label, in the answers that count.
    :param relations: number of annotated relations by label, in the answers that count; empty if the project has no
        relations.
    :param concept_relations: the same for relations between concepts.
    :param relation_level: whether the model relates mentions (``mention``) or concepts (``document``); None if the
        project has no relations.
    :param open_now: open tasks by role, fetched from the desk just now; None if it was not asked or did not answer.
    :param seats_now: number of answers still to come to these tasks, by role.
    :param findings: findings about the fetched answers that a person should check.
    :param desk_problem: why the desk did not answer.
    :param forecast: how many more labels a target F1 will take, in a sentence; None if it was not asked for or cannot
        be estimated.
    :param disputes: what annotators disagree on, and how far they agree; None if no document has several answers.
    :param ceiling: what annotators reach on the test set, beside the newest model; None if no test document has several
        blind answers.
    :param settling: how far disputes are settled; None if there were none.
    :param not_asked: labels that were added after documents had been annotated.
    :param borrowed: the corpora from which the models begin, in words; None if the project borrows nothing.
    :param start: how the borrowed start compares with the base encoder, in a sentence; None if nothing was compared.
    :param pre_labels: how files of pre-labels and dictionaries did on the test documents, and who pre-labels, in
        sentences.
    :param price: seconds of annotation for each unit of work, and what they rest on.
    :param running: which process runs a round at this moment, on this machine; None if none does.
    """

    name: str
    folder: str
    database: str
    desk: str
    encoder: str
    labels: tuple[str, ...]
    documents: dict[str, int]
    labelled: dict[str, int]
    left: int
    mentions: dict[str, int]
    tasks: dict[str, dict[str, int]]
    urls: dict[str, str]
    rounds: tuple[RoundStatus, ...] = field(default=())
    open_now: dict[str, int] | None = None
    desk_problem: str | None = None
    forecast: str | None = None
    relations: dict[str, int] = field(default_factory=dict)
    concept_relations: dict[str, int] = field(default_factory=dict)
    relation_level: Level | None = None
    disputes: Disputes | None = None
    seats: dict[str, int] = field(default_factory=dict)
    seats_now: dict[str, int] | None = None
    findings: Findings = field(default_factory=Findings)
    not_asked: tuple[NotAsked, ...] = ()
    borrowed: str | None = None
    start: str | None = None
    price: PriceEstimate | None = None
    pre_labels: tuple[str, ...] = ()
    running: str | None = None
    left_sentences: int = 0
    unit: AskedUnit | Literal["auto"] = "document"
    wholeness: Wholeness | None = None
    ceiling: Ceiling | None = None
    settling: SettlingProgress | None = None

    @property
    def to_annotate(self) -> int:
        """Number of pool documents that are not annotated as a whole, asked for or not."""
        whole = self.labelled["pool"] if self.wholeness is None else self.wholeness.whole
        return self.documents["pool"] - whole

    @property
    def has_sentences(self) -> bool:
        """Whether documents have been cut into sentences, which annotators are asked for by themselves."""
        return self.documents.get("segment", 0) > 0

    @property
    def is_used_up(self) -> bool:
        """Whether nothing that rounds ask for by the settings is left."""
        if self.unit == "sentence" and self.has_sentences:
            return not self.left_sentences
        return not self.left

    def as_dict(self) -> dict[str, Any]:
        """Return the status as JSON values."""
        disputes = self.disputes.as_dict() if self.disputes else None
        price = self.price.as_dict() if self.price else None
        ceiling = self.ceiling.as_dict() if self.ceiling else None
        values = asdict(replace(self, price=None))
        return values | {
            "disputes": disputes,
            "ceiling": ceiling,
            "findings": self.findings.as_dict(),
            "price": price,
        }


def project_status(
    folder: Path, settings: Settings, store: Store, desk: Callable[[], Desk] | None = None
) -> ProjectStatus:
    """Return the status from the store.

    :param desk: opens the desk, which is then asked for its open tasks; None leaves these out.
    """
    with store.read() as session:
        places = [place for role in ROLES for place in places_of(session, role)]
        prefer = settings.team.preferred
        known = settings.gold_is_known
        documents = count_documents(session)
        pool = answered_pool(session, with_gold=known, prefer=prefer)
        learnt = pool.learnt
        test = answers(session, "test", with_gold=True, prefer=prefer)
        disputes = find_disputes(session, [*learnt, *test], prefer)
        status: dict[str, Any] = {
            "name": settings.name,
            "folder": str(folder),
            "database": "SQLite" if store.is_sqlite else shown(store.url),
            "desk": settings.desk.kind,
            "encoder": settings.encoder.name,
            "labels": settings.labels,
            "documents": documents,
            "labelled": {
                "pool": len(pool.documents),
                "segment": len(learnt) - len(pool.documents),
                "test": len(test),
            },
            "left": count_never_asked(session, without_gold=known),
            "left_sentences": count_never_asked_segments(session, without_gold=known),
            "unit": settings.selection.unit,
            "wholeness": pool.wholeness(documents["pool"]),
            "mentions": _by_label(session, [*learnt, *test], _counted(EntityRow), lambda one: one.entities, prefer),
            "tasks": {role: count_tasks(session, role) for role in ROLES},
            "seats": {role: count_seats(session, role) for role in ROLES},
            "findings": findings(session),
            "urls": {place.role: place.row.url for place in places if place.member is None}
            | {kind: row.url for kind in SETTLING_ROLES if (row := desk_project(session, kind)) is not None},
            **(_relations(session, settings, [*learnt, *test]) if settings.relations else {}),
            "rounds": tuple(_round_status(session, row.number) for row in all_rounds(session)),
            "disputes": disputes,
            "ceiling": human_ceiling(session, test),
            "settling": settling_progress(session, disputes),
            "not_asked": not_asked(session, settings, [*learnt, *test]),
            "borrowed": told(folder, settings),
            "start": newest_sentence(session) if settings.borrow.corpora else None,
            "pre_labels": tuple(newest_sentences(session)) if kept_files(settings) else (),
            "price": project_price(session, settings),
            "running": holder(folder, other=True),
        }
    if desk is not None and places:
        try:
            looked = look(desk(), settings, places)
            pulls = {role: united([pull for _, pull in some]) for role, some in looked.items()}
            status["open_now"] = {role: pull.open_documents for role, pull in pulls.items()}
            status["seats_now"] = {role: pull.open_seats for role, pull in pulls.items()}
        except DeskError as error:
            status["desk_problem"] = redact(str(error))
    return ProjectStatus(**status)


def _relations(session: Session, settings: Settings, chosen: Sequence[Answer]) -> dict[str, Any]:
    """Return the status values for relations, in a project that has them."""
    prefer = settings.team.preferred
    return {
        "relations": _by_label(session, chosen, _counted(RelationRow), lambda one: one.relations, prefer),
        "concept_relations": _by_label(session, chosen, _stated, lambda one: one.concept_relations, prefer),
        "relation_level": settings.relation_extraction.level,
    }


def _by_label(
    session: Session,
    chosen: Sequence[Answer],
    counted: _Counting,
    part: Callable[[Annotation], Sequence[Entity | Relation | ConceptRelation]],
    prefer: str | None,
) -> dict[str, int]:
    """Count a part of the chosen answers (entities, say) by label.

    :param chosen: the answers that count.
    :param counted: counts this part in annotations by their ids.
    :param part: function that returns this part of an annotation.
    :param prefer: annotator who decides ties.
    """
    merged = [answer for answer in chosen if answer.rule == "majority"]
    alone = [answer.annotation_id for answer in chosen if answer.rule != "majority"]
    counts = Counter(
        one.label for _, annotation in load_answers(session, merged, prefer=prefer) for one in part(annotation)
    )
    for some in chunks(alone):
        for label, count in counted(session, some):
            counts[label] += count
    return dict(sorted(counts.items()))


def _counted(table: type[EntityRow | RelationRow]) -> _Counting:
    """Return a function that counts the rows of a table by label."""

    def count(session: Session, annotation_ids: Sequence[int]) -> Iterable[tuple[str, int]]:
        rows = select(table.label, func.count()).where(table.annotation_id.in_(annotation_ids)).group_by(table.label)
        return ((label, number) for label, number in session.execute(rows))

    return count


def _stated(session: Session, annotation_ids: Sequence[int]) -> Iterable[tuple[str, int]]:
    """Yield the label of each relation between concepts in annotations, with 1."""
    rows = session.scalars(select(AnnotationRow.concept_relations).where(AnnotationRow.id.in_(annotation_ids)))
    return ((label, 1) for values in rows for label, *_ in values)


def _round_status(session: Session, number: int) -> RoundStatus:
    row = session.get_one(RoundRow, number)
    steps = {step.name: step for step in steps_of(session, number)}
    models = models_in_use(session, number)
    picks = picks_of(session, number)
    measured = {arm: evaluation(session, model.version).get(None) for arm, model in models.items()}
    unfinished = next((step.name for step in steps.values() if step.state in ("pending", "running")), None)
    return RoundStatus(
        number=number,
        state=row.state,
        started_at=row.started_at.isoformat(timespec="seconds"),
        seconds=sum(step.seconds or 0.0 for step in steps.values()),
        # answers are fetched again each time a round is told to wait
        begun_again=any(step.attempts > 1 for step in steps.values() if step.name != "pull"),
        labelled=steps["train"].counts.get("documents"),
        # a column of its own only where the borrowed model was measured
        f1={arm: counts.f1 if counts else None for arm, counts in measured.items() if counts or arm != BORROWED},
        evaluated=max((counts.documents for counts in measured.values() if counts), default=0),
        strategy=picks[0].strategy if picks else None,
        asked_for=len(picks),
        unit="sentence" if steps["select"].counts.get("unit") == "sentence" else "document",
        learnt_sentences=steps["train"].counts.get("sentences", 0),
        waiting_for=None if row.state == "done" else unfinished,
        has_tasks=steps["push"].state in ("done", "skipped"),
        models={arm: model.version for arm, model in models.items()},
        relation_f1={arm: found for arm, model in models.items() if (found := relation_f1(session, model.version))},
    )
