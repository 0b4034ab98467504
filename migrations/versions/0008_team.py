"""A group of annotators: members, their projects and seats, and what was settled between them"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("annotation", sa.Column("settles", sa.String(length=8), nullable=True))
    # they cover one column more now; the next round computes them anew
    op.execute("UPDATE annotation SET checksum = NULL")
    op.create_table(
        "member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten", sa.String(length=64), nullable=True),
        sa.Column("checksum", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('annotator', 'adjudicator')", name=op.f("ck_member_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("name", name=op.f("uq_member_name")),
    )
    op.create_table(
        "member_project",
        sa.Column("member_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("checksum", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_project_member_id")),
        sa.PrimaryKeyConstraint("member_id", "role", name=op.f("pk_member_project")),
    )
    op.create_table(
        "seat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("desk_task_id", sa.String(length=80), nullable=True),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("double", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pre_labels", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moving_to", sa.Integer(), nullable=True),
        sa.Column("checksum", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('assigned', 'pushing', 'open', 'answered', 'skipped', 'moved', 'deleted')",
            name=op.f("ck_seat_state"),
        ),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_seat_document_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_seat_member_id")),
        sa.ForeignKeyConstraint(["moving_to"], ["member.id"], name=op.f("fk_seat_moving_to")),
        sa.ForeignKeyConstraint(["round_number"], ["round.number"], name=op.f("fk_seat_round_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint("document_id", "member_id", name="uq_seat_document_member"),
    )
    op.create_index("ix_seat_member_state", "seat", ["member_id", "state"])
    op.create_table(
        "settlement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("desk_task_id", sa.String(length=80), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("shown", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("intent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checksum", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('disputes', 'review')", name=op.f("ck_settlement_kind")),
        sa.CheckConstraint(
            "state IN ('pushing', 'open', 'answered', 'skipped', 'deleted')", name=op.f("ck_settlement_state")
        ),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_settlement_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("document_id", "kind", "digest", name="uq_settlement_asked"),
    )
