"""Relations in predictions, and counts of relations on the test documents"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prediction", sa.Column("relations", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.create_table(
        "relation_evaluation",
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("entities", sa.String(length=12), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("true_positives", sa.Integer(), nullable=False),
        sa.Column("false_positives", sa.Integer(), nullable=False),
        sa.Column("false_negatives", sa.Integer(), nullable=False),
        sa.CheckConstraint("entities IN ('gold', 'predicted')", name=op.f("ck_relation_evaluation_entities")),
        sa.CheckConstraint("level IN ('mention', 'document')", name=op.f("ck_relation_evaluation_level")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_relation_evaluation_document_id")),
        sa.ForeignKeyConstraint(
            ["model_version"], ["model.version"], name=op.f("fk_relation_evaluation_model_version")
        ),
        sa.PrimaryKeyConstraint(
            "model_version", "document_id", "label", "entities", "level", name=op.f("pk_relation_evaluation")
        ),
    )
