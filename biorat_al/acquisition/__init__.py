"""Query strategies, and the choice of a batch: which documents annotators get next.

- ``base``: what a strategy gets (``Candidates``, ``Budget``) and returns, and ``QueryStrategy``, its interface.
- ``uniform``, ``coverage``: strategies that need no model: ``random`` and ``diverse``.
- ``uncertainty``, ``density``, ``fluctuation``, ``disagreement``: strategies that score each document by itself.
- ``sets``: strategies that choose a set: ``core-set`` and ``badge``.
- ``clusters``: strategies that spread a set over clusters, such as ``cluster-margin``.
- ``balanced``: clusters of equal size.
- ``registry``: all strategies by name.
- ``similarity``, ``redundancy``: how alike texts are, and how near-duplicates stay out of a batch.
- ``guess``: a cheap guess of a measure, for documents of a large pool that are not predicted.
- ``selection``: the batch that a strategy and a budget give.
- ``price``: the seconds that annotators are expected to need, fitted to the project's own times.
- ``stopping``: when more annotation may bring little.

Strategies import ``base`` and ``similarity``, ``disagreement`` also ``uncertainty``, and ``clusters`` also ``balanced``
and the measures of ``density`` and ``fluctuation``.
``registry`` imports the strategies. ``selection`` imports ``base`` and ``redundancy``, and knows no strategy by name.
``guess`` imports ``similarity``. ``stopping`` and ``price`` import none.
"""
