"""How long a simulated run takes, and which steps of its rounds the time goes into.

One run of `none`, choosing by `mnlp`, on NCBI disease, measured on its development documents, with the small encoder,
in one process that has all cores. A run that already exists is only shown.

    python benchmarks/simulation_time.py [--rounds 10] [--size 20] [--arm none] [--work build/simulation-time]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.corpus.sources import Sources
from biorat_al.efficiency.runs.model import read_runs
from biorat_al.efficiency.simulation.options import simulation_grid, simulation_settings
from biorat_al.efficiency.simulation.simulation import Simulation
from biorat_al.progress import TerminalProgress

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "ncbi_disease"
ENTITIES = ("Disease=SpecificDisease,DiseaseClass,Modifier,CompositeMention",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=20)
    parser.add_argument("--arm", default="none")
    parser.add_argument("--work", type=Path, default=Path("build") / "simulation-time")
    options = parser.parse_args()
    simulation = Simulation.create(
        options.work,
        simulation_settings("NCBI-disease", ENTITIES, encoder="minilm", size=options.size),
        simulation_grid((options.arm,), ("mnlp",), seeds=1, rounds=options.rounds),
        Sources(
            [options.corpus / "NCBItrainset_corpus.txt"],
            [options.corpus / "NCBIdevelopset_corpus.txt"],
            reading=ReadOptions(skip_invalid=True),
        ),
    )
    began = time.monotonic()
    simulation.run(1, TerminalProgress())
    elapsed = time.monotonic() - began
    for path in sorted((options.work / "runs").iterdir()):
        for run in read_runs(path):
            steps: Counter[str] = Counter()
            for point in run.points:
                steps.update(point.seconds)
            last = run.points[-1]
            print(f"{run.id}: {len(run.points)} rounds, {last.documents} documents, F1 {100 * last.f1:.1f}")
            for step, seconds in steps.most_common():
                print(f"  {step:<10}{seconds:7.0f} s  {seconds / steps.total():5.0%}")
            print(f"  {'all steps':<10}{steps.total():7.0f} s; this command, with the start: {elapsed:.0f} s")


if __name__ == "__main__":
    main()
