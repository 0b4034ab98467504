"""People's answers are found without reading the gold annotations of a large pool"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_annotation_source_document", "annotation", ["source", "document_id"])
