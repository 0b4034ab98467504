from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biorat_al.corpus.model.concepts import join_identifiers, parse_identifiers, says_more, spelled
from biorat_al.corpus.model.document import Concept


@pytest.mark.parametrize(
    ("column", "label", "concepts"),
    [
        ("p|SUB|R|12|Q", "SequenceVariant", [("tmVar", "p|SUB|R|12|Q")]),
        ("tmVar:c|SUB|G||A", "DNAMutation", [("tmVar", "c|SUB|G||A")]),
        ("c|SUB|G|113|A,C", "DNAMutation", [("tmVar", "c|SUB|G|113|A,C")]),
        ("p|SUB|R|12|Q,rs900001", "SequenceVariant", [("tmVar", "p|SUB|R|12|Q"), ("dbSNP", "rs900001")]),
        ("rs900001|rs900002", "SNP", [("dbSNP", "rs900001"), ("dbSNP", "rs900002")]),
        ("rs900001; rs900002", "SNP", [("dbSNP", "rs900001"), ("dbSNP", "rs900002")]),
        ("HGVS:p.R12Q", "ProteinMutation", [("HGVS", "p.R12Q")]),
        ("RS#:900001", "SNP", [("RS#", "900001")]),
        ("D900001|-", "Mutation", [("MESH", "D900001")]),
        ("-", "SequenceVariant", []),
        ("9001,9002", "GeneOrGeneProduct", [("NCBI Gene", "9001"), ("NCBI Gene", "9002")]),
        ("CVCL_9X01", "CellLine", [("Cellosaurus", "CVCL_9X01")]),
        ("9001", "Strain", [("NCBI Taxonomy", "9001")]),
        ("C9000001", "T109,T121", [("UMLS", "C9000001")]),
        ("UMLS:C9000001", "T047", [("UMLS", "C9000001")]),
        ("MESH:D900001+OMIM:900001", "Disease", [("MESH", "D900001"), ("OMIM", "900001")]),
        ("CHEBI:9001|GO:9002", "X", [("CHEBI", "9001"), ("GO", "9002")]),
        ("1,3-relvin; crude", "Chemical", [("MESH", "1,3-relvin; crude")]),
        ("InChI=1S/C2H6O/c1-2-3/h3H,2H2", "Chemical", [("MESH", "InChI=1S/C2H6O/c1-2-3/h3H,2H2")]),
    ],
)
def test_an_identifier_is_split_only_as_its_kind_is(column: str, label: str, concepts: list[tuple[str, str]]) -> None:
    assert parse_identifiers(column, label) == tuple(Concept(*pair) for pair in concepts)


variants = st.one_of(
    st.tuples(
        st.sampled_from("cpgmrn"),
        st.sampled_from(["SUB", "DEL", "INS", "INDEL", "DUP", "FS", "Allele"]),
        st.lists(st.text("ACGT0123456789+-_.", max_size=6), min_size=2, max_size=4),
    ).map(lambda parts: "|".join((parts[0], parts[1], *parts[2]))),
    st.integers(1, 10**9).map("rs{}".format),
)


@given(st.lists(variants, min_size=1, max_size=4, unique=True), st.sampled_from(["SequenceVariant", "SNP", "Genotype"]))
@example(["c|DEL|1+2|", "rs7"], "SNP")
@example(["rs1", "c|SUB|+|A|"], "SequenceVariant")
@example(["c|SUB|A|12+-1"], "SNP")
def test_every_variant_of_a_list_is_one_concept(names: list[str], label: str) -> None:
    concepts = parse_identifiers(join_identifiers(names), label)
    assert [concept.identifier for concept in concepts] == names
    assert join_identifiers([spelled(concept, label) for concept in concepts]) == join_identifiers(names)
    assert not says_more(join_identifiers(names), label)
