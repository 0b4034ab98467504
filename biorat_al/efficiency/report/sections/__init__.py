"""The sections of the report, each with its tables and plots.

- ``curves_and_cost``: learning curves, and the labels that an F1 costs.
- ``comparisons``: arms and strategies against each other, and the verdict.
- ``labels``, ``robustness``, ``calibration``: the last models, by entity label, on changed texts, and their confidence.
- ``sensitivity``: the price of annotation, and hours with each price halved and doubled.
- ``forecast``: the labels that are still needed; ``provenance``: what is needed to repeat the runs.
- ``relations``: F1 of relations.
- ``annotators``: their work and their time; ``disputes``: what they disagree on.
- ``pre_label_bias``: what pre-labels do to people.
- ``unasked``: labels that were added later.
"""
