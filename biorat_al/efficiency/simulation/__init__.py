"""Simulation: active learning on a corpus with gold annotations, which an oracle gives as answers.

- ``grid``: the runs that a simulation consists of (arms × strategies × seeds) and the settings of each.
- ``trial``: one run, made by the same code as ``biorat-al round``.
- ``workers``: several runs at a time, each in its own process.
- ``simulation``: the folder of a simulation: create or continue it, make the missing runs, read the finished ones.
- ``options``: settings and grid from the options of ``biorat-al simulate``.

``grid`` is imported by all others; ``workers`` imports ``trial``, and ``simulation`` imports ``trial`` and ``workers``.
"""
