"""Candidates for the training loop: marked pairs with their permitted and their true classes, in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biorat_al.corpus.model.document import Document
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.encoder.windows import SomeWindows, batches, epoch_batches, pad
from biorat_al.learner.relations.candidates import Candidate, label_candidates, relation_labels
from biorat_al.learner.relations.marking import MarkedPair, PairMarker
from biorat_al.learner.relations.network import RelationNetwork
from biorat_al.learner.types import Example
from biorat_al.settings import RelationSettings, RelationType

NONE = 0
"""The class of a candidate without a relation."""

FORBIDDEN = -1e4
"""Logit of a label that a candidate's types do not permit; finite, so that 0 · log 0 stays 0."""


class CandidateRow(NamedTuple):
    """One candidate.

    :param permitted: whether its types permit each class, shape (classes,); no relation is always permitted.
    :param target: its class.
    :param possible: whether each class is possible, shape (classes,), if some of its labels were not asked for; None if
        its class is known to be `target`.
    """

    pair: MarkedPair
    permitted: NDArray[np.bool_]
    target: int = NONE
    possible: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class EncodedRelations:
    """The candidates of the training or the development part.

    :param counts: numbers of gold relations that no candidate can express, by reason.
    :param cut: number of documents with more candidates than fit, so that only the nearest are kept.
    :param masked: number of candidates left out because the annotators disagree on them.
    :param unasked: number of candidates left out because none of their possible labels was asked for.
    """

    rows: Sequence[CandidateRow]
    counts: Counter[str]
    cut: int
    masked: int = 0
    unasked: int = 0

    @property
    def targets(self) -> NDArray[np.int64]:
        """Class of each candidate, shape (candidates,)."""
        return np.array([row.target for row in self.rows], dtype=np.int64)

    @property
    def related(self) -> NDArray[np.bool_]:
        """Whether each candidate has a relation, shape (candidates,)."""
        related: NDArray[np.bool_] = self.targets != NONE
        return related

    @property
    def relations(self) -> int:
        """Number of gold relations, with or without a candidate."""
        return int(self.related.sum()) + sum(self.counts.values())


class RelationBatch(NamedTuple):
    """Candidates on the device.

    :param ids: word pieces with special tokens and padding, shape (pairs, length).
    :param mask: 1 at pieces, 0 at padding, same shape; None if nothing is padded.
    :param inside: true at pieces of the text, false at markers, special tokens and padding, shape (pairs, length).
    :param words: true for every pair, shape (pairs, 1).
    :param lengths: number of pieces of each pair without special tokens, shape (pairs,), on the CPU.
    :param heads: position of the head's opening marker, shape (pairs,).
    :param tails: position of the tail's opening marker, shape (pairs,).
    :param permitted: whether each class is permitted, shape (pairs, classes).
    :param targets: class of each pair, shape (pairs,).
    :param weights: weights of the classes in the loss, shape (classes,).
    :param possible: whether each class is possible, shape (pairs, classes); None if `targets` are known for all.
    """

    ids: torch.Tensor
    mask: torch.Tensor | None
    inside: torch.Tensor
    words: torch.Tensor
    lengths: NDArray[np.int64]
    heads: torch.Tensor
    tails: torch.Tensor
    permitted: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    possible: torch.Tensor | None = None

    def scores(self, network: nn.Module) -> torch.Tensor:
        """Compute the logits of a relation network, shape (pairs, 1, 1, classes)."""
        logits: torch.Tensor = network(self.ids, self.mask, self.heads, self.tails)
        return torch.where(self.permitted, logits, FORBIDDEN)[:, None, None]

    def loss(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the weighted cross-entropy of the classes, averaged over the pairs.

        For a pair with several possible classes, it is that of their marginal likelihood, as cited in
        :mod:`biorat_al.learner.entities.encoding`: -log(P(none) + P(each label that was not asked for)).
        """
        flat = logits.flatten(0, 2)
        if self.possible is not None:
            marginal = flat.log_softmax(dim=-1).masked_fill(~self.possible, -torch.inf).logsumexp(dim=-1)
            return -(self.weights[self.targets] * marginal).sum() / self.scored()
        total = nn.functional.cross_entropy(flat, self.targets, weight=self.weights, reduction="sum")
        return total / self.scored()

    def scored(self) -> torch.Tensor:
        """Return the number of pairs."""
        return torch.tensor(len(self.ids), device=self.ids.device)

    def take(self, part: SomeWindows) -> RelationBatch:
        """Return the batch of the pairs in `part`."""
        lengths = self.lengths[part.chosen]
        mask = part.mask(self.mask, lengths)
        ids, inside = part.tensor(self.ids), part.tensor(self.inside)
        words, heads, tails, permitted, targets = (
            tensor.index_select(0, part.rows)
            for tensor in (self.words, self.heads, self.tails, self.permitted, self.targets)
        )
        possible = None if self.possible is None else self.possible.index_select(0, part.rows)
        return RelationBatch(
            ids, mask, inside, words, lengths, heads, tails, permitted, targets, self.weights, possible
        )


def class_numbers(types: Sequence[RelationType]) -> dict[str, int]:
    """Number the relation labels as classes, from 1, in the order in which they first occur."""
    return {label: number for number, label in enumerate(relation_labels(types), start=1)}


def encode_relations(
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    types: Sequence[RelationType],
    settings: RelationSettings,
) -> EncodedRelations:
    """Find the candidates of `examples`, mark them, and determine the class of each."""
    classes = class_numbers(types)
    marker = PairMarker(tokenizer, settings.max_length)
    rows: list[CandidateRow] = []
    counts: Counter[str] = Counter()
    cut = masked = unasked = 0
    for example, pieces in zip(examples, tokenizer([example.document.text for example in examples]), strict=True):
        labelled = label_candidates(example, types, settings)
        counts.update(labelled.counts)
        cut += labelled.cut
        masked += sum(labelled.masked)
        targets = [NONE if label is None else classes[label] for label in labelled.targets]
        marked = rows_of(example.document, pieces, labelled.candidates, marker, classes)
        for row, target, left_out, names in zip(marked, targets, labelled.masked, labelled.unasked, strict=True):
            if left_out:
                continue
            possible = _possible(names, classes)
            if possible is not None and not (row.permitted & ~possible).any():
                # all of its permitted classes are possible, so its loss would be 0
                unasked += 1
                continue
            rows.append(row._replace(target=target, possible=possible))
    return EncodedRelations(rows, counts, cut, masked, unasked)


def asked_only(rows: Sequence[CandidateRow]) -> list[CandidateRow]:
    """Forbid the labels that were not asked for, so that predicting them does not count as wrong."""
    return [
        row if row.possible is None else row._replace(permitted=_known(row.permitted, row.possible)) for row in rows
    ]


def _known(permitted: NDArray[np.bool_], possible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = permitted & ~possible
    known[NONE] = True
    return known


def _possible(unasked: Sequence[str], classes: dict[str, int]) -> NDArray[np.bool_] | None:
    """Return the possible classes of a candidate without a relation; None if all of its labels were asked for.

    :param unasked: those of its labels that nobody was asked for.
    """
    if not unasked:
        return None
    possible = np.zeros(1 + len(classes), dtype=np.bool_)
    possible[[NONE, *(classes[label] for label in unasked)]] = True
    return possible


def rows_of(
    document: Document,
    pieces: Pieces,
    candidates: Sequence[Candidate],
    marker: PairMarker,
    classes: dict[str, int],
) -> list[CandidateRow]:
    """Mark the candidates of one document."""
    rows = []
    for candidate, pair in zip(candidates, marker(document, pieces, candidates), strict=True):
        permitted = np.zeros(1 + len(classes), dtype=np.bool_)
        permitted[[NONE, *(classes[label] for label in candidate.labels)]] = True
        rows.append(CandidateRow(pair, permitted))
    return rows


def make_relation_batch(
    rows: Sequence[CandidateRow], weights: NDArray[np.float32], tokenizer: Tokenizer, device: Device
) -> RelationBatch:
    """Pad `rows` to the longest of them and move them to the device."""
    ids, mask = pad([row.pair.ids for row in rows], tokenizer)
    before = len(tokenizer.before)
    inside = np.zeros(ids.shape, dtype=np.bool_)
    for n, row in enumerate(rows):
        inside[n, before : before + len(row.pair.ids)] = row.pair.inside
    put = device.tensor
    return RelationBatch(
        ids=put(ids),
        mask=None if mask is None else put(mask),
        inside=put(inside),
        words=put(np.ones((len(rows), 1), dtype=np.bool_)),
        lengths=np.array([len(row.pair.ids) for row in rows]),
        heads=put(np.array([row.pair.head + before for row in rows])),
        tails=put(np.array([row.pair.tail + before for row in rows])),
        permitted=put(np.stack([row.permitted for row in rows])),
        targets=put(np.array([row.target for row in rows], dtype=np.int64)),
        weights=put(weights),
        possible=put(_possible_of(rows)) if any(row.possible is not None for row in rows) else None,
    )


def _possible_of(rows: Sequence[CandidateRow]) -> NDArray[np.bool_]:
    """Return the possible classes of each candidate, shape (pairs, classes)."""
    certain = np.eye(len(rows[0].permitted), dtype=np.bool_)
    return np.stack([certain[row.target] if row.possible is None else row.possible for row in rows])


def relation_order(
    lengths: Sequence[int], related: NDArray[np.bool_], negatives: int, batch_size: int, seed: int
) -> Iterator[list[int]]:
    """Yield batches of candidate indices without end: per epoch, all related ones and `negatives` of the others.

    The others are drawn again in each epoch, all equally likely; the same for the same seed.

    :param lengths: lengths of all candidates, by index.
    :param related: whether each candidate has a relation, shape (candidates,).
    """
    positive, negative = np.flatnonzero(related), np.flatnonzero(~related)
    for epoch in count():
        generator = np.random.default_rng([seed, 0x7E, epoch])
        drawn = generator.choice(negative, negatives, replace=False)
        shuffled = generator.permutation(np.concatenate([positive, drawn])).tolist()
        yield from epoch_batches(shuffled, lengths, batch_size, generator)


def class_logits(
    network: RelationNetwork, rows: Sequence[CandidateRow], tokenizer: Tokenizer, device: Device
) -> NDArray[np.float64]:
    """Score candidates, without dropout.

    :returns: logits, shape (candidates, classes); :data:`FORBIDDEN` for labels that the types do not permit.
    """
    classes = network.head.out_features
    logits = np.zeros((len(rows), classes), dtype=np.float64)
    weights = np.ones(classes, dtype=np.float32)
    with torch.inference_mode():
        for members in batches([row.pair.ids for row in rows], device.batch_tokens):
            batch = make_relation_batch([rows[n] for n in members], weights, tokenizer, device)
            logits[members] = batch.scores(network)[:, 0, 0].double().cpu().numpy()
    return logits
