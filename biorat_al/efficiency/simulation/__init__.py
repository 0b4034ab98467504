"""Simulation: active learning on a corpus with gold annotations, which an oracle gives as answers.

- ``grid``: the runs that a simulation consists of (arms × strategies × seeds) and the settings of each.
- ``trial``: one run, made by the same code as ``biorat-al round``.
- ``scheduling``: which runs go on at the same time, and what whoever makes them has to be able to do.
- ``workers``: several runs at a time, each in its own process of this machine.
- ``on_ray``: several runs at a time, on the machines of a Ray cluster.
- ``sending``: the files of a run, sent to another machine and back.
- ``simulation``: the folder of a simulation: create or continue it, make the missing runs, read the finished ones.
- ``options``: settings and grid from the options of ``biorat-al simulate``.

``grid`` is imported by all others; ``workers`` and ``sending`` import ``trial``, ``on_ray`` imports ``sending``, both
makers of runs import ``scheduling``, and ``simulation`` imports all but ``options``.
"""
