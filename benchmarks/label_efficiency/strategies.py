"""What is choosing by uncertainty worth? Runs of the study that chose by mnlp against those that chose at random.

Plain training on NCBI disease, paired by seed; by documents and by word pieces, since uncertain documents are longer or
shorter than others.

    python benchmarks/label_efficiency/strategies.py
"""

from __future__ import annotations

from pathlib import Path

from biorat_al.efficiency.runs import read_runs
from biorat_al.efficiency.statistics import compare

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    by_mnlp = [run for run in read_runs(RESULTS / "ncbi.jsonl") if run.arm == "none"]
    at_random = read_runs(RESULTS / "ncbi-random.jsonl")
    for unit in ("documents", "tokens"):
        most = compare(by_mnlp, at_random, unit).range[1]
        found = compare(by_mnlp, at_random, unit, budgets=[most], targets=[0.7])
        print(f"mnlp against random, in {unit}: {len(found.seeds)} seeds, {found.documents} test documents")
        for effect in found.effects:
            at = "" if effect.at is None else f" at {effect.at:,.6g}"
            one = effect.estimate
            value = "–" if one.value is None else one.value.text(4)
            low, high = ("open" if end is None else f"{end:.4f}" for end in (one.low, one.high))
            print(f"  {effect.kind}{at}: {value}, {100 * found.level:.0f} % interval {low} to {high}")


if __name__ == "__main__":
    main()
