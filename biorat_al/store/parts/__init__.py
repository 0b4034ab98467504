"""Documents in parts.

- ``segments``: the parts of documents that can be asked for by themselves.
- ``wholeness``: which documents are annotated as a whole, which in part; it imports ``segments`` and the answers.
"""
