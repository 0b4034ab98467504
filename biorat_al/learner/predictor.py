"""A model that predicts the entities of documents and, if it has learnt relations, the relations between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from biorat_al.corpus.model.document import Document, Entity
from biorat_al.errors import LearnerError
from biorat_al.learner.committee.members import CommitteeExtractor, CommitteeTagger
from biorat_al.learner.committee.saved import is_committee, member_folders, read_committee
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.entities.tagger import Tagged, Tagger, confidence
from biorat_al.learner.relations.prediction import RelationExtractor, RelationPrediction, has_relations
from biorat_al.learner.relations.uncertainty import combined
from biorat_al.learner.scaling import Scaling
from biorat_al.learner.types import Prediction


class Predictor:
    """A tagger, and the relation extractor trained with it, if there is one.

    :param tagger: finds the entities.
    :param extractor: finds the relations; None if the model has not learnt any.
    :ivar version: the model's version.
    :ivar labels: the model's entity types.
    :ivar uncased: whether its tokenizer ignores case.
    :ivar members: versions of the models that vote, if it is a committee; else empty.

    `model` is the folder of a model, for example one in ``my-project/models``:

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
        self.members: tuple[str, ...] = ()
        self._extractor = extractor

    @classmethod
    def load(cls, folder: Path, device: Device | None = None) -> Predictor:
        """Load a model, or a committee with all its members, from its folder.

        :param device: None selects the best device.
        :raises LearnerError: the folder does not exist, or is not a complete model.
        """
        device = device or pick_device()
        if is_committee(folder):
            members = [cls.load(place, device) for place in member_folders(folder)]
            return cls.of_members(folder.name, members, read_committee(folder).scaling)
        extractor = RelationExtractor.load(folder, device) if has_relations(folder) else None
        return cls(Tagger.load(folder, device), extractor)

    @classmethod
    def of_members(cls, version: str, members: Sequence[Predictor], scaling: Scaling) -> Predictor:
        """Return a committee of loaded models, which are not loaded again.

        Relations are predicted by the members that have learnt them.

        :param scaling: how the probabilities of the committee's mentions are calibrated.
        :raises LearnerError: the members do not know the same entity types or relations.
        """
        extractors = [member._extractor for member in members if member._extractor is not None]
        tagger = CommitteeTagger(version, [member.tagger for member in members], scaling)
        committee = cls(tagger, CommitteeExtractor(extractors) if extractors else None)
        committee.members = tuple(member.version for member in members)
        return committee

    @property
    def has_relations(self) -> bool:
        """Whether it predicts relations."""
        return self._extractor is not None

    def predict(self, documents: Iterable[Document]) -> Iterator[Prediction]:
        """Predict document by document, in the order given, reading some documents ahead.

        Confidence and uncertainty are of entities and relations together. The decisions on the candidate pairs of
        predicted entities are taken to be independent of the tags.
        """
        if self._extractor is None:
            yield from self.tagger.predict(documents)
            return
        # the extractor reads ahead; documents that it has read wait here
        waiting: deque[Tagged] = deque()
        for relations in self._extractor.predict(self._items(documents, waiting)):
            yield _together(waiting.popleft(), relations)

    def predict_relations(self, items: Iterable[tuple[Document, Sequence[Entity]]]) -> Iterator[RelationPrediction]:
        """Predict the relations between given entities, document by document, in the order given.

        :raises LearnerError: the model has not learnt any relations.
        """
        if self._extractor is None:
            raise LearnerError(f"the model {self.version} has no part for relations: train it again")
        return self._extractor.predict(items)

    def _items(
        self, documents: Iterable[Document], waiting: deque[Tagged]
    ) -> Iterator[tuple[Document, tuple[Entity, ...]]]:
        for tagged in self.tagger.tag(documents):
            waiting.append(tagged)
            yield tagged.document, tagged.prediction.entities


def _together(tagged: Tagged, related: RelationPrediction) -> Prediction:
    scores = [entity.score or 0.0 for entity in tagged.prediction.entities]
    scores += [float(relation.extras["score"]) for relation in related.relations]
    return replace(
        tagged.prediction,
        relations=related.relations,
        confidence=confidence(scores, tagged.expected + related.expected),
        uncertainty=combined(tagged.prediction.uncertainty, related.uncertainty),
    )
