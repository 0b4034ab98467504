"""The price of annotation: the seconds that an annotator is expected to need.

- ``work``: what an annotator does in a task, counted (``Work``): words read, mentions added, changed, and so on.
- ``price``: seconds for each of these (``Price``), and what published studies say about them (``PRIOR``).
- ``handled``: what was done with the pre-labels of an answer, from the origins of its mentions.
- ``answered``: the work and the recorded time of each answer in the store.
- ``fit``: the price fitted to recorded times, with annotators of different speed, and breaks left out.
- ``estimate``: the price of a project (``PriceEstimate``): written in its settings, fitted, or from the prior.

``work < price < fit < estimate``; ``answered`` imports ``handled`` and ``work``, and ``estimate`` imports it.
"""
