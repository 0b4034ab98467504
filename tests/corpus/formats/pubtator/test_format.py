from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.convert import convert_corpus
from biorat_al.corpus.formats.base import Reading, ReadReport, WriteReport
from biorat_al.corpus.formats.pubtator.format import PubTator
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Concept, ConceptRelation, Document, Entity, Passage, Span
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import FormatError, OffsetError

ONE = (
    "1|t|Naloxone in rats.\n"
    "1|a|It reverses clonidine.\n"
    "1\t0\t8\tNaloxone\tChemical\tD009270\n"
    "1\t30\t39\tclonidine\tChemical\tD003000\n"
    "1\tCID\tD009270\tD007022\n"
)


def written(tmp_path: Path, text: str, name: str = "corpus.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def annotation_of(tmp_path: Path, *lines: str) -> Annotation:
    text = "1|t|Naloxone in rats.\n1|a|It reverses clonidine.\n" + "".join(f"{line}\n" for line in lines)
    (record,) = read_corpus(written(tmp_path, text))
    assert record.annotation is not None
    return record.annotation


def test_a_document(tmp_path: Path) -> None:
    path = written(tmp_path, "\n\n" + ONE)
    (record,) = read_corpus(path)
    assert record.document == Document(
        "1",
        "Naloxone in rats. It reverses clonidine.",
        (Passage("title", 0, 17), Passage("abstract", 18, 40)),
    )
    assert record.annotation == Annotation(
        (
            Entity("T1", "Chemical", (Span(0, 8),), (Concept("MESH", "D009270"),)),
            Entity("T2", "Chemical", (Span(30, 39),), (Concept("MESH", "D003000"),)),
        ),
        (),
        (ConceptRelation("CID", "D009270", "D007022"),),
    )
    assert record.source == f"{path}:3"


@pytest.mark.parametrize(
    ("column", "label", "concepts", "kept"),
    [
        ("D009270", "Chemical", [("MESH", "D009270")], None),
        ("OMIM:106210 ", "SpecificDisease", [("OMIM", "106210")], None),
        (" D008661", "Modifier", [("MESH", "D008661")], None),
        ("D1|D2", "Disease", [("MESH", "D1"), ("MESH", "D2")], None),
        (" D015862+D058499", "DiseaseClass", [("MESH", "D015862"), ("MESH", "D058499")], "D015862+D058499"),
        ("OMIM:300322+OMIM:102600", "X", [("OMIM", "300322"), ("OMIM", "102600")], "OMIM:300322+OMIM:102600"),
        ("D1,D2", "Disease", [("MESH", "D1"), ("MESH", "D2")], "D1,D2"),
        ("C535918|OMIM:115470", "CompositeMention", [("MESH", "C535918"), ("OMIM", "115470")], None),
        ("MESH:D009270", "Chemical", [("MESH", "D009270")], None),
        ("5743;5742", "Gene", [("NCBI Gene", "5743"), ("NCBI Gene", "5742")], "5743;5742"),
        ("9606", "Species", [("NCBI Taxonomy", "9606")], None),
        ("-1", "Disease", [], None),
        ("-", "Disease", [], None),
        ("", "Disease", [], None),
        ("D1|-1", "Disease", [("MESH", "D1")], "D1|-1"),
        (
            "tmVar:p|SUB|V|600|E;RS#:1",
            "ProteinMutation",
            [("tmVar", "p|SUB|V|600|E;RS#:1")],
            "tmVar:p|SUB|V|600|E;RS#:1",
        ),
    ],
)
def test_identifiers(
    tmp_path: Path, column: str, label: str, concepts: Sequence[tuple[str, str]], kept: str | None
) -> None:
    (entity,) = annotation_of(tmp_path, f"1\t0\t8\tNaloxone\t{label}\t{column}").entities
    assert entity.concepts == tuple(Concept(*concept) for concept in concepts)
    assert entity.label == label
    assert entity.extras == ({"identifiers": kept} if kept else {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "column"),
    [
        ("SequenceVariant", "p|SUB|R|12|Q"),
        ("SequenceVariant", "c|DEL|77_81|"),
        ("SequenceVariant", "c|DEL|11+2_19-3|"),
        ("ProteinMutation", "p|FS|V|90|G|95"),
        ("DNAMutation", "c|SUB|G|113|A,C"),
        ("DNAMutation", "|SUB|G|CODON17|A"),
        ("Change", "g|INS||15K"),
        ("SNP", "rs900001"),
        ("Variant", "RS#:900001;HGVS:p.R12Q;CorrespondingGene:9001"),
        ("Mutation", "tmVar:p|SUB|R|12|Q;HGVS:p.R12Q;VariantGroup:0;CorrespondingGene:9001;RS#:900001"),
        ("Mutation", "p.R12Q"),
        ("Genotype", "c.[7A>C;9G>T]"),
        ("GeneOrGeneProduct", "9001,9002"),
        ("Chemical", "1,3-relvin"),
    ],
)
def test_relations_of_variants_reach_their_mentions(tmp_path: Path, label: str, column: str) -> None:
    lines = [
        f"1\t0\t8\tNaloxone\t{label}\t{column}",
        "1\t30\t39\tclonidine\tDisease\tD900001",
        f"1\tAssociation\t{column}\tD900001\tNovel",
    ]
    annotation = annotation_of(tmp_path, *lines)
    assert len(annotation.entities[0].concepts) == (2 if label == "GeneOrGeneProduct" else 1)
    for name in ("bigbio", "brat"):
        report = convert_corpus(tmp_path / "corpus.txt", tmp_path / name, to=name)
        assert "relations between concepts that no two mentions are linked to" not in report.lost
        (record,) = read_corpus(tmp_path / name)
        assert record.annotation is not None
        (relation,) = record.annotation.relations
        assert [relation.label, relation.head, relation.tail] == [
            "Association",
            *(entity.id for entity in record.annotation.entities),
        ]
        assert report.lost["further properties of relations between concepts"] == 1
    # the lines come back as they were
    convert_corpus(tmp_path / "corpus.txt", tmp_path / "again.txt", to="pubtator")
    assert (tmp_path / "again.txt").read_text().splitlines()[2:5] == lines


def test_what_is_said_of_a_relation_follows_it_and_not_its_number(tmp_path: Path) -> None:
    annotation = annotation_of(tmp_path, "1\tB\tD1\tD2\tNo", "1\tA\tD1\tD3", "1\tB\tD1\tD4\t0.8", "1\tB\tD1\tD2")
    turned = replace(annotation, concept_relations=annotation.concept_relations[::-1])
    write_corpus(tmp_path / "turned", [(Document("1", "a b"), turned)], format="pubtator")
    assert (tmp_path / "turned").read_text().split("\n")[2:6] == [
        "1\tB\tD1\tD2\tNo",
        "1\tB\tD1\tD4\t0.8",
        "1\tA\tD1\tD3",
        "1\tB\tD1\tD2",
    ]
    report = WriteReport()
    fewer = replace(annotation, concept_relations=annotation.concept_relations[1:2])
    write_corpus(tmp_path / "fewer", [(Document("1", "a b"), fewer)], format="pubtator", report=report)
    assert report.lost["further properties of relations between concepts"] == 2


def test_the_seventh_column(tmp_path: Path) -> None:
    filled, empty = annotation_of(
        tmp_path, "1\t0\t8\tNaloxone\tChemical\tD1|D2\tNalo part|xone part", "1\t30\t39\tclonidine\tChemical\t-1\t"
    ).entities
    assert filled.extras == {"individual_mentions": ["Nalo part", "xone part"]}
    assert (empty.extras, empty.concepts) == ({}, ())


def test_a_fifth_relation_column_is_kept(tmp_path: Path) -> None:
    annotation = annotation_of(tmp_path, "1\tCID\tD1\tD2", "1\tAssociation\tD1\tD3\tNovel")
    assert annotation.concept_relations == (
        ConceptRelation("CID", "D1", "D2"),
        ConceptRelation("Association", "D1", "D3"),
    )
    assert annotation.extras == {
        "concept_relation_properties": [
            {"relation": ["Association", "D1", "D3"], "properties": {"novel": "Novel"}},
        ]
    }


def test_white_space_of_the_text_stays(tmp_path: Path) -> None:
    text = "1|t| A  title \t\n1|a|  an\x85abstract\u2028with  \x0c ends  \n1\t26\t30\twith\tX\tD1\n\n\n"
    (record,) = read_corpus(written(tmp_path, text))
    assert record.document.text == " A  title \t   an\x85abstract\u2028with  \x0c ends  "


def test_carriage_returns_of_a_file_with_them_throughout_are_line_ends(tmp_path: Path) -> None:
    (plain,) = read_corpus(written(tmp_path, ONE, "plain.txt"))
    (other,) = read_corpus(written(tmp_path, "\r\n" + ONE.replace("\n", "\r\n") + "\r\n", "crlf.txt"))
    assert (other.document, other.annotation) == (plain.document, plain.annotation)


def test_only_one_carriage_return_is_a_line_end(tmp_path: Path) -> None:
    (record,) = read_corpus(written(tmp_path, "1|t|a\r\n1|a|b\r\r\n"))
    assert record.document.text == "a b\r"


def test_a_carriage_return_in_a_file_without_them_is_text(tmp_path: Path) -> None:
    text = "1|t|a\n1|a|b\r\n1\t2\t4\tb\r\tX\tD1\r\n\n2|t|c\r\n2|a|d\n"
    first, second = read_corpus(written(tmp_path, text))
    assert (first.document.text, second.document.text) == ("a b\r", "c\r d")
    assert first.annotation == Annotation((Entity("T1", "X", (Span(2, 4),), (Concept("MESH", "D1"),)),))


def test_an_empty_title_and_an_empty_abstract(tmp_path: Path) -> None:
    first, second = read_corpus(written(tmp_path, "1|t|\n1|a|text\n\n2|t|text\n2|a|\n"))
    assert (first.document.text, first.document.passages[1]) == (" text", Passage("abstract", 1, 5))
    assert (second.document.text, second.document.passages[1]) == ("text ", Passage("abstract", 5, 5))


def test_a_document_without_annotations_among_others_was_looked_at(tmp_path: Path) -> None:
    bare = "0|t|a title\n0|a|an\tabstract\n\n"
    first, second, third = read_corpus(written(tmp_path, bare + ONE + "\n" + bare.replace("0", "2")))
    assert first.annotation == third.annotation == Annotation()
    assert second.annotation is not None
    assert len(second.annotation.entities) == 2
    unannotated = read_corpus(written(tmp_path, bare + bare.replace("0", "2"), "bare.txt"))
    assert [record.annotation for record in unannotated] == [None, None]


def test_a_document_twice_is_passed_on_twice(tmp_path: Path) -> None:
    first, second = read_corpus(written(tmp_path, ONE + "\n" + ONE))
    assert first.document == second.document
    assert first.annotation == second.annotation


@pytest.mark.parametrize(
    ("line", "found", "expected"),
    [
        ("1\t0\t7\tNaloxone\tChemical\tD1", "Naloxon", "Naloxone"),
        ("1\t0\t8\tNaloxone  \tChemical\tD1", "Naloxone", "Naloxone  "),
        ("1\t0\t99\tNaloxone\tChemical\tD1", None, None),
        ("1\t8\t8\t\tChemical\tD1", None, None),
        ("1\t8\t4\tx\tChemical\tD1", None, None),
    ],
)
def test_a_mention_that_does_not_fit_its_offsets(
    tmp_path: Path, line: str, found: str | None, expected: str | None
) -> None:
    path = written(tmp_path, ONE + line + "\n")
    with pytest.raises(OffsetError) as caught:
        list(read_corpus(path))
    error = caught.value
    assert (error.source, error.document, error.found, error.expected) == (f"{path}:6", "1", found, expected)
    assert str(error).startswith(f"{path}:6, document 1: ")
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [entity.id for entity in record.annotation.entities] == ["T1", "T2"]
    assert (report.invalid_count, report.mentions) == (1, {"Chemical": 2})
    (left_out,) = report.invalid
    assert (left_out.source, left_out.document, left_out.found, left_out.expected) == (
        f"{path}:6",
        "1",
        found,
        expected,
    )


BROKEN = [
    ("1|t|a\n2|a|b\n", 2, "found the abstract of document '2', expected that of document '1'"),
    ("1|t|a\n1|a|b\n1|a|c\n", 3, "found an abstract line without the title line"),
    ("1|t|a\n1\t0\t1\ta\tX\n1|a|c\n", 3, "found an abstract line without the title line '1|t|…' right before it"),
    ("1|t|a\n1|x|b\n", 2, "found a line '1|x|…', expected '|t|' for a title or '|a|' for an abstract"),
    ("1|t|a\n1|a|b\n2\t0\t1\ta\tX\tD1\n", 3, "the annotation line is of document '2' but is listed under document '1'"),
    ("1|t|a\n1|a|b\nsome words\n", 3, "found 'some words', expected a title line 'id|t|…'"),
    ("1|t|a\n1|a|b\n1\t0\t1\n", 3, "expected a mention: id, start, end (whole numbers)"),
    ("1|t|a\n1|a|b\n1\t0\t1\ta\n", 3, "with 4 columns, expected five or more"),
    ("1|t|a\n1|a|b\n1\t0\t1.5\ta\tX\tD1\n", 3, "expected a mention: id, start, end (whole numbers)"),
    ("1|t|a\n1|a|b\n1\t-1\t1\ta\tX\tD1\n", 3, "expected a mention: id, start, end (whole numbers)"),
    ("1|t|a\n1|a|b\n1\t٠\t1\ta\tX\tD1\n", 3, "expected a mention: id, start, end (whole numbers)"),
    ("1|t|a\n1|a|b\n1\tT1\tX\t0\t1\ta\n", 3, "expected a mention: id, start, end (whole numbers)"),
    ("1|t|a\n1|a|b\n1\t0\t1\ta\t \tD1\n", 3, "without a type in its fifth column"),
    ("1|t|a\n1|a|b\n1\tCID\tD1\t \n", 3, "expected a relation: id, type, and two concept identifiers"),
    ("1\t0\t1\ta\tX\n1|t|a\n1|a|b\n", 1, "outside of a document"),
    ("|t|a\n1|t|a\n", 1, "the document's id is empty"),
]


@pytest.mark.parametrize(("text", "line", "message"), BROKEN)
def test_malformed_lines_are_errors_with_their_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        list(read_corpus(path, format="pubtator"))
    assert message in str(caught.value)
    assert caught.value.source == f"{path}:{line}"


@pytest.mark.parametrize(("text", "line", "message"), BROKEN)
def test_one_broken_line_does_not_cost_the_file(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = written(tmp_path, text + "\n" + ONE.replace("1|", "9|").replace("1\t", "9\t"))
    report = ReadReport()
    records = list(read_corpus(path, format="pubtator", skip_invalid=True, report=report))
    assert [record.document.id for record in records] == ["1", "9"]
    assert records[1].annotation is not None
    assert len(records[1].annotation.entities) == 2
    assert report.left_out == {"lines that are not PubTator": 1}
    ((kind, said),) = report.faults
    assert (kind, message in said, f"{path}:{line}" in said) == ("lines that are not PubTator", True, True)


def test_a_document_without_an_abstract_line_has_an_empty_abstract(tmp_path: Path) -> None:
    text = "1|t|Relvin calms gout.\n1\t0\t6\tRelvin\tChemical\tD1\n\n" + ONE.replace("1|", "2|").replace("1\t", "2\t")
    first, second = read_corpus(written(tmp_path, text))
    assert first.document == Document(
        "1", "Relvin calms gout. ", (Passage("title", 0, 18), Passage("abstract", 19, 19))
    )
    assert first.annotation is not None
    assert [entity.spans for entity in first.annotation.entities] == [(Span(0, 6),)]
    assert second.document.id == "2"
    bare, _ = read_corpus(written(tmp_path, "1|t|Relvin.\n\n2|t|Gout.\n", "bare.txt"))
    assert (bare.document.text, bare.annotation) == ("Relvin. ", None)


@pytest.mark.parametrize(("start", "text"), [(0, "Relvin calms gout."), (1, " Relvin calms gout.")])
def test_a_document_without_a_title_line_begins_where_its_mentions_say(tmp_path: Path, start: int, text: str) -> None:
    line = f"1\t{start}\t{start + 6}\tRelvin\tChemical\n"
    (record,) = read_corpus(written(tmp_path, "1|a|Relvin calms gout.\n" + line))
    assert record.document.text == text
    assert [(part.kind, part.end) for part in record.document.passages][-1] == ("abstract", len(text))
    (alone,) = read_corpus(written(tmp_path, "1|a|Relvin calms gout.\n", "alone.txt"))
    assert alone.document.text == " Relvin calms gout."


def test_documents_without_a_blank_line_between_them_and_with_blank_lines_inside(tmp_path: Path) -> None:
    two = ONE.replace("1|", "2|").replace("1\t", "2\t")
    plain = list(read_corpus(written(tmp_path, ONE + "\n" + two, "plain.txt")))
    close = list(read_corpus(written(tmp_path, ONE + two, "close.txt")))
    wide = list(read_corpus(written(tmp_path, (ONE + two).replace("\n", "\n\n"), "wide.txt")))
    for records in (close, wide):
        assert [record[:2] for record in records] == [record[:2] for record in plain]


def test_comment_lines_are_told_from_documents_and_counted(tmp_path: Path) -> None:
    lines = ONE.splitlines()
    text = "\n".join(["## made in 2024", "", "# PMID|t|title", *(f"{line}\n  # a\tremark" for line in lines), "#"])
    path = written(tmp_path, text)
    report = ReadReport()
    (record,) = read_corpus(path, report=report)
    (plain,) = read_corpus(written(tmp_path, ONE, "plain.txt"))
    assert record[:2] == plain[:2]
    assert report.left_out == {"comment lines": 8}


def test_a_document_whose_id_begins_as_a_comment_does(tmp_path: Path) -> None:
    (record,) = read_corpus(written(tmp_path, "# first\n" + ONE.replace("1|", "#7|").replace("1\t", "#7\t")))
    assert record.document.id == "#7"
    assert record.annotation is not None
    assert len(record.annotation.entities) == 2
    write_corpus(tmp_path / "again", [record], format="pubtator")
    (again,) = read_corpus(tmp_path / "again", format="pubtator")
    assert again[:2] == record[:2]
    with pytest.raises(FormatError, match="its id holds '#'"):
        write_corpus(tmp_path / "unfit", [(Document("# 7", "a b"), None)], format="pubtator")


def test_mention_lines_without_identifiers(tmp_path: Path) -> None:
    first, second, third = annotation_of(
        tmp_path, "1\t0\t8\tNaloxone\tChemical", "1\t30\t39\tclonidine\tChemical  ", "1\t0\t8\tNaloxone\tX\t\t\t \t"
    ).entities
    assert [(entity.label, entity.concepts, entity.extras) for entity in (first, second, third)] == [
        ("Chemical", (), {}),
        ("Chemical", (), {}),
        ("X", (), {}),
    ]


def test_columns_after_the_seventh_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, ONE + "1\t0\t8\tNaloxone\tX\tD1\t\t0.9\t\tsure\n")
    records = list(read_corpus(path))
    assert records[0].annotation is not None
    assert records[0].annotation.entities[2].extras == {"further_columns": ["0.9", "", "sure"]}
    report = WriteReport()
    write_corpus(tmp_path / "again.txt", records, format="pubtator", report=report)
    assert not report.lost
    (again,) = read_corpus(tmp_path / "again.txt")
    assert again[:2] == records[0][:2]


def test_mentions_of_another_spelling_can_be_kept_by_their_offsets(tmp_path: Path) -> None:
    path = written(tmp_path, ONE + "1\t0\t8\tnaloxon hydrochloride\tX\tD1\n1\t0\t99\tNaloxone\tX\tD1\n")
    reading = Reading(trust_offsets=True, skip_invalid=True)
    (record,) = PubTator().read(Source(path), reading)
    assert record.annotation is not None
    assert [entity.surface(record.document.text) for entity in record.annotation.entities] == [
        "Naloxone",
        "clonidine",
        "Naloxone",
    ]
    assert (reading.report.trusted_count, reading.report.invalid_count) == (1, 1)


def test_an_empty_mention_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(OffsetError, match="the mention at 8-8 is empty"):
        annotation_of(tmp_path, "1\t8\t8\t\tChemical\tD1")


# everything but the line end; a carriage return at the end of the first title would be a matter of line ends
one_line = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\n"), st.sampled_from("ab |\t\r\x85\u2028é𝛼")
    ),
    max_size=40,
)
titles = one_line.filter(lambda title: not title.endswith("\r"))
idents = st.text("0123456789PMCé-", min_size=1, max_size=8)
labels = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="\t\n"), min_size=1, max_size=8)


@st.composite
def rendered(draw: st.DrawFn) -> tuple[str, Document, list[tuple[Span, str, tuple[Concept, ...]]]]:
    ident, title, abstract = draw(idents), draw(titles), draw(one_line)
    text = f"{title} {abstract}"
    lines = [f"{ident}|t|{title}", f"{ident}|a|{abstract}"]
    mentions = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        label = draw(labels)
        codes = draw(st.lists(st.from_regex(r"[CD][0-9]{6}", fullmatch=True), max_size=3))
        seventh = draw(st.sampled_from(["", "\t"]))
        lines.append(f"{ident}\t{start}\t{end}\t{text[start:end]}\t{label}\t{'|'.join(codes) or '-1'}{seventh}")
        mentions.append((Span(start, end), label, tuple(Concept("MESH", code) for code in codes)))
    document = Document(ident, text, (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text))))
    return "\n".join(lines) + "\n", document, mentions


@pytest.mark.slow
@settings(deadline=None)
@given(parts=st.lists(rendered(), min_size=1, max_size=4), before=st.sampled_from(["", "\n", "\ufeff", "\n\n"]))
def test_whatever_was_rendered_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[str, Document, list[tuple[Span, str, tuple[Concept, ...]]]]],
    before: str,
) -> None:
    path = tmp_path_factory.mktemp("pubtator") / "corpus.txt"
    path.write_bytes((before + "\n".join(text for text, _, _ in parts)).encode())
    records = list(read_corpus(path))
    assert [record.document for record in records] == [document for _, document, _ in parts]
    annotated = any(mentions for _, _, mentions in parts)
    for record, (_, _, mentions) in zip(records, parts, strict=True):
        if not annotated:
            assert record.annotation is None
            continue
        assert record.annotation is not None
        assert [(entity.spans, entity.label, entity.concepts) for entity in record.annotation.entities] == [
            ((span,), label, concepts) for span, label, concepts in mentions
        ]


def test_ends_of_relations_are_written_as_the_column_of_their_mentions(tmp_path: Path) -> None:
    text = "1|t|Zalvorin and gout.\n1|a|Trexel.\n"
    mentions = "1\t0\t8\tZalvorin\tChemical\tD900001\n1\t13\t17\tgout\tDisease\tOMIM:900002\n"
    source = written(tmp_path, f"{text}{mentions}1\tTreatment\tMESH:D900001\t900002\n1\tCID\tMESH:D900009\tD900001\n")
    report = WriteReport()
    target = tmp_path / "out.txt"
    write_corpus(target, read_corpus(source), format="pubtator", report=report)
    stated = "1\tTreatment\tD900001\tOMIM:900002\n1\tCID\tMESH:D900009\tD900001\n"
    assert target.read_text() == f"{text}{mentions}{stated}\n"
    assert report.lost == {"relations whose ends became the identifiers of their mentions": 1}


def test_an_end_that_names_two_concepts_stays_as_it_is(tmp_path: Path) -> None:
    # a gene and a disease of the same number
    text = "1|t|ZALV1 and gout.\n1|a|Trexel.\n1\t0\t5\tZALV1\tGene\t900001\n1\t10\t14\tgout\tDisease\tOMIM:900001\n"
    source = written(tmp_path, f"{text}1\tAssociation\t900001\tNCBI Gene:900001\n")
    target = tmp_path / "out.txt"
    write_corpus(target, read_corpus(source), format="pubtator")
    assert "1\tAssociation\t900001\t900001\n" in target.read_text()


def test_relation_lines_with_more_than_five_columns_are_relations(tmp_path: Path) -> None:
    annotation = annotation_of(
        tmp_path, "1\tCID\tD009270\tD007022\tNovel\t0.93\tD009270 first", "1\tCID\tD1\tD2\t\t7\t"
    )
    assert [relation.head for relation in annotation.concept_relations] == ["D009270", "D1"]
    source = written(tmp_path, f"{ONE}1\tCID\t9001\t9002\tNo\t0.93\n1\tCID\tD7\tD6\t\t0.5\n\n")
    report = WriteReport()
    write_corpus(tmp_path / "out.txt", read_corpus(source), format="pubtator", report=report)
    assert (tmp_path / "out.txt").read_text() == source.read_text()
    assert not report.lost


def test_a_mention_whose_offset_is_no_whole_number_is_not_taken_for_a_relation(tmp_path: Path) -> None:
    for line in ("1\t0.0\t8.0\tNaloxone\tChemical\tD009270", "1\tx\t8\tNaloxone\tChemical\tD009270"):
        with pytest.raises(FormatError, match="expected a mention"):
            annotation_of(tmp_path, line)


def test_a_document_whose_id_begins_with_a_hash_shows_that_the_file_was_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "a.pubtator"
    file.write_text(
        "7|t|Nothing here.\n7|a|\n\n#8|t|Gout hurts.\n#8|a|\n#8\t0\t4\tGout\tDisease\tD1\n", encoding="utf-8"
    )
    first, second = read_corpus(file)
    assert first.annotation == Annotation()
    assert second.annotation is not None
    assert len(second.annotation.entities) == 1
