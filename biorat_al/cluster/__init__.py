"""Work on the machines of a Ray cluster; nothing here imports Ray before it is asked for.

Documents, databases and models travel through Ray's object store. The process that the user started is the only one
that reads and writes the project's folder, so no folder has to be shared; only the encoder must be on every node, under
the same name or path.

- ``connection``: connect to a cluster, or start Ray on this machine for the time of a command.
- ``needs``: what a task asks for: cores, GPUs, memory and threads.
- ``checks``: whether every node has what a task needs, before any work begins.
- ``watch``: whether a node is left on which a task fits, while tasks wait or run.
- ``tasks``: the start of a task in a worker, and whether a task failed or its worker was lost.
- ``packing``: folders as bytes and back.

``checks`` and ``watch`` import ``connection`` and ``needs``, ``tasks`` imports ``needs``, and ``needs`` imports
``connection``.
"""
