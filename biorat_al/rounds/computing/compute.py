"""The interface of a place that trains the arms of a round and predicts the pool."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al.corpus.model.document import Document
from biorat_al.learner.types import Prediction, TrainedModel
from biorat_al.progress import Progress
from biorat_al.rounds.computing.arm_order import ArmOrder

if TYPE_CHECKING:
    from biorat_al.learner.encoder.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Chunks:
    """Documents to predict, in chunks that are read when they are needed.

    A document's prediction depends on its own chunk only, so wherever a chunk is predicted, the result is the same on
    the same kind of machine with the same number of threads.

    :param number: how many chunks there are.
    :param read: returns the documents of a chunk, by its place from 0; called in the process and the thread that asks
        for the predictions, and again if a machine that had the chunk is lost.
    """

    number: int
    read: Callable[[int], Sequence[Document]]


class Compute(ABC):
    """A place that trains the arms of a round and predicts the pool."""

    @abstractmethod
    def train(
        self, orders: Sequence[ArmOrder], encoder: Encoder, progress: Progress
    ) -> Generator[TrainedModel, None, None]:
        """Train arms; yield the models in the order of `orders`, each once it and those before it are trained.

        The folder of a model that was yielded is complete, in the folder that its order names. Close the generator if
        it is not read to its end.

        :param encoder: the base encoder.
        :raises NotEnoughLabelsError: there is nothing to learn.
        :raises LearnerError: an arm cannot be trained, or a process or machine that trained it was lost.
        """

    @abstractmethod
    def predict(self, folder: Path, chunks: Chunks) -> Generator[list[Prediction], None, None]:
        """Predict chunks of documents with the model, or the committee, in `folder`; yield them in order.

        Only a few chunks are in memory at a time. Close the generator if it is not read to its end.

        :raises LearnerError: the model cannot be loaded, or a process or machine that predicted was lost.
        """
