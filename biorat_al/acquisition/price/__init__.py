"""The price of annotation: the seconds that an annotator is expected to need.

- ``work``: what an annotator does in a task, counted (``Work``): words read, mentions added, changed, and so on.
- ``price``: seconds for each of these (``Price``), and what published studies say about them (``PRIOR``).
- ``handled``: what was done with the pre-labels of an answer, from the origins of its mentions.
- ``answered``: the work and the recorded time of each answer in the store.
- ``fit``: the price fitted to recorded times, with annotators of different speed, and breaks left out.
- ``estimate``: the price of a project (``PriceEstimate``): written in its settings, fitted, or from the prior.
- ``pace``: the seconds of one more document of the pool.
- ``expected``: the work that a document is expected to take, from its length and a model's pre-labels.

``work < price < fit < estimate``; ``answered`` imports ``handled`` and ``work``, ``estimate`` imports it, ``pace``
imports both, and ``expected`` imports ``answered`` and ``work``.
"""
