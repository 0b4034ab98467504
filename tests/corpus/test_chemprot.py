from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.base import ReadReport, WriteReport
from biorat_al.corpus.model import Annotation, Concept, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.reading import corpus_size, read_corpus, write_corpus
from biorat_al.errors import FormatError, OffsetError

ABSTRACTS = '2\tNo "mentions\tHere. \n1\tNaloxone 𝛼.\tIt binds OPRM1.\n'
ENTITIES = "1\tT2\tGENE-Y\t21\t26\tOPRM1\n1\tT1\tCHEMICAL\t0\t8\tNaloxone\n"
RELATIONS = "1\tCPR:3\tY \tACTIVATOR\tArg1:T1\tArg2:T2\n1\tCPR:3\tN \tOTHER\tArg1:T1\tArg2:T2\n"


def written(
    tmp_path: Path, abstracts: str = ABSTRACTS, entities: str | None = ENTITIES, relations: str | None = RELATIONS,
    gold: str | None = None,
) -> Path:  # fmt: skip
    parts = {"abstracts": abstracts, "entities": entities, "relations": relations, "gold_standard": gold}
    for name, content in parts.items():
        if content is not None:
            (tmp_path / f"x_{name}.tsv").write_bytes(content.encode())
    return tmp_path


def test_a_set(tmp_path: Path) -> None:
    folder = written(tmp_path)
    seen: list[int] = []
    first, second = read_corpus(folder, on_bytes=seen.append)
    assert sum(seen) == corpus_size(folder) == sum(path.stat().st_size for path in folder.iterdir())
    assert (first.document.text, first.annotation) == ('No "mentions Here. ', Annotation())
    assert second.document == Document(
        "1", "Naloxone 𝛼. It binds OPRM1.", (Passage("title", 0, 11), Passage("abstract", 12, 27))
    )
    assert second.annotation == Annotation(
        (Entity("T2", "GENE-Y", (Span(21, 26),)), Entity("T1", "CHEMICAL", (Span(0, 8),))),
        (
            Relation("R1", "CPR:3", "T1", "T2", extras={"label": "ACTIVATOR", "evaluated": True}),
            Relation("R2", "CPR:3", "T1", "T2", extras={"label": "OTHER", "evaluated": False}),
        ),
    )
    report = WriteReport()
    write_corpus(tmp_path / "out", [first, second], format="chemprot", report=report)
    assert dict(report.lost) == {}
    names = {path.name: path.read_bytes().decode() for path in (tmp_path / "out").iterdir()}
    assert names == {
        "out_abstracts.tsv": ABSTRACTS,
        "out_entities.tsv": ENTITIES,
        "out_relations.tsv": RELATIONS,
        "out_gold_standard.tsv": "1\tCPR:3\tArg1:T1\tArg2:T2\n",
    }


def test_any_of_the_files_may_be_named(tmp_path: Path) -> None:
    folder = written(tmp_path, gold="1\tCPR:3\tArg1:T1\tArg2:T2\n")
    for name in ("abstracts", "entities", "relations", "gold_standard"):
        assert len(list(read_corpus(folder / f"x_{name}.tsv"))) == 2


def test_the_gold_standard_serves_where_there_are_no_relations(tmp_path: Path) -> None:
    _, second = read_corpus(written(tmp_path, relations=None, gold="1\tCPR:3\tArg1:T1\tArg2:T2\n"))
    assert second.annotation is not None
    assert second.annotation.relations == (Relation("R1", "CPR:3", "T1", "T2"),)


def test_abstracts_alone_were_looked_at_by_nobody(tmp_path: Path) -> None:
    records = list(read_corpus(written(tmp_path, entities=None, relations=None)))
    assert [record.annotation for record in records] == [None, None]
    write_corpus(tmp_path / "out", records, format="chemprot")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["out_abstracts.tsv"]


@pytest.mark.parametrize(
    ("part", "content", "message"),
    [
        ("abstracts", "1\tonly a title\n", "with 2 columns, expected 3: id, title, abstract"),
        ("entities", "1\tT1\tX\t0\t8\n", "with 5 columns, expected 6"),
        ("entities", "1\tT1\tX\ta\t8\tNaloxone\n", "found the offsets 'a' and '8', expected whole numbers"),
        ("entities", ENTITIES + "1\tT1\tX\t0\t8\tNaloxone\n", "two mentions have the id 'T1'"),
        ("entities", ENTITIES + "9\tT1\tX\t0\t8\tNaloxone\n", "document 9: there is no abstract of that document"),
        ("relations", "1\tCPR:3\tY \tX\tArg1:T1\tArg2:T9\n", "found 'Arg2:T9', expected Arg2: and the id of a mention"),
        ("relations", "1\tCPR:3\tY \tX\tArg2:T1\tArg1:T2\n", "found 'Arg2:T1', expected Arg1:"),
        ("relations", "1\tCPR:3\tMaybe\tX\tArg1:T1\tArg2:T2\n", "found 'Maybe' in the third column, expected Y or N"),
    ],
)
def test_malformed_tables(tmp_path: Path, part: str, content: str, message: str) -> None:
    folder = written(tmp_path)
    (folder / f"x_{part}.tsv").write_text(content)
    with pytest.raises(FormatError) as caught:
        list(read_corpus(folder, skip_invalid=True))
    assert message in str(caught.value)
    assert str(folder / f"x_{part}.tsv") in str(caught.value)


def test_a_wrong_mention(tmp_path: Path) -> None:
    folder = written(tmp_path, entities=ENTITIES.replace("\t21\t26", "\t22\t27"))
    with pytest.raises(OffsetError, match=r"the text at 22-27 is 'PRM1\.', but the annotation says 'OPRM1'"):
        list(read_corpus(folder))
    report = ReadReport()
    records = list(read_corpus(folder, skip_invalid=True, report=report))
    assert (len(records), report.invalid_count, report.relations_left_out) == (2, 1, 2)


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    document = Document("1", "One\ttwo\nthree four", (), {"a": 1})
    entities = (
        Entity("T1", "X", (Span(0, 3), Span(8, 13)), (Concept("MESH", "D1"),), score=0.5),
        Entity("x", "Y", (Span(4, 7),)),
    )
    report = WriteReport()
    annotation = Annotation(entities, (Relation("R1", "meets", "T1", "x", directed=False),))
    write_corpus(tmp_path / "out", [(document, annotation)], format="chemprot", report=report)
    assert dict(report.lost) == {
        "metadata of documents": 1,
        "mentions' links to concepts": 1,
        "confidence scores of mentions": 1,
        "relations marked as undirected": 1,
        "line ends and tabs in texts (each became a space)": 2,
        "documents without passages (cut in two)": 1,
        "ids of mentions (numbered anew)": 1,
        "pieces of discontinuous mentions (written from first to last)": 1,
    }
    (record,) = read_corpus(tmp_path / "out")
    assert record.document.text == "One two three four"
    assert record.annotation is not None
    assert [entity.spans for entity in record.annotation.entities] == [(Span(0, 13),), (Span(4, 7),)]
