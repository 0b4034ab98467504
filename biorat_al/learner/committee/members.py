"""The tagger and the relation extractor of a committee.

A word's tag has the mean of the probabilities that the members' networks give it, and so has the class of a candidate
pair (after each member's correction for the sampling of negatives). Everything after that is as for one model: the best
labelling under the BIO rule, the marginal probability of each mention, the measures of uncertainty.

What the members were calibrated with does not enter, so it does not matter whether some were calibrated and some were
not: the mean of calibrated models is not calibrated, it is less sure than it should be. So the mean is calibrated by
its own scaling, which was fitted to its own proposals (Rahaman & Thiery 2021, "Uncertainty Quantification and Deep
Ensembles", section 4: pool, then calibrate). For relations, threshold and temperature are those of the members: the
mean of the thresholds, the geometric mean of the temperatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.tokenizing import Pieces
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.relations.batching import CandidateRow
from biorat_al.learner.relations.prediction import RelationExtractor
from biorat_al.learner.scaling import Scaling


class CommitteeTagger(Tagger):
    """A tagger whose tags have the mean of its members' probabilities.

    :param members: taggers of the same entity types with the same tokenizer.
    :param scaling: how the probabilities of mentions are calibrated.
    :raises LearnerError: the members do not have the same entity types, or not the same sentences.
    """

    def __init__(self, version: str, members: Sequence[Tagger], scaling: Scaling) -> None:
        first = members[0]
        for other in members[1:]:
            if other.labels != first.labels:
                raise LearnerError(
                    f"the models {first.version} and {other.version} know other entity types, so they cannot vote "
                    "together: train them again"
                )
            if other.sentence_rules != first.sentence_rules:
                raise LearnerError(
                    f"the models {first.version} and {other.version} were trained with other sentence_rules, so they "
                    "cannot vote together: train them again"
                )
        self.version = version
        self.labels = first.labels
        self.uncased = first.uncased
        self.tokenizer = first.tokenizer
        self.sentence_rules = first.sentence_rules
        self.scaling = scaling
        self._members = tuple(members)

    def logits(self, pieces: Sequence[Pieces]) -> list[NDArray[np.floating]]:
        """Return the logarithms of the tags' mean probabilities, shape (words, labels, 3) for each document."""
        of_members = [member.logits(pieces) for member in self._members]
        return [mean_log_probabilities(document) for document in zip(*of_members, strict=True)]


class CommitteeExtractor(RelationExtractor):
    """A relation extractor whose classes have the mean of its members' probabilities.

    :param members: extractors of the same relation types with the same settings.
    :raises LearnerError: the members do not have the same relation types or settings.
    """

    def __init__(self, members: Sequence[RelationExtractor]) -> None:
        first = members[0]
        if any((other.types, other.settings) != (first.types, first.settings) for other in members[1:]):
            raise LearnerError("the members of the committee know other relations, so they cannot vote: train again")
        self.take_over(first)
        self.behaviour = replace(
            first.behaviour,
            threshold=float(np.mean([member.behaviour.threshold for member in members])),
            temperature=float(np.exp(np.mean([np.log(member.behaviour.temperature) for member in members]))),
        )
        self._members = tuple(members)

    def log_probabilities(self, rows: Sequence[CandidateRow]) -> NDArray[np.float64]:
        """Return the logarithms of the classes' mean probabilities, shape (candidates, classes)."""
        return _mean([member.log_probabilities(rows) for member in self._members])


def mean_log_probabilities(logits: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Return the logarithm of the mean of several networks' probabilities; same shape as each of the `logits`."""
    return _mean([log_softmax(one.astype(np.float64), axis=-1) for one in logits])


def _mean(logs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = logsumexp(np.stack(logs), axis=0) - np.log(len(logs))
    return mean
