"""The relation learner: candidate pairs of mentions, the relation network, its training, predictions and scores.

- ``candidates``: which pairs could be related, and which gold relations they express; ``marking``: a candidate as the
  encoder reads it; ``batching``: marked candidates in batches, and their logits.
- ``network``: the relation network; ``decision``: probabilities, the threshold, proposed relations.
- ``training``: the training of one arm; ``prediction``: a trained model that predicts.
- ``uncertainty``: how unsure a model is of relations, and of entities and relations together; ``scoring``: scores.

The room imports ``training``, ``encoder`` and the modules below them, never ``entities``; ``predictor`` imports it.
Inside, ``candidates`` < ``marking``, ``network`` < ``batching`` < ``decision`` < ``training`` < ``prediction``;
``prediction`` imports ``uncertainty``, and ``scoring`` imports ``candidates``.
"""
