"""What a simulation consists of: arms × strategies × seeds, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from biorat_al.settings import Arm, Settings, make_settings

PASSES = {"none": 1.0, "matched": 1.5, "rat": 1.5, "at": 2.0}
"""About how long an arm takes to train, against ``none``; for the display of the time that is left, nothing else."""


class Trial(BaseModel):
    """One run that is to be made.

    :param kind: as in :class:`~biorat_al.efficiency.runs.Run`.
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
            encoder = f"-{_plain(self.encoder)}" if self.encoder else ""
            return f"{self.of}-for-{self.arm}{encoder}"
        return f"{self.arm}-{self.strategy}-s{self.seed}"


class Grid(BaseModel):
    """A simulation's trials.

    :param rounds: models of each run; the first learns from the seed set.
    :param seeds: how many; they are 0, 1, …
    :param passive: arm, and encoder or None, with which the picks of every run are trained again.
    :param full: also train each arm once per seed on the whole pool.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    arms: Annotated[tuple[Arm, ...], Field(min_length=1)]
    strategies: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=1)]
    rounds: Annotated[int, Field(ge=1)]
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

    def work(self, trial: Trial, size: int, pool: int) -> list[float]:
        """About how much work each round of a trial is, in documents that are passed once.

        :param size: documents per round.
        :param pool: documents there are.
        """
        if trial.kind == "full":
            return [pool * PASSES[trial.arm]]
        learnt = (min(size * (number + 1), pool) for number in range(self.rounds))
        return [documents * PASSES[trial.arm] for documents in learnt]


def settings_of(trial: Trial, settings: Settings, pool: int) -> Settings:
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
        values["encoder"] = {"name": trial.encoder}
    return make_settings(values, "the simulation's settings")


def _plain(name: str | None) -> str:
    return "".join(c if c.isalnum() or c in "._" else "-" for c in (name or "").rstrip("/").rpartition("/")[2])
