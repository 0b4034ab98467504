"""What every step of a round is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from biorat_al.acquisition.registry import find_strategy
from biorat_al.desk.base import Desk
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.seeds import derive_seed
from biorat_al.settings import Settings
from biorat_al.store.store import Store

if TYPE_CHECKING:
    from biorat_al.learner.encoder.encoder import Encoder

MODELS = "models"


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What a round was asked to do; None takes the project's settings.

    :param size: documents to pick.
    :param tokens: word pieces to pick, instead of documents.
    :param strategy: query strategy.
    :param partial: go on although annotators have not finished the last batch.
    :param documents: ids of the documents to pick, in this order, whatever a strategy would say; those that have been
        asked for already are passed over.
    :raises UsageError: there is no query strategy of that name.
    """

    size: int | None = None
    tokens: int | None = None
    strategy: str | None = None
    partial: bool = False
    documents: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.strategy is not None:
            find_strategy(self.strategy)  # an unknown name must not begin a round

    def check(self, settings: Settings) -> None:
        """Refuse a query strategy that cannot run with these settings.

        :raises UsageError: it cannot; the message says what to change.
        """
        if self.documents is None:
            find_strategy(self.strategy or settings.selection.strategy).check(settings)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RoundRequest:
        """From JSON values; what a request of an older version does not say is None."""
        documents = values.get("documents")
        return cls(**{**values, "documents": None if documents is None else tuple(documents)})


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did.

    :param counts: numbers and short texts for people and reports (JSON values).
    :param skipped: why there was nothing to do, or None.
    """

    counts: dict[str, Any] = field(default_factory=dict)
    skipped: str | None = None


Finish = Callable[[Session], StepResult]
"""Writes a step's result; called in the transaction that also marks the step as done."""


def _is_held() -> None:
    """Where nobody else can enter the round."""


@dataclass
class Context:
    """One round under way.

    :param check_lock: raises where another machine may run the round by now; to be called before each thing that must
        not be done twice.
    """

    folder: Path
    settings: Settings
    store: Store
    desk: Desk
    number: int
    request: RoundRequest
    progress: Progress = SILENT
    check_lock: Callable[[], None] = _is_held
    intact_models: set[str] = field(default_factory=set)
    """Versions of models whose folders this run has looked at."""

    @cached_property
    def encoder(self) -> Encoder:
        """The base encoder, looked up once."""
        from biorat_al.learner.encoder.encoder import resolve_encoder

        return resolve_encoder(self.settings.encoder.name, self.settings.encoder.max_length)

    @property
    def models_dir(self) -> Path:
        """Where the project's models lie."""
        return self.folder / MODELS

    @property
    def gold_is_known(self) -> bool:
        """Whether gold annotations of the pool count as labels."""
        return self.settings.gold_is_known

    def seed(self, purpose: str) -> int:
        """The seed of this round for a purpose."""
        return derive_seed(self.settings.seed, purpose, self.number)


def nothing(reason: str) -> Finish:
    """The result of a step that had nothing to do."""
    return lambda session: StepResult(skipped=reason)
