"""Decoding of the network's logits: the best tags, their probabilities, and how unsure the model is.

For each entity type, the words of a document form a chain of independent softmax outputs over O, B and I, with one
rule: I follows only B or I. This is a linear-chain model with hard transitions, so the best tags (Viterbi), the second
best, the normaliser and all marginals are exact and cheap. The types are independent of each other.

All of it is computed for many documents at once, word by word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biorat_al.learner.entities.encoding import B, I, O

Floats = NDArray[np.float64]

_FLOOR = -60.0  # lower log-probabilities are raised to this one, to keep sums and quotients finite
_TIE = 1e-12  # smaller log-odds between the best and the second-best labelling count as a tie


@dataclass(frozen=True, slots=True)
class Decoded:
    """The decoded labelling of one document, with its probabilities.

    :param mentions: index of the label, first word, one past the last word, and the probability of exactly this
        mention.
    :param log_best: log-probability of the best labelling of the whole document.
    :param log_margin: log of the difference between the probabilities of the best and the second-best labelling.
    :param entropy: entropy of the tag, summed over words and types, in nats.
    :param entity_entropy: the same sum, each entropy times the probability that the word is in a mention of the type.
    :param expected: expected number of mentions.
    :param words: number of words.
    """

    mentions: tuple[tuple[int, int, int, float], ...]
    log_best: float
    log_margin: float
    entropy: float
    entity_entropy: float
    expected: float
    words: int


NOTHING = Decoded((), 0.0, 0.0, 0.0, 0.0, 0.0, 0)
"""The result for a document without words: its only labelling is certain."""


def decode(logits: Sequence[NDArray[np.floating]], *, batch: int = 200_000) -> list[Decoded]:
    """Decode documents.

    :param logits: one array of shape (words, types, 3) for each document.
    :param batch: most words to decode at once, padding included, which bounds the memory.
    """
    decoded = [NOTHING] * len(logits)
    order = sorted((n for n in range(len(logits)) if len(logits[n])), key=lambda n: (len(logits[n]), n))
    while order:
        # take the longest documents first, because they set the length of the batch
        size = max(1, batch // len(logits[order[-1]]))
        members, order = order[-size:], order[:-size]
        for n, document in zip(members, _decode_batch([logits[n] for n in members]), strict=True):
            decoded[n] = document
    return decoded


def _decode_batch(logits: list[NDArray[np.floating]]) -> list[Decoded]:
    lengths = np.asarray([len(document) for document in logits])
    longest, types = int(lengths.max()), logits[0].shape[1]
    # padding is O for certain, so it changes no probability and no tag
    scores: Floats = np.full((longest, len(logits), types, 3), _FLOOR)
    scores[..., O] = 0.0
    for n, document in enumerate(logits):
        scores[: len(document), n] = document
    scores = log_softmax(scores)
    tags, log_best, gap = _viterbi(scores)
    chain = _Chain(scores)
    log_best = log_best - chain.log_normaliser
    marginals = chain.marginals()
    inside = (np.arange(longest)[:, None] < lengths)[..., None, None]
    surprise = marginals * np.log(np.maximum(marginals, 1e-300)) * inside
    entropy = -surprise.sum(axis=(0, 2, 3))
    in_mention = marginals[..., B] + marginals[..., I]
    entity_entropy = -(surprise.sum(axis=3) * in_mention).sum(axis=(0, 2))
    expected = (marginals[..., B] * inside[..., 0]).sum(axis=(0, 2))
    # the second-best labelling of the document differs from the best in the type where the change costs least
    document_best = np.minimum(log_best.sum(axis=1), 0.0)
    document_margin = document_best + np.log(-np.expm1(-np.maximum(gap.min(axis=1), _TIE)))
    mentions = _mentions(tags, chain)
    return [
        Decoded(
            tuple(mentions[n]),
            float(document_best[n]),
            float(document_margin[n]),
            float(max(entropy[n], 0.0)),
            float(max(entity_entropy[n], 0.0)),
            float(expected[n]),
            int(lengths[n]),
        )
        for n in range(len(logits))
    ]


def inside_probabilities(logits: Sequence[NDArray[np.floating]]) -> list[Floats]:
    """Return the probability that each word is in a mention of each type, over all labellings.

    :param logits: one array of shape (words, types, 3) for each document.
    :returns: one array of shape (words, types) for each document.
    """
    inside = []
    for document in logits:
        if not len(document):
            inside.append(np.zeros(document.shape[:2]))
            continue
        marginals = _Chain(log_softmax(document[:, None].astype(np.float64))).marginals()[:, 0]
        inside.append(np.clip(marginals[..., B] + marginals[..., I], 0.0, 1.0))
    return inside


def log_softmax(scores: Floats) -> Floats:
    """Return the logarithm of the softmax over the last axis, bounded below by a floor."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.maximum(logs, _FLOOR)


def _viterbi(scores: Floats) -> tuple[NDArray[np.int8], Floats, Floats]:
    """Return the best tags, shape (words, documents, types), their log-score, and its lead over the second best."""
    longest, documents, types, _ = scores.shape
    nothing: Floats = np.full((documents, types), -np.inf)
    # best and second-best score of the paths that end in each tag
    best: dict[int, Floats] = {O: scores[0, ..., O], B: scores[0, ..., B], I: nothing}
    second: dict[int, Floats] = {O: nothing, B: nothing, I: nothing}
    came_from = np.zeros((longest, documents, types, 2), dtype=np.int8)  # best predecessor of O and B; of I
    for t in range(1, longest):
        inner, inner_second = _two_best(best[B], second[B], best[I], second[I])
        any_, any_second = _two_best(inner, inner_second, best[O], second[O])
        inner_tag = np.where(best[B] >= best[I], B, I)
        came_from[t, ..., 1] = inner_tag
        came_from[t, ..., 0] = np.where(best[O] >= inner, O, inner_tag)
        best = {O: any_ + scores[t, ..., O], B: any_ + scores[t, ..., B], I: inner + scores[t, ..., I]}
        second = {
            O: any_second + scores[t, ..., O],
            B: any_second + scores[t, ..., B],
            I: inner_second + scores[t, ..., I],
        }
    inner, inner_second = _two_best(best[B], second[B], best[I], second[I])
    top, runner_up = _two_best(best[O], second[O], inner, inner_second)
    tags = np.zeros((longest, documents, types), dtype=np.int8)
    tags[-1] = np.where(best[O] >= inner, O, np.where(best[B] >= best[I], B, I))
    for t in range(longest - 1, 0, -1):
        tags[t - 1] = np.where(tags[t] == I, came_from[t, ..., 1], came_from[t, ..., 0])
    return tags, top, top - runner_up


def _two_best(a: Floats, a_second: Floats, b: Floats, b_second: Floats) -> tuple[Floats, Floats]:
    """Return the two largest of four numbers, where a ≥ a_second and b ≥ b_second."""
    return np.maximum(a, b), np.maximum(np.minimum(a, b), np.where(a >= b, a_second, b_second))


class _Chain:
    """Forward and backward sums, scaled at each word (Rabiner 1989, section V.A)."""

    def __init__(self, scores: Floats) -> None:
        self.scores = scores
        p = self.p = np.exp(scores)
        longest = len(p)
        in_mention = np.zeros(p.shape[1:3])  # probability that the word before is B or I
        self.forward = np.empty_like(p)
        self.scale = np.empty(p.shape[:3])
        for t in range(longest):
            alpha = self.forward[t]
            np.copyto(alpha, p[t])
            alpha[..., I] *= in_mention
            self.scale[t] = alpha.sum(axis=-1)
            alpha /= self.scale[t][..., None]
            in_mention = alpha[..., B] + alpha[..., I]
        # backward sums after a word, given its tag: after O, and after B or I
        self.behind_o = np.ones(p.shape[:3])
        self.behind_mention = np.ones(p.shape[:3])
        # the part of the latter in which a mention that reaches this word ends here
        self.closed = np.ones(p.shape[:3])
        for t in range(longest - 2, -1, -1):
            following = p[t + 1] / self.scale[t + 1][..., None]
            closed = following[..., O] * self.behind_o[t + 1] + following[..., B] * self.behind_mention[t + 1]
            self.behind_o[t] = self.closed[t] = closed
            self.behind_mention[t] = closed + following[..., I] * self.behind_mention[t + 1]

    @property
    def log_normaliser(self) -> Floats:
        """Logarithm of the sum over all allowed labellings, shape (documents, types)."""
        total: Floats = np.log(self.scale).sum(axis=0)
        return total

    def marginals(self) -> Floats:
        """Return the probability of each tag at each word; same shape as the scores."""
        result = self.forward.copy()
        result[..., O] *= self.behind_o
        result[..., B] *= self.behind_mention
        result[..., I] *= self.behind_mention
        return result


def _mentions(tags: NDArray[np.int8], chain: _Chain) -> list[list[tuple[int, int, int, float]]]:
    """Return the mentions in `tags`, shape (words, documents, types), by document, with marginal probabilities."""
    longest, documents, types = tags.shape
    found: list[list[tuple[int, int, int, float]]] = [[] for _ in range(documents)]
    flat = np.ascontiguousarray(np.moveaxis(tags, 0, -1))  # (documents, types, words)
    document, label, first = np.nonzero(flat == B)
    if not len(first):
        return found
    # a mention ends before the first word after its start that is not I
    position = np.where(flat != I, np.arange(longest), longest)
    position = np.concatenate([position, np.full((documents, types, 1), longest)], axis=-1)
    next_end = np.minimum.accumulate(position[..., ::-1], axis=-1)[..., ::-1]
    last = next_end[document, label, first + 1]
    # P(mention) = p(B) · ∏ p(I) · P(it ends there), each divided by the word's scale
    zero = np.zeros((1, documents, types))
    inner = np.concatenate([zero, np.cumsum(chain.scores[..., I], axis=0)])
    scale = np.concatenate([zero, np.cumsum(np.log(chain.scale), axis=0)])
    log_p = (
        chain.scores[first, document, label, B]
        + inner[last, document, label]
        - inner[first + 1, document, label]
        - scale[last, document, label]
        + scale[first, document, label]
        + np.log(np.maximum(chain.closed[last - 1, document, label], 1e-300))
    )
    probability = np.clip(np.exp(log_p), 0.0, 1.0)
    for d, t, start, end, p in zip(document, label, first, last, probability, strict=True):
        found[d].append((int(t), int(start), int(end), float(p)))
    return found
