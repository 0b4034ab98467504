"""The steps of a round, a module each.

``pull``, ``train``, ``predict``, ``select``, ``push`` and ``evaluate`` run in this order: what annotators wait for
comes first. Where files or dictionaries could pre-label the batch, ``compare`` follows ``train`` and decides.

Each module has ``run(context) -> Finish``. It does the work, and returns the function that writes the result in the
transaction that also marks the step as done. A step that was interrupted runs again from its beginning.

``settled`` fetches the answers of people who were asked again, for ``pull``; both take from ``answered`` what they need
of the desk and of the store. ``learnt`` reads what models learn from. ``candidates`` decides what of a large pool is
predicted. ``held_out`` reads the test documents for ``compare`` and ``evaluate``. ``relation_scores`` counts relations
for ``evaluate``, which also trains the arms that nobody waits for. The steps after ``train`` take a round's models from
it (``model_folder``), which trains a lost model again. Otherwise steps do not import one another, and none of them
imports the runner.
"""
