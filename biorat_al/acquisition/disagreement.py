"""Query strategies that ask where a disturbed model contradicts itself.

What is measured is defined in :mod:`biorat_al.learner.entities.probe`, as an average over the words of a document; a
strategy takes it as its score, unchanged.
"""

from __future__ import annotations

from biorat_al.acquisition.uncertainty import UncertaintyStrategy
from biorat_al.errors import UsageError
from biorat_al.settings import Settings


class Bald(UncertaintyStrategy):
    """Bayesian active learning by disagreement: asks where thinned copies of the network are sure of different things.

    The score is the mutual information between a word's tag and the network's weights, with Monte-Carlo dropout for a
    sample of the weights: H(mean of p) − mean of H(p) over the passes, in nats, summed over the entity types and
    averaged over the document's words. It is 0 where all passes agree, however unsure each of them is. It costs
    ``settings.selection.mc_passes`` forward passes.

    Houlsby, Huszár, Ghahramani and Lengyel 2011, *Bayesian active learning for classification and preference learning*
    (arXiv 1112.5745), equation 2; with dropout Gal, Islam and Ghahramani 2017, *Deep Bayesian active learning with
    image data* (ICML). For a sequence it is averaged over the words, as Shen et al. 2018, *Deep active
    learning for named entity recognition* (ICLR), section 4, normalise their BALD; theirs and that of Siddhant and
    Lipton 2018 (EMNLP) count how many passes leave the most frequent labelling. On a whole abstract, nearly every pass
    does, so that counting would tell few documents apart.
    """

    name = "bald"
    measure = "disagreement"
    needs = frozenset({"disagreement"})
    subsampled = True
    words = "passes with dropout disagree most, per word (mutual information {score})"


class Adversarial(UncertaintyStrategy):
    """Adversarial disagreement: asks where a small shift of the word vectors changes the prediction most.

    The score is the local distributional smoothness of Miyato et al. with its sign turned: the divergence
    KL(p(y | x) ‖ p(y | x + r)) in nats, summed over the entity types and averaged over the document's words. The shift
    r of the word vectors has the size that ``settings.adversarial`` gives the perturbation in training (epsilon, norm,
    scope); but where the scope is the batch, whose windows share that size in training, each window has all of it here.
    0 means that the prediction holds. It costs two forward passes and a backward one, in 32-bit floats.

    r is the steepest one for the loss at the predicted tags, which takes most from the prediction to first order. The
    arms ``rat`` and ``at`` are trained against such shifts where the attack is ``single-step``, for the loss at the
    annotated tags; the other attacks make others. The power iteration of the paper would cost one forward pass more,
    and start from a random direction, so that two documents with the same text could get different scores.

    Miyato, Maeda, Koyama, Nakae and Ishii 2016, *Distributional smoothing with virtual adversarial training* (ICLR),
    section 3; 2018, *Virtual adversarial training* (IEEE TPAMI), equation 5. As a query strategy it is kin to Ducoffe
    and Precioso 2018, *Adversarial active learning for deep networks: a margin based approach* (arXiv 1802.09841).
    """

    name = "adversarial"
    measure = "sensitivity"
    needs = frozenset({"sensitivity"})
    subsampled = True
    words = "a small shift of the word vectors changes the prediction most (divergence {score})"

    def check(self, settings: Settings) -> None:
        if not settings.adversarial.epsilon:
            raise UsageError(
                f"the query strategy {self.name!r} looks at what a perturbation of the word vectors changes, and "
                "adversarial.epsilon is 0: set it above 0, or choose another strategy"
            )
