"""How often did the forecast's interval hold the later truth? Counted on the learning curves of the study.

Each curve is cut off, each later point is forecast from what is left, and the share of forecasts is counted whose 95 %
interval holds the F1 that was measured. Where the same arm was trained on the whole pool from the same seed, that is a
later point too. The forecasts of one curve are not independent, so the number of curves stands beside them.

    python benchmarks/label_efficiency/forecasts.py [RESULTS.jsonl ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from biorat_al.efficiency.runs.model import read_runs
from biorat_al.efficiency.statistics.backtest import backtest

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=Path, help="files of runs; those of the study unless given")
    options = parser.parse_args()
    runs = [run for path in options.results or sorted(RESULTS.glob("*.jsonl")) for run in read_runs(path)]
    whole = {(run.corpus, run.arm, run.seed): run.points for run in runs if run.kind == "full"}
    curves = [
        [*run.points, *whole.get((run.corpus, run.arm, run.seed), ())]
        for run in runs
        if run.kind == "simulated" and len(run.points) > 2
    ]
    cells = backtest(curves)
    print(f"{len(curves)} curves")
    print("points seen  documents, times  held  forecasts  mean width (F1 points)")
    for cell in cells:
        held = f"{100 * cell.coverage:.0f} %"
        print(f"{cell.prefix:11}  {cell.horizon:16.1f}  {held:>5}  {cell.forecasts:9}  {100 * cell.width:.1f}")
    inside, total = sum(cell.inside for cell in cells), sum(cell.forecasts for cell in cells)
    print(f"all together: {inside} of {total}")


if __name__ == "__main__":
    main()
