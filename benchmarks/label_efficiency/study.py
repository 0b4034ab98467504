"""Does random adversarial training save labels? Simulated annotation on two corpora, arm against arm, paired by seed.

Tests are made on the development documents; settings were chosen on a part of the training documents (`tune.py`). All
runs are kept in `results/<stage>.jsonl`, one line each; what is there is not run again, so the study goes on where it
stopped, on any machine. Interrupt it whenever you like.

    python benchmarks/label_efficiency/study.py [STAGE ...] [--corpora FOLDER] [--work FOLDER] [--workers N]

The stages, in this order unless named:

    ncbi         NCBI disease: none, matched (plain, with the compute of rat) and rat, each selecting by mnlp; 5 seeds
    ncbi-random  the same with random picks: what a query strategy is worth
    ncbi-cluster the same by cluster-margin, which led when four of the six seeds of `screen.py` were in
    ncbi-at      full adversarial training: what rat is to be no worse than
    ncbi-full    plain training on all documents: what there is to reach
    bc5cdr       BC5CDR, diseases and chemicals: none, matched and rat by mnlp; 3 seeds
    ncbi-long    plain training up to 240 documents (40 %), by mnlp: how far labels go towards what there is
    ncbi-long-random
                 the same with documents at random, its control
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kept_runs import make_runs

from biorat_al.corpus.formats.base import ReadOptions
from biorat_al.corpus.sources import Sources
from biorat_al.efficiency.simulation.options import simulation_grid, simulation_settings
from biorat_al.efficiency.simulation.simulation import Simulation

HERE = Path(__file__).parent
CORPORA = HERE.parent.parent.parent / "shared" / "corpora"
RESULTS = HERE / "results"

# the first batch at random, so that seeds differ in what they begin with, as projects do
CHANGES = ("selection.seed_strategy=random",)


@dataclass(frozen=True)
class Corpus:
    """A corpus: training documents as the pool, development documents as the test set."""

    name: str
    documents: str
    test: str
    entities: tuple[str, ...]
    ignored: tuple[str, ...] = ()


NCBI = Corpus(
    "NCBI-disease",
    "ncbi_disease/NCBItrainset_corpus.txt",
    "ncbi_disease/NCBIdevelopset_corpus.txt",
    ("Disease=SpecificDisease,DiseaseClass,Modifier,CompositeMention",),
)
BC5CDR = Corpus(
    "BC5CDR",
    "bc5cdr/CDR_TrainingSet.PubTator.txt",
    "bc5cdr/CDR_DevelopmentSet.PubTator.txt",
    ("Disease", "Chemical"),
)


@dataclass(frozen=True)
class Stage:
    """A part of the study: one simulation."""

    corpus: Corpus
    arms: tuple[str, ...]
    strategies: tuple[str, ...] = ("mnlp",)
    seeds: int = 5
    rounds: int = 5
    size: int = 30
    full: bool = False


STAGES: Mapping[str, Stage] = {
    "ncbi": Stage(NCBI, ("none", "matched", "rat")),
    "ncbi-random": Stage(NCBI, ("none",), strategies=("random",)),
    "ncbi-cluster": Stage(NCBI, ("none",), strategies=("cluster-margin",)),
    "ncbi-at": Stage(NCBI, ("at",), seeds=3),
    "ncbi-full": Stage(NCBI, ("none",), strategies=("random",), seeds=3, rounds=1, full=True),
    "bc5cdr": Stage(BC5CDR, ("none", "matched", "rat"), seeds=3, rounds=4),
    "ncbi-long": Stage(NCBI, ("none",), seeds=3, rounds=3, size=80),
    "ncbi-long-random": Stage(NCBI, ("none",), strategies=("random",), seeds=3, rounds=3, size=80),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="the folder that holds ncbi_disease and bc5cdr")
    parser.add_argument("--work", type=Path, default=Path("build") / "label-efficiency", help="for runs under way")
    parser.add_argument("--workers", type=int, help="runs side by side")
    parser.add_argument("--seeds", type=int, help="fewer seeds than planned")
    options = parser.parse_args()
    for name in options.stages or STAGES:
        run_stage(name, options.corpora, options.work / name, options.workers, options.seeds)


def run_stage(name: str, corpora: Path, folder: Path, workers: int | None, seeds: int | None) -> None:
    """Make the runs of a stage that are missing, and keep what is there however it ends."""
    stage, results = STAGES[name], RESULTS / f"{name}.jsonl"
    corpus = stage.corpus
    simulation = Simulation.create(
        folder,
        simulation_settings(corpus.name, corpus.entities, encoder="minilm", size=stage.size, changes=CHANGES),
        simulation_grid(stage.arms, stage.strategies, seeds=seeds or stage.seeds, rounds=stage.rounds, full=stage.full),
        Sources(
            [corpora / corpus.documents],
            [corpora / corpus.test],
            ignore_labels=corpus.ignored,
            # one mention of NCBI disease has two blanks too many
            reading=ReadOptions(skip_invalid=True),
        ),
    )
    make_runs(simulation, results, workers)


if __name__ == "__main__":
    main()
