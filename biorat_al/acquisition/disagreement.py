"""Query strategies that choose documents on which a disturbed model contradicts itself.

:mod:`biorat_al.learner.entities.probe` defines the measures, as averages over the words of a document. A strategy takes
one of them as its score, unchanged.
"""

from __future__ import annotations

from biorat_al.acquisition.uncertainty import UncertaintyStrategy
from biorat_al.errors import UsageError
from biorat_al.settings import Settings


class Bald(UncertaintyStrategy):
    """Choose documents on which passes with dropout are sure of different things (Bayesian disagreement, BALD).

    The score is the mutual information between a word's tag and the network's weights, which Monte-Carlo dropout
    samples: H(mean of p) − mean of H(p) over the passes, in nats, summed over the entity types and averaged over the
    document's words. It is 0 if all passes agree, however unsure each of them is. It costs
    ``settings.selection.mc_passes`` forward passes.

    Houlsby, Huszár, Ghahramani and Lengyel 2011, *Bayesian active learning for classification and preference learning*
    (arXiv 1112.5745), equation 2; with dropout Gal, Islam and Ghahramani 2017, *Deep Bayesian active learning with
    image data* (ICML). For a sequence it is averaged over the words, as Shen et al. 2018, *Deep active learning for
    named entity recognition* (ICLR), section 4, normalise their BALD. Their measure, and that of Siddhant and Lipton
    2018 (EMNLP), count the passes that differ from the most frequent labelling. On a whole abstract nearly every pass
    does, so counting would hardly distinguish documents.
    """

    name = "bald"
    measure = "disagreement"
    needs = frozenset({"disagreement"})
    subsampled = True
    words = "passes with dropout disagree most, per word (mutual information {score})"


class Adversarial(UncertaintyStrategy):
    """Choose documents whose prediction a small shift of the word vectors changes most (adversarial disagreement).

    The score is the local distributional smoothness of Miyato et al. with the opposite sign: the divergence
    KL(p(y | x) ‖ p(y | x + r)) in nats, summed over the entity types and averaged over the document's words. The shift
    r of the word vectors is as large as the perturbation that ``settings.adversarial`` gives for training (shift,
    norm, scope). One case differs: if the scope is the batch, its windows share that size in training, but here each
    window gets all of it. A score of 0 means that the prediction does not change. It costs two forward passes and a
    backward one, in 32-bit floats.

    r is the steepest shift for the loss at the predicted tags: to first order it lowers their probability most. With
    the attack ``single-step``, the arms ``rat`` and ``at`` are trained against such shifts, for the loss at the
    annotated tags; the other attacks use different shifts. The power iteration of the paper would cost another forward
    pass. It would also start from a random direction, so that two documents with the same text could get different
    scores.

    Miyato, Maeda, Koyama, Nakae and Ishii 2016, *Distributional smoothing with virtual adversarial training* (ICLR),
    section 3; 2018, *Virtual adversarial training* (IEEE TPAMI), equation 5. A related query strategy: Ducoffe and
    Precioso 2018, *Adversarial active learning for deep networks: a margin based approach* (arXiv 1802.09841).
    """

    name = "adversarial"
    measure = "sensitivity"
    needs = frozenset({"sensitivity"})
    subsampled = True
    words = "a small shift of the word vectors changes the prediction most (divergence {score})"

    def check(self, settings: Settings) -> None:
        size, value = settings.adversarial.size
        if not value:
            raise UsageError(
                f"the query strategy {self.name!r} looks at what a perturbation of the word vectors changes, and "
                f"adversarial.{size} is 0: set it above 0, or choose another strategy"
            )
