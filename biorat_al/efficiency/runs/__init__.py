"""Runs: the models that were trained one after another on more and more labels.

- ``model``: what a run and its points are, F1 of summed counts, reading and writing files of runs.
- ``of_project``: the rounds of a real project as one run per arm; counts by label.
- ``annotator_work``: what annotators did with the pre-labels of each round.
- ``changed_settings``: which settings were edited between rounds.

``of_project`` imports ``model`` and ``changed_settings``; the others import none of their neighbours. Nothing here
imports another room of ``efficiency``.
"""
