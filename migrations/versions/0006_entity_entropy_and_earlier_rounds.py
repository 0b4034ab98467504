"""Entity-weighted entropy of predictions, and the uncertainty that models of earlier rounds had

The checksums of predictions cover the new columns, so those that exist are computed anew by the next round.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prediction", sa.Column("entity_entropy", sa.Double(), nullable=True))
    op.add_column("prediction", sa.Column("earlier_mnlp", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
    op.execute(sa.text("UPDATE prediction SET checksum = NULL"))
