"""The report: one HTML page with tables and plots, and the figures beside it as JSON, CSV and pictures.

- ``build``: from a project or a simulation to a report, and to the short forecast of ``status``.
- ``page``: the report itself and its files; ``overview``: the first screen of a project's page.
- ``study``: the runs that can be compared, and who chose the documents in them.
- Sections: ``curves_and_cost``, ``comparisons``, ``models`` (labels, robustness, calibration, forecast, provenance),
  ``relations``, ``annotators``, ``disputes``, ``unasked`` (labels that were added later), ``sensitivity`` (the price
  of annotation, and hours with each price halved and doubled).
- ``tables``, ``plots``: what sections consist of; ``arms``, ``changes``: sentences on arms and on edited settings.

From the bottom up: ``plots``, ``tables``, ``study``, the sections, ``overview``, ``page``, ``build``. A section may
import from another one, but not from ``overview``, ``page`` or ``build``.
"""
