"""The weights of a model that was trained before, from which training begins instead of the base encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.errors import LearnerError

if TYPE_CHECKING:
    import torch

    from biorat_al.learner.encoder.head import EncoderNetwork


@dataclass(frozen=True, slots=True)
class StartingWeights:
    """A model that training begins from, with the same base encoder and tokenizer.

    :param folder: its folder.
    :param sha256: sha256 of its weights file.
    :param labels: its labels, in the order of its outputs.
    """

    folder: Path
    sha256: str
    labels: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what a model's summary states about its start (JSON values)."""
        return {"version": self.folder.name, "sha256": self.sha256, "labels": list(self.labels)}

    def load_into(self, network: EncoderNetwork, labels: Sequence[str]) -> None:
        """Replace the weights of the encoder, and those of the head for each label that both models have.

        A label's part of the head scores that label alone, so it can be taken over by itself. The head's other parts
        keep the weights that they have.

        :param labels: the labels of `network`, in the order of its outputs.
        :raises LearnerError: the model is damaged, or is one of another base encoder.
        """
        import torch

        from biorat_al.learner.encoder.saved_model import read_contents

        contents = read_contents(self.folder, type(network))
        try:
            network.base.load_state_dict(contents.base.state_dict())
            with torch.no_grad():
                for name, tensor in network.head.named_parameters():
                    ours, theirs = _by_label(tensor, len(labels)), _by_label(contents.head[name], len(self.labels))
                    for place, label in enumerate(labels):
                        if label in self.labels:
                            ours[place] = theirs[self.labels.index(label)]
        except (RuntimeError, KeyError) as error:
            raise LearnerError(
                f"the model {self.folder.name} does not have the shape of the base encoder, so training cannot begin "
                f"from it: {str(error).splitlines()[0]}"
            ) from error


def _by_label(tensor: torch.Tensor, labels: int) -> torch.Tensor:
    """Return a view of the head's weights or biases with one row for each label."""
    return tensor.view(labels, -1)
