"""Where a round trains its arms and predicts the pool: in this process, or on several devices of this machine.

- ``arm_order``: all that defines the training of one arm, and the training itself, wherever it runs.
- ``compute``: the interface of every place that trains arms and predicts chunks of documents.
- ``this_machine``: the devices of this machine: one in this process, several in a process each.
- ``device_process``: what such a process does.
- ``messages``: the progress of work that runs in another process.

``arm_order | messages < compute | device_process < this_machine``.
"""
