"""The tables of the database. Everything in a report can be traced to their rows.

A person's work is never overwritten: an edited answer becomes a further row, and a deleted answer keeps its row with
the time of its deletion.

- `base`: the base class. `rows`: all that every project has. `team`: the rows of a group of annotators.

`base < rows < team`: what is on the right may import what is on the left.
"""

from biorat_al.store.tables.base import Base, UtcDateTime
from biorat_al.store.tables.rows import (
    AnnotationRow,
    DeskProjectRow,
    DocumentRow,
    EntityRow,
    EvaluationRow,
    ModelRow,
    PickRow,
    PredictionRow,
    ProjectRow,
    RelationEvaluationRow,
    RelationRow,
    ReliabilityRow,
    RobustnessRow,
    RoundRow,
    SegmentRow,
    StepRow,
    TaskRow,
)
from biorat_al.store.tables.team import MemberProjectRow, MemberRow, SeatRow, SettlementRow

__all__ = [
    "AnnotationRow",
    "Base",
    "DeskProjectRow",
    "DocumentRow",
    "EntityRow",
    "EvaluationRow",
    "MemberProjectRow",
    "MemberRow",
    "ModelRow",
    "PickRow",
    "PredictionRow",
    "ProjectRow",
    "RelationEvaluationRow",
    "RelationRow",
    "ReliabilityRow",
    "RobustnessRow",
    "RoundRow",
    "SeatRow",
    "SegmentRow",
    "SettlementRow",
    "StepRow",
    "TaskRow",
    "UtcDateTime",
]
