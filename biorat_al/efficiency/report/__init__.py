"""The report: one HTML page with tables and plots, and the figures beside it as JSON, CSV and pictures.

- ``build``: from a project or a simulation to a report; ``forecast_in_words``: to the short forecast of ``status``.
- ``page``: the report itself and its files; ``overview/``: the first screen of a project's page.
- ``study``: the runs that can be compared, and who chose the documents in them.
- ``sections/``: the sections, with their tables and plots.
- ``tables``, ``plots``: what sections consist of; ``arms``, ``adversarial``, ``changes``: sentences on arms,
  on what is known of adversarial training, and on edited settings.

From the bottom up: ``plots``, ``tables``, ``study``, ``forecast_in_words``, ``sections``, ``overview``, ``page``,
``build``. A section may import from another one, but not from ``overview``, ``page`` or ``build``.
"""
