"""The entity learner: tags for word pieces, the tagging network, its training, its predictions and their scores.

- ``encoding``: mentions to BIO tags and back, documents to windows; ``batching``: windows with tags in batches.
- ``network``: the tagging network and its loss; ``fitting``: one training run; ``training``: the training of one arm.
- ``inference``: logits of whole documents; ``decoding``: the best tags, their probabilities, uncertainty.
- ``saved_tagger``: a tagging model read from disk; ``tagger``: a trained model that predicts.
- ``cross_fitting``: a model that learns from some documents to read others.
- ``probe``: embeddings, gradients and the like for query strategies; ``scoring``: strict span scores.

The room imports ``training``, ``encoder`` and the modules below them, never ``relations``; ``predictor`` imports it.
Inside, ``encoding`` < ``network``, ``decoding`` < ``batching``, ``inference``, ``saved_tagger``, ``scoring`` <
``fitting`` < ``training``; ``tagger`` and ``probe`` import neither ``fitting`` nor ``training``. ``cross_fitting``
imports ``tagger`` and ``training``.
"""
