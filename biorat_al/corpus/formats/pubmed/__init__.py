"""PubMed's own formats, which hold documents without annotations.

- ``medline``: fields with tags (``PMID-``, ``TI  -``), as ``.txt`` and ``.nbib``.
- ``pubmed_xml``: ``PubmedArticleSet``, from efetch or the yearly baseline.

Both are registered formats that only read. Neither imports the other; both build their documents with
:mod:`biorat_al.corpus.formats.titled`.
"""
