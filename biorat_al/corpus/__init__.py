"""Documents, annotations, and the file formats that carry them.

``model``      documents and annotations as values: their checks, when two mentions are the same, concept identifiers
``io``         files as lines, chunks, JSON values and XML elements, whatever the format
``sentences``  where sentences end, by numbered rules
``segments``   parts of a document that are asked for by themselves
``formats``    one folder or module per file format, with one registry of all of them
``detection``  which files a command reads, and the format of each
``sources``    which documents a project or simulation is made of
``hub``        corpora on the Hugging Face hub, by name
``reading``    reading and writing documents of any format
``convert``    one format to another; ``validate``: everything that is wrong with a corpus
``notices``    the lines that every command prints about what it read

Imports go one way: ``model | io < sentences < segments < formats < detection | sources | hub``, and ``detection <
reading < convert | validate | notices``. Rooms joined by ``|`` do not import each other.
"""
