"""Measures of documents that query strategies take from a trained model, besides its predictions.

Each measure is an average over the words of a document, read at each word's first piece, in the window where the word
has most context; it is 0 for a document without words. h is the encoder's last layer at a word, and p are the
probabilities of its tags O, B and I, one set for each entity type, without the BIO rule.

``embedding``
    The mean of h.
``gradient``
    The gradient of the document's loss by the head's weights, at the most probable tag y of each word: the mean of
    (p − y) ⊗ h (Ash et al. 2020, section 3). If it has at least twice :data:`COLUMNS` numbers, it is projected at
    random onto :data:`COLUMNS` numbers, which keeps distances to within a few per cent (Johnson and Lindenstrauss
    1984).
``disagreement``
    The mutual information between tag and weights, H(mean of p) − mean of H(p) over passes with dropout, in nats,
    summed over the entity types (Houlsby et al. 2011; Gal, Islam and Ghahramani 2017).
``sensitivity``
    KL(p ‖ p′), in nats, summed over the entity types, where p′ are the probabilities when the word vectors are shifted
    by the steepest small perturbation for the loss at the most probable tags: the negative of the local distributional
    smoothness of Miyato et al. 2018, equation 5.

The last bits of the numbers depend on which documents share a batch, and ``disagreement`` depends on it altogether, so
always pass the documents in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document
from biorat_al.corpus.sentences import FIRST_RULES
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.encoder.windows import batches, pad
from biorat_al.learner.entities.encoding import windows
from biorat_al.learner.entities.network import TAGS, TaggingNetwork
from biorat_al.learner.entities.saved_tagger import read_model
from biorat_al.learner.training.dropout import Dropout, MaskDraws, replace_dropout
from biorat_al.learner.training.embedding_tap import EmbeddingTap
from biorat_al.learner.training.perturbation import PerturbationSize
from biorat_al.progress import SILENT, Progress
from biorat_al.settings import AdversarialSettings, TextContext

CHUNK = 128
"""Documents that are cut into batches at a time."""

COLUMNS = 2048
"""Length to which a gradient embedding is projected if it is at least twice as long."""

_LAST_DROPOUT = 0.1  # before the head, for encoders without dropout


class Windows(NamedTuple):
    """Windows of similar length on the device.

    :param ids: word pieces with special tokens and padding, shape (windows, length).
    :param mask: 1 at pieces, 0 at padding, same shape; None if nothing is padded.
    :param inside: true at pieces of the text, same shape.
    :param own: 1.0 at the first pieces of the words that are counted in this window, else 0.0; same shape.
    :param documents: index of each window's document, shape (windows,).
    """

    ids: torch.Tensor
    mask: torch.Tensor | None
    inside: torch.Tensor
    own: torch.Tensor
    documents: NDArray[np.int64]


class Probe:
    """A trained model that computes the measures of this module.

    Memory is bounded by a batch and the result, for any number of documents.

    :param context: that with which the network was trained.
    :param sentence_rules: those with which the network was trained.
    """

    def __init__(
        self,
        network: TaggingNetwork,
        tokenizer: Tokenizer,
        device: Device,
        context: TextContext = "sentence",
        sentence_rules: int = FIRST_RULES,
    ) -> None:
        self.context = context
        self.sentence_rules = sentence_rules
        self._tokenizer, self._device = tokenizer, device
        self._network = network.to(device.name).requires_grad_(False)
        self._draws = MaskDraws(device)
        replace_dropout(network.base, self._draws)
        self._dropouts = [module for module in network.modules() if isinstance(module, Dropout)]
        self._last_dropout = None if self._dropouts else Dropout(_LAST_DROPOUT, self._draws)
        if self._last_dropout is not None:
            self._dropouts.append(self._last_dropout)
        # new modules begin in training mode
        self._network.eval()
        self._drop(False)

    @classmethod
    def load(cls, folder: Path, device: Device | None = None) -> Probe:
        """Load a model from its folder.

        :param device: None selects the best device.
        :raises LearnerError: the folder does not exist, or is not a complete model.
        """
        network, tokenizer, behaviour = read_model(folder)
        return cls(network, tokenizer, device or pick_device(), behaviour.context, behaviour.sentence_rules)

    def embedding(self, documents: Sequence[Document], *, progress: Progress = SILENT) -> NDArray[np.float32]:
        """Compute the documents' ``embedding``, shape (n, hidden size), in one forward pass."""

        def sums(batch: Windows) -> torch.Tensor:
            hidden, _ = self._forward(batch)
            return torch.einsum("wth,wt->wh", hidden, batch.own)

        return self.means(documents, "Embedding", self._network.head.in_features, sums, progress)

    def gradient(self, documents: Sequence[Document], *, progress: Progress = SILENT) -> NDArray[np.float32]:
        """Compute the documents' ``gradient`` in one forward pass.

        :returns: shape (n, types · 3 · hidden size), or (n, :data:`COLUMNS`) if it is projected.
        """
        size = self._network.head.weight.numel()
        projection = self._device.tensor(_projection(size)) if size >= 2 * COLUMNS else None

        def sums(batch: Windows) -> torch.Tensor:
            hidden, log_p = self._forward(batch)
            predicted = torch.nn.functional.one_hot(log_p.argmax(dim=-1), TAGS)
            residual = ((log_p.exp() - predicted) * batch.own[..., None, None]).flatten(start_dim=2)
            gradients = torch.einsum("wtc,wth->wch", residual, hidden).flatten(start_dim=1)
            return gradients if projection is None else gradients @ projection

        return self.means(documents, "Gradient embeddings", size if projection is None else COLUMNS, sums, progress)

    def disagreement(
        self, documents: Sequence[Document], *, passes: int, seed: int, progress: Progress = SILENT
    ) -> NDArray[np.float32]:
        """Compute the documents' ``disagreement``, shape (n,).

        Dropout is that of training; if the encoder has no dropout, a tenth of the head's input is dropped.

        :param passes: number of forward passes, at least two.
        :param seed: seed of the masks.
        """
        numbers = count()

        def sums(batch: Windows) -> torch.Tensor:
            return information(*self.samples(batch, passes=passes, key=(seed, next(numbers))), batch)

        return self.means(documents, f"{passes} passes with dropout", 1, sums, progress)[:, 0]

    def samples(self, batch: Windows, *, passes: int, key: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Make passes with dropout over some windows.

        :param key: numbers that determine the masks.
        :returns: the mean of the tags' probabilities, shape (windows, length, types, 3), and the mean of their
            entropies in nats, shape (windows, length, types).
        """
        mean = torch.zeros((*batch.ids.shape, self._network.labels, TAGS), device=batch.ids.device)
        entropy = torch.zeros(mean.shape[:-1], device=batch.ids.device)
        self._drop(True)
        try:
            for n in range(passes):
                self._draws.begin(*key, n)
                _, log_p = self._forward(batch)
                p = log_p.exp()
                mean += p / passes
                entropy -= (p * log_p).sum(dim=-1) / passes
        finally:
            self._drop(False)
        return mean, entropy

    def sensitivity(
        self, documents: Sequence[Document], *, settings: AdversarialSettings, progress: Progress = SILENT
    ) -> NDArray[np.float32]:
        """Compute the documents' ``sensitivity``, shape (n,), in two forward passes and a backward one.

        :param settings: norm, scope and size of the perturbation. If the scope is the batch, each window still has a
            separate norm, so that a document does not depend on the others in its batch.
        """
        embedding = self._network.word_embedding
        size = PerturbationSize.of(settings, embedding, "token" if settings.scope == "token" else "sequence")

        def sums(batch: Windows) -> torch.Tensor:
            with EmbeddingTap(embedding) as tap:
                with torch.enable_grad():
                    shift = torch.zeros(
                        (*batch.ids.shape, embedding.embedding_dim), device=batch.ids.device, requires_grad=True
                    )
                    tap.shift = shift
                    _, clean = self._forward(batch, exact=True)
                    loss = -(clean.amax(dim=-1).sum(dim=-1) * batch.own).sum()
                    (gradient,) = torch.autograd.grad(loss, shift)
                clean = clean.detach()
                tap.shift = size.ball(batch.inside).steepest(gradient, batch.inside)
                _, shifted = self._forward(batch, exact=True)
            divergence = (clean.exp() * (clean - shifted)).sum(dim=-1).clamp(min=0)
            return (divergence.sum(dim=-1) * batch.own).sum(dim=1, keepdim=True)

        # smaller batches, because a backward pass keeps the output of each layer
        return self.means(documents, "Perturbing", 1, sums, progress, self._device.batch_tokens // 4)[:, 0]

    def _drop(self, whether: bool) -> None:
        for module in self._dropouts:
            module.train(whether)

    def _forward(self, batch: Windows, *, exact: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Make a forward pass.

        :param exact: compute in 32-bit floats throughout, because small differences count.
        :returns: the last layer, shape (windows, length, hidden size), and the logarithms of the tags' probabilities,
            shape (windows, length, types, 3).
        """
        with torch.autocast(self._device.kind, enabled=False) if exact else self._device.autocast():
            mask = self._network.attention_mask(batch.mask)
            hidden = self._network.base(input_ids=batch.ids, attention_mask=mask).last_hidden_state
            if self._last_dropout is not None:
                hidden = self._last_dropout(hidden)
            logits = self._network.head(hidden)
        return hidden.float(), logits.float().view(*batch.ids.shape, self._network.labels, TAGS).log_softmax(dim=-1)

    def means(
        self,
        documents: Sequence[Document],
        description: str,
        size: int,
        sums: Callable[[Windows], torch.Tensor],
        progress: Progress,
        tokens: int | None = None,
    ) -> NDArray[np.float32]:
        """Average over the words of each document; return the means, shape (n, size).

        :param sums: sums over the words of each window of a batch, shape (windows, size).
        :param tokens: word pieces in a batch; None takes as many as prediction.
        """
        means = np.zeros((len(documents), size), dtype=np.float32)
        with progress.bar(description, total=len(documents), unit="document") as bar, torch.no_grad():
            for start in range(0, len(documents), CHUNK):
                chunk = documents[start : start + CHUNK]
                pieces = self._tokenizer([document.text for document in chunk], sentence_rules=self.sentence_rules)
                totals = np.zeros((len(chunk), size))
                for batch in self._batches(pieces, tokens or self._device.batch_tokens):
                    np.add.at(totals, batch.documents, sums(batch).cpu().numpy())
                words = np.array([max(int(cut.heads.sum()), 1) for cut in pieces])
                means[start : start + len(chunk)] = totals / words[:, None]
                bar.advance(len(chunk))
        return means

    def _batches(self, pieces: Sequence[Pieces], tokens: int) -> Iterator[Windows]:
        cut = windows(pieces, self._tokenizer.window_length, self.context)
        before = len(self._tokenizer.before)
        for members in batches(cut, tokens):
            chosen = [cut[n] for n in members]
            ids, mask = pad([pieces[one.document].ids[one.start : one.end] for one in chosen], self._tokenizer)
            inside = np.zeros(ids.shape, dtype=np.bool_)
            own = np.zeros(ids.shape, dtype=np.float32)
            for row, one in enumerate(chosen):
                inside[row, before : before + len(one)] = True
                at = before - one.start
                own[row, one.first + at : one.last + at] = pieces[one.document].heads[one.first : one.last]
            on_device = self._device.tensor
            yield Windows(
                on_device(ids),
                None if mask is None else on_device(mask),
                on_device(inside),
                on_device(own),
                np.array([one.document for one in chosen], dtype=np.int64),
            )


def information(mean: torch.Tensor, entropy: torch.Tensor, batch: Windows) -> torch.Tensor:
    """Return the mutual information between tag and network, summed over the words and types of each window.

    :param mean: mean of the tags' probabilities over networks, shape (windows, length, types, 3).
    :param entropy: mean of their entropies over networks, shape (windows, length, types).
    :returns: nats, shape (windows, 1).
    """
    # negative only by rounding
    of_tags = (-(mean * mean.clamp(min=1e-30).log()).sum(dim=-1) - entropy).clamp(min=0)
    return (of_tags.sum(dim=-1) * batch.own).sum(dim=1, keepdim=True)


def _projection(size: int) -> NDArray[np.float32]:
    """Draw a projection of `size` numbers onto :data:`COLUMNS`, shape (size, COLUMNS); always the same for a size."""
    drawn = np.random.default_rng(size).standard_normal((size, COLUMNS), dtype=np.float32)
    # in place, because with many entity types it takes hundreds of megabytes
    drawn /= np.sqrt(COLUMNS, dtype=np.float32)
    return drawn
