"""How often the 95 % interval of ``biorat-al coverage`` holds the share of mentions that was really found.

A project is drawn: documents that are rich or poor in mentions, their sentences, a model that finds a part of the
mentions with confidences that may be too high or too low. Rounds then ask for sentences or documents: some that the
model chooses, which are richer than the others, and some at random. From the answers, the interval is made as the
program makes it, and compared with the truth. A 95 % interval should hold it in 93 to 97 % of the projects.

Reported are, for all labels together and for the rarest one: the share of the intervals that hold the truth, the
share of the misses in which the interval lies too high, the mean error of the estimate and half the mean width, in
points of coverage. Beside it, for the same projects, what Tsuruoka's estimate says, which adds up the model's
confidences and has no interval.

    python benchmarks/coverage_of_coverage.py [--projects 1000] [--seed 1] [--only NAME]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biorat_al.efficiency.coverage.estimate import Sample, mentions_left, share_found

SHARES = np.array([0.6, 0.35, 0.05])
"""Of the mentions, by label: a frequent one, a less frequent one, a rare one."""


@dataclass(frozen=True)
class World:
    """What projects are drawn from.

    :param documents: in the pool.
    :param sentences: of a document, in the mean.
    :param per_sentence: mentions of a sentence, in the mean.
    :param rich: shape of the gamma distribution of how rich documents are in mentions; small: they differ much.
    :param recall: share of the mentions that the model finds.
    :param wrong: proposals that are wrong, for each mention.
    :param shift: added to the log odds of the model's confidences; above 0 it is too sure of itself.
    :param chosen: sentences that the model chose before the random sample was drawn.
    :param drawn: random samples, one for each round, in sentences, or in documents where `unit` says so.
    :param since: sentences that the model chose after each sample.
    :param test: documents of the blind test set, a random sample as well.
    :param expects: whether the rounds wrote down what the model expected.
    """

    documents: int = 300
    sentences: float = 9.0
    per_sentence: float = 1.0
    rich: float = 2.0
    recall: float = 0.8
    wrong: float = 0.3
    shift: float = 0.0
    chosen: int = 600
    drawn: tuple[int, ...] = (150,)
    since: int = 0
    unit: str = "sentence"
    test: int = 0
    expects: bool = True


USUAL = World()
WORLDS = {
    "150 sentences": USUAL,
    "150 sentences, no model": replace(USUAL, expects=False),
    "50 sentences": replace(USUAL, drawn=(50,)),
    "50 sentences, no model": replace(USUAL, drawn=(50,), expects=False),
    "a model too sure": replace(USUAL, shift=2.0),
    "a poor model": replace(USUAL, recall=0.3, wrong=1.0),
    "few mentions": replace(USUAL, per_sentence=0.15),
    "few mentions, no model": replace(USUAL, per_sentence=0.15, expects=False),
    "documents differ much": replace(USUAL, rich=0.5),
    "more chosen since": replace(USUAL, since=500),
    "three samples": replace(USUAL, drawn=(60, 60, 60), since=200),
    "much is found": replace(USUAL, chosen=1800, drawn=(100,)),
    "20 documents": replace(USUAL, drawn=(20,), unit="document"),
    "40 documents": replace(USUAL, drawn=(40,), unit="document"),
    "40 documents, no model": replace(USUAL, drawn=(40,), unit="document", expects=False),
    "40 test documents alone": replace(USUAL, drawn=(), test=40),
    "40 test documents and 100 sentences": replace(USUAL, drawn=(100,), test=40),
    "a sample of nearly all": replace(USUAL, documents=40, chosen=100, drawn=(200,)),
}


@dataclass(frozen=True)
class Texts:
    """Sentences: their words, their document, mentions and expected mentions by label."""

    words: NDArray[np.float64]
    document: NDArray[np.int64]
    mentions: NDArray[np.float64]
    expected: NDArray[np.float64]


Mask = NDArray[np.bool_]

Project = tuple[list[Sample], NDArray[np.float64], Texts, Mask]
"""Samples, mentions found by label, the texts, and which of them are annotated."""


def texts(world: World, generator: np.random.Generator) -> Texts:
    """Draw the sentences of a project, those of the test documents last."""
    counts = 1 + generator.poisson(world.sentences - 1, world.documents + world.test)
    document = np.repeat(np.arange(len(counts)), counts)
    number = len(document)
    words = np.round(np.exp(generator.normal(3.0, 0.45, number))) + 2
    richness = generator.gamma(world.rich, 1 / world.rich, len(counts))[document]
    # a third of the sentences has next to none: methods, numbers
    richness = richness * np.where(generator.random(number) < 0.33, 0.1, 1.45)
    mean = world.per_sentence * richness * words / words.mean()
    mentions = generator.poisson(mean[:, None] * SHARES)
    found = generator.binomial(mentions, world.recall)
    made_up = generator.poisson(world.wrong * world.per_sentence * SHARES * np.ones((number, 1)))
    # the confidence is right on average without a shift
    odds = np.log((world.recall + 0.1) / (world.wrong + 0.1)) + world.shift
    sure = 1 / (1 + np.exp(-generator.normal(odds, 1.0, (number, 1))))
    return Texts(words, document, mentions.astype(float), (found + made_up) * sure)


def project(world: World, generator: np.random.Generator) -> Project:
    """Draw a project and let it run."""
    drawn = texts(world, generator)
    in_test = drawn.document >= world.documents
    done = in_test.copy()
    samples: list[tuple[Mask, Mask, bool]] = []
    if world.test:
        samples.append((np.ones(len(done), bool), in_test, False))

    def choose(number: int) -> None:
        open_ = np.flatnonzero(~done)
        worth = drawn.expected[open_].sum(axis=1) + generator.normal(0, 0.5, len(open_))
        done[open_[np.argsort(-worth)[:number]]] = True

    choose(world.chosen)
    for size in world.drawn:
        frame = ~done
        if world.unit == "document":
            # documents that were begun are asked for as a whole, so the frame has all their sentences
            frame = ~in_test
            asked = generator.choice(world.documents, size, replace=False)
            sample = np.isin(drawn.document, asked)
        else:
            sample = np.zeros(len(done), bool)
            sample[generator.choice(np.flatnonzero(frame), min(size, int(frame.sum())), replace=False)] = True
        samples.append((frame, sample, world.expects))
        done = done | sample
        choose(world.since)
    return [_sample(world, drawn, done, *one) for one in samples], _found(drawn, done & ~in_test), drawn, done


def _sample(world: World, drawn: Texts, done: Mask, frame: Mask, sample: Mask, expects: bool) -> Sample:
    rest = frame & ~sample
    groups = drawn.document if world.unit == "document" or (world.test and not expects) else np.arange(len(done))
    inside = np.flatnonzero(sample)
    names, place = np.unique(groups[inside], return_inverse=True)

    def by_text(values: NDArray[np.float64]) -> NDArray[np.float64]:
        summed = np.zeros((len(names), *values.shape[1:]))
        np.add.at(summed, place, values[inside])
        return summed

    return Sample(
        by_text(drawn.words),
        by_text(drawn.mentions),
        float(drawn.words[rest].sum()),
        _found(drawn, rest & done),
        by_text(drawn.expected) if expects else None,
        drawn.expected[rest].sum(axis=0) if expects else None,
    )


def _found(drawn: Texts, where: Mask) -> NDArray[np.float64]:
    return np.asarray(drawn.mentions[where].sum(axis=0))


def measure(world: World, projects: int, seed: int) -> dict[str, list[float]]:
    """Return, for all labels and the rarest: share held, share missed above, mean error, half width; and Tsuruoka's."""
    kept: dict[str, list[tuple[float, ...]]] = {"all": [], "rarest": []}
    tsuruoka = []
    for number in range(projects):
        samples, found, drawn, done = project(world, np.random.default_rng([seed, number]))
        left = mentions_left(samples)
        truth = drawn.mentions[~done].sum(axis=0)
        for name, place, of, real in (
            ("all", -1, found.sum(), truth.sum()),
            ("rarest", -2, found[-1], truth[-1]),
        ):
            right = share_found(of, real)
            if right is None:
                continue
            low, high = share_found(of, left.high[place]) or 0.0, share_found(of, left.low[place])
            high = 1.0 if high is None else high
            point = share_found(of, left.left[place]) or 0.0
            kept[name].append((low <= right <= high, low > right, point - right, (high - low) / 2))
        shares = [share_found(found.sum(), left_over.sum()) or 0.0 for left_over in (drawn.expected[~done], truth)]
        tsuruoka.append(shares[0] - shares[1])
    figures = {name: np.mean(np.array(values, dtype=float), axis=0).tolist() for name, values in kept.items()}
    return figures | {"tsuruoka": [float(np.mean(tsuruoka)), float(np.std(tsuruoka))]}


def main() -> None:
    """Measure all worlds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="measure this world alone")
    asked = parser.parse_args()
    print(f"{'':38}{'held':>6}{'above':>7}{'error':>7}{'±':>6}   rarest: held{'above':>7}{'±':>6}   model alone")
    for name, world in WORLDS.items():
        if asked.only in (None, name):
            found = measure(world, asked.projects, asked.seed)
            (held, above, error, width), rare = found["all"], found["rarest"]
            print(
                f"{name:38}{100 * held:6.1f}{100 * above:7.1f}{100 * error:+7.2f}{100 * width:6.1f}"
                f"{100 * rare[0]:15.1f}{100 * rare[1]:7.1f}{100 * rare[3]:6.1f}"
                f"{100 * found['tsuruoka'][0]:+11.1f} ± {100 * found['tsuruoka'][1]:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
