from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import Reading, ReadReport, WriteReport
from biorat_al.corpus.formats.brat.format import Brat
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Record,
    Relation,
    Span,
)
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import CorpusError, DuplicateDocumentError, FormatError, OffsetError

TEXT = "Naloxone binds the receptor\r\nand blocks it 😀 fully.\n"


def written(tmp_path: Path, *lines: str, text: str = TEXT) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir(exist_ok=True)
    (folder / "1.txt").write_bytes(text.encode())
    (folder / "1.ann").write_bytes("".join(f"{line}\n" for line in lines).encode())
    return folder


def annotation_of(folder: Path) -> Annotation:
    (record,) = read_corpus(folder)
    assert record.annotation is not None
    return record.annotation


EVERYTHING = (
    "T1\tChemical 0 8\tNaloxone",
    "T2\tReceptor 19 27;43 44\treceptor 😀",
    "T3\tBinding 9 14\tbinds",
    "T4\tBlocking 33 39\tblocks",
    "R1\tinhibits Arg1:T1 Arg2:T2\t",
    "R2\tinhibits Agent:T2 Target:T1",
    "E1\tBinding:T3 Agent:T1 Theme:T2",
    "E2\tBlocking:T4 Cause:E1",
    "A1\tNegation E2",
    "A2\tConfidence T1 high degree",
    "M3\tSpeculation R1",
    "N1\tReference T1 MESH:D009270\tnaloxone hydrochloride",
    "N2\tReference T1 CHEBI:7459\tNaloxone",
    "#1\tAnnotatorNotes T1\ta\tnote with a tab",
    "#2\tAnnotatorNotes E1\tof the event",
    "#3\tAnnotatorNotes A1\tof an attribute",
    "*\tEquiv T1 T2",
    "R3\tcauses Arg1:E1 Arg2:T2",
)


def test_everything_that_brat_has(tmp_path: Path) -> None:
    folder = written(tmp_path, *EVERYTHING)
    (record,) = read_corpus(folder)
    assert record.document == Document("1", TEXT)
    annotation = record.annotation
    assert annotation is not None
    assert annotation.entities == (
        Entity(
            "T1",
            "Chemical",
            (Span(0, 8),),
            (Concept("MESH", "D009270"), Concept("CHEBI", "7459")),
            extras={
                "attributes": [{"id": "A2", "type": "Confidence", "value": "high degree"}],
                "notes": [{"id": "#1", "type": "AnnotatorNotes", "text": "a\tnote with a tab"}],
                "concept_names": ["naloxone hydrochloride", ""],
            },
        ),
        Entity("T2", "Receptor", (Span(19, 27), Span(43, 44))),
    )
    assert annotation.relations == (
        Relation("R1", "inhibits", "T1", "T2", extras={"attributes": [{"id": "M3", "type": "Speculation"}]}),
        Relation("R2", "inhibits", "T2", "T1", extras={"roles": ["Agent", "Target"]}),
    )
    assert annotation.extras["coreferences"] == [{"id": "*1", "entity_ids": ["T1", "T2"]}]
    first, second = annotation.extras["events"]
    assert first["trigger"] == {"text": ["binds"], "offsets": [[9, 14]]}
    assert first["arguments"] == [{"role": "Agent", "ref_id": "T1"}, {"role": "Theme", "ref_id": "T2"}]
    assert (first["trigger_id"], first["notes"][0]["text"]) == ("T3", "of the event")
    assert (second["arguments"], second["attributes"]) == (
        [{"role": "Cause", "ref_id": "E1"}],
        [{"id": "A1", "type": "Negation"}],
    )
    assert annotation.extras["brat_lines"] == ["#3\tAnnotatorNotes A1\tof an attribute", "R3\tcauses Arg1:E1 Arg2:T2"]


def test_everything_is_written_again(tmp_path: Path) -> None:
    (record,) = read_corpus(written(tmp_path, *EVERYTHING))
    report = WriteReport()
    write_corpus(tmp_path / "again", [record], format="brat", report=report)
    assert dict(report.lost) == {}
    before = {line.rstrip("\t") for line in EVERYTHING}
    lines = (tmp_path / "again" / "1.ann").read_bytes().decode().split("\n")
    assert set(lines) - {""} == before
    assert (tmp_path / "again" / "1.txt").read_bytes().decode() == TEXT
    configuration = (tmp_path / "again" / "annotation.conf").read_text()
    assert "[entities]\nChemical\nReceptor\n" in configuration
    assert "Binding\tAgent?:<ANY>, Theme?:<ANY>" in configuration
    assert "Confidence\tArg:<ANY>, Value:high degree" in configuration


def test_a_mention_over_a_line_end(tmp_path: Path) -> None:
    folder = written(tmp_path, "T1\tX 19 32\treceptor  and")
    assert annotation_of(folder).entities == (Entity("T1", "X", (Span(19, 32),)),)


def test_the_lines_of_a_file_with_carriage_returns(tmp_path: Path) -> None:
    folder = written(tmp_path, "T1\tX 0 8\tNaloxone\r", "A1\tNegation T1\r")
    (entity,) = annotation_of(folder).entities
    assert entity.extras == {"attributes": [{"id": "A1", "type": "Negation"}]}


def test_nothing_there_and_nobody_looked(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "2.txt").write_text("")
    (folder / "2.ann").write_text("")
    (folder / "3.txt").write_text("not looked at")
    with pytest.raises(FormatError, match=r"several formats \(2 brat, 1 plain-text\)"):
        read_corpus(folder)
    records = [(record.document.id, record.annotation) for record in read_corpus(folder, format="brat")]
    assert records == [("1", Annotation()), ("2", Annotation()), ("3", None)]
    report = WriteReport()
    write_corpus(tmp_path / "again", read_corpus(folder, format="brat"), format="brat", report=report)
    assert dict(report.lost) == {}
    again = [(record.document.id, record.annotation) for record in read_corpus(tmp_path / "again", format="brat")]
    assert again == records


def test_either_file_may_be_named_and_all_bytes_count(tmp_path: Path) -> None:
    folder = written(tmp_path, EVERYTHING[0])
    size = (folder / "1.txt").stat().st_size + (folder / "1.ann").stat().st_size
    for path in (folder / "1.txt", folder / "1.ann"):
        seen: list[int] = []
        (record,) = read_corpus(path, on_bytes=seen.append)
        assert record.document.id == "1"
        assert sum(seen) == list_files(path).size == size
    (folder / "1.txt").unlink()
    with pytest.raises(FormatError, match="there is no text file of that name beside it"):
        list(read_corpus(folder / "1.ann"))


def test_symmetric_relations(tmp_path: Path) -> None:
    folder = written(tmp_path, *EVERYTHING[:2], "R1\tmeets Arg1:T1 Arg2:T2", "R2\tbinds Arg1:T1 Arg2:T2")
    assert [relation.directed for relation in annotation_of(folder).relations] == [True, True]
    (tmp_path / "annotation.conf").write_text(
        "[relations]\nmeets\tArg1:X, Arg2:Y, <REL-TYPE>:symmetric-transitive\nbinds\tArg1:X, Arg2:Y\n"
    )
    annotation = annotation_of(folder)
    assert [relation.directed for relation in annotation.relations] == [False, True]
    write_corpus(tmp_path / "again", [(Document("1", TEXT), annotation)], format="brat")
    assert annotation_of(tmp_path / "again") == annotation


def test_relations_between_concepts_are_spread_over_the_mentions_and_gathered_again(tmp_path: Path) -> None:
    concepts = [(Concept("MESH", "D1"),), (Concept("MESH", "D1"), Concept("MESH", "D2")), (Concept("OMIM", "7"),), ()]
    text = "a b c d"
    entities = tuple(
        Entity(f"T{number + 1}", "X", (Span(2 * number, 2 * number + 1),), concepts[number]) for number in range(4)
    )
    stated = (ConceptRelation("CID", "D2", "OMIM:7"), ConceptRelation("CID", "D1", "OMIM:7"))
    report = WriteReport()
    write_corpus(
        tmp_path / "out",
        [(Document("1", text), Annotation(entities, (), (*stated, ConceptRelation("CID", "D9", "D1"))))],
        format="brat",
        report=report,
    )
    assert dict(report.lost) == {"relations between concepts that no two mentions are linked to": 1}
    found = [(r.head, r.tail, r.extras["concepts"]) for r in annotation_of(tmp_path / "out").relations]
    assert found == [
        ("T2", "T3", ["D2", "OMIM:7"]),
        ("T1", "T3", ["D1", "OMIM:7"]),
        ("T2", "T3", ["D1", "OMIM:7"]),
    ]
    write_corpus(tmp_path / "back.txt", read_corpus(tmp_path / "out"), format="pubtator")
    (record,) = read_corpus(tmp_path / "back.txt")
    assert record.annotation is not None
    assert record.annotation.concept_relations == stated


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T2", "expected an id, a tab and an annotation"),
        ("T2\tX 0 8", "expected the mention's text after a second tab"),
        ("T2\tX 0\tN", "expected a mention's type, start and end"),
        ("T1\tX 0 8\tNaloxone", "two annotations have the id 'T1'"),
        ("R1\tX Arg1:T1", "expected a relation: its type, Arg1:T1 and Arg2:T2"),
        ("R1\tX Arg1:T1 Arg2:T9", "'R1' refers to 'T9', which is not there"),
        ("E1\tX", "expected an event"),
        ("E1\tX:T9", "refers to the trigger 'T9', which is not there"),
        ("A1\tX", "expected an attribute"),
        ("Z1\tX", "whose id begins with none of T, R, E, A, M, N, # and *"),
    ],
)
def test_a_broken_line_is_an_error_or_left_out_alone(tmp_path: Path, line: str, message: str) -> None:
    folder = written(tmp_path, "T1\tX 0 8\tNaloxone", line, "T5\tX 9 14\tbinds", "R5\tx Arg1:T1 Arg2:T5")
    with pytest.raises(FormatError) as caught:
        list(read_corpus(folder))
    assert message in str(caught.value)
    assert caught.value.document == "1"
    assert caught.value.source == f"{folder / '1.ann'}:2"
    report = ReadReport()
    (record,) = read_corpus(folder, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [entity.id for entity in record.annotation.entities] == ["T1", "T5"]
    assert [relation.id for relation in record.annotation.relations] == ["R5"]
    assert (record.annotation.extras, report.left_out.total(), len(report.faults)) == ({}, 1, 1)


def test_what_refers_to_a_broken_line_is_left_out_with_it(tmp_path: Path) -> None:
    folder = written(
        tmp_path, *EVERYTHING[:4], "T32\tOrganization", "R1\tx Arg1:T1 Arg2:T32", "E1\tBinding:T3 Theme:T32",
        "E2\tBlocking:T4 Cause:E1", "A1\tNegation E1", "#1\tNote T32\tabout it", "*\tEquiv T1 T32",
        "E3\tBinding:T3 Theme:T1",
    )  # fmt: skip
    report = ReadReport()
    (record,) = read_corpus(folder, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [entity.id for entity in record.annotation.entities] == ["T1", "T2"]
    assert [event["id"] for event in record.annotation.extras.pop("events")] == ["E3"]  # type: ignore[attr-defined]
    assert (record.annotation.relations, record.annotation.extras) == ((), {})
    assert report.left_out == {"lines that cannot be read": 1}
    # the relation, two events and the group; the attribute and the note go with what they are about
    assert report.relations_left_out == 4


def test_upper_case_endings_make_a_pair(tmp_path: Path) -> None:
    for text, beside in (("My Doc (1).TXT", "My Doc (1).ANN"), ("b.TXT", "b.ann.gz"), ("c.Txt.GZ", "c.Ann")):
        for name, content in ((text, b"Naloxone"), (beside, b"T1\tX 0 8\tNaloxone\n")):
            path = tmp_path / "upper" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)
    records = list(read_corpus(tmp_path / "upper"))
    assert [record.document.id for record in records] == ["My Doc (1)", "b", "c"]
    assert [len(record.annotation.entities) for record in records if record.annotation] == [1, 1, 1]
    assert len(list(read_corpus(tmp_path / "upper" / "b.TXT"))) == 1


def test_texts_and_annotations_that_are_alone_are_told(tmp_path: Path) -> None:
    folder = written(tmp_path, EVERYTHING[0])
    (folder / "2.txt").write_text("alone")
    (folder / "3.txt").write_text("alone too")
    report = ReadReport()
    records = list(read_corpus(folder, format="brat", report=report))
    assert [record.annotation is None for record in records] == [False, True, True]
    (note,) = report.notes
    assert note.startswith(f"{folder / '2.txt'}: no .ann file was found beside it")
    (folder / "9.ann").write_text("T1\tX 0 8\tNaloxone\n")
    with pytest.raises(FormatError, match=r"9\.ann: there is no text file of that name beside it"):
        list(read_corpus(folder, format="brat"))
    report = ReadReport()
    assert len(list(read_corpus(folder, format="brat", skip_invalid=True, report=report))) == 3
    assert report.left_out == {"annotation files without a text file": 1}


def test_texts_that_look_like_another_format_are_still_brats(tmp_path: Path) -> None:
    looks = ("1|t|Title\n1|a|Abstract\n", '{"id": "1", "text": "x"}\n', "-DOCSTART-\t1\n\na\tO\nb\tO\n")
    records = [
        (Document(f"{number}{annotation is None}", text), annotation)
        for number, text in enumerate(looks)
        for annotation in (Annotation(), None)
    ]
    write_corpus(tmp_path / "out", records, format="brat")
    assert {file.format.name for file in list_files(tmp_path / "out")} == {"brat"}
    back = [(record.document, record.annotation) for record in read_corpus(tmp_path / "out")]
    assert back == sorted(records, key=lambda pair: pair[0].id)


def test_names_of_databases_with_a_blank_are_kept(tmp_path: Path) -> None:
    concepts = (
        Concept("NCBI Gene", "900300"),
        Concept("a:b", "c d"),
        Concept("%20", "50%20mg"),
        Concept("NCBI_Taxonomy", "x:\u2028%y"),
    )
    document = Document("1", "QRX1")
    annotation = Annotation((Entity("T1", "Gene", (Span(0, 4),), concepts),))
    report = WriteReport()
    write_corpus(tmp_path / "out", [(document, annotation)], format="brat", report=report)
    assert dict(report.lost) == {}
    lines = (tmp_path / "out" / "1.ann").read_text().split("\n")
    assert lines[1] == "N1\tReference T1 NCBI%20Gene:900300\tQRX1"
    # as brat itself takes such a line apart
    assert all(re.fullmatch(r"(\S+) (\S+) (\S+?):(\S+)", line.split("\t")[1]) for line in lines[1:-1])
    assert annotation_of(tmp_path / "out") == annotation


def test_byte_order_marks_and_line_ends_of_annotations(tmp_path: Path) -> None:
    folder = written(tmp_path, *EVERYTHING)
    whole = annotation_of(folder)
    content = (folder / "1.ann").read_bytes()
    (folder / "1.ann").write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert annotation_of(folder) == whole
    # only some lines end so
    (folder / "1.ann").write_bytes(content.replace(b"\n", b"\r\n", 5))
    assert annotation_of(folder) == whole


def test_lines_as_other_programs_write_them(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        "T1\tDrug name 0 8 \tNaloxone",
        "T2\tReceptor 19 27\treceptor",
        "T3\tBinding 9 14\tbinds",
        "R1\tinhibits  Arg2:T1  Arg1:T2\tsaid by hand",
        "E1\tBinding:T3  Theme:T1 Site:T3 \tof an event",
        "M1\tNegation E1",
    )
    annotation = annotation_of(folder)
    # what is both a trigger and an argument is a mention too
    assert [(e.id, e.label) for e in annotation.entities] == [
        ("T1", "Drug name"),
        ("T2", "Receptor"),
        ("T3", "Binding"),
    ]
    assert annotation.relations == (Relation("R1", "inhibits", "T2", "T1", extras={"tail": "said by hand"}),)
    (event,) = annotation.extras["events"]
    assert (event["tail"], event["attributes"]) == ("of an event", [{"id": "M1", "type": "Negation"}])
    write_corpus(tmp_path / "again", read_corpus(folder), format="brat")
    again = annotation_of(tmp_path / "again")
    assert (again.relations, again.extras["events"][0]["tail"]) == (annotation.relations, "of an event")
    with pytest.raises(FormatError, match="expected a mention's type, start and end"):
        annotation_of(written(tmp_path, "T1\tX 0 2 3 8\tNaloxone"))


def test_a_mention_can_be_kept_by_its_offsets(tmp_path: Path) -> None:
    folder = written(tmp_path, "T1\tX 0 8\tnaloxone", "T2\tX 9 14\tbinds", "R1\tx Arg1:T1 Arg2:T2")
    report = ReadReport()
    source = Source(folder / "1.txt", document_id="1")
    (record,) = Brat().read(source, Reading(trust_offsets=True, report=report))
    assert record.annotation is not None
    assert (len(record.annotation.entities), len(record.annotation.relations)) == (2, 1)
    assert (report.trusted_count, report.invalid_count) == (1, 0)


def test_a_wrong_mention_and_what_hangs_on_it(tmp_path: Path) -> None:
    folder = written(tmp_path, "T9\tX 0 7\tNaloxone", *EVERYTHING[1:4], *EVERYTHING[7:8], "E1\tBinding:T3 Theme:T9",
                     "R1\tx Arg1:T9 Arg2:T2", "#1\tNote T9\tabout it", "N1\tReference T9 MESH:D1\tx")  # fmt: skip
    with pytest.raises(OffsetError, match="the text at 0-7 is 'Naloxon', but the annotation says 'Naloxone'") as caught:
        list(read_corpus(folder))
    assert caught.value.source == f"{folder / '1.ann'}:1"
    report = ReadReport()
    (record,) = read_corpus(folder, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [entity.id for entity in record.annotation.entities] == ["T2"]
    assert (record.annotation.relations, record.annotation.extras) == ((), {})
    # the relation, the event, and the event that refers to that
    assert (report.invalid_count, report.relations_left_out) == (1, 3)


def test_ids_that_no_file_can_have(tmp_path: Path) -> None:
    records = [(Document(ident, "x"), Annotation()) for ident in ("a/b", ".hidden", "50%", "50%20mg", "é", '"')]
    report = WriteReport()
    write_corpus(tmp_path / "out", records, format="brat", report=report)
    assert dict(report.lost) == {}
    assert sorted(record.document.id for record in read_corpus(tmp_path / "out")) == sorted(d.id for d, _ in records)


def test_a_document_twice(tmp_path: Path) -> None:
    report = WriteReport()
    once = (Document("1", "x"), Annotation())
    assert write_corpus(tmp_path / "out", [once, once], format="brat", report=report) == 1
    assert dict(report.lost) == {"repetitions of documents": 1}
    for other in (Document("1", "y"), Annotation()), (Document("1", "x"), None):
        with pytest.raises((DuplicateDocumentError, FormatError)) as caught:
            write_corpus(tmp_path / "other", [once, other], format="brat")
        assert caught.value.document == "1"
        assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("ident", ["con", "NUL", "aux.1", "com1", ".hidden", "a/b", "a\0b", "LPT9", "..", "a:b?"])
def test_ids_that_are_no_file_names_somewhere_are_written_and_read_back(ident: str, tmp_path: Path) -> None:
    """Windows keeps CON, NUL and their like for devices; others cannot stand in a name at all."""
    known = Brat()
    known.write(tmp_path / "corpus", [Record(Document(ident, "Some text."), Annotation(), "here")])
    names = {path.stem.partition(".")[0].upper() for path in (tmp_path / "corpus").glob("*.txt")}
    assert not names & {"CON", "NUL", "AUX", "COM1", "LPT9", ""}
    assert [record.document.id for record in read_corpus([tmp_path / "corpus"])] == [ident]


def test_an_id_that_is_too_long_for_a_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    known = Brat()
    with pytest.raises(
        CorpusError, match=r"^document 7{99}…: its id is too long .* \(252 characters\); choose a format"
    ):
        known.write(tmp_path / "corpus", [Record(Document("7" * 252, "Some text."), Annotation(), "here")])
    assert list(tmp_path.iterdir()) == []
