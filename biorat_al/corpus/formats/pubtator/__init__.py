"""PubTator: a title line, an abstract line, and tab-separated lines for mentions and relations.

- ``format``: the registered format, with the reader. Its docstring says how everything is read and written.
- ``writing``: a record as lines.

``format`` imports ``writing``, never the other way round. Concept identifiers are parsed and spelled in
:mod:`biorat_al.corpus.model.concepts`.
"""
