"""The statistics of label efficiency: the names that reports are built on.

Groups of runs go in, dataclasses with intervals come out. Nothing here draws at random without a seed argument.
"""

from __future__ import annotations

from biorat_al.efficiency.adjustment import adjusted
from biorat_al.efficiency.backtest import BacktestCell, backtest
from biorat_al.efficiency.calibration import Calibration, calibration_error
from biorat_al.efficiency.comparison import Comparison, Effect, compare, reachable_target
from biorat_al.efficiency.cost import CostRow, Spread, cost_table
from biorat_al.efficiency.curves import (
    Curve,
    GroupKey,
    area_under_curve,
    common_range,
    f1_at,
    groups,
    labels_needed,
    learning_curve,
)
from biorat_al.efficiency.estimates import LEVEL, Amount, Components, Estimate, Relation, Unit
from biorat_al.efficiency.forecast import Forecast, Reach, forecast, forecast_f1
from biorat_al.efficiency.power import power, seeds_needed
from biorat_al.efficiency.robustness import robustness_deltas
from biorat_al.efficiency.verdict import Verdict, verdict

__all__ = [
    "LEVEL",
    "Amount",
    "BacktestCell",
    "Calibration",
    "Comparison",
    "Components",
    "CostRow",
    "Curve",
    "Effect",
    "Estimate",
    "Forecast",
    "GroupKey",
    "Reach",
    "Relation",
    "Spread",
    "Unit",
    "Verdict",
    "adjusted",
    "area_under_curve",
    "backtest",
    "calibration_error",
    "common_range",
    "compare",
    "cost_table",
    "f1_at",
    "forecast",
    "forecast_f1",
    "groups",
    "labels_needed",
    "learning_curve",
    "power",
    "reachable_target",
    "robustness_deltas",
    "seeds_needed",
    "verdict",
]
