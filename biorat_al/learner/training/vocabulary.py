"""The part of the word embedding that a training run uses.

Most of a small encoder's weights are word vectors, and a few dozen annotated documents hold only a tenth of the words.
The other vectors get no gradient, but an optimizer reads and writes them in every step. So training works on a table of
the words in use, and the other vectors stay as they came with the encoder.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biorat_al.learner.encoder.head import EncoderNetwork


class PartialEmbedding(nn.Embedding):
    """Some rows of a word embedding, looked up by the ids of the whole embedding.

    :param whole: the whole embedding.
    :param ids: ids of the rows, ascending, shape (rows,).
    """

    def __init__(self, whole: nn.Embedding, ids: torch.Tensor) -> None:
        padding = None if whole.padding_idx is None else int(torch.searchsorted(ids, whole.padding_idx))
        super().__init__(len(ids), whole.embedding_dim, padding_idx=padding, _weight=whole.weight.detach()[ids].clone())
        places = torch.full((whole.num_embeddings,), -1, dtype=torch.int64, device=ids.device)
        places[ids] = torch.arange(len(ids), device=ids.device)
        self.register_buffer("places", places, persistent=False)
        self.places: torch.Tensor

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Look up words; one that is not among the rows is an error."""
        return super().forward(self.places[input])


class WordsInUse:
    """A :class:`PartialEmbedding` in place of a network's word embedding, until :meth:`give_back`.

    :param ids: ids of the words in use, repeats allowed; the padding's id is added.
    """

    def __init__(self, network: EncoderNetwork, ids: NDArray[np.int64]) -> None:
        self._network = network
        self._whole = network.word_embedding
        if self._whole.padding_idx is not None:
            ids = np.append(ids, self._whole.padding_idx)
        self._ids = torch.from_numpy(np.unique(ids)).to(self._whole.weight.device)
        self._part = PartialEmbedding(self._whole, self._ids)
        network.base.set_input_embeddings(self._part)

    def give_back(self) -> None:
        """Write the rows into the whole table, and put the table back into the network."""
        with torch.no_grad():
            self._whole.weight[self._ids] = self._part.weight
        self._network.base.set_input_embeddings(self._whole)
