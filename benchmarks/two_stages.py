"""Do models learn as much from what two stages choose as from what the scores of the whole pool choose?

Above `score_all` documents or sentences, a round predicts a random sample and what a cheap guess says is most likely to
be chosen, `candidates` in all. Here single sentences of NCBI disease are asked for, some 5,300 in the pool, and the
second stage predicts 1,000 of them: about the share that the defaults predict of a pool of 110,000. Six models of each
way, of 20 to 120 documents' worth of sentences, learn plainly (150 steps or three epochs); runs of the same seed have
the same first batch. Prints F1 at each size, and the differences: after five rounds of choosing, and over the curve.

    python benchmarks/two_stages.py [--seeds 5] [--workers N] [--work FOLDER] [--corpora FOLDER]

Runs are kept in `results/two_stages/`; what is there is not run again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from paired import difference

from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.corpus.sources import Sources
from biorat_al.efficiency.runs.model import Run, read_runs
from biorat_al.efficiency.simulation.options import simulation_grid, simulation_settings
from biorat_al.efficiency.simulation.simulation import Simulation

sys.path.insert(0, str(Path(__file__).parent / "label_efficiency"))
from hours import CORPORA, CORPORA_OF_THE_STUDY
from kept_runs import make_runs

RESULTS = Path(__file__).parent / "results" / "two_stages"
ROUNDS = 6

WAYS: Mapping[str, tuple[str, ...]] = {
    "whole": ("selection.score_all=1000000",),
    "two-stages": ("selection.score_all=1000", "selection.candidates=1000"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="the folder of the corpora")
    parser.add_argument("--work", type=Path, default=Path("build") / "two-stages", help="for runs under way")
    parser.add_argument("--workers", type=int, help="runs side by side")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    # seed by seed, so that what there is can be compared at any time
    for seeds in range(1, options.seeds + 1):
        for way in WAYS:
            run_way(way, options, seeds)
    print(answer(*(read_runs(RESULTS / f"{way}.jsonl") for way in WAYS)))


def run_way(way: str, options: argparse.Namespace, seeds: int) -> None:
    """Make the runs of a way that are missing."""
    corpus = CORPORA_OF_THE_STUDY["ncbi"]
    assert not isinstance(corpus.test, int)
    settings = simulation_settings(
        corpus.name,
        corpus.entities,
        encoder="minilm",
        size=20,
        changes=("selection.unit=sentence", "training.min_steps=150", "evaluation.robustness=false", *WAYS[way]),
    )
    simulation = Simulation.create(
        options.work / way,
        settings,
        simulation_grid(("none",), ("mnlp",), seeds=seeds, rounds=ROUNDS),
        Sources(
            [options.corpora / one for one in corpus.documents],
            [options.corpora / one for one in corpus.test],
            # one mention of NCBI disease has two blanks too many
            reading=ReadOptions(skip_invalid=True),
        ),
    )
    make_runs(simulation, RESULTS / f"{way}.jsonl", options.workers)


def answer(whole: list[Run], parts: list[Run]) -> str:
    """Return the curves, and the paired differences with 95 % intervals over the seeds (Student's t)."""
    seeds = sorted({run.seed for run in whole} & {run.seed for run in parts})
    curves = [
        100 * np.array([[point.f1 for point in run.points] for run in runs if run.seed in seeds])
        for runs in (whole, parts)
    ]
    lines = [
        f"{way}, {len(seeds)} seeds: " + " ".join(f"{f1:.1f}" for f1 in curve.mean(axis=0))
        for way, curve in zip(WAYS, curves, strict=True)
    ]
    differences = curves[1] - curves[0]
    for name, values in (("after five rounds", differences[:, -1]), ("mean over the curve", differences.mean(axis=1))):
        lines.append(f"two-stages less whole, {name}: {difference(values.tolist(), 2)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
