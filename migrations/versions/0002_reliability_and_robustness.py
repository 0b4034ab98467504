"""Reliability of confidences, and counts on altered test documents"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reliability",
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("bin", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["model_version"], ["model.version"], name=op.f("fk_reliability_model_version")),
        sa.PrimaryKeyConstraint("model_version", "bin", name=op.f("pk_reliability")),
    )
    op.create_table(
        "robustness",
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.String(length=16), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("true_positives", sa.Integer(), nullable=False),
        sa.Column("false_positives", sa.Integer(), nullable=False),
        sa.Column("false_negatives", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_robustness_document_id")),
        sa.ForeignKeyConstraint(["model_version"], ["model.version"], name=op.f("fk_robustness_model_version")),
        sa.PrimaryKeyConstraint("model_version", "condition", "document_id", name=op.f("pk_robustness")),
    )
