from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import Reading, ReadReport, WriteReport
from biorat_al.corpus.formats.chemprot import BROKEN, DANGLING, ORPHANS, REPEATED, ChemProt
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import CorpusError, DuplicateDocumentError, OffsetError

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
    assert sum(seen) == list_files(folder).size == sum(path.stat().st_size for path in folder.iterdir())
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
    ("part", "content", "message", "kind", "left"),
    [
        ("abstracts", ABSTRACTS + "3\tonly a title\n", "with 2 columns, expected 3: id, title", BROKEN, (2, 2, 2)),
        ("abstracts", ABSTRACTS + ABSTRACTS[-30:], "document 1: the document is also on line 2", REPEATED, (2, 2, 2)),
        ("abstracts", ABSTRACTS + " \tx\ty\n", "x_abstracts.tsv:3: the document's id is empty", BROKEN, (2, 2, 2)),
        ("entities", ENTITIES + "1\tT9\tX\t0\t8\n", "with 5 columns, expected 6", BROKEN, (2, 2, 2)),
        ("entities", ENTITIES + "1\tT9\tX\ta\t8\tx\n", "the offsets 'a' and '8', expected whole", BROKEN, (2, 2, 2)),
        ("entities", ENTITIES + "1\tT9\t \t0\t8\tNaloxone\n", "the mention 'T9' has no type", BROKEN, (2, 2, 2)),
        ("entities", ENTITIES + "1\tT1\tX\t0\t8\tNaloxone\n", "two mentions have the id 'T1'", BROKEN, (2, 2, 2)),
        ("entities", ENTITIES + "9\tT1\tX\t0\t8\tx\n", "document 9: there is no abstract", ORPHANS, (2, 2, 2)),
        ("relations", RELATIONS + "9\tx\tArg1:T1\tArg2:T1\n", "document 9: there is no abstract", ORPHANS, (2, 2, 2)),
        (
            "relations",
            "1\tx\tY \tX\tArg1:T1\tArg2:T9\n",
            "'Arg2:T9', expected Arg2: and the id of",
            DANGLING,
            (2, 2, 0),
        ),
        ("relations", "1\tx\tY \tX\tArg2:T1\tArg1:T2\n", "found 'Arg2:T1', expected Arg1:", BROKEN, (2, 2, 0)),
        (
            "relations",
            "1\tx\tMaybe\tX\tArg1:T1\tArg2:T2\n",
            "'Maybe' in the third column, expected Y",
            BROKEN,
            (2, 2, 0),
        ),
        ("relations", "1\t \tArg1:T1\tArg2:T2\n", "the relation has no group", BROKEN, (2, 2, 0)),
    ],
)
def test_a_broken_line_is_an_error_or_left_out_alone(
    tmp_path: Path, part: str, content: str, message: str, kind: str, left: tuple[int, int, int]
) -> None:
    folder = written(tmp_path)
    (folder / f"x_{part}.tsv").write_text(content)
    with pytest.raises(CorpusError) as caught:
        list(read_corpus(folder))
    assert message in str(caught.value)
    assert str(folder / f"x_{part}.tsv") in str(caught.value)
    report = ReadReport()
    records = list(read_corpus(folder, skip_invalid=True, report=report))
    assert (len(records), report.mentions.total(), report.relations.total()) == left
    assert report.left_out == {kind: 1}
    assert message in report.faults[0][1]


@pytest.mark.parametrize(
    ("names", "relation"),
    [
        (("chemprot_test_abstracts_gs", "chemprot_test_entities_gs", "chemprot_test_relations_gs"), RELATIONS),
        (("chemprot_test_abstracts_gs", "chemprot_test_entities_gs", "chemprot_test_gold_standard"), None),
        (("drugprot_training_abstracs", "drugprot_training_entities", "drugprot_training_relations"), None),
        (("MY_ABSTRACTS", "MY_ENTITIES", "MY_RELATIONS"), RELATIONS),
        (("Set.abstracts", "Set.entities", "Set.relations"), RELATIONS),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_official_names_are_known(
    tmp_path: Path, names: tuple[str, str, str], relation: str | None, packed: bool
) -> None:
    content = (ABSTRACTS, ENTITIES, relation or "1\tINHIBITOR\tArg1:T1\tArg2:T2\n")
    paths = []
    for name, text in zip(names, content, strict=True):
        ending = ".TSV" if name.isupper() else ".tsv"
        path = tmp_path / f"{name}{ending}{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
        paths.append(path)
    for path in (tmp_path, *paths):
        report = ReadReport()
        _, second = read_corpus(path, format=None if path == tmp_path else "chemprot", report=report)
        assert second.annotation is not None
        assert [entity.label for entity in second.annotation.entities] == ["GENE-Y", "CHEMICAL"]
        assert [r.label for r in second.annotation.relations] == (["CPR:3"] * 2 if relation else ["INHIBITOR"])
        assert report.notes == []


def test_tables_of_two_sets_in_one_folder_are_kept_apart(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "y_abstracts.tsv").write_text("7\tAn\tOther.\n")
    report = ReadReport()
    records = list(read_corpus(tmp_path, report=report))
    assert [record.annotation is None for record in records] == [False, False, True]
    (note,) = report.notes
    assert note.startswith(f"{tmp_path / 'y_abstracts.tsv'}: no file of mentions")


def test_a_set_without_its_mentions_or_relations_says_so(tmp_path: Path) -> None:
    report = ReadReport()
    list(read_corpus(written(tmp_path, entities=None, relations=None), format="chemprot", report=report))
    assert ["no file of mentions (such as x_entities.tsv)" in note for note in report.notes] == [True]
    report = ReadReport()
    list(read_corpus(written(tmp_path, relations=None), report=report))
    assert ["no file of relations" in note for note in report.notes] == [True]


def test_a_document_that_is_written_twice_is_read_again(tmp_path: Path) -> None:
    records = list(read_corpus(written(tmp_path)))
    report = WriteReport()
    assert write_corpus(tmp_path / "out", [*records, *records], format="chemprot", report=report) == 2
    assert dict(report.lost) == {"repetitions of documents": 2}
    assert [record[:2] for record in read_corpus(tmp_path / "out")] == [record[:2] for record in records]
    other = (replace(records[0].document, text="x", passages=()), records[0].annotation)
    with pytest.raises(DuplicateDocumentError, match="document 2: another document has that id"):
        write_corpus(tmp_path / "other", [records[0], other], format="chemprot")


def test_a_mention_can_be_kept_by_its_offsets(tmp_path: Path) -> None:
    source = Source(written(tmp_path, entities=ENTITIES.replace("OPRM1", "Oprm1")) / "x_abstracts.tsv")
    report = ReadReport()
    _, second = ChemProt().read(source, Reading(trust_offsets=True, report=report))
    assert second.annotation is not None
    assert (len(second.annotation.entities), len(second.annotation.relations), report.trusted_count) == (2, 2, 1)


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
        "ids of mentions (renumbered)": 1,
        "pieces of discontinuous mentions (written from first to last)": 1,
    }
    (record,) = read_corpus(tmp_path / "out")
    assert record.document.text == "One two three four"
    assert record.annotation is not None
    assert [entity.spans for entity in record.annotation.entities] == [(Span(0, 13),), (Span(4, 7),)]
