"""CoNLL: one token a line, with its tag in one of the columns.

- ``layout``: finds out which column of a file holds what.
- ``reading``: the lines of a file as documents.
- ``format``: the registered format. It detects and writes such files, and says what is kept.

``format`` imports ``reading`` and ``layout``; ``reading`` imports ``layout``; ``layout`` imports neither.
"""
