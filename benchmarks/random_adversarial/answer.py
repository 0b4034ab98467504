"""Print what has been measured: mean F1 of each way of training, and paired differences with 95 % intervals.

    python benchmarks/random_adversarial/answer.py [RESULTS ...]

Differences are paired by seed: both models learnt the same abstracts. The interval is that of Student's t over the
seeds, so it holds for other samples of abstracts and other starts, but for these abstracts to score on.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

from measure import RESULTS, read_rows

sys.path.insert(0, str(Path(__file__).parent.parent))
from paired import difference

BASELINES = ("none", "matched", "none + none, other seed")
Scores = dict[int, dict[str, float]]


def main() -> None:
    for path in map(Path, sys.argv[1:] or sorted(RESULTS.glob("*.jsonl"))):
        print(f"# {path.name}")
        cells: dict[tuple[str, int, str, int, str], dict[str, Scores]] = {}
        for row in read_rows(path):
            corpus, abstracts, seed, encoder, steps, *start = json.loads(row["cell"])
            cell = (corpus, abstracts, encoder, steps, f", from {start[0]}" if start else "")
            cells.setdefault(cell, {}).setdefault(row["model"], {})[seed] = row["f1"]
        for (corpus, abstracts, encoder, steps, begun), models in sorted(cells.items()):
            print(f"\n{corpus}, {abstracts} abstracts, {encoder}, at least {steps} steps{begun}")
            for condition in sorted({name for scores in models.values() for f1 in scores.values() for name in f1}):
                _table(condition, models)


def _table(condition: str, models: dict[str, Scores]) -> None:
    print(f"  {condition}")
    for name, scores in models.items():
        of_condition = {seed: f1[condition] for seed, f1 in scores.items() if condition in f1}
        line = f"    {name:<28} {statistics.mean(of_condition.values()):5.1f} over {len(of_condition):>2}"
        for baseline in BASELINES:
            of_baseline = models.get(baseline, {})
            differences = [
                f1 - of_baseline[seed][condition] for seed, f1 in of_condition.items() if seed in of_baseline
            ]
            if baseline != name and differences:
                line += f"   - {baseline}: {difference(differences)}"
        print(line)


if __name__ == "__main__":
    main()
