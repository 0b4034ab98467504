"""The text that ``simulate`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al.presentation.text import percent, table

if TYPE_CHECKING:
    from biorat_al.efficiency.runs.model import Run


def simulation_text(runs: Sequence[Run], folder: Path) -> str:
    """Return the F1 of the last model of each arm and strategy, averaged over the seeds."""
    from biorat_al.efficiency.statistics.curves import groups

    rows = [["runs", "arm", "strategy", "seeds", "documents", "F1 (mean, lowest to highest)"]]
    for key, members in groups(runs).items():
        f1 = [run.points[-1].f1 for run in members]
        spread = f"{percent(sum(f1) / len(f1))} ({percent(min(f1))} to {percent(max(f1))})"
        documents = max(run.points[-1].documents for run in members)
        kind = f"{key.kind}, {Path(key.encoder).name}, picks of {key.selected_by}" if key.selected_by else key.kind
        rows.append([kind, key.arm, key.strategy, str(len(members)), f"{documents:,}", spread])
    return "\n".join([*table(rows), f"Next: biorat-al report --simulation {folder}"])
