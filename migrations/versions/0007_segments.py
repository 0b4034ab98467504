"""Segments of documents, which annotators can be asked for by themselves

SQLite cannot change a constraint. Its documentation ("Making Other Kinds Of Table Schema Changes") says how to write
another one into the schema, which leaves the rows as they are; a table that others refer to cannot be made again within
a transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BEFORE, _NOW = "split IN ('pool', 'test')", "split IN ('pool', 'segment', 'test')"


def upgrade() -> None:
    op.create_table(
        "segment",
        sa.Column("document_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("context_words", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_segment_document_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["document.id"], name=op.f("fk_segment_parent_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_segment")),
        sa.UniqueConstraint("parent_id", "start", "end", name="uq_segment_place"),
    )
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_document_split"), "document", type_="check")
        op.create_check_constraint(op.f("ck_document_split"), "document", _NOW)
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :before, :now) WHERE type = 'table' AND name = 'document'"
        ),
        {"before": _BEFORE, "now": _NOW},
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
