"""Where a round's models begin: the borrowed start, or the base encoder where that is better for this project.

The decision of a round is kept in the counts of its step ``train`` under `START`, before anything is trained with it.
So a round that was cut off goes on with the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.types import Example
from biorat_al.rounds.borrowing.comparison import LEAST, StartComparison, compare
from biorat_al.rounds.borrowing.kept import KeptCorpus, borrowed_corpora
from biorat_al.rounds.borrowing.training import borrowed_model
from biorat_al.rounds.context import Context
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape
from biorat_al.store.models import models_of
from biorat_al.store.rounds import all_rounds, steps_of
from biorat_al.store.tables import StepRow

if TYPE_CHECKING:
    from biorat_al.learner.encoder.starting_weights import StartingWeights
    from biorat_al.learner.training.job import TrainingJob
    from biorat_al.learner.types import TrainedModel

START = "start"
"""Key of the decision in the counts of the step ``train``."""


@dataclass(frozen=True, slots=True)
class StartDecision:
    """Where the models of a round begin.

    :param version: version of the borrowed model.
    :param borrowed: begin from it; else from the base encoder.
    :param compared_in: round of the newest comparison; None if there was none.
    :param comparison: the newest comparison of the two starts.
    """

    version: str
    borrowed: bool = True
    compared_in: int | None = None
    comparison: StartComparison | None = None

    @property
    def sentence(self) -> str | None:
        """Why rounds begin where they do; None if nothing has been compared yet."""
        if self.comparison is None:
            return None
        if self.borrowed:
            return f"Models begin from the borrowed start: {self.comparison.sentence}"
        return f"Models begin from the base encoder, since the borrowed start is worse here: {self.comparison.sentence}"

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as JSON values."""
        return {
            "from": "borrowed" if self.borrowed else "base",
            "version": self.version,
            "compared_in": self.compared_in,
            "comparison": None if self.comparison is None else self.comparison.as_dict(),
        }

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> StartDecision:
        """Build a decision from JSON values.

        :raises StoreError: the values have another shape.
        """
        comparison = values["comparison"]
        try:
            compared = None if comparison is None else StartComparison(**comparison)
        except SHAPE_ERRORS as error:
            raise other_shape("the comparison of two starts") from error
        return cls(values["version"], values["from"] == "borrowed", values["compared_in"], compared)


def start_in_words(values: Mapping[str, Any]) -> str:
    """Return where the models of a round begin, from its decision as JSON values."""
    return "the borrowed start" if StartDecision.of_values(values).borrowed else "the base encoder"


def newest_sentence(session: Session) -> str | None:
    """Return why rounds begin where they do, by the newest decision; None if nothing was compared or borrowed."""
    found = decisions(session)
    return found[max(found)].sentence if found else None


def decisions(session: Session) -> dict[int, StartDecision]:
    """Return the decision of each round that made one, by number."""
    found = {}
    for row in all_rounds(session):
        train = next(step for step in steps_of(session, row.number) if step.name == "train")
        if START in train.counts:
            found[row.number] = StartDecision.of_values(train.counts[START])
    return found


@dataclass(frozen=True, slots=True)
class BorrowedStart:
    """The model trained on the borrowed documents, and the corpora that they came from."""

    model: TrainedModel
    corpora: Sequence[KeptCorpus]


def borrowed_start(context: Context) -> BorrowedStart | None:
    """Return the borrowed start of a project, trained if need be; None if the project borrows nothing.

    :raises ProjectError: a copy of a corpus is missing or was changed.
    """
    corpora = borrowed_corpora(context.folder, context.settings)
    return BorrowedStart(borrowed_model(context, corpora), corpora) if corpora else None


def start_of(
    context: Context, examples: Sequence[Example], labels: Sequence[str], job: TrainingJob
) -> StartingWeights | None:
    """Return the model from which this round's entity models begin; None for the base encoder.

    From `borrow.check_from` annotated documents, and again each time there are twice as many, the two starts are
    compared. If the base encoder is better, the round begins from it, and so do the following ones until the next
    comparison.

    :param examples: the documents that the round learns from.
    :param labels: labels that the models learn.
    :param job: how the round trains a plain model.
    """
    found = borrowed_start(context)
    if found is None:
        return None
    from biorat_al.learner.encoder.starting_weights import StartingWeights

    model = found.model
    start = StartingWeights(model.folder, model.sha256, tuple(model.summary["labels"]))
    with context.store.read() as session:
        known = decisions(session)
        trained = bool(models_of(session, context.number))
    decision = known.pop(context.number, None)
    # as long as nothing has been trained, the settings may have changed
    if decision is None or not (trained or _is_same(decision.version, model.version)):
        decision = _decided(context, known, examples, labels, job, start)
        context.check_lock()
        with context.store.write() as session:
            row = session.get_one(StepRow, (context.number, "train"))
            row.counts = {**row.counts, START: decision.as_dict()}
    return start if decision.borrowed else None


def kept_decision(session: Session, context: Context) -> dict[str, Any]:
    """Return a round's decision for the counts of its step ``train``; empty if it made none."""
    counts = session.get_one(StepRow, (context.number, "train")).counts
    # a run that was cut off may have borrowed what the settings no longer name
    return {START: counts[START]} if START in counts and context.settings.borrow.corpora else {}


def _decided(
    context: Context,
    known: Mapping[int, StartDecision],
    examples: Sequence[Example],
    labels: Sequence[str],
    job: TrainingJob,
    start: StartingWeights,
) -> StartDecision:
    """Return the decision of a round: that of the round before, or a new one if it is time to compare again."""
    version, check_from = start.folder.name, context.settings.borrow.check_from
    earlier = [one for _, one in sorted(known.items()) if _is_same(one.version, version)]
    last = replace(earlier[-1], version=version) if earlier else StartDecision(version)
    documents = len({example.document.id for example in examples})
    due = LEAST if last.comparison is None else 2 * last.comparison.documents
    if not check_from or documents < max(check_from, due):
        return last
    try:
        comparison = compare(context, examples, labels, job, start)
    except NotEnoughLabelsError:
        return last
    return StartDecision(version, not comparison.base_is_better, context.number, comparison)


def _is_same(version: str, other: str) -> bool:
    """Return whether two versions are of the same training; its weights may differ from machine to machine."""
    return version.rpartition("-")[0] == other.rpartition("-")[0]
