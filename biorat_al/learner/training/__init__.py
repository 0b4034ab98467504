"""The training loop of both kinds of networks, with random adversarial training.

- ``job``: how one arm is trained; ``order``: the order of a training, from held-back documents to the saved model.
- ``loop``: the optimizer steps; ``broken_loss``: why a loss is no longer a number.
- ``passes``: forward and backward passes, counted; ``dropout``: dropout with reproducible masks.
- ``draws``: which steps or windows are adversarial, by the probability p and its schedule; ``embedding_tap``: the
  hook through which word vectors are perturbed; ``perturbation``: perturbations of word vectors; ``attacks``: the
  passes of an adversarial step.
- ``vocabulary``: the part of the word embedding that training uses.

The room imports ``encoder`` and ``types``; ``entities`` and ``relations`` import it. Inside, ``draws``,
``dropout`` < ``passes``, and ``passes``, ``perturbation`` < ``attacks`` < ``loop`` < ``order``.
"""
