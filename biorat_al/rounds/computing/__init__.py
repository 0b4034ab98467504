"""Where a round trains its arms and predicts the pool: in this process, on several devices, or on a Ray cluster.

- ``choice``: which of them a round uses.
- ``arm_order``: all that defines the training of one arm, and the training itself, wherever it runs.
- ``compute``: the interface of every place that trains arms and predicts chunks of documents.
- ``this_machine``: the devices of this machine: one in this process, several in a process each.
- ``device_process``: what such a process does.
- ``on_ray``: a Ray cluster; ``pool_on_ray``: how it predicts the pool.
- ``post``: what workers on a cluster send to the user's process, and ask it for.
- ``messages``: the progress of work that runs in another process.

``arm_order | messages < compute | device_process < this_machine``; ``post < pool_on_ray < on_ray < choice``.
"""
