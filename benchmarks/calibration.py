"""How well confidences agree with how often mentions are right, with the ways to find a scaling.

For each number of abstracts and each draw of them: models of the arms `none` and `rat` on all but the last batch, which
predict that batch before it is annotated, and models on all abstracts, which are measured on the development file of
NCBI disease. The expected calibration error (ten equal bins) of each arm and of their committee is given

- raw: uncalibrated;
- default: with the scaling that a project starts with (:mod:`biorat_al.learner.scaling`);
- answers: with the scaling fitted to what the earlier models proposed in the last batch, as in a project;
- temperature: with a temperature alone fitted to the same;
- others: with the scaling fitted to the mentions that the same model made of all other samples, which tells whether a
  default can be right;
- best: with the scaling fitted to the very mentions that are measured, which is about the least that can be reached;
- chance: the mean error of mentions whose confidences are exactly right, as many as there are.

    python benchmarks/calibration.py --output FOLDER [--abstracts 60,150] [--draws 3] [--batch 20] [--context sentence]
        [--encoder minilm]

The target was an error of at most 0.03 with 60 and with 150 abstracts. Every training is kept; the same command goes on
where it was stopped. The table is FOLDER/calibration.jsonl, and is printed.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
from fixed_samples import Logits, f1, mentions, opened, options_of_samples
from numpy.typing import NDArray

from biorat_al.corpus.model.identity import mention_key
from biorat_al.learner.committee.members import mean_log_probabilities
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.scaling import (
    OF_ONE_MODEL,
    UNCALIBRATED,
    Scaling,
    fit_scaling,
    fit_temperature,
)
from biorat_al.learner.types import Example
from biorat_al.rounds.models.calibration import default_scaling
from biorat_al.settings import Arm, TextContext, TrainingSettings, without_later

ARMS: tuple[Arm, ...] = ("none", "rat")
BINS = 10
REPEATED = 50
"""Times that each mention counts where a scaling is to fit whatever was expected."""


class Proposals(NamedTuple):
    """Uncalibrated probabilities of proposed mentions, and whether each is right; both of shape (mentions,)."""

    p: NDArray[np.float64]
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, examples: Sequence[Example], logits: Logits, encoder: Encoder) -> Proposals:
        found = mentions(examples, logits, encoder)
        known = {example.document.id: {mention_key(entity) for entity in example.entities} for example in examples}
        pairs = [(one.score, mention_key(one) in known[key]) for key, entities in found.items() for one in entities]
        return cls(np.array([p for p, _ in pairs]), np.array([right for _, right in pairs], dtype=bool))

    def error(self, scaling: Scaling) -> float:
        """Return the expected calibration error in equal bins."""
        return calibration_error(scaling.apply(self.p), self.right)


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    part = np.minimum((confidence * BINS).astype(int), BINS - 1)
    away = np.bincount(part, confidence - right, BINS)
    return float(np.abs(away).sum() / max(len(right), 1))


def by_chance(confidence: NDArray[np.float64]) -> float:
    """Return the mean error of mentions that are right exactly as often as their confidences say."""
    draw = np.random.default_rng(0)
    return float(
        np.mean([calibration_error(confidence, draw.random(len(confidence)) < confidence) for _ in range(200)])
    )


def best_scaling(proposals: Proposals) -> Scaling:
    """Return the scaling that fits best, whatever was expected."""
    return fit_scaling(np.tile(proposals.p, REPEATED), np.tile(proposals.right, REPEATED), OF_ONE_MODEL)


def voting(members: Sequence[Logits]) -> Logits:
    """Return the logarithms of the members' mean probabilities."""
    return [mean_log_probabilities(document) for document in zip(*members, strict=True)]


def measured(name: str, batch: Proposals, test: Proposals, others: Sequence[Proposals]) -> dict[str, Any]:
    """Return the row of one arm, or of the committee.

    :param others: the same of other samples.
    """
    expected = default_scaling(name)
    best = best_scaling(test)
    scalings = {
        "raw": UNCALIBRATED,
        "default": expected,
        "temperature": Scaling(fit_temperature(*batch)),
        "answers": fit_scaling(*batch, expected),
        "best": best,
    }
    if others:
        joined = Proposals(*(np.concatenate(parts) for parts in zip(*others, strict=True)))
        scalings["others"] = best_scaling(joined)
    row: dict[str, Any] = {"mentions": len(test.p), "right": round(float(test.right.mean()), 3)}
    for way, scaling in scalings.items():
        row |= {f"scaling_{way}": [round(value, 2) for value in scaling], f"ece_{way}": round(test.error(scaling), 4)}
    return row | {"ece_chance": round(by_chance(best.apply(test.p)), 4)}


def main() -> None:
    parser = options_of_samples(__doc__, abstracts=[60, 150], draws=3)
    parser.add_argument("--batch", type=int, default=20, help="abstracts of the last batch")
    parser.add_argument("--context", choices=get_args(TextContext), default="sentence")
    options = parser.parse_args()
    corpus, trainings = opened(options)
    encoder = trainings.encoder
    context = without_later({"context": options.context})
    settings = TrainingSettings(context=options.context)
    found: dict[tuple[int, int, str], tuple[Proposals, Proposals]] = {}
    scores: dict[tuple[int, int, str], float] = {}
    for abstracts, draw in itertools.product(options.abstracts, range(options.draws)):
        examples = corpus.sample(abstracts, draw)
        batch = examples[-options.batch :]
        earlier: list[Logits] = []
        now: list[Logits] = []
        for arm in ARMS:
            what = {"encoder": encoder.name, "draw": draw, "batch": options.batch, "arm": arm}
            what |= context
            for part, kept, predicted in (
                (examples[: -options.batch], earlier, {"batch": batch}),
                (examples, now, {"test": corpus.test}),
            ):
                named = what | {"abstracts": len(part)} | {"on": next(iter(predicted))}
                logits = trainings.logits(named, part, predicted, arm=arm, seed=draw, training=settings)
                kept.append(next(iter(logits.values())))
        models = [(arm, *pair) for arm, *pair in zip(ARMS, earlier, now, strict=True)]
        for name, before, after in [*models, ("committee", voting(earlier), voting(now))]:
            place = abstracts, draw, name
            found[place] = Proposals.of(batch, before, encoder), Proposals.of(corpus.test, after, encoder)
            scores[place] = round(f1(corpus.test, mentions(corpus.test, after, encoder)), 2)
    rows = []
    for (abstracts, draw, name), (before, after) in found.items():
        others = [test for (*at, which), (_, test) in found.items() if which == name and at != [abstracts, draw]]
        row = {"encoder": encoder.name, "abstracts": abstracts, "draw": draw, "model": name}
        row |= context
        rows.append(row | {"f1": scores[abstracts, draw, name]} | measured(name, before, after, others))
        print(json.dumps(rows[-1]), flush=True)
    with (options.output / "calibration.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
