"""The context that every step of a round receives, the settings of a resumed round, and what a step returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from biorat_al.acquisition.registry import find_strategy
from biorat_al.desk.base import Desk
from biorat_al.errors import SettingsError, UsageError
from biorat_al.progress import SILENT, Progress
from biorat_al.rounds.computing.compute import Compute
from biorat_al.rounds.computing.this_machine import ThisMachine
from biorat_al.rounds.seeds import derive_seed
from biorat_al.rounds.unit import unit_of
from biorat_al.settings import AskedUnit, Settings, make_settings, with_older_defaults
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape
from biorat_al.store.models import models_of
from biorat_al.store.rounds import steps_of
from biorat_al.store.store import Store
from biorat_al.store.tables import RoundRow

if TYPE_CHECKING:
    from biorat_al.dictionary.matching import Matcher
    from biorat_al.learner.encoder.encoder import Encoder

MODELS = "models"

_OF_PREDICTING = ("score_all", "candidates", "at_random")
"""Settings of selection that decide how much of the pool is predicted."""


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What the user asked of a round; None takes the project's settings.

    :param size: documents to pick.
    :param tokens: word pieces to pick, instead of documents.
    :param strategy: name of the query strategy.
    :param partial: go on although annotators have not finished the last batch.
    :param documents: ids of the documents to pick, in this order and without a query strategy; ids that were already
        asked for are skipped.
    :param unit: whether to ask for documents or for sentences.
    :param complete: ask for whole documents that were begun by sentences, instead of selecting by a strategy.
    :raises UsageError: unknown query strategy, or something that cannot be asked for together.
    """

    size: int | None = None
    tokens: int | None = None
    strategy: str | None = None
    partial: bool = False
    documents: tuple[str, ...] | None = None
    unit: AskedUnit | None = None
    complete: bool = False

    def __post_init__(self) -> None:
        if self.complete:
            given = {"tokens": self.tokens, "strategy": self.strategy, "unit": self.unit, "documents": self.documents}
            if excluded := [f"--{name}" for name, value in given.items() if value is not None]:
                raise UsageError(
                    f"--complete and {', '.join(excluded)} exclude each other: the documents that were begun are asked "
                    "for as a whole, in the order in which missed mentions are expected"
                )
        if self.strategy is not None:
            find_strategy(self.strategy)  # fail before the round begins

    @classmethod
    def asked(
        cls,
        size: int | None,
        tokens: int | None,
        strategy: str | None,
        partial: bool,
        unit: AskedUnit | None,
        complete: bool | int,
    ) -> RoundRequest:
        """Build a request from the options that a user gave.

        :param complete: number of begun documents to ask for, or True for as many as the settings say.
        :raises UsageError: options that exclude each other.
        """
        if complete is not False and size is not None:
            raise UsageError("--complete and --size exclude each other; give the number of documents with --complete")
        if size is not None and tokens is not None:
            raise UsageError("--size and --tokens exclude each other")
        if complete is False:
            return cls(size, tokens, strategy, partial, unit=unit)
        if complete < 1:
            raise UsageError(f"the number of documents to complete is at least 1, not {complete}")
        size = None if complete is True else int(complete)
        return cls(size, tokens, strategy, partial, unit=unit, complete=True)

    def check(self, settings: Settings) -> None:
        """Refuse a query strategy, or a unit, that these settings do not allow.

        :raises UsageError: the strategy cannot run, or the project's relations do not fit into a sentence; the message
            says what to change.
        """
        if (self.unit or settings.selection.unit) != "document":
            check_sentences(settings)
        if self.documents is None and not self.complete:
            find_strategy(self.strategy or settings.selection.strategy).check(settings)

    def as_dict(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RoundRequest:
        """Build a request from JSON values; what an older version did not write is None.

        :raises StoreError: the values have another shape.
        """
        documents = values.get("documents")
        try:
            return cls(**{**values, "documents": None if documents is None else tuple(documents)})
        except SHAPE_ERRORS as error:
            raise other_shape("the request of a round") from error


@dataclass(frozen=True, slots=True)
class StepResult:
    """Result of a step.

    :param counts: numbers and short texts for people and reports (JSON values).
    :param skipped: why there was nothing to do; None if the step ran.
    """

    counts: dict[str, Any] = field(default_factory=dict)
    skipped: str | None = None


def check_sentences(settings: Settings) -> None:
    """Refuse to ask for sentences where annotators could not draw the project's relations in them.

    :raises UsageError: the relations reach beyond a sentence.
    """
    relations = settings.relation_extraction
    if settings.relations and (relations.window != 1 or relations.level != "mention"):
        raise UsageError(
            "single sentences cannot be asked for, because the relations of this project may reach beyond a sentence "
            f"(relation_extraction: window = {relations.window}, level = {relations.level}): ask for whole documents, "
            'unit = "document" in [selection]'
        )


Finish = Callable[[Session], StepResult]
"""Function that writes a step's result, called in the transaction that also marks the step as done."""


def _is_held() -> None:
    """Do nothing: the default where no other process can run the round."""


@dataclass
class Context:
    """A round in progress.

    :param check_lock: raises if another machine may be running the round by now; call it before every action that must
        not happen twice.
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
    """Versions of the models whose folders this run has checked."""
    matchers: dict[tuple[str, str], Matcher] = field(default_factory=dict)
    """Dictionaries that this run has read, by the digest of the file and the label."""
    compute: Compute = field(default_factory=ThisMachine)
    """Where the arms are trained and the pool is predicted."""

    @cached_property
    def encoder(self) -> Encoder:
        """The base encoder, resolved once."""
        from biorat_al.learner.encoder.encoder import resolve_encoder

        return resolve_encoder(self.settings.encoder.name, self.settings.encoder.max_length)

    @property
    def models_dir(self) -> Path:
        """Folder of the project's models."""
        return self.folder / MODELS

    @cached_property
    def unit(self) -> AskedUnit:
        """What the round asks for: documents or sentences."""
        with self.store.read() as session:
            return unit_of(session, self.settings, self.number, self.request.unit)

    @property
    def gold_is_known(self) -> bool:
        """Whether gold annotations of the pool count as labels."""
        return self.settings.gold_is_known

    def seed(self, purpose: str) -> int:
        """Return this round's seed for a purpose."""
        return derive_seed(self.settings.seed, purpose, self.number)

    @property
    def training_seed(self) -> int:
        """The seed of training, the same in all rounds.

        The models of two rounds then differ by what people have annotated, not by another first head and other dropout
        masks, and a document that is kept for development stays in the development part.
        """
        return derive_seed(self.settings.seed, "train")


def settings_of(session: Session, row: RoundRow, current: Settings) -> Settings:
    """Return the settings with which an interrupted round goes on: those that its models were trained with.

    If the round has no model yet, nothing depends on them and the current settings are used, so that the user can
    correct what made the training fail (a missing encoder, for example). Until the documents are chosen, the same holds
    of the numbers that decide how long choosing takes, such as ``mc_passes`` and ``subsample``: a number that is too
    large must not keep a round from ever ending. Desk and database always come from the current settings, since they
    are open already, and so does the cluster, since no result depends on it. Settings that an older version did not
    write mean what they meant to it.

    :raises SettingsError: a newer version wrote the settings, and this version does not know one of them.
    """
    if not models_of(session, row.number):
        return current
    source = f"the settings of round {row.number}"
    values = with_older_defaults(row.settings)
    try:
        kept = make_settings(values, source)
    except SettingsError:
        # older versions did not limit some numbers, such as mc_passes; the models do not depend on them
        kept = make_settings(values | {"selection": current.selection.model_dump(mode="json")}, source)
    else:
        if any(step.name == "select" and step.state != "done" for step in steps_of(session, row.number)):
            costs = {name: getattr(current.selection, name) for name in ("mc_passes", "subsample", *_OF_PREDICTING)}
            kept = kept.model_copy(update={"selection": kept.selection.model_copy(update=costs)})
    return kept.model_copy(update={name: getattr(current, name) for name in ("desk", "database", "cluster")})


def nothing(reason: str) -> Finish:
    """Return the result of a step that had nothing to do."""
    return lambda session: StepResult(skipped=reason)
