"""Tables of documents: CSV and TSV with named columns.

- ``rows``: the rows of a file, each with the line on which it begins; quotation marks are handled here.
- ``format``: the registered format, which finds the columns with ids and texts. It imports ``rows``.

Both read only: nothing is written as a table.
"""
