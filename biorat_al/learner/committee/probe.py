"""Measures of documents that query strategies take from a committee; :mod:`biorat_al.learner.entities.probe` has those
of one model.

``embedding``, ``gradient`` Those of the members side by side, divided by the square root of their number: the squared
    distance of two documents is then the mean of the members' squared distances. ``disagreement`` The mutual
    information between tag and network over all members and all of their passes with dropout: members that are each
    sure of something else disagree (the committee of Houlsby et al. 2011, section 2, and of Lakshminarayanan et al.
    2017). ``sensitivity`` The mean of the members'.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document
from biorat_al.errors import LearnerError
from biorat_al.learner.committee.saved import is_committee, member_folders
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.entities.probe import Probe, Windows, information
from biorat_al.progress import SILENT, Progress
from biorat_al.settings import AdversarialSettings


class CommitteeProbe:
    """The models of a committee that compute the measures of this module.

    :param members: probes of models with the same tokenizer.
    :raises LearnerError: the members read documents in other windows.
    """

    def __init__(self, members: Sequence[Probe]) -> None:
        if len({(member.context, member.sentence_rules) for member in members}) > 1:
            raise LearnerError(
                "the members of the committee were trained with other settings of context or sentence_rules, so their "
                "outputs cannot be compared window by window: train them again"
            )
        self._members = tuple(members)

    def embedding(self, documents: Sequence[Document], *, progress: Progress = SILENT) -> NDArray[np.float32]:
        """Compute the documents' ``embedding``, shape (n, members · hidden size)."""
        return _beside([member.embedding(documents, progress=progress) for member in self._members])

    def gradient(self, documents: Sequence[Document], *, progress: Progress = SILENT) -> NDArray[np.float32]:
        """Compute the documents' ``gradient``, shape (n, members · size of a member's)."""
        return _beside([member.gradient(documents, progress=progress) for member in self._members])

    def disagreement(
        self, documents: Sequence[Document], *, passes: int, seed: int, progress: Progress = SILENT
    ) -> NDArray[np.float32]:
        """Compute the documents' ``disagreement``, shape (n,).

        :param passes: number of forward passes of each member, at least two.
        :param seed: seed of the masks.
        """
        numbers = count()

        def sums(batch: Windows) -> torch.Tensor:
            number = next(numbers)
            found = [member.samples(batch, passes=passes, key=(seed, number)) for member in self._members]
            mean, entropy = (torch.stack(parts).mean(dim=0) for parts in zip(*found, strict=True))
            return information(mean, entropy, batch)

        what = f"{passes} passes with dropout of {len(self._members)} models"
        return self._members[0].means(documents, what, 1, sums, progress)[:, 0]

    def sensitivity(
        self, documents: Sequence[Document], *, settings: AdversarialSettings, progress: Progress = SILENT
    ) -> NDArray[np.float32]:
        """Compute the documents' ``sensitivity``, shape (n,).

        :param settings: see :meth:`~biorat_al.learner.entities.probe.Probe.sensitivity`.
        """
        found = [member.sensitivity(documents, settings=settings, progress=progress) for member in self._members]
        mean: NDArray[np.float32] = np.mean(found, axis=0, dtype=np.float32)
        return mean


def load_probe(folder: Path, device: Device | None = None) -> Probe | CommitteeProbe:
    """Load a model or a committee from its folder.

    :param device: None selects the best device.
    :raises LearnerError: the folder does not exist, or is not a complete model.
    """
    if not is_committee(folder):
        return Probe.load(folder, device)
    device = device or pick_device()
    return CommitteeProbe([Probe.load(place, device) for place in member_folders(folder)])


def _beside(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    whole: NDArray[np.float32] = np.concatenate(parts, axis=1) / np.sqrt(len(parts), dtype=np.float32)
    return whole
