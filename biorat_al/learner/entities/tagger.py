"""Prediction over many documents: mentions with confidences, and how unsure the model is of each document.

For a document x of n words, let y* be its best labelling under the BIO rule, y₂ the second best, and P the model's
probabilities (:mod:`biorat_al.learner.entities.decoding`). A labelling covers all entity types at once. The measures
of :class:`~biorat_al.learner.types.Uncertainty` are higher where the model is less sure, and 0 if there are no words:

``least_confidence``
    −log P(y*|x). Least confidence is 1 − P(y*|x) (Culotta & McCallum 2005, section 3). This gives the same order, and
    also tells long documents apart whose P is smaller than any float.
``margin``
    −log (P(y*|x) − P(y₂|x)): the margin of Scheffer, Decomain & Wrobel 2001 in the form for whole sequences of Settles
    & Craven 2008 (section 3.1), which is −(P(y*|x) − P(y₂|x)). Again the order is the same, on a logarithmic scale. Two
    labellings that are equal to within one part in 10¹² count as tied.
``entropy``
    Token entropy (Settles & Craven 2008, section 3.1): the entropy of a word's tags, summed over the entity types,
    averaged over the words, in nats.
``mnlp``
    −(1/n) log P(y*|x): the negative of the maximum normalised log-probability (Shen et al. 2018, section 4).
``entity_entropy``
    The entropy of a word's tag times the probability that the word is in a mention, 1 − P(O), summed over words and
    entity types, in nats: words that are surely outside of mentions count for nothing, however many they are (after
    the total positive token entropy of Şapcı, Kemik, Yeniterzi & Tastan 2023).

A mention's score is the probability of exactly this mention, with its type and both its ends (the sum over all
labellings that have it), calibrated (:mod:`biorat_al.learner.scaling`).

A document's confidence is the strict F1 that the model expects its proposal to reach, with one answer added that is
always right: (1 + 2 Σ p) / (1 + m + E), where p are the scores of the m proposed mentions and E is the expected number
of mentions; both are calibrated (:func:`~biorat_al.learner.scaling.calibrated_number`). It is in (0, 1], and
depends on how sure the mentions are, not on the length of the text. For a text without proposed mentions, it shows how
likely it is that some were missed.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biorat_al.corpus.model.document import Document, Entity
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.tokenizing import Pieces, Tokenizer
from biorat_al.learner.entities.decoding import Decoded, decode, inside_probabilities
from biorat_al.learner.entities.encoding import decode_mentions, word_spans
from biorat_al.learner.entities.inference import document_logits
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour, read_model
from biorat_al.learner.scaling import Scaling, calibrated_number
from biorat_al.learner.types import Prediction, Uncertainty

CHUNK = 512
"""Documents that are kept in memory, and sorted by length, at a time."""

KEPT = 2
"""Chunks of which scores are kept: what finds relations may read one chunk ahead."""


class Tagged(NamedTuple):
    """A prediction, with the numbers from which its measures were computed.

    :param expected: expected number of mentions, calibrated.
    """

    document: Document
    prediction: Prediction
    expected: float


@dataclass(frozen=True, slots=True, eq=False)
class UncalibratedReading:
    """What a model makes of one document, without calibration.

    :param entities: proposed mentions; each score is the probability of exactly this mention.
    :param starts: the first code point of each word, shape (words,); `ends` is one past its last.
    :param inside: probability that each word is in a mention of each label, shape (words, labels).
    """

    document_id: str
    entities: tuple[Entity, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    inside: NDArray[np.float64]


class Tagger:
    """A trained model, ready to predict.

    :ivar version: the name of its folder.
    :ivar labels: the entity types that it knows.
    :ivar uncased: whether its tokenizer ignores case.
    :ivar tokenizer: cuts text into word pieces.
    :ivar sentence_rules: the rules for where sentences end in what it reads.
    :ivar scaling: how the probabilities of mentions are calibrated.

    `model` is the folder of a model, for example one in ``my-project/models``:

    >>> from biorat_al import Document, Tagger
    >>> tagger = Tagger.load(model)
    >>> tagger.labels
    ('Chemical', 'Disease')
    >>> (prediction,) = tagger.predict([Document("17", "Aspirin helps against headache.")])
    >>> prediction.document_id, 0 < prediction.confidence <= 1
    ('17', True)
    """

    def __init__(
        self, version: str, network: TaggingNetwork, tokenizer: Tokenizer, behaviour: Behaviour, device: Device
    ) -> None:
        self.version = version
        self.labels = behaviour.labels
        self.uncased = tokenizer.uncased
        self.scaling = Scaling(behaviour.temperature, behaviour.offset)
        self.tokenizer = tokenizer
        self.sentence_rules = behaviour.sentence_rules
        self._context = behaviour.context
        self._device = device
        self._network = network.to(device.name, device.dtype).eval()
        self._kept = deque[tuple[bytes, list[NDArray[np.floating]]]](maxlen=0)

    @classmethod
    def load(cls, folder: Path, device: Device | None = None) -> Tagger:
        """Load a model from its folder; nothing else is needed, not even the encoder it was trained from.

        :param device: None selects the best device.
        :raises LearnerError: the folder does not exist, or is not a complete model.
        """
        device = device or pick_device()
        return cls(folder.name, *read_model(folder), device)

    def predict(self, documents: Iterable[Document]) -> Iterator[Prediction]:
        """Predict document by document, in the order given, reading one chunk of documents ahead.

        A document's prediction depends only on its own chunk (in the last bits, on the documents that share its
        batches), not on the chunks before or after it.
        """
        return (tagged.prediction for tagged in self.tag(documents))

    def tag(self, documents: Iterable[Document]) -> Iterator[Tagged]:
        """Predict as :meth:`predict`, and yield the numbers from which each document's measures were computed, too."""
        for chunk in _chunks(documents):
            yield from self._predict_chunk(chunk)

    def read(self, documents: Iterable[Document]) -> Iterator[UncalibratedReading]:
        """Yield the mentions and the words of each document with their probabilities, without calibration."""
        for chunk in _chunks(documents):
            pieces = self._pieces(chunk)
            logits = self.logits(pieces)
            of_each = zip(chunk, pieces, decode(logits), inside_probabilities(logits), strict=True)
            for document, cut, decoded, inside in of_each:
                entities = decode_mentions(document, cut, decoded.mentions, self.labels)
                yield UncalibratedReading(document.id, entities, *word_spans(cut), inside)

    def keep_scores(self) -> None:
        """Keep the scores of the last chunks of documents, so that a committee does not run this model on them again.

        A committee's predictions are then made beside those of its members, document by document.
        """
        self._kept = deque(self._kept, maxlen=KEPT)

    def logits(self, pieces: Sequence[Pieces]) -> list[NDArray[np.floating]]:
        """Score the tags of documents at their words, shape (words, labels, 3) for each document.

        :param pieces: the documents, cut by :attr:`tokenizer` with :attr:`sentence_rules`.
        """
        if not self._kept.maxlen:
            return self._scored(pieces)
        key = _digest(pieces)
        for known, scores in self._kept:
            if known == key:
                return scores
        self._kept.append((key, self._scored(pieces)))
        return self._kept[-1][1]

    def _scored(self, pieces: Sequence[Pieces]) -> list[NDArray[np.floating]]:
        return document_logits(self._network, pieces, self.tokenizer, self._device, context=self._context)

    def _pieces(self, documents: Sequence[Document]) -> Sequence[Pieces]:
        return self.tokenizer([document.text for document in documents], sentence_rules=self.sentence_rules)

    def _predict_chunk(self, documents: list[Document]) -> Iterator[Tagged]:
        pieces = self._pieces(documents)
        for document, cut, decoded in zip(documents, pieces, decode(self.logits(pieces)), strict=True):
            raw = [probability for *_, probability in decoded.mentions]
            scores = self.scaling.apply(raw).tolist()
            expected = calibrated_number(decoded.expected, raw, scores)
            mentions = [(*place[:3], score) for place, score in zip(decoded.mentions, scores, strict=True)]
            prediction = Prediction(
                document.id,
                decode_mentions(document, cut, mentions, self.labels),
                confidence(scores, expected),
                uncertainty(decoded, len(cut)),
            )
            yield Tagged(document, prediction, expected)


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    remaining = iter(documents)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _digest(pieces: Sequence[Pieces]) -> bytes:
    """Return a digest of everything that the scores of documents depend on."""
    digest = hashlib.blake2b(digest_size=16)
    for document in pieces:
        digest.update(len(document).to_bytes(8, "little"))
        for part in (document.ids, document.heads, document.sentences):
            digest.update(part.tobytes())
    return digest.digest()


def uncertainty(decoded: Decoded, tokens: int) -> Uncertainty:
    """Compute the measures that the module defines.

    :param tokens: number of word pieces of the document.
    """
    words = max(decoded.words, 1)
    return Uncertainty(
        least_confidence=abs(decoded.log_best),  # log_best is never positive; abs() also turns -0.0 to 0.0
        margin=max(-decoded.log_margin, 0.0),
        entropy=decoded.entropy / words,
        mnlp=abs(decoded.log_best) / words,
        entity_entropy=decoded.entity_entropy,
        tokens=tokens,
    )


def confidence(scores: Sequence[float], expected: float) -> float:
    """Compute a document's confidence as the module defines it, in (0, 1].

    :param scores: calibrated confidences of the proposed mentions (and relations).
    :param expected: expected number of mentions (and relations), calibrated as well.
    """
    return min((1 + 2 * sum(scores)) / (1 + len(scores) + expected), 1.0)
