"""Dictionaries: lists of names, with or without identifiers, whose names are found in texts without any training.

- ``reading``: the names and identifiers of a file (tab-separated, or an OBO ontology).
- ``spelling``: which spellings of a name count: its words, upper and lower case, singular and plural.
- ``matching``: the names in a text: longest first, on word borders, without overlaps.

``reading`` and ``spelling`` import neither each other nor ``matching``, which imports both.
"""
