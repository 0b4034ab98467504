"""Answers that nobody looked at, answers that somebody else changed, slips, and seats

Answers that are already in the database are judged from what the desk sent. Earlier versions of the program never asked
who changed an answer, so all answers are requested again: the next round fetches from the beginning.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT_ONCE = 500


def upgrade() -> None:
    op.add_column("annotation", sa.Column("made_from", sa.String(length=16), nullable=True))
    op.add_column("annotation", sa.Column("revises", sa.Text(), nullable=True))
    op.add_column("annotation", sa.Column("superseded", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("annotation", sa.Column("slips", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("task", sa.Column("seats", sa.Integer(), server_default=sa.text("0"), nullable=False))
    connection = op.get_bind()
    unattended = _unattended(connection)
    for start in range(0, len(unattended), _AT_ONCE):
        connection.execute(
            sa.text("UPDATE annotation SET made_from = 'prediction' WHERE id IN :ids").bindparams(
                sa.bindparam("ids", unattended[start : start + _AT_ONCE], expanding=True)
            )
        )
    connection.execute(sa.text("UPDATE task SET seats = 1 WHERE state IN ('open', 'pushing')"))
    if unattended:
        of_task = "SELECT 1 FROM annotation WHERE task_id = task.id AND current AND made_from IS NULL"
        connection.execute(
            sa.text(
                f"UPDATE task SET seats = 1, state = 'open' WHERE state = 'answered' AND NOT EXISTS ({of_task})"  # noqa: S608
            )
        )
        connection.execute(
            sa.text(
                f"UPDATE task SET state = 'skipped' WHERE state = 'answered' AND NOT EXISTS ({of_task} AND NOT skipped)"  # noqa: S608
            )
        )
    connection.execute(sa.text("UPDATE desk_project SET cursor = NULL"))


def _unattended(connection: sa.Connection) -> list[int]:
    """Return the ids of the answers that an action made from predictions, without anybody looking at them."""
    rows = connection.execute(
        sa.text(
            "SELECT id, raw FROM annotation "
            "WHERE source = 'person' AND NOT skipped AND lead_time IS NULL AND raw IS NOT NULL"
        )
    )
    return [ident for ident, raw in rows if _is_prediction(json.loads(raw) if isinstance(raw, str) else raw)]


def _is_prediction(raw: Any) -> bool:
    """Return whether a Label Studio annotation has the traces of the action, and nothing that the editor adds."""
    if not isinstance(raw, dict) or raw.get("lead_time") is not None:
        return False
    result = raw.get("result")
    regions = [region for region in result if isinstance(region, dict)] if isinstance(result, list) else []
    if any(region.get("origin") is not None for region in regions):
        return False
    scored = any(region.get("score") is not None for region in regions)
    return raw.get("parent_prediction") is not None or (raw.get("parent_annotation") is None and scored)
