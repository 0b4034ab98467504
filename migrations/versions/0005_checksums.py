"""Checksums of rows

The rows that are already in the database have none until the next round, which computes them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = (
    "document",
    "annotation",
    "entity",
    "relation",
    "desk_project",
    "task",
    "round",
    "step",
    "model",
    "evaluation",
    "reliability",
    "robustness",
    "relation_evaluation",
    "prediction",
    "pick",
)


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("checksum", sa.BigInteger(), nullable=True))
