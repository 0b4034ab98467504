"""Concept identifiers in PubTator's columns and BioC's infons.

A column holds one identifier or several; how they are joined depends on their kind:

- Terminologies with codes (MeSH, OMIM, NCBI Gene, CHEBI, …) join identifiers by ``|``. ``+``, ``,`` and ``;`` join them
  too, where every part is a code; in a name (``1,3-butadiene``, an InChI) they are ordinary characters.
- Sequence variants have these characters inside: ``p|SUB|V|600|E``, ``c|DEL|1314_1328|``, ``c|SUB|G|1138|A,C``,
  ``tmVar:p|SUB|V|600|E;HGVS:p.V600E;CorrespondingGene:673``. Such a column is one identifier, unless what joins it
  joins whole variants (``rs1,rs2``).

Wei C-H, Allot A, Riehle K, Milosavljevic A, Lu Z. tmVar 3.0: an improved variant concept recognition and normalization
tool. Bioinformatics 2022, doi 10.1093/bioinformatics/btac537.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from biorat_al.corpus.model.document import Concept

NO_CONCEPT = frozenset({"", "-", "-1"})
"""Values of the column of a mention without a concept."""

TMVAR = "tmVar"
"""Database of variants in tmVar's notation; their identifiers may hold any of the joining characters."""

_PREFIX = re.compile(r"([A-Za-z][\w .#-]*):(?=.)", re.ASCII)
_JOINT = re.compile(r"[+,;]")
_CODE = re.compile(r"(?:[A-Za-z][\w .#-]*:\s*)?\*?(?:[A-Z]{1,8}|rs)?[_:-]?[0-9][0-9A-Z]*(?:[._-][0-9]+)*", re.ASCII)
_ONE_WHOLE = re.compile(r"InChI=", re.IGNORECASE)

# a molecule's letter (or none), what happened, where and to what: p|SUB|V|600|E
_TMVAR = re.compile(r"(?:tmVar:)?[a-z]?\|[A-Za-z]+[0-9]*\|.*", re.ASCII | re.DOTALL)
# without the molecule's letter only a known change is a variant by itself: "c|SUB|+|A|" is not "c|SUB|" and "|A|"
_WHOLE_TMVAR = re.compile(
    r"(?:tmVar:)?(?:[a-z]\|[A-Za-z]+[0-9]*|\|(?:SUB|DEL|INS|INDEL|DUP|INV|FS|Allele)[0-9]*)\|.*", re.ASCII | re.DOTALL
)
_DBSNP = re.compile(r"rs[0-9]+")
_HGVS = re.compile(r"[cgmnopr]\.[^|,;]+")
_PARTS_OF_VARIANTS = frozenset(
    {"tmvar", "hgvs", "rs#", "ca#", "rsid", "variantgroup", "originalgene", "correspondinggene", "correspondingspecies"}
)
"""Keys in tmVar's description of one variant: ``HGVS:p.V600E;CorrespondingGene:673``."""

_VARIANTS = frozenset(
    {
        "sequencevariant", "variant", "mutation", "snp", "genotype", "haplotype", "allele", "dnamutation",
        "proteinmutation", "dnaacidchange", "proteinacidchange", "acidchange", "dnaallele", "proteinallele",
        "othermutation", "copynumbervariant", "structuralvariant", "geneticvariant",
    }
)  # fmt: skip
"""Labels of mentions of variants, in lower case."""

_DATABASES = {
    "gene": "NCBI Gene",
    "geneorgeneproduct": "NCBI Gene",
    "species": "NCBI Taxonomy",
    "organismtaxon": "NCBI Taxonomy",
    "strain": "NCBI Taxonomy",
    "genus": "NCBI Taxonomy",
    "cellline": "Cellosaurus",
}
_SEMANTIC_TYPES = re.compile(r"T[0-9]{3}(,T[0-9]{3})*|UnknownType")
"""UMLS semantic types, the labels of MedMentions."""
_MESH = re.compile(r"[CD][0-9]{6,9}")


def parse_identifiers(column: str, label: str) -> tuple[Concept, ...]:
    """Return the concepts of an identifier column or infon, without stray spaces.

    An identifier names its database before a colon (``OMIM:106210``). A bare one belongs to MeSH, unless it has the
    form of a variant, or `label` is one of PubTator's types with identifiers from another database (Wei et al. 2024,
    PubTator 3.0, doi 10.1093/nar/gkae235).
    """
    return tuple(
        concept
        for part in split_identifiers(column, label)
        for concept in (_concept(part, label),)
        if concept is not None
    )


def split_identifiers(column: str, label: str) -> list[str]:
    """Return the identifiers of a column as written, including ``-1`` and the like."""
    column = column.strip()
    if column in NO_CONCEPT or _ONE_WHOLE.match(column):
        return [column]
    if is_variant(column, label):
        return _variants(column)
    parts: list[str] = []
    for part in column.split("|"):
        pieces = [piece.strip() for piece in _JOINT.split(part)]
        codes = all(piece in NO_CONCEPT or _CODE.fullmatch(piece) for piece in pieces)
        parts += pieces if codes else [part.strip()]
    return parts


def is_variant(column: str, label: str) -> bool:
    """Return whether a column holds sequence variants, by the label of its mention or by its form."""
    column = column.strip()
    return label.casefold() in _VARIANTS or _TMVAR.fullmatch(column) is not None or _is_described(column)


def says_more(column: str, label: str) -> bool:
    """Return whether the column says more than its concepts do.

    It does if it says how they belong together (``+``: all at once, not one of several), if one of several parts has no
    concept (``D002544|-1``), and if a variant is written in another way than :func:`join_identifiers` writes it.
    """
    parts = split_identifiers(column, label)
    concepts = [concept for part in parts if (concept := _concept(part, label)) is not None]
    if is_variant(column, label):
        return bool(concepts) and join_identifiers([spelled(concept, label) for concept in concepts]) != column.strip()
    return len(parts) > 1 and (len(concepts) < len(parts) or len(parts) != len(column.split("|")))


def join_identifiers(spellings: Sequence[str]) -> str:
    """Join identifiers into one column."""
    return ("," if any("|" in spelling for spelling in spellings) else "|").join(spellings)


def spelled(concept: Concept, label: str) -> str:
    """Return an identifier as PubTator writes it: bare if its database follows from the label and the form."""
    if parse_identifiers(concept.identifier, label) == (concept,):
        return concept.identifier
    return ":".join(concept)


def _concept(identifier: str, label: str) -> Concept | None:
    if identifier in NO_CONCEPT:
        return None
    if _TMVAR.fullmatch(identifier) or identifier.startswith("tmVar:") or _is_described(identifier):
        return Concept(TMVAR, identifier.removeprefix("tmVar:"))
    prefix = _PREFIX.match(identifier)
    if prefix is not None:
        return Concept(prefix.group(1), identifier[prefix.end() :].strip())
    return Concept(_database(identifier, label), identifier)


def _database(identifier: str, label: str) -> str:
    if _DBSNP.fullmatch(identifier):
        return "dbSNP"
    if label.casefold() in _VARIANTS:
        if _HGVS.fullmatch(identifier):
            return "HGVS"
        return "MESH" if _MESH.fullmatch(identifier) else TMVAR
    if _SEMANTIC_TYPES.fullmatch(label):
        return "UMLS"
    return _DATABASES.get(label.casefold(), "MESH")


def _is_described(identifier: str) -> bool:
    """Return whether an identifier describes a variant in several ways: ``RS#:1;HGVS:p.V600E``."""
    return ";" in identifier and any(_key(part) in _PARTS_OF_VARIANTS for part in identifier.split(";"))


def _variants(column: str) -> list[str]:
    """Return the variants of a column: one, unless all parts are whole variants."""
    for joints in (",", ";", "+", "+,;", "+,;|"):
        parts = [part.strip() for part in re.split(f"[{joints}]", column)]
        # "1132+-1" is a position: a dash after "+" is not a part without a concept
        dashes = "+" not in joints or "|" in joints
        if len(parts) > 1 and all(_is_whole(part) or (dashes and part in NO_CONCEPT - {""}) for part in parts):
            return parts
    return [column]


def _is_whole(part: str) -> bool:
    """Return whether a part is a variant, or another identifier, by itself."""
    if _DBSNP.fullmatch(part) or _MESH.fullmatch(part) or _WHOLE_TMVAR.fullmatch(part):
        return True
    return _PREFIX.match(part) is not None and _key(part) not in _PARTS_OF_VARIANTS


def _key(part: str) -> str:
    return part.partition(":")[0].strip().casefold()
