"""The rows of a project: its corpus, answers, tasks, rounds, models and what was measured."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from biorat_al.store.database import shapes
from biorat_al.store.database.checksums import Checked
from biorat_al.store.database.json_values import JsonOf
from biorat_al.store.tables.base import Base


class ProjectRow(Base):
    """The only project of a database."""

    __tablename__ = "project"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1, autoincrement=False)
    uid: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    program_version: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]


class DocumentRow(Checked, Base):
    """A document, or a segment of one (split ``segment``); `id` follows the order in which documents were read."""

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("split IN ('pool', 'segment', 'test')", name="split"),
        Index("ix_document_split_id", "split", "id"),
    )
    # the text has a digest, and the split one of two values
    unchecked = ("text", "split")

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    split: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str] = mapped_column(String(64), index=True)
    passages: Mapped[list[Any]]
    details: Mapped[dict[str, Any]]


class SegmentRow(Checked, Base):
    """What a segment, which has a document row of its own, is a part of.

    :param start: with `end`, its place in the text of the document `parent_id`.
    :param context_words: words of the neighbouring sentences; see :class:`~biorat_al.corpus.segments.Segment`.
    """

    __tablename__ = "segment"
    __table_args__ = (UniqueConstraint("parent_id", "start", "end", name="uq_segment_place"),)

    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True, autoincrement=False)
    parent_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    start: Mapped[int]
    end: Mapped[int]
    context_words: Mapped[int]


class AnnotationRow(Checked, Base):
    """An annotation of one document by one source, at one time.

    `source` is ``person``, ``gold`` or ``import``. For a person, each fetched edit is a separate row and `current`
    marks the newest; a deleted answer has `deleted_at` and is no longer current. An answer that is not `usable` was
    given on a text other than the document's; it is kept but never counts. An answer with `made_from` does not count
    either, because nobody looked at it (see :class:`~biorat_al.desk.base.DeskAnnotation`).

    `annotator` is the person who made this revision. If it was somebody else's answer before, or a copy of one,
    `revises` names that person. `superseded` marks the last revision that its author had made alone before somebody
    else changed it: it is not current, but is still the author's independent answer. `slips` counts what was corrected
    in it.

    `settles` says that it is an answer to a :class:`~biorat_al.store.tables.team.SettlementRow` of that kind; such an
    answer has no `task_id`, and is marked as ground truth.
    """

    __tablename__ = "annotation"
    __table_args__ = (
        CheckConstraint("source IN ('person', 'gold', 'import')", name="source"),
        UniqueConstraint("desk_annotation_id", "updated_at", "skipped", name="uq_annotation_revision"),
        Index("ix_annotation_document_source", "document_id", "source"),
        # people's answers are few beside the gold annotations of a large pool
        Index("ix_annotation_source_document", "source", "document_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    source: Mapped[str] = mapped_column(String(8))
    current: Mapped[bool] = mapped_column(default=True)
    skipped: Mapped[bool] = mapped_column(default=False)
    usable: Mapped[bool] = mapped_column(default=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    desk_annotation_id: Mapped[str | None] = mapped_column(String(80))
    annotator: Mapped[str | None] = mapped_column(Text)
    shown_version: Mapped[str | None] = mapped_column(Text)
    ground_truth: Mapped[bool] = mapped_column(default=False)
    lead_time: Mapped[float | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    fetched_round: Mapped[int | None]
    deleted_at: Mapped[datetime | None]
    concept_relations: Mapped[list[Any]]
    extras: Mapped[dict[str, Any]]
    raw: Mapped[dict[str, Any] | None] = mapped_column(JsonOf(dict, optional=True))
    problems: Mapped[list[Any]]
    made_from: Mapped[str | None] = mapped_column(String(16))
    revises: Mapped[str | None] = mapped_column(Text)
    superseded: Mapped[bool] = mapped_column(default=False, server_default=false())
    slips: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    settles: Mapped[str | None] = mapped_column(String(8))


class EntityRow(Checked, Base):
    """A mention of an annotation."""

    __tablename__ = "entity"

    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotation.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    spans: Mapped[list[Any]]
    concepts: Mapped[list[Any]]
    score: Mapped[float | None]
    origin: Mapped[str | None] = mapped_column(String(24))
    extras: Mapped[dict[str, Any]]


class RelationRow(Checked, Base):
    """A relation of an annotation; head and tail are keys of its entities."""

    __tablename__ = "relation"

    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotation.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    head: Mapped[str] = mapped_column(Text)
    tail: Mapped[str] = mapped_column(Text)
    directed: Mapped[bool]
    extras: Mapped[dict[str, Any]]


class DeskProjectRow(Checked, Base):
    """The project on the desk that has the tasks of one role, and how far it has been fetched."""

    __tablename__ = "desk_project"

    role: Mapped[str] = mapped_column(String(8), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    cursor: Mapped[str | None] = mapped_column(Text)


class TaskRow(Checked, Base):
    """A document that was asked for.

    `state` is ``pushing`` (about to be sent, outcome unknown), ``open``, ``answered``, ``skipped`` or ``deleted``.
    `seats` is the number of people who should still answer it: an answered task may still be open for others.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint("state IN ('pushing', 'open', 'answered', 'skipped', 'deleted')", name="state"),
        # with SQLite, Label Studio gives the id of a deleted task to the next one
        Index(
            "uq_task_desk_task",
            "role",
            "desk_task_id",
            unique=True,
            sqlite_where=text("state <> 'deleted'"),
            postgresql_where=text("state <> 'deleted'"),
        ),
    )
    unchecked = ("intent_at",)

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), unique=True)
    role: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(8), index=True)
    desk_task_id: Mapped[str | None] = mapped_column(String(80))
    round_number: Mapped[int] = mapped_column(ForeignKey("round.number"))
    shown_version: Mapped[str | None] = mapped_column(Text)
    intent_at: Mapped[datetime]
    pushed_at: Mapped[datetime | None]
    drafts: Mapped[int] = mapped_column(default=0)
    seats: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class RoundRow(Checked, Base):
    """A round: what it was asked to do and how far it has come (``running``, ``waiting``, ``done``)."""

    __tablename__ = "round"
    __table_args__ = (CheckConstraint("state IN ('running', 'waiting', 'done')", name="state"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(8))
    request: Mapped[dict[str, Any]] = mapped_column(JsonOf(dict, entries=shapes.REQUEST))
    settings: Mapped[dict[str, Any]] = mapped_column(JsonOf(dict, entries=shapes.SETTINGS))
    program_version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StepRow(Checked, Base):
    """A step of a round: ``pending``, ``running``, ``done`` or ``skipped``, with its counts.

    `started_at` and `seconds` are of the last of its `attempts`: of one that was killed nobody knows when it ended.
    """

    __tablename__ = "step"
    __table_args__ = (CheckConstraint("state IN ('pending', 'running', 'done', 'skipped')", name="state"),)

    round_number: Mapped[int] = mapped_column(ForeignKey("round.number"), primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    position: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    seconds: Mapped[float | None]
    counts: Mapped[dict[str, Any]] = mapped_column(JsonOf(dict, entries=shapes.COUNTS))


class ModelRow(Checked, Base):
    """A trained model, whose folder is in the project's ``models``; or pre-labels from a file or a dictionary."""

    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("round_number", "arm", name="uq_model_round_arm"),)

    version: Mapped[str] = mapped_column(String(200), primary_key=True)
    round_number: Mapped[int] = mapped_column(ForeignKey("round.number"))
    arm: Mapped[str] = mapped_column(String(16))
    selecting: Mapped[bool]
    sha256: Mapped[str] = mapped_column(String(64))
    summary: Mapped[dict[str, Any]] = mapped_column(JsonOf(dict, entries=shapes.SUMMARY))
    created_at: Mapped[datetime]


class EvaluationRow(Checked, Base):
    """Strict span counts of one model on one test document and label."""

    __tablename__ = "evaluation"

    model_version: Mapped[str] = mapped_column(ForeignKey("model.version"), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    label: Mapped[str] = mapped_column(Text, primary_key=True)
    true_positives: Mapped[int]
    false_positives: Mapped[int]
    false_negatives: Mapped[int]


class ReliabilityRow(Checked, Base):
    """Counts of a model's predicted mentions on the test documents with confidences in one of equal parts of [0, 1].

    `bin` numbers the parts from 0, `confidence` is the sum of the confidences, `right` the number of right mentions.
    """

    __tablename__ = "reliability"

    model_version: Mapped[str] = mapped_column(ForeignKey("model.version"), primary_key=True)
    bin: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    confidence: Mapped[float]
    right: Mapped[int]


class RobustnessRow(Checked, Base):
    """Strict span counts over all labels of one model on one test document that was altered (``typos``, …)."""

    __tablename__ = "robustness"

    model_version: Mapped[str] = mapped_column(ForeignKey("model.version"), primary_key=True)
    condition: Mapped[str] = mapped_column(String(16), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    true_positives: Mapped[int]
    false_positives: Mapped[int]
    false_negatives: Mapped[int]


class RelationEvaluationRow(Checked, Base):
    """Counts of one model's relations on one test document and relation label.

    `entities` says between which mentions relations were predicted: those that count as ``gold``, or those
    ``predicted`` by the model itself (end to end). `level` says what a relation is: a pair of mentions (``mention``) or
    of concepts (``document``); see :func:`biorat_al.learner.relations.scoring.score_relations`.
    """

    __tablename__ = "relation_evaluation"
    __table_args__ = (
        CheckConstraint("entities IN ('gold', 'predicted')", name="entities"),
        CheckConstraint("level IN ('mention', 'document')", name="level"),
    )

    model_version: Mapped[str] = mapped_column(ForeignKey("model.version"), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    label: Mapped[str] = mapped_column(Text, primary_key=True)
    entities: Mapped[Literal["gold", "predicted"]] = mapped_column(String(12), primary_key=True)
    level: Mapped[Literal["mention", "document"]] = mapped_column(String(12), primary_key=True)
    true_positives: Mapped[int]
    false_positives: Mapped[int]
    false_negatives: Mapped[int]


class PredictionRow(Checked, Base):
    """The prediction of a round's selecting model, or of other pre-labels, on one document of the pool.

    `earlier_mnlp` has the ``mnlp`` of the same document by the selecting models of earlier rounds, the newest first:
    their own rows are deleted. `entity_entropy` is None where an earlier version of the program predicted.
    """

    __tablename__ = "prediction"

    model_version: Mapped[str] = mapped_column(ForeignKey("model.version"), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    confidence: Mapped[float]
    tokens: Mapped[int]
    least_confidence: Mapped[float]
    margin: Mapped[float]
    entropy: Mapped[float]
    mnlp: Mapped[float]
    entities: Mapped[list[Any]]
    # models of earlier versions of the program did not predict relations
    relations: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    entity_entropy: Mapped[float | None]
    # the default is needed for the checksum of rows that are written without it
    earlier_mnlp: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))


class PickRow(Checked, Base):
    """A document that a round chose, with score and reason."""

    __tablename__ = "pick"
    __table_args__ = (Index("uq_pick_rank", "round_number", "rank", unique=True),)

    round_number: Mapped[int] = mapped_column(ForeignKey("round.number"), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    rank: Mapped[int]
    strategy: Mapped[str] = mapped_column(String(40))
    score: Mapped[float]
    reason: Mapped[str] = mapped_column(Text)
    tokens: Mapped[int]


# only one current revision of each answer
Index(
    "uq_annotation_current",
    AnnotationRow.desk_annotation_id,
    AnnotationRow.task_id,
    unique=True,
    sqlite_where=text("current"),
    postgresql_where=text("current"),
)
