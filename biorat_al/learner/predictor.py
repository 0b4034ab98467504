"""What a model says of a document: its entities, and the relations between them where it has learnt any."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from biorat_al.corpus.model.document import Document, Entity
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.entities.tagger import Tagged, Tagger, confidence
from biorat_al.learner.relations.prediction import RelationExtractor, RelationPrediction, has_relations
from biorat_al.learner.relations.uncertainty import combined
from biorat_al.learner.types import Prediction


class Predictor:
    """A tagger, and the relation extractor that was trained with it, if there is one.

    :param tagger: finds the entities.
    :ivar version: of the model.
    :ivar labels: its entity types.
    :ivar uncased: whether upper and lower case are the same to its tokenizer.

    `model` is the folder of a model, for example of ``my-project/models``:

    >>> from biorat_al import Document, Predictor
    >>> predictor = Predictor.load(model)
    >>> for prediction in predictor.predict([Document("17", "Aspirin helps."), Document("18", "It rained.")]):
    ...     print(prediction.document_id, len(prediction.relations))
    17 0
    18 0
    >>> predictor.has_relations
    False
    """

    def __init__(self, tagger: Tagger, extractor: RelationExtractor | None) -> None:
        self.version = tagger.version
        self.labels = tagger.labels
        self.uncased = tagger.uncased
        self.tagger = tagger
        self._extractor = extractor

    @classmethod
    def load(cls, folder: Path, device: Device | None = None) -> Predictor:
        """Load a model from its folder.

        :param device: None picks the best there is.
        :raises LearnerError: the folder is not there, or not a complete model.
        """
        device = device or pick_device()
        extractor = RelationExtractor.load(folder, device) if has_relations(folder) else None
        return cls(Tagger.load(folder, device), extractor)

    @property
    def has_relations(self) -> bool:
        """Whether it predicts relations."""
        return self._extractor is not None

    def predict(self, documents: Iterable[Document]) -> Iterator[Prediction]:
        """Predict document by document, in the order given, reading ahead by some of them.

        Confidence and uncertainty are those of entities and relations together, the decisions on the candidates between
        the predicted entities taken to be independent of the tags.
        """
        if self._extractor is None:
            yield from self.tagger.predict(documents)
            return
        # the extractor reads ahead; what it has read waits here
        read: deque[Tagged] = deque()
        for relations in self._extractor.predict(self._items(documents, read)):
            yield _together(read.popleft(), relations)

    def predict_relations(self, items: Iterable[tuple[Document, Sequence[Entity]]]) -> Iterator[RelationPrediction]:
        """Predict the relations between given entities, document by document, in the order given.

        :raises LearnerError: the model has not learnt any relations.
        """
        if self._extractor is None:
            raise LearnerError(f"the model {self.version} has no part for relations: train it again")
        return self._extractor.predict(items)

    def _items(
        self, documents: Iterable[Document], read: deque[Tagged]
    ) -> Iterator[tuple[Document, tuple[Entity, ...]]]:
        for tagged in self.tagger.tag(documents):
            read.append(tagged)
            yield tagged.document, tagged.prediction.entities


def _together(tagged: Tagged, found: RelationPrediction) -> Prediction:
    scores = [entity.score or 0.0 for entity in tagged.prediction.entities]
    scores += [float(relation.extras["score"]) for relation in found.relations]
    return replace(
        tagged.prediction,
        relations=found.relations,
        confidence=confidence(scores, tagged.expected + found.expected),
        uncertainty=combined(tagged.prediction.uncertainty, tagged.words, found.uncertainty),
    )
