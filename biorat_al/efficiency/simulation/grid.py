"""What a simulation consists of: arms × strategies × seeds, and what belongs to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from biorat_al.learner.training.draws import passes_per_step
from biorat_al.settings import Arm, Settings, make_settings


class Trial(BaseModel):
    """One run that is to be made.

    :param kind: as in :class:`~biorat_al.efficiency.runs.model.Run`.
    :param of: id of the run whose picks a passive one is trained on.
    :param encoder: of a passive run; None: that of the simulation.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["simulated", "full", "passive"]
    arm: Arm
    strategy: str
    seed: int
    of: str | None = None
    encoder: str | None = None

    @property
    def id(self) -> str:
        """Unique in its simulation, and fit for a file's name."""
        if self.kind == "full":
            return f"full-{self.arm}-s{self.seed}"
        if self.kind == "passive":
            return f"{self.of}-for-{self.arm}{_suffix(self.encoder)}"
        return f"{self.arm}-{self.strategy}-s{self.seed}"


class Grid(BaseModel):
    """A simulation's trials.

    :param rounds: models of each run; the first learns from the seed set.
    :param seeds: how many; they are 0, 1, …
    :param passive: arm, and encoder or None, with which the picks of every run are trained again.
    :param full: also train each arm once per seed on the whole pool.

    >>> from biorat_al import Grid
    >>> grid = Grid(arms=("none", "rat"), strategies=("random", "mnlp"), seeds=3, rounds=5)
    >>> len(list(grid.trials()))
    12
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    arms: Annotated[tuple[Arm, ...], Field(min_length=1)]
    strategies: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=1, le=10_000)]
    rounds: Annotated[int, Field(ge=1, le=10_000)]
    passive: tuple[tuple[Arm, str | None], ...] = ()
    full: bool = False

    def trials(self) -> Iterator[Trial]:
        """All trials, seed by seed, so that what is there after an interruption is balanced; each after what it
        depends on."""
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
        """About how much work each round of a trial is, in documents that are passed once; for showing the time left.

        :param settings: the simulation's.
        :param pool: documents there are.
        """
        arm: Arm = "rat" if trial.arm == "matched" else trial.arm
        passes = passes_per_step(arm, settings.adversarial, settings.training.batch_size)
        if trial.kind == "full":
            return [pool * passes]
        size = settings.selection.size
        return [min(size * (number + 1), pool) * passes for number in range(self.rounds)]


def trial_settings(trial: Trial, settings: Settings, pool: int) -> Settings:
    """The settings of the project in which a trial runs: one arm, which selects for itself.

    :param settings: the simulation's.
    :param pool: documents there are; a full run takes them all at once.
    """
    values: dict[str, Any] = settings.model_dump()
    values["name"] = trial.id[:40].strip("._-")
    values["seed"] = trial.seed
    values["training"] |= {"arms": (trial.arm,), "selecting_arm": trial.arm}
    values["selection"]["strategy"] = trial.strategy
    if trial.kind == "full":
        values["selection"] |= {"size": pool, "tokens": None, "seed_strategy": "random", "diverse": False}
    if trial.encoder is not None:
        values["encoder"] = {"name": trial.encoder, "max_length": settings.encoder.max_length}
    return make_settings(values, "the simulation's settings")


def _suffix(encoder: str | None) -> str:
    """An encoder's name as a part of a file's name; two of the same last name differ in the hash of the whole."""
    if encoder is None:
        return ""
    last = "".join(c if c.isalnum() or c in "._" else "-" for c in encoder.rstrip("/").rpartition("/")[2])
    return f"-{last}-{hashlib.sha256(encoder.encode()).hexdigest()[:6]}" if "/" in encoder else f"-{last}"
