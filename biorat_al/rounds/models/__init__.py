"""The models of a round beyond their training.

- ``committee`` forms the committee of a round's arms; ``calibration`` finds how its models are calibrated.
- ``recording`` records a trained model.
- ``replacement`` puts models in the place of lost ones; ``encoder_changes`` looks for an encoder whose files changed.

``committee`` imports ``calibration``, ``recording`` and ``replacement``.
"""
