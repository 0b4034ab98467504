"""A committee: several models of one round, whose probabilities are averaged.

- ``saved``: the folder of a committee on disk, which names its members.
- ``members``: its tagger and its relation extractor.
- ``fitting``: its calibration.
- ``probe``: embeddings, gradients and the like of a committee, for query strategies.

Why: models that were trained on the same documents in other ways make different mistakes, and their mean makes fewer
(Hansen & Salamon 1990, "Neural Network Ensembles"; Lakshminarayanan, Pritzel & Blundell 2017, "Simple and Scalable
Predictive Uncertainty Estimation using Deep Ensembles").

The room imports ``entities``, ``relations`` and the rooms below them; ``predictor`` imports it. Inside, ``saved`` and
``members`` import none of the others; ``fitting`` imports ``members``, and ``probe`` imports ``saved``.
"""
