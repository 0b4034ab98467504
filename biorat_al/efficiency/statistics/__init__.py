"""Statistics of runs: learning curves and what follows from them, each with an interval.

- ``estimates``: units, amounts, estimates, components of variance; ``intervals``: the interval of a mean over seeds and
  test documents; ``seed_tables``: F1 as a table of seeds by documents, and the monotone mean curve.
- ``curves``: mean curves, areas, labels needed for an F1; ``ratio``: labels needed by one group over those of another.
- ``comparison``: two groups in pairs; ``adjustment``: several comparisons at once; ``power``: how many seeds it takes;
  ``verdict``: the result in words.
- ``powerlaw``, ``forecast``, ``backtest``: how many more labels a target takes, and how often such forecasts hold;
  ``next_hour``: what the next hour of annotation brings.
- ``calibration_error``, ``robustness_deltas``, ``cost``: figures of the last models and of training.

Each of ``estimates``, ``intervals``, ``seed_tables``, ``curves``, ``ratio``, ``comparison`` may import those before it.
The other modules import from these; ``verdict`` also imports ``power``, ``forecast`` imports ``powerlaw``, and
``backtest`` and ``next_hour`` import ``forecast``.
"""
