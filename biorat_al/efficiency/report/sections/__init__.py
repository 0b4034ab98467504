"""The sections of the report, each with its tables and plots.

- ``curves_and_cost``: learning curves, and the labels that an F1 costs.
- ``comparisons``: arms and strategies against each other, and the verdict.
- ``models``: the last models by label, their robustness and calibration; the forecast and the provenance.
- ``relations``: F1 of relations.
- ``annotators``: their work and their time; ``disputes``: what they disagree on.
- ``unasked``: labels that were added later.
"""
