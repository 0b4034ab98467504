"""The runs of a simulation: arms × strategies × seeds, and further runs on the same picks or on the whole pool."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import accumulate
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from biorat_al.learner.training.draws import passes_per_step
from biorat_al.settings import Arm, Settings, TrainingSettings, make_settings

TrialArm = Arm | Literal["committee"]
"""What a run trains: one arm, or the arms of a new project, whose committee chooses and is measured."""


class Trial(BaseModel):
    """One planned run.

    :param kind: as in :class:`~biorat_al.efficiency.runs.model.Run`.
    :param of: for a passive run, the id of the run whose picks it is trained on.
    :param encoder: encoder of a passive run; None: that of the simulation.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["simulated", "full", "passive"]
    arm: TrialArm
    strategy: str
    seed: int
    of: str | None = None
    encoder: str | None = None

    @property
    def id(self) -> str:
        """Id that is unique in the simulation and can be used as a file name."""
        if self.kind == "full":
            return f"full-{self.arm}-s{self.seed}"
        if self.kind == "passive":
            return f"{self.of}-for-{self.arm}{_suffix(self.encoder)}"
        return f"{self.arm}-{self.strategy}-s{self.seed}"


class Grid(BaseModel):
    """The planned runs of a simulation.

    :param rounds: number of models of each run; the first learns from the seed set.
    :param seeds: number of seeds; they are 0, 1, …
    :param passive: arms, each with an encoder or None, that are also trained on the picks of every run.
    :param full: also train each arm once per seed on the whole pool.
    :param sizes: documents of each round; empty: as many in each as the settings say. With batches that grow, few
        trainings cover a long curve.

    >>> from biorat_al import Grid
    >>> grid = Grid(arms=("none", "rat"), strategies=("random", "mnlp"), seeds=3, rounds=5)
    >>> len(list(grid.trials()))
    12
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    arms: Annotated[tuple[TrialArm, ...], Field(min_length=1)]
    strategies: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=1, le=10_000)]
    rounds: Annotated[int, Field(ge=1, le=10_000)]
    passive: tuple[tuple[TrialArm, str | None], ...] = ()
    full: bool = False
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @model_validator(mode="after")
    def _a_size_for_each_round(self) -> Grid:
        if self.sizes and len(self.sizes) != self.rounds:
            raise ValueError(f"there are {len(self.sizes)} sizes for {self.rounds} rounds")
        return self

    def size(self, number: int) -> int | None:
        """Return how many documents a round picks, beginning with 0; None: as many as the settings say."""
        return self.sizes[min(number, len(self.sizes) - 1)] if self.sizes else None

    def trials(self) -> Iterator[Trial]:
        """Yield all trials seed by seed, so that an interrupted simulation is balanced; each after those it needs."""
        for seed in range(self.seeds):
            for strategy in self.strategies:
                for arm in self.arms:
                    trial = Trial(kind="simulated", arm=arm, strategy=strategy, seed=seed)
                    yield trial
                    for other, encoder in self.passive:
                        yield Trial(
                            kind="passive", arm=other, strategy=strategy, seed=seed, of=trial.id, encoder=encoder
                        )
            if self.full:
                for arm in self.arms:
                    yield Trial(kind="full", arm=arm, strategy="random", seed=seed)

    def work(self, trial: Trial, settings: Settings, pool: int) -> list[float]:
        """Estimate the work of each round of a trial, in passes of one document; used to show the time left.

        :param settings: settings of the simulation.
        :param pool: number of documents in the pool.
        """
        passes = sum(
            passes_per_step("rat" if arm == "matched" else arm, settings.adversarial, settings.training.batch_size)
            for arm in arms_of(trial)
        )
        if trial.kind == "full":
            return [pool * passes]
        sizes = self.sizes or (settings.selection.size,) * self.rounds
        return [min(documents, pool) * passes for documents in accumulate(sizes)]


def arms_of(trial: Trial) -> tuple[Arm, ...]:
    """Return the arms that a trial trains."""
    return TrainingSettings().arms if trial.arm == "committee" else (trial.arm,)


def trial_settings(trial: Trial, settings: Settings, pool: int) -> Settings:
    """Return the settings of the project in which a trial runs: an arm or a committee, which selects its own documents.

    :param settings: settings of the simulation.
    :param pool: number of documents in the pool; a full run takes them all at once.
    """
    values: dict[str, Any] = settings.model_dump()
    values["name"] = trial.id[:40].strip("._-")
    values["seed"] = trial.seed
    # a run is the same wherever it is made
    values["cluster"] = {}
    arms = arms_of(trial)
    values["training"] |= {"arms": arms, "selecting_arm": arms[0]}
    if trial.arm == "committee":
        values["training"]["committee"] = True
    values["selection"]["strategy"] = trial.strategy
    if trial.kind == "full":
        values["selection"] |= {"size": pool, "tokens": None, "seed_strategy": "random", "diverse": False}
    if trial.encoder is not None:
        values["encoder"] = {"name": trial.encoder, "max_length": settings.encoder.max_length}
    return make_settings(values, "the simulation's settings")


def _suffix(encoder: str | None) -> str:
    """Return an encoder's name as part of a file name; a hash tells apart paths that end in the same name."""
    if encoder is None:
        return ""
    last = "".join(c if c.isalnum() or c in "._" else "-" for c in encoder.rstrip("/").rpartition("/")[2])
    return f"-{last}-{hashlib.sha256(encoder.encode()).hexdigest()[:6]}" if "/" in encoder else f"-{last}"
