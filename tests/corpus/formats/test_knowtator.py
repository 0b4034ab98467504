from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import Reading, ReadReport
from biorat_al.corpus.formats.knowtator import Knowtator
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Relation, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError, OffsetError

TEXT = "Naloxone and beta or alpha\nagents bind OPRM1 😀.\n"

FIRST = """<?xml version="1.0" encoding="UTF-8"?>
<annotations textSource="7.txt">
  <annotation>
    <mention id="m1"/><annotator id="a">Ann</annotator><span start="0" end="8"/><spannedText>Naloxone</spannedText>
  </annotation>
  <annotation>
    <mention id="m2"/><annotator id="a">Ann</annotator><span start="13" end="17"/><span start="27" end="33"/>
    <spannedText>beta ... agents</spannedText>
  </annotation>
  <annotation>
    <mention id="m3"/><annotator id="b">Bob</annotator><span start="39" end="44"/><spannedText>OPRM1</spannedText>
  </annotation>
  <classMention id="m1">
    <mentionClass id="CHEBI:7459">naloxone</mentionClass><hasSlotMention id="s1"/><hasSlotMention id="s2"/>
  </classMention>
  <classMention id="m2"><mentionClass id="Drug group">beta agents</mentionClass></classMention>
  <classMention id="m3"><mentionClass id="Gene">Gene</mentionClass></classMention>
  <classMention id="m4"><mentionClass id="Binding">x</mentionClass>
    <hasSlotMention id="s3"/><hasSlotMention id="s4"/></classMention>
  <classMention id="m5"><mentionClass id="Document class">x</mentionClass></classMention>
  <complexSlotMention id="s1"><mentionSlot id="binds"/><complexSlotMentionValue value="m3"/></complexSlotMention>
  <stringSlotMention id="s2"><mentionSlot id="certainty"/><stringSlotMentionValue value="high"/></stringSlotMention>
  <complexSlotMention id="s3"><mentionSlot id="agent"/><complexSlotMentionValue value="m2"/></complexSlotMention>
  <complexSlotMention id="s4"><mentionSlot id="target"/><complexSlotMentionValue value="m3"/></complexSlotMention>
</annotations>
"""

SECOND = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<knowtator-project>
  <document id="7" text-file="7.txt">
    <annotation annotator="Ann" id="m1" type="identity">
      <class id="http://purl.obolibrary.org/obo/CHEBI_7459" label="naloxone"/>
      <span end="8" id="x" start="0">Naloxone</span>
    </annotation>
    <annotation annotator="Ann" id="m2" type="identity"><class id="Drug group"/>
      <span end="17" id="y" start="13">beta</span><span end="33" id="z" start="27">agents</span></annotation>
    <graph-space id="Old Knowtator Relations">
      <vertex annotation="m1" id="v1"/><vertex annotation="m2" id="v2"/>
      <triple id="t1" object="v2" property="is a" quantifier="some" subject="v1"/>
    </graph-space>
  </document>
</knowtator-project>
"""


def written(folder: Path, content: str, name: str = "7.txt.knowtator.xml", texts: str = "") -> Path:
    for place in (folder, folder / texts):
        place.mkdir(parents=True, exist_ok=True)
    (folder / texts / "7.txt").write_text(TEXT)
    (folder / name).write_text(content)
    return folder


def test_the_first_version(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", FIRST)
    report = ReadReport()
    seen: list[int] = []
    (record,) = read_corpus(folder, report=report, on_bytes=seen.append)
    assert sum(seen) == list_files(folder).size == sum(path.stat().st_size for path in folder.iterdir())
    assert record.document == Document("7", TEXT)
    assert record.annotation == Annotation(
        (
            Entity(
                "m1",
                "CHEBI",
                (Span(0, 8),),
                (Concept("CHEBI", "7459"),),
                extras={
                    "attributes": [{"id": "s2", "type": "certainty", "value": "high"}],
                    "class": "naloxone",
                },
            ),
            Entity("m2", "Drug group", (Span(13, 17), Span(27, 33))),
            Entity("m3", "Gene", (Span(39, 44),)),
        ),
        (Relation("s1", "binds", "m1", "m3"), Relation("m4", "Binding", "m2", "m3")),
    )
    assert report.left_out == {"annotations without a place in the text": 1}
    assert ["the annotations of several people (Ann, Bob) are read together" in note for note in report.notes] == [True]


@pytest.mark.parametrize("name", ["7.xml", "project.knowtator", "7.txt.knowtator.xml"])
def test_the_second_version(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "x", SECOND, name)
    (record,) = read_corpus(folder / name)
    assert record.document == Document("7", TEXT)
    assert record.annotation == Annotation(
        (
            Entity("m1", "CHEBI", (Span(0, 8),), (Concept("CHEBI", "7459"),), extras={"class": "naloxone"}),
            Entity("m2", "Drug group", (Span(13, 17), Span(27, 33))),
        ),
        (Relation("t1", "is a", "m1", "m2"),),
    )


@pytest.mark.parametrize("texts", ["", "../corpus", "../../../articles/txt"])
def test_the_texts_may_be_in_another_folder(tmp_path: Path, texts: str) -> None:
    folder = written(tmp_path / "a" / "b" / "saved", SECOND, texts=texts)
    assert [record.document.text for record in read_corpus(folder)] == [TEXT]
    # a text is not a document besides its annotations
    if texts == "../corpus":
        assert [file.format.name for file in list_files(folder.parent)] == ["knowtator"]
        assert len(list(read_corpus(folder.parent / "corpus" / "7.txt"))) == 1


def test_a_text_that_is_not_found(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", SECOND)
    (folder / "7.txt").unlink()
    with pytest.raises(FormatError, match=r"its text '7\.txt' was found neither beside it nor in corpus"):
        list(read_corpus(folder))
    report = ReadReport()
    with pytest.raises(FormatError, match="no document is left"):
        list(read_corpus(folder, skip_invalid=True, report=report))
    assert report.left_out == {"annotation files without a text file": 1}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('end="8"', 'end="x"', r"the mention 'm1' has the spans \[\('0', 'x'\)\], expected whole numbers"),
        ('<class id="Drug group"/>', "", "the mention 'm2' has no class"),
        ('id="m2"', 'id="m1"', "two annotations have the id 'm1'"),
        ('annotation="m2"', 'annotation="m9"', "the relation 't1' refers to 'm9', which has no place in the text"),
        ('property="is a"', "", "the relation 't1' has no name"),
    ],
)
def test_a_broken_annotation_is_an_error_or_left_out_alone(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = written(tmp_path / "x", SECOND.replace(old, new))
    with pytest.raises(FormatError, match=message):
        list(read_corpus(folder))
    report = ReadReport()
    (record,) = read_corpus(folder, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert len(record.annotation.entities) >= 1
    assert report.left_out.total() >= 1


def test_a_wrong_mention(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", SECOND.replace(">Naloxone<", ">naloxone<"))
    with pytest.raises(OffsetError, match="the text of 'm1' is 'Naloxone', but the annotation says 'naloxone'"):
        list(read_corpus(folder))
    report = ReadReport()
    list(read_corpus(folder, skip_invalid=True, report=report))
    assert (report.invalid_count, report.mentions.total(), report.relations_left_out) == (1, 1, 1)
    reading = Reading(trust_offsets=True)
    (record,) = Knowtator().read(Source(folder / "7.txt.knowtator.xml"), reading)
    assert record.annotation is not None
    assert (len(record.annotation.entities), reading.report.trusted_count) == (2, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<annotations textSource="7.txt">', "not well-formed XML"),
        ('<!DOCTYPE a [<!ENTITY e "x">]><annotations textSource="7.txt">&e;</annotations>', "entities are refused"),
        ("<other/>", "found the root element <other>"),
    ],
)
def test_malformed_files(tmp_path: Path, content: str, message: str) -> None:
    folder = written(tmp_path / "x", content)
    with pytest.raises(FormatError, match=message):
        list(read_corpus(folder / "7.txt.knowtator.xml", format="knowtator"))
