"""How many annotator hours the defaults save, against what people do without a tool; and what each part is worth.

Simulated annotation on four corpora. The ways are

    defaults     what `biorat-al init --borrow` sets up, except that no round compares the borrowed start with the base
                 encoder
    today        documents at random, plain training from the base encoder, as many steps as three epochs have, no
                 pre-labels; also trained on all documents, for what there is to reach
    no-borrow, no-committee, random, few-steps
                 the defaults with one part switched off
    diverse-random
                 the defaults with a diverse first batch and documents at random from then on
    cluster-margin, entity-entropy, fluctuation
                 the defaults with another query strategy
    per-hour     the defaults with scores divided by the expected seconds of a document
    sentences    the defaults, but single sentences are asked for; random-sentences: chosen at random
    today-sentences
                 as today, but single sentences at random

The defaults without pre-labels need no run: the same documents are chosen, so `hours_answers.py` prices the work of
`defaults` as if every mention were marked by hand.

All runs are kept in `results/hours/<corpus>-<way>.jsonl`, one line each. What is there is not run again, and a run that
was interrupted goes on in the work folder, so interrupt it whenever you like.

    python benchmarks/label_efficiency/hours.py [CORPUS/WAY ...] [--seeds N] [--work FOLDER] [--workers N]
    python benchmarks/label_efficiency/hours_answers.py

Without names, the headline: `defaults` and `today` on all corpora. All runs are of the small encoder (MiniLM).
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
from biorat_al.project import with_borrowed_labels
from biorat_al.settings.settings import SelectionSettings

CORPORA = Path(__file__).parent.parent.parent.parent / "shared" / "corpora"
RESULTS = Path(__file__).parent / "results" / "hours"

SIZES = (20, 20, 40, 80, 160)
"""Documents of each round: models of 20, 40, 80, 160 and 320 documents."""


@dataclass(frozen=True)
class Corpus:
    """A corpus, its test documents, and what can be borrowed for it.

    :param test: files of the test set, or how many documents are drawn for it.
    """

    name: str
    documents: tuple[str, ...]
    test: tuple[str, ...] | int
    entities: tuple[str, ...]
    borrow: tuple[str, ...]
    borrowed_entities: tuple[str, ...]


_NCBI = ("ncbi_disease/NCBItrainset_corpus.txt", "ncbi_disease/NCBIdevelopset_corpus.txt")
_BC5CDR = ("bc5cdr/CDR_TrainingSet.PubTator.txt", "bc5cdr/CDR_DevelopmentSet.PubTator.txt")
_DISEASES = "Disease=SpecificDisease,DiseaseClass,Modifier,CompositeMention"

CORPORA_OF_THE_STUDY: Mapping[str, Corpus] = {
    "ncbi": Corpus("NCBI-disease", _NCBI[:1], _NCBI[1:], (_DISEASES,), _BC5CDR, ("Disease=Disease",)),
    "bc5cdr": Corpus("BC5CDR", _BC5CDR[:1], _BC5CDR[1:], ("Disease", "Chemical"), _NCBI, (_DISEASES,)),
    "chemprot": Corpus(
        "ChemProt",
        ("chemprot/chemprot_training",),
        ("chemprot/chemprot_development",),
        ("Chemical=CHEMICAL", "Gene=GENE-Y,GENE-N"),
        _BC5CDR,
        ("Chemical=Chemical",),
    ),
    # only a training part of DDI can be had
    "ddi": Corpus("DDI", ("ddi/xml/Train",), 150, ("Drug=drug,brand,group,drug_n",), _BC5CDR, ("Drug=Chemical",)),
}


@dataclass(frozen=True)
class Way:
    """How a corpus is annotated.

    :param changes: settings other than the defaults.
    :param full: whether the arm is also trained on all documents.
    """

    arm: str = "committee"
    strategy: str = SelectionSettings().strategy
    changes: tuple[str, ...] = ()
    borrow: bool = True
    full: bool = False


# a project compares its borrowed start with the base encoder; with rounds that double, that is four trainings in each
_NO_COMPARISON = "borrow.check_from=0"
# the first runs were made before there were others
_FIRST_RULES = "training.sentence_rules=1"
_FEW_STEPS = "training.min_steps=1"
_RANDOM = "selection.seed_strategy=random"
_SENTENCES = "selection.unit=sentence"

WAYS: Mapping[str, Way] = {
    "defaults": Way(),
    "today": Way("none", "random", (_RANDOM, _FEW_STEPS), borrow=False, full=True),
    "no-borrow": Way(borrow=False),
    "no-committee": Way("none"),
    "random": Way(strategy="random", changes=(_RANDOM,)),
    "few-steps": Way(changes=(_FEW_STEPS,)),
    "diverse-random": Way(strategy="random"),
    "cluster-margin": Way(strategy="cluster-margin"),
    "entity-entropy": Way(strategy="entity-entropy"),
    "fluctuation": Way(strategy="fluctuation"),
    "per-hour": Way(changes=("selection.per=hour",)),
    "sentences": Way(changes=(_SENTENCES,)),
    "random-sentences": Way(strategy="random", changes=(_RANDOM, _SENTENCES)),
    "today-sentences": Way("none", "random", (_RANDOM, _FEW_STEPS, _SENTENCES), borrow=False),
}

HEADLINE = tuple(f"{corpus}/{way}" for corpus in CORPORA_OF_THE_STUDY for way in ("defaults", "today"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="CORPUS/WAY", help="default: the headline")
    parser.add_argument("--corpora", type=Path, default=CORPORA, help="the folder of the corpora")
    parser.add_argument("--work", type=Path, default=Path("build") / "hours", help="for runs under way")
    parser.add_argument("--workers", type=int, help="runs side by side")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    for stage in options.stages or HEADLINE:
        run_stage(stage, options.corpora, options.work, options.workers, options.seeds)


def run_stage(stage: str, corpora: Path, work: Path, workers: int | None, seeds: int) -> None:
    """Make the runs of a stage that are missing, and keep what is there however it ends."""
    name, _, of = stage.partition("/")
    corpus, way, results = CORPORA_OF_THE_STUDY[name], WAYS[of], RESULTS / f"{name}-{of}.jsonl"
    settings = simulation_settings(
        corpus.name,
        corpus.entities,
        encoder="minilm",
        size=SIZES[0],
        changes=("evaluation.robustness=false", _NO_COMPARISON, _FIRST_RULES, *way.changes),
    )
    simulation = Simulation.create(
        work / name / of,
        with_borrowed_labels(settings, corpus.borrowed_entities if way.borrow else ()),
        simulation_grid((way.arm,), (way.strategy,), seeds=seeds, rounds=len(SIZES), full=way.full, sizes=SIZES),
        Sources(
            [corpora / one for one in corpus.documents],
            [] if isinstance(corpus.test, int) else [corpora / one for one in corpus.test],
            corpus.test if isinstance(corpus.test, int) else None,
            # one mention of NCBI disease has two blanks too many
            reading=ReadOptions(skip_invalid=True),
            borrow=[corpora / one for one in corpus.borrow] if way.borrow else (),
        ),
    )
    make_runs(simulation, results, workers)


if __name__ == "__main__":
    main()
