"""BigBio's "kb" schema in Parquet: a folder that ``datasets`` loads, with a data card.

- ``schema``, ``tables``: the columns of all tables, and Parquet files written row by row.
- ``kb_record``, ``source_record``: a document as a record of the kb and of the source configuration.
- ``kb_checks``: what is wrong with a kb record.
- ``provenance``: where each annotation came from, and ties, as rows.
- ``details``: what a data card tells: counts by split, agreement, and the user's own words.
- ``card``, ``metadata``, ``loader``: the data card, its header, and the loading module of BigBio's own layout.
- ``saved``: folders that ``datasets`` saved to disk.
- ``writing``: the whole folder. It imports all of the above except ``metadata`` and ``saved``.
- ``reading``: the registered format. It imports ``writing``, ``saved``, ``schema`` and ``card``.

``loader`` imports ``card``, ``card`` imports ``metadata``, and all three import ``details``.
"""
