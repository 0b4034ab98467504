"""The rows of a group of annotators: who they are, what each was asked for, and what was settled between them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from biorat_al.store.database.checksums import Checked
from biorat_al.store.tables.base import Base


class MemberRow(Checked, Base):
    """A person of the team.

    :param name: as the desk knows the person, an e-mail address in Label Studio; after ``team forget``, a pseudonym.
    :param role: ``annotator`` or ``adjudicator``.
    :param left_at: since when the person gets no more tasks; None for a member.
    :param forgotten: after ``team forget``, a digest of the name that was removed, by which the desk's answers of that
        person are recognised (:mod:`biorat_al.people.team.forgotten`).
    """

    __tablename__ = "member"
    __table_args__ = (CheckConstraint("role IN ('annotator', 'adjudicator')", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(String(12))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    forgotten: Mapped[str | None] = mapped_column(String(64))


class MemberProjectRow(Checked, Base):
    """A member's project on the desk with the tasks of one role, and how far it has been fetched."""

    __tablename__ = "member_project"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(String(8), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    cursor: Mapped[str | None] = mapped_column(Text)


class SeatRow(Checked, Base):
    """A document that a member is asked to annotate.

    :param state: ``assigned`` (not sent yet), ``pushing`` (about to be sent, outcome unknown), ``open``, ``answered``,
        ``skipped``, ``moved`` (given to another member) or ``deleted``.
    :param double: whether the document was drawn for two people, before anything was selected.
    :param pre_labels: whether the member sees pre-labels.
    :param seconds: the expected price in seconds when it was given to the member.
    :param moving_to: the member to whom it is about to be given; None: it stays.
    """

    __tablename__ = "seat"
    __table_args__ = (
        CheckConstraint(
            "state IN ('assigned', 'pushing', 'open', 'answered', 'skipped', 'moved', 'deleted')", name="state"
        ),
        UniqueConstraint("document_id", "member_id", name="uq_seat_document_member"),
        Index("ix_seat_member_state", "member_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    role: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(8))
    desk_task_id: Mapped[str | None] = mapped_column(String(80))
    round_number: Mapped[int] = mapped_column(ForeignKey("round.number"))
    double: Mapped[bool] = mapped_column(default=False, server_default=false())
    pre_labels: Mapped[bool] = mapped_column(default=True, server_default=true())
    seconds: Mapped[float | None]
    assigned_at: Mapped[datetime]
    pushed_at: Mapped[datetime | None]
    moving_to: Mapped[int | None] = mapped_column(ForeignKey("member.id"))


class SettlementRow(Checked, Base):
    """A document on which people were asked again: to settle what annotators disagree on, or what an audit found.

    What is shown changes with the annotators' answers. Then another row is added, and the task of the row before is
    withdrawn, unless it was answered or begun.

    :param kind: ``disputes`` or ``review``; also the role of the project on the desk.
    :param state: ``pushing`` (about to be sent, outcome unknown), ``open``, ``answered``, ``skipped`` or ``deleted``.
    :param digest: of what is asked: of the annotators' answers, or of the findings.
    :param shown: what was shown, as JSON: what annotators differ on, or the findings.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint("kind IN ('disputes', 'review')", name="kind"),
        CheckConstraint("state IN ('pushing', 'open', 'answered', 'skipped', 'deleted')", name="state"),
        UniqueConstraint("document_id", "kind", "digest", name="uq_settlement_asked"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(8))
    desk_task_id: Mapped[str | None] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))
    shown: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    intent_at: Mapped[datetime]
    pushed_at: Mapped[datetime | None]
