"""Query strategies that choose the documents of which the model is least sure.

The four measures are computed with the predictions; :mod:`biorat_al.learner.entities.tagger` defines them. In each,
higher means less sure. A strategy takes one of them as its score, unchanged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biorat_al.acquisition.base import Candidates, QueryStrategy, score_in_words


class UncertaintyStrategy(QueryStrategy):
    """Order the pool by one measure of uncertainty.

    :cvar measure: the measure: a field of :class:`biorat_al.learner.types.Uncertainty`, or one of its :attr:`needs`.
    :cvar words: the text of the reason; ``{score}`` is replaced by the score.
    """

    measure: str
    words: str
    subsampled = False

    def scores(self, candidates: Candidates, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the measure, shape (n,)."""
        return self.from_model(candidates, self.measure)

    def reason(self, score: float) -> str:
        return self.words.format(score=score_in_words(score))


class LeastConfidence(UncertaintyStrategy):
    """Choose documents whose best labelling, of the document as a whole, is least probable.

    The score is −log P(ŷ | x), where ŷ is the most probable labelling of document x: 0 if the model is certain. The
    order is that of 1 − P(ŷ | x), but documents still differ when that is rounded to 1. The labelling of a long
    document is less probable merely because of its length, so long documents come first; ``mnlp`` corrects this.

    Culotta and McCallum 2005, *Reducing labeling effort for structured prediction tasks* (AAAI), section 3; in the
    survey of sequence labelling by Settles and Craven 2008, *An analysis of active learning strategies for sequence
    labeling tasks* (EMNLP), equation 2.
    """

    name = "least-confidence"
    measure = prefers = "least_confidence"
    words = "least sure of the document as a whole (least confidence {score})"


class Margin(UncertaintyStrategy):
    """Choose documents whose second-best labelling is nearly as probable as the best.

    The score is −log(P(ŷ₁ | x) − P(ŷ₂ | x)), with the most probable labelling ŷ₁ of document x and the second ŷ₂: the
    smaller the margin, the higher.

    Scheffer, Decomain and Wrobel 2001, *Active hidden Markov models for information extraction* (IDA), section 4;
    Settles and Craven 2008 (EMNLP), equation 3.
    """

    name = "margin"
    measure = prefers = "margin"
    words = "most torn between its two best answers (margin score {score})"


class Entropy(UncertaintyStrategy):
    """Choose documents in which probability is spread most evenly over the labels of a word.

    The score is the entropy of a word's label, averaged over the words: 0 if the model is certain.

    Shannon 1948; as an acquisition score for sequences Settles and Craven 2008 (EMNLP), equation 4 (token entropy).
    """

    name = "entropy"
    measure = prefers = "entropy"
    words = "hesitates most between labels, per word (entropy {score})"


class Mnlp(UncertaintyStrategy):
    """Choose by least confidence per word, so that long documents have no advantage (normalised log-probability).

    The score is −(1/n) log P(ŷ | x), where ŷ is the most probable labelling of the n words of document x: 0 if the
    model is certain.

    Shen, Yun, Lipton, Kronrod and Anandkumar 2018, *Deep active learning for named entity recognition* (ICLR),
    section 4; their MNLP (maximum normalised log-probability) has the opposite sign.
    """

    name = "mnlp"
    measure = prefers = "mnlp"
    words = "least sure per word (MNLP {score})"
