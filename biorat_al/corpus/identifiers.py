"""Concept identifiers as PubTator's columns and BioC's infons carry them."""

from __future__ import annotations

import re

from biorat_al.corpus.model import Concept

NO_CONCEPT = frozenset({"", "-", "-1"})
"""What stands where a mention has no concept."""

_SEPARATOR = re.compile(r"[|+,;]")
_UNORDINARY = re.compile(r"[+,;]")
_PREFIX = re.compile(r"([A-Za-z][\w .-]*):(?=.)", re.ASCII)
_DATABASES = {
    "gene": "NCBI Gene",
    "geneorgeneproduct": "NCBI Gene",
    "species": "NCBI Taxonomy",
    "organismtaxon": "NCBI Taxonomy",
}


def parse_identifiers(column: str, label: str) -> tuple[Concept, ...]:
    """The concepts of an identifier column: identifiers joined by ``|``, ``+``, ``,`` or ``;``, with stray spaces.

    An identifier names its database before a colon (``OMIM:106210``). A bare one is MeSH's, unless `label` is one of
    PubTator's types whose identifiers are numbers of another database (Wei et al. 2024, PubTator 3.0, doi
    10.1093/nar/gkae235). Variants as tmVar describes them hold ``|`` and ``;`` themselves and stay in one piece.
    """
    column = column.strip()
    if column in NO_CONCEPT:
        return ()
    if column.startswith("tmVar:"):
        return (Concept("tmVar", column.removeprefix("tmVar:")),)
    concepts = []
    for part in _SEPARATOR.split(column):
        identifier = part.strip()
        if identifier in NO_CONCEPT:
            continue
        prefix = _PREFIX.match(identifier)
        if prefix is not None:
            concepts.append(Concept(prefix.group(1), identifier[prefix.end() :].strip()))
        else:
            concepts.append(Concept(_DATABASES.get(label.casefold(), "MESH"), identifier))
    return tuple(concepts)


def says_more(column: str) -> bool:
    """Whether the column says more than its concepts do.

    It does where it tells how they belong together (``+``: all at once, not one of several), and where one of several
    parts has no concept (``D002544|-1``).
    """
    parts = column.split("|")
    return _UNORDINARY.search(column) is not None or (len(parts) > 1 and any(p.strip() in NO_CONCEPT for p in parts))
