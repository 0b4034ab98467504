from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import ReadReport, WriteReport
from biorat_al.corpus.model.document import Concept, Entity, Relation, Span
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import CorpusError, FormatError, UsageError

TEXT = "Naloxone binds OPRM1 (mu) and so blocks it.\n"
GIVEN = "T1\tProtein 15 20\tOPRM1\nT2\tProtein 22 24\tmu\nT3\tProtein 0 8\tNaloxone\n"
FOUND = (
    "T4\tBinding 9 14\tbinds\nT5\tEntity 26 29\tand\nT6\tNegative_regulation 33 39\tblocks\n"
    "*\tEquiv T1 T2\nE1\tBinding:T4 Theme:T3 Theme2:T1 Site:T5\nE2\tNegative_regulation:T6 Cause:E1 Theme:T1 \n"
    "M1\tNegation E1\nM2\tSpeculation E2\nN1\tOntoBiotope Annotation:T5 Referent:OBT:001423\n"
)
RELATIONS = "T7\tSite 26 29\tand\nR1\tProtein-Component Arg1:T1 Arg2:T7\n"


def written(folder: Path, name: str = "PMID-1", **parts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for ending, content in {"txt": TEXT, "a1": GIVEN, **parts}.items():
        (folder / f"{name}.{ending}").write_text(content)
    return folder


def test_mentions_events_modifications_and_equivalences(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", a2=FOUND, rel=RELATIONS)
    seen: list[int] = []
    report = ReadReport()
    (record,) = read_corpus(folder, on_bytes=seen.append, report=report)
    assert sum(seen) == list_files(folder).size == sum(path.stat().st_size for path in folder.iterdir())
    assert (record.document.id, record.document.text, report.skipped, report.notes) == ("PMID-1", TEXT, [], [])
    annotation = record.annotation
    assert annotation is not None
    assert annotation.entities == (
        Entity("T1", "Protein", (Span(15, 20),)),
        Entity("T2", "Protein", (Span(22, 24),)),
        Entity("T3", "Protein", (Span(0, 8),)),
        Entity("T5", "Entity", (Span(26, 29),), (Concept("OntoBiotope", "OBT:001423"),)),
        Entity("T7", "Site", (Span(26, 29),)),
    )
    assert annotation.relations == (Relation("R1", "Protein-Component", "T1", "T7"),)
    first, second = annotation.extras["events"]
    assert (first["type"], first["trigger"]) == ("Binding", {"text": ["binds"], "offsets": [[9, 14]]})
    assert [(part["role"], part["ref_id"]) for part in first["arguments"]] == [
        ("Theme", "T3"),
        ("Theme2", "T1"),
        ("Site", "T5"),
    ]
    assert first["attributes"] == [{"id": "M1", "type": "Negation"}]
    assert [part["ref_id"] for part in second["arguments"]] == ["E1", "T1"]
    assert annotation.extras["coreferences"] == [{"id": "*1", "entity_ids": ["T1", "T2"]}]
    # brat holds all of it
    lost = WriteReport()
    write_corpus(tmp_path / "brat", [record], format="brat", report=lost)
    assert dict(lost.lost) == {}
    (again,) = read_corpus(tmp_path / "brat")
    assert again[:2] == record[:2]


def test_events_without_a_trigger(tmp_path: Path) -> None:
    three = "E2\tRegulation Agent:T1 Process:T2 Site:T3"
    lines = f"E1\tLocalization Molecule:T1 Tissue:T2\n{three}\nM1\tNegation Annotation:E1\nM2\tNegation Annotation:E2\n"
    folder = written(tmp_path / "x", a2=lines)
    (record,) = read_corpus(folder)
    assert record.annotation is not None
    (relation,) = record.annotation.relations
    assert (relation.label, relation.head, relation.tail) == ("Localization", "T1", "T2")
    assert relation.extras == {
        "roles": ["Molecule", "Tissue"],
        "attributes": [{"id": "M1", "type": "Negation"}],
    }
    assert record.annotation.extras == {"brat_lines": [three, "M2\tNegation Annotation:E2"]}
    lost = WriteReport()
    write_corpus(tmp_path / "brat", [record], format="brat", report=lost)
    assert dict(lost.lost) == {"ids of events and relations (renumbered)": 1}
    (again,) = read_corpus(tmp_path / "brat")
    assert again.annotation is not None
    assert again.annotation.extras == record.annotation.extras


@pytest.mark.parametrize("ending", ["txt", "a1", "a2", "rel"])
def test_any_of_the_files_may_be_named(tmp_path: Path, ending: str) -> None:
    folder = written(tmp_path / "x", a2=FOUND, rel=RELATIONS)
    (record,) = read_corpus(folder / f"PMID-1.{ending}")
    assert (record.document.id, record.annotation is not None) == ("PMID-1", True)


def test_endings_in_upper_case_and_packed(tmp_path: Path) -> None:
    (tmp_path / "1.TXT").write_text(TEXT)
    (tmp_path / "1.A1.gz").write_bytes(gzip.compress(GIVEN.encode()))
    (tmp_path / "1.A2").write_text(FOUND)
    (record,) = read_corpus(tmp_path)
    assert record.annotation is not None
    assert (record.document.id, len(record.annotation.extras["events"])) == ("1", 2)


def test_of_the_variants_the_fullest_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    task_1 = "T4\tBinding 9 14\tbinds\nE1\tBinding:T4 Theme:T3\n"
    folder = written(tmp_path / "x", **{"a2.t1": task_1})
    (record,) = read_corpus(folder)
    assert record.annotation is not None
    assert len(record.annotation.extras["events"]) == 1
    written(tmp_path / "x", **{"a2.t123": FOUND})
    with pytest.raises(CorpusError, match=r"a2\.t1\b"):
        list(read_corpus(folder))
    report = ReadReport()
    (record,) = read_corpus(folder, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert len(record.annotation.extras["events"]) == 2
    assert report.left_out == {"annotation files that are not read with their text": 1}


def test_a_text_with_its_given_mentions_alone_says_so(tmp_path: Path) -> None:
    folder = written(tmp_path / "x")
    written(tmp_path / "x", "PMID-2")
    report = ReadReport()
    records = list(read_corpus(folder, report=report))
    assert [len(record.annotation.entities) for record in records if record.annotation] == [3, 3]
    assert ["no .a2 file was found beside it" in note for note in report.notes] == [True]


def test_annotations_without_a_text(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", a2=FOUND)
    (folder / "9.a1").write_text(GIVEN)
    with pytest.raises(FormatError, match=r"9\.a1: there is no text file of that name beside it"):
        list(read_corpus(folder))
    report = ReadReport()
    assert len(list(read_corpus(folder, skip_invalid=True, report=report))) == 1
    assert report.left_out == {"annotation files without a text file": 1}


def test_an_event_whose_end_does_not_exist_is_left_out_alone(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", a2=FOUND + "E3\tBinding:T4 Theme:T99\nE4\n")
    with pytest.raises(FormatError, match="expected an id, a tab and an annotation"):
        list(read_corpus(folder))
    report = ReadReport()
    (record,) = read_corpus(folder, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [event["id"] for event in record.annotation.extras["events"]] == ["E1", "E2"]
    assert report.left_out.total() == 2


def test_what_brat_has_edited_is_brats(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", a2=FOUND, ann="T1\tProtein 15 20\tOPRM1\n")
    (file, *_) = list_files(folder / "PMID-1.txt")
    assert file.format.name == "brat"
    # and the other two files are not passed over
    with pytest.raises(FormatError, match="the folder holds files of several formats"):
        list_files(folder)


def test_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="BioNLP-ST stand-off can be read but not written"):
        write_corpus(tmp_path / "out", [], format="bionlp")
