"""File formats of corpora: a folder for each format of several modules, a module for each of the others.

``base``                        what a format is, how to read, and the reports of reading and writing
``bigbio``, ``bioc``, ``brat``, ``conll``, ``label_studio``, ``pubmed``, ``pubtator``, ``table``
``bc2gm``, ``bionlp``, ``chemprot``, ``ddi``, ``jsonl``, ``knowtator``, ``plain_text``
``foreign``                     common files of other programs that cannot be read
``registry``                    the list of all formats
``losses``, ``writing``, ``xml_writing``, ``titled``, ``events``, ``sound``: what several formats share

``base < losses | sound | events``, ``losses < writing < xml_writing``, then the formats, then ``registry``. Formats do
not import each other, except that ``bionlp`` and ``knowtator`` import ``brat``, ``bigbio`` and ``foreign`` import
``jsonl``, and ``table`` imports ``foreign``.
"""
