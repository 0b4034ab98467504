from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.formats.base import Reading, ReadReport, WriteReport
from biorat_al.corpus.formats.ddi import Ddi
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import FormatError, OffsetError

ENTITY = '<entity id="d.s0.e0" charOffset="0-7" type="drug" text="Naloxone"/>'
OTHER = '<entity id="d.s0.e1" charOffset="13-16;26-31" type="group" text="beta agents"/>'
PAIR = '<pair id="d.s0.p0" e1="d.s0.e0" e2="d.s0.e1" ddi="true" type="effect"/>'
TEXT = "Naloxone and beta or alpha agents.&#13;&#10;"


def written(tmp_path: Path, inside: str = ENTITY + OTHER + PAIR, text: str = TEXT) -> Path:
    path = tmp_path / "22.xml"
    path.write_text(
        f'<?xml version="1.0"?>\n<document id="d">\n<sentence id="d.s0" text="{text}">{inside}</sentence>\n'
        '<sentence id="d.s1" text=""/><sentence id="d.s2" text="Both."/><sentence id="d.s3" text="And  so."/>'
        "</document>"
    )
    return path


def test_a_document(tmp_path: Path) -> None:
    (record,) = read_corpus(written(tmp_path, ENTITY + OTHER.replace("26-31", "27-32") + PAIR))
    text = "Naloxone and beta or alpha agents.\r\nBoth. And  so."
    sentences = [[0, 36], [36, 36], [36, 41], [42, 50]]
    assert record.document == Document("d", text, (), {"sentences": sentences, "file": "22"})
    assert record.annotation == Annotation(
        (
            Entity("d.s0.e0", "drug", (Span(0, 8),)),
            Entity("d.s0.e1", "group", (Span(13, 17), Span(27, 33))),
        ),
        (Relation("d.s0.p0", "effect", "d.s0.e0", "d.s0.e1", directed=False),),
    )
    report = WriteReport()
    write_corpus(tmp_path / "out", [record], format="ddi", report=report)
    assert dict(report.lost) == {}
    (again,) = read_corpus(tmp_path / "out")
    assert again[:2] == record[:2]
    assert again.source == f"{tmp_path / 'out' / '22.xml'}:2"


def test_a_pair_without_a_type(tmp_path: Path) -> None:
    pair = PAIR.replace(' type="effect"', "")
    (record,) = read_corpus(written(tmp_path, ENTITY + OTHER.replace("26-31", "27-32") + pair))
    assert record.annotation is not None
    assert [(r.label, r.extras) for r in record.annotation.relations] == [("int", {"untyped": True})]
    write_corpus(tmp_path / "out", [record], format="ddi")
    assert 'ddi="true"/>' in (tmp_path / "out" / "22.xml").read_text()


def test_a_wrong_mention(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(OffsetError) as caught:
        list(read_corpus(path))
    assert (caught.value.found, caught.value.expected) == ("beta  agent", "beta agents")
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert (len(record.annotation.entities), report.invalid_count, report.relations_left_out) == (1, 1, 1)
    # a range that goes beyond its sentence is wrong, even where the document goes on
    beyond = written(tmp_path, ENTITY.replace("0-7", "36-40"))
    with pytest.raises(OffsetError, match="is not inside the sentence of 36 characters"):
        list(read_corpus(beyond))


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (ENTITY.replace("0-7", "0"), "found the charOffset '0', expected start-end"),
        (ENTITY + ENTITY, "two things have the id 'd.s0.e0'"),
        (ENTITY.replace("d.s0.e0", ""), "a entity has no id"),
        (ENTITY.replace("drug", ""), "the mention 'd.s0.e0' has no type"),
        (ENTITY.replace('charOffset="0-7" ', ""), "found the charOffset '', expected start-end"),
        (PAIR, "a pair refers to the mention 'd.s0.e0', which is not in its sentence"),
        (
            ENTITY + PAIR.replace("e1", "e0").replace("true", "yes").replace(' e0="', ' e1="'),
            "found ddi='yes' in a pair",
        ),
    ],
)
def test_a_broken_element_is_an_error_or_left_out_alone(tmp_path: Path, inside: str, message: str) -> None:
    sound = '<pair id="d.s0.p7" e1="d.s0.e8" e2="d.s0.e9" ddi="true" type="effect"/>'
    ends = ENTITY.replace("e0", "e8") + ENTITY.replace("e0", "e9")
    path = written(tmp_path, inside + ends + sound)
    with pytest.raises(FormatError) as caught:
        list(read_corpus(path))
    assert message in str(caught.value)
    assert caught.value.source == f"{path}:3"
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [r.id for r in record.annotation.relations] == ["d.s0.p7"]
    assert {"d.s0.e8", "d.s0.e9"} <= {entity.id for entity in record.annotation.entities}
    assert (report.left_out.total(), len(report.faults)) == (1, 1)


def test_a_pair_of_a_mention_that_is_left_out_goes_with_it(tmp_path: Path) -> None:
    path = written(tmp_path, ENTITY.replace("0-7", "x") + OTHER.replace("26-31", "27-32") + PAIR)
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert ([entity.id for entity in record.annotation.entities], record.annotation.relations) == (["d.s0.e1"], ())
    assert (report.left_out.total(), report.relations_left_out) == (1, 1)


@pytest.mark.parametrize(
    "content",
    [
        '<document id="r">\n</document>',
        '<document id="r"/>',
        '<?xml version="1.0"?>\n<!-- none -->\n<document origId="x" id="r"></document>',
        '<document id="r"><sentence id="r.s0" text=""/></document>',
        '<document id="r">\n<!-- none yet -->\n<sentence id="r.s0" text=""></sentence></document>',
    ],
)
def test_a_document_without_text_is_read(tmp_path: Path, content: str) -> None:
    path = tmp_path / "r.xml"
    path.write_text(content)
    (record,) = read_corpus(path)
    assert (record.document.id, record.document.text, record.annotation) == ("r", "", Annotation())
    write_corpus(tmp_path / "out", [record], format="ddi")
    (again,) = read_corpus(tmp_path / "out")
    assert again[:2] == record[:2]


def test_empty_and_filled_documents_in_one_folder(tmp_path: Path) -> None:
    records = [(Document("1", ""), Annotation()), (Document("2", "Some text."), Annotation())]
    report = WriteReport()
    write_corpus(tmp_path / "out", records, format="ddi", report=report)
    assert [(r.document.id, r.document.text) for r in read_corpus(tmp_path / "out")] == [("1", ""), ("2", "Some text.")]
    assert dict(report.lost) == {}


def test_what_the_reader_does_not_know_is_counted(tmp_path: Path) -> None:
    path = written(tmp_path, ENTITY.replace("/>", ' xref="D1"/>') + "<negationtags>x</negationtags>")
    report = ReadReport()
    list(read_corpus(path, report=report))
    assert report.left_out == {"further attributes of mentions and pairs": 1, "elements <negationtags>": 1}


def test_a_sentence_without_text_is_left_out_with_its_mentions(tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    path.write_text(
        f'<document id="d"><sentence id="d.s9">{ENTITY}</sentence><sentence id="d.s0" text="So."/></document>'
    )
    with pytest.raises(FormatError, match="the sentence has no attribute 'text'"):
        list(read_corpus(path))
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert (record.document.text, report.left_out) == ("So.", {"sentences without a text": 1})


def test_a_document_without_an_id_is_left_out(tmp_path: Path) -> None:
    for name, ident in (("1.xml", ""), ("2.xml", "d")):
        (tmp_path / name).write_text(f'<document id="{ident}"><sentence id="d.s0" text="So."/></document>')
    with pytest.raises(FormatError, match="the document's id is empty"):
        list(read_corpus(tmp_path))
    report = ReadReport()
    assert len(list(read_corpus(tmp_path, skip_invalid=True, report=report))) == 1
    assert report.left_out == {"documents without an id": 1}


def test_a_mention_can_be_kept_by_its_offsets(tmp_path: Path) -> None:
    path = written(tmp_path, ENTITY.replace("Naloxone", "naloxone") + OTHER.replace("26-31", "27-32") + PAIR)
    report = ReadReport()
    (record,) = Ddi().read(Source(path), Reading(trust_offsets=True, report=report))
    assert record.annotation is not None
    assert (len(record.annotation.entities), len(record.annotation.relations), report.trusted_count) == (2, 1, 1)


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE d [<!ENTITY a "aa">]><document id="d"><sentence id="s" text="&a;"/></document>',
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/hostname">]><document id="d"><sentence text="x"/>&a;</document>',
    ],
)
def test_entities_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "1.xml"
    path.write_text(content)
    with pytest.raises(FormatError, match="entities are refused"):
        list(read_corpus(path, format="ddi"))


def test_sentences_that_something_crosses_become_one(tmp_path: Path) -> None:
    text = "One. Two.\nThree. Four."
    document = Document("1", text, (Passage("title", 0, 9), Passage("abstract", 10, 22)))
    entities = [Entity("a", "X", (Span(0, 3),)), Entity("b", "X", (Span(10, 15),)), Entity("c", "X", (Span(17, 21),))]
    report = WriteReport()
    write_corpus(tmp_path / "apart", [(document, Annotation(tuple(entities)))], format="ddi")
    (record,) = read_corpus(tmp_path / "apart")
    assert (record.document.text, record.document.metadata["sentences"]) == (text, [[0, 10], [10, 22]])
    annotation = Annotation(tuple(entities), (Relation("r", "x", "b", "a"),))
    write_corpus(tmp_path / "joined", [(document, annotation)], format="ddi", report=report)
    (record,) = read_corpus(tmp_path / "joined")
    assert record.document.metadata["sentences"] == [[0, 22]]
    assert record.annotation is not None
    assert record.annotation.relations == (Relation("r", "x", "b", "a", directed=False),)
    assert dict(report.lost) == {"passages of documents": 1, "directions of relations": 1}
    # every two mentions of a sentence are a pair
    assert (tmp_path / "joined" / "1.xml").read_text().count('ddi="false"') == 2
