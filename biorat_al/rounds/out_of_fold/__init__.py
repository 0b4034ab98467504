"""Models for an audit: the documents are cut into parts, and each part is read by a model that has not learnt from it.

- ``folds``: which document is in which part.
- ``kept``: what models have read, in files of the project's folder, until the annotations change.
- ``cross_fit``: trains the models that are missing, and calibrates what all of them have read.
- ``of_project``: the documents of a project, and how its models are trained.

``folds`` | ``kept`` < ``cross_fit`` < ``of_project``.
"""
