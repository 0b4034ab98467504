"""How much F1 a number of labels buys, and whether adversarial training needs fewer of them.

- ``runs/``: a run (the models trained on more and more labels), its file, and a project read as runs.
- ``statistics/``: learning curves, comparisons, forecasts and costs, with intervals over seeds and test documents.
- ``coverage/``: which share of all mentions has been found, from random samples of the text.
- ``simulation/``: active learning on a corpus whose gold annotations answer for the annotators.
- ``report/``: the page with tables and plots, of a project or of simulations.

``report`` may import from ``statistics``, ``simulation`` and ``coverage``, and all of them from ``runs``. These three
do not import each other. The import contract in ``pyproject.toml`` holds this order.
"""
