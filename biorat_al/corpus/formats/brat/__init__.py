"""brat stand-off: a text file, and beside it a file with its annotations.

- ``format``: the registered format. It pairs text and annotation files and reads ``annotation.conf``.
- ``reading``: the lines of an annotation file as an annotation. The BioNLP format uses it, too.
- ``writing``: an annotation as lines, and the text of ``annotation.conf``.

``format`` imports the other two; ``writing`` imports names from ``reading``; ``reading`` imports neither.
"""
