"""The command line: each command reads its options, calls one library function and prints the result.

- ``group``: all commands together, the exit codes, and how errors are shown; imports every command
- ``init``, ``round``, ``status``, ``coverage``, ``export``, ``predict``, ``simulate``, ``report``, ``label_studio``,
  ``demo``, ``doctor``, ``db``: a module for each command
- ``files/``: commands that need no project, ``convert`` and ``validate``
- ``people/``: commands on what annotators did, ``agreement`` and ``audit``
- ``options``: options that several commands share, and help texts made from the registries
- ``terminal``: printing, and the signals that end a command

Commands import ``options`` and ``terminal``, not each other. They import the library inside their functions, so that
``--help`` is quick.
"""

from biorat_al.cli.group import cli, main

__all__ = ["cli", "main"]
