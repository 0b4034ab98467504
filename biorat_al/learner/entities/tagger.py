"""Prediction over many documents: mentions with confidences, and how unsure the model is of each document.

For a document x of n words let y* be its best labelling under the BIO rule, y₂ the second best, and P the model's
probabilities (:mod:`biorat_al.learner.entities.decoding`); a labelling is of all entity types at once. The measures
of :class:`~biorat_al.learner.types.Uncertainty`, each 0 where there is no word and higher where the model is less sure:

``least_confidence``
    −log P(y*|x). Least confidence is 1 − P(y*|x) (Culotta & McCallum 2005, section 3); this is the same order, in a
    form that still tells long documents apart whose P is smaller than any float.
``margin``
    −log (P(y*|x) − P(y₂|x)): the margin of Scheffer, Decomain & Wrobel 2001 in the form for whole sequences of Settles
    & Craven 2008 (section 3.1), which is −(P(y*|x) − P(y₂|x)), again in the same order on a logarithmic scale. Of two
    labellings that are tied to within one part in 10¹², the tie is not resolved further.
``entropy``
    Token entropy (Settles & Craven 2008, section 3.1): the entropy of a word's tags, summed over the entity types,
    averaged over the words, in nats.
``mnlp``
    −(1/n) log P(y*|x): maximum normalised log-probability with its sign turned (Shen et al. 2018, section 4).

A mention's score is the probability that exactly this mention is there, with its type and both its ends (the sum over
all labellings that have it), calibrated on the development part (:mod:`biorat_al.learner.temperature`).

A document's confidence is the strict F1 that the model expects of its own proposal, with one answer added that is
always right: (1 + 2 Σ p) / (1 + m + E), where p are the scores of the m mentions that it proposes and E is the
expected number of mentions. It lies in (0, 1], depends on how sure the mentions are and not on how long the text is,
and for a text in which nothing is proposed it says how likely something was missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from biorat_al.corpus.model.document import Document
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.tokenizing import Tokenizer
from biorat_al.learner.entities.decoding import Decoded, decode
from biorat_al.learner.entities.encoding import decode_mentions
from biorat_al.learner.entities.inference import document_logits
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour, read_model
from biorat_al.learner.temperature import calibrated
from biorat_al.learner.types import Prediction, Uncertainty

CHUNK = 512
"""Documents that are held in memory, and sorted by length, at once."""


class Tagged(NamedTuple):
    """A prediction with what its measures were made of.

    :param words: in the document.
    :param expected: expected number of mentions.
    """

    document: Document
    prediction: Prediction
    words: int
    expected: float


class Tagger:
    """A trained model, ready to predict.

    :ivar version: the name of its folder.
    :ivar labels: the entity types that it knows.
    :ivar uncased: whether upper and lower case are the same to its tokenizer.

    `model` is the folder of a model, for example of ``my-project/models``:

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
        self._temperature = behaviour.temperature
        self._tokenizer = tokenizer
        self._device = device
        self._network = network.to(device.name, device.dtype).eval()

    @classmethod
    def load(cls, folder: Path, device: Device | None = None) -> Tagger:
        """Load a model from its folder; nothing else is needed, the encoder it was trained from neither.

        :param device: None picks the best there is.
        :raises LearnerError: the folder is not there, or not a complete model.
        """
        device = device or pick_device()
        return cls(folder.name, *read_model(folder), device)

    def predict(self, documents: Iterable[Document]) -> Iterator[Prediction]:
        """Predict document by document, in the order given, reading ahead by one chunk of documents.

        What is said of a document depends on its own chunk only (in the last bits, by the documents that share its
        batches), not on those before or after it.
        """
        return (tagged.prediction for tagged in self.tag(documents))

    def tag(self, documents: Iterable[Document]) -> Iterator[Tagged]:
        """As :meth:`predict`, with what the measures of each document were made of."""
        remaining = iter(documents)
        while chunk := list(islice(remaining, CHUNK)):
            yield from self._predict_chunk(chunk)

    def _predict_chunk(self, documents: list[Document]) -> Iterator[Tagged]:
        pieces = self._tokenizer([document.text for document in documents])
        logits = document_logits(self._network, pieces, self._tokenizer, self._device)
        for document, cut, found in zip(documents, pieces, decode(logits), strict=True):
            scores = calibrated([probability for *_, probability in found.mentions], self._temperature).tolist()
            mentions = [(*place[:3], score) for place, score in zip(found.mentions, scores, strict=True)]
            prediction = Prediction(
                document.id,
                decode_mentions(document, cut, mentions, self.labels),
                confidence(scores, found.expected),
                uncertainty(found, len(cut)),
            )
            yield Tagged(document, prediction, found.words, found.expected)


def uncertainty(found: Decoded, tokens: int) -> Uncertainty:
    """The measures that the module defines.

    :param tokens: word pieces of the document.
    """
    words = max(found.words, 1)
    return Uncertainty(
        least_confidence=abs(found.log_best),  # never positive; abs() also turns -0.0 to 0.0
        margin=max(-found.log_margin, 0.0),
        entropy=found.entropy / words,
        mnlp=abs(found.log_best) / words,
        tokens=tokens,
    )


def confidence(scores: Sequence[float], expected: float) -> float:
    """The document's confidence as the module defines it, in (0, 1].

    :param scores: calibrated confidences of the mentions (and relations) that are proposed.
    :param expected: expected number of them.
    """
    return min((1 + 2 * sum(scores)) / (1 + len(scores) + expected), 1.0)
