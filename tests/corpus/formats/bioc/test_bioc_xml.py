from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.model.document import (
    Annotation,
    Concept,
    ConceptRelation,
    Document,
    Entity,
    Passage,
    Record,
    Relation,
    Span,
)
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import FormatError, OffsetError

HEAD = "<?xml version='1.0' encoding='UTF-8'?><!DOCTYPE collection SYSTEM 'BioC.dtd'>\n"
TITLE = """<passage><infon key="type">title</infon><offset>0</offset><text>Ocular and auditory toxicity.</text>
<annotation id="0"><infon key="type">Disease</infon><infon key="MESH">D014786|D006311</infon>
<infon key="CompositeRole">CompositeMention</infon><location offset="0" length="28"/>
<text>Ocular and auditory toxicity</text></annotation>
<annotation id="1"><infon key="type">Disease</infon><infon key="MESH">D014786</infon>
<location offset="0" length="6"/><location offset="20" length="8"/><text>Ocular toxicity</text></annotation>
</passage>"""
ABSTRACT = """<passage><infon key="type">abstract</infon><offset>33</offset><text>By lead.</text>
<annotation id="2"><infon key="type">Chemical</infon><infon key="MESH">-1</infon>
<location offset="36" length="4"/><text>lead</text></annotation></passage>"""


def annotation(infons: str = '<infon key="type">X</infon>', places: str = "0 6", text: str = "Ocular") -> str:
    pairs = [place.split() for place in places.split(",")] if places else []
    located = "".join(f'<location offset="{offset}" length="{length}"/>' for offset, length in pairs)
    return f'<annotation id="9">{infons}{located}<text>{text}</text></annotation>'


def document(content: str, ident: str = "1") -> str:
    return f"<document><id>{ident}</id>{content}</document>"


def written(tmp_path: Path, *documents: str, head: str = HEAD) -> Path:
    path = tmp_path / "corpus.xml"
    content = f"{head}<collection><source>s</source><date>d</date><key>k</key>\n" + "\n".join(documents)
    path.write_bytes((content + "\n</collection>\n").encode())
    return path


def read_one(tmp_path: Path, content: str) -> Record:
    (record,) = read_corpus(written(tmp_path, document(content)))
    return record


def test_a_document(tmp_path: Path) -> None:
    relation = (
        '<relation id="R0"><infon key="relation">CID</infon><infon key="Chemical">D1</infon>'
        '<infon key="Disease">D2</infon></relation>'
    )
    record = read_one(tmp_path, ABSTRACT + TITLE + relation)
    assert record.document == Document(
        "1",
        "Ocular and auditory toxicity.    By lead.",
        (Passage("title", 0, 29), Passage("abstract", 33, 41)),
    )
    assert record.annotation == Annotation(
        (
            Entity("2", "Chemical", (Span(36, 40),)),
            Entity(
                "0",
                "Disease",
                (Span(0, 28),),
                (Concept("MESH", "D014786"), Concept("MESH", "D006311")),
                extras={"CompositeRole": "CompositeMention"},
            ),
            Entity("1", "Disease", (Span(0, 6), Span(20, 28)), (Concept("MESH", "D014786"),)),
        ),
        (),
        (ConceptRelation("CID", "D1", "D2"),),
    )
    assert record.source.endswith("corpus.xml:3")


def test_relations_between_mentions(tmp_path: Path) -> None:
    nodes = '<node refid="2" role="cause"/><node refid="1" role="effect"/>'
    record = read_one(
        tmp_path,
        TITLE + ABSTRACT + f'<relation id="R0"><infon key="type">CID</infon><infon key="n">3</infon>{nodes}</relation>',
    )
    assert record.annotation is not None
    assert record.annotation.relations == (
        Relation("R0", "CID", "2", "1", extras={"n": "3", "roles": ["cause", "effect"]}),
    )


def test_relations_of_other_shapes_are_kept(tmp_path: Path) -> None:
    relations = (
        '<relation id="R0"><infon key="type">CID</infon><node refid="2" role="a"/><node refid="1" role="b"/></relation>'
        '<relation id="R1"><infon key="type">of</infon><node refid="R0" role="a"/><node refid="1" role="b"/></relation>'
        '<relation id="R2"><infon key="type">three</infon><infon key="a">D1</infon></relation>'
    )
    record = read_one(tmp_path, TITLE + ABSTRACT + relations)
    assert record.annotation is not None
    assert [relation.id for relation in record.annotation.relations] == ["R0"]
    assert record.annotation.extras == {
        "relations": [
            {
                "id": "R1",
                "infons": {"type": "of"},
                "nodes": [{"refid": "R0", "role": "a"}, {"refid": "1", "role": "b"}],
            },
            {"id": "R2", "infons": {"type": "three", "a": "D1"}, "nodes": []},
        ]
    }


def test_annotations_of_the_whole_document_are_kept(tmp_path: Path) -> None:
    record = read_one(tmp_path, TITLE + annotation(places="", text="rats"))
    assert record.annotation is not None
    assert len(record.annotation.entities) == 2
    assert record.annotation.extras == {"unlocated": [{"id": "9", "infons": {"type": "X"}, "text": "rats"}]}


def test_sentences_make_the_text_of_their_passage(tmp_path: Path) -> None:
    sentences = (
        "<passage><infon key='type'>abstract</infon><infon key='section'>S</infon><offset>2</offset>"
        "<sentence><offset>2</offset><text>One.</text></sentence>"
        "<sentence><offset>8</offset><text>Two.</text>"
        "<annotation id='1'><infon key='type'>N</infon><location offset='8' length='3'/><text>Two</text></annotation>"
        "</sentence></passage>"
    )
    record = read_one(tmp_path, "<infon key='year'>1990</infon>" + sentences)
    assert record.document == Document(
        "1",
        "  One.  Two.",
        (Passage("abstract", 2, 12),),
        {"year": "1990", "passage_infons": [{"section": "S"}], "sentences": [[2, 6], [8, 12]]},
    )
    assert record.annotation == Annotation((Entity("1", "N", (Span(8, 11),)),))


@pytest.mark.parametrize(
    ("infons", "concepts", "extras"),
    [
        ({"type": "Gene", "identifier": "5743"}, [("NCBI Gene", "5743")], {}),
        ({"type": "Chemical", "identifier": "MESH:D1"}, [("MESH", "D1")], {}),
        ({"type": "X", "OMIM": "106210"}, [("OMIM", "106210")], {}),
        ({"type": "X", "MESH": "D1+D2"}, [("MESH", "D1"), ("MESH", "D2")], {"MESH": "D1+D2"}),
        ({"type": "X", "MESH": "D1|OMIM:2"}, [("MESH", "D1"), ("OMIM", "2")], {}),
        ({"type": "X", "note": "D1"}, [], {"note": "D1"}),
    ],
)
def test_infons_that_name_concepts(
    tmp_path: Path, infons: dict[str, str], concepts: list[tuple[str, str]], extras: dict[str, str]
) -> None:
    record = read_one(
        tmp_path,
        TITLE + annotation("".join(f'<infon key="{key}">{value}</infon>' for key, value in infons.items())),
    )
    assert record.annotation is not None
    entity = record.annotation.entities[-1]
    assert entity.concepts == tuple(Concept(*concept) for concept in concepts)
    assert entity.extras == extras


def test_entities_of_xml_itself_and_comments_are_read(tmp_path: Path) -> None:
    passage = (
        "<passage><offset>0</offset><text>a &lt;b&gt; &amp;<!-- no --> &#x1D6FC;<![CDATA[<c>]]>&#13;</text></passage>"
    )
    record = read_one(tmp_path, passage)
    assert record.document.text == "a <b> & 𝛼<c>\r"
    assert record.document.passages == (Passage("passage", 0, 13),)


def test_a_document_without_annotations_among_others_was_looked_at(tmp_path: Path) -> None:
    bare = "<passage><offset>0</offset><text>bare</text></passage>"
    first, second, third = read_corpus(written(tmp_path, document(bare), document(TITLE, "2"), document(bare, "3")))
    assert first.annotation == third.annotation == Annotation()
    assert second.annotation is not None
    (alone,) = read_corpus(written(tmp_path, document(bare)))
    assert alone.annotation is None


@pytest.mark.parametrize(
    ("added", "found", "expected"),
    [
        (annotation(places="0 5"), "Ocula", "Ocular"),
        (annotation(places="0 6,20 7", text="Ocular toxicity"), "Ocular toxicit", "Ocular toxicity"),
        (annotation(places="0 999"), None, None),
        (annotation(places="0 0"), None, None),
    ],
)
def test_a_mention_that_does_not_fit_its_offsets(
    tmp_path: Path, added: str, found: str | None, expected: str | None
) -> None:
    relation = (
        '<relation id="R{0}"><infon key="type">r</infon><node refid="{1}" role=""/><node refid="1" role=""/></relation>'
    )
    three = relation.format(2, 9).replace("</relation>", '<node refid="0" role=""/></relation>')
    path = written(tmp_path, document(TITLE + "\n\n" + added + relation.format(0, 9) + relation.format(1, 0) + three))
    with pytest.raises(OffsetError) as caught:
        list(read_corpus(path))
    error = caught.value
    assert (error.source, error.document, error.found, error.expected) == (f"{path}:11", "1", found, expected)
    report = ReadReport()
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [entity.id for entity in record.annotation.entities] == ["0", "1"]
    assert [kept.id for kept in record.annotation.relations] == ["R1"]
    assert record.annotation.extras == {}
    assert (report.invalid_count, report.relations_left_out) == (1, 2)


BROKEN_DOCUMENTS = [
    ("<document>" + TITLE + "</document>", "found a document without the element id"),
    (document(TITLE, " "), "the document's id is empty"),
    (document("<passage><text>a</text></passage>"), "found a passage without the element offset"),
    (
        document("<passage><offset>x</offset><text>a</text></passage>"),
        "found the offset 'x', expected a whole number",
    ),
    (document("<passage><offset>-1</offset><text>a</text></passage>"), "found the offset '-1'"),
    (document(TITLE + TITLE.replace('"0"', '"5"', 1)), "begins before 29"),
    (document("<passage><offset>9999999999</offset><text>a</text></passage>"), "that cannot be right"),
    (
        document("<passage><infon>x</infon><offset>0</offset><text>a</text></passage>"),
        "an infon has no key",
    ),
]
BROKEN_ITEMS = [
    (document(TITLE + annotation("")), "the annotation '9' has no infon 'type'"),
    (document(TITLE + annotation() * 2), "two annotations have the id '9'"),
    (document(TITLE + annotation(places="0 x")), "found the length 'x', expected a whole number"),
    (document(TITLE + annotation("<infon>x</infon>")), "an infon has no key"),
    (
        document(TITLE + annotation().replace("<text>Ocular</text>", "")),
        "found an annotation without the element text",
    ),
    (
        document(
            TITLE
            + '<relation id="R0"><infon key="type">r</infon><node refid="1" role=""/>'
            + '<node refid="7" role=""/></relation>'
        ),
        "the relation 'R0' refers to the annotation '7', which is not there",
    ),
    (document(TITLE + '<relation id="R0"/><relation id="R0"/>'), "two relations have the id 'R0'"),
]


@pytest.mark.parametrize(("content", "message"), [*BROKEN_DOCUMENTS, *BROKEN_ITEMS])
def test_documents_that_are_not_as_they_must_be(tmp_path: Path, content: str, message: str) -> None:
    path = written(tmp_path, document(TITLE, "0"), content)
    records = read_corpus(path, format="bioc-xml")
    assert next(records).document.id == "0"
    with pytest.raises(FormatError) as caught:
        next(records)
    assert message in str(caught.value)
    source = caught.value.source
    assert source is not None
    assert int(source.removeprefix(f"{path}:")) >= 10


@pytest.mark.parametrize(("content", "message"), BROKEN_DOCUMENTS)
def test_one_broken_document_does_not_cost_the_file(tmp_path: Path, content: str, message: str) -> None:
    path = written(tmp_path, document(TITLE, "0"), content, document(TITLE, "2"))
    report = ReadReport()
    records = list(read_corpus(path, format="bioc-xml", skip_invalid=True, report=report))
    assert [record.document.id for record in records] == ["0", "2"]
    assert report.left_out == {"documents that cannot be read": 1}
    assert message in report.faults[0][1]


@pytest.mark.parametrize(("content", "message"), BROKEN_ITEMS)
def test_one_broken_annotation_or_relation_does_not_cost_the_document(
    tmp_path: Path, content: str, message: str
) -> None:
    report = ReadReport()
    (record,) = read_corpus(written(tmp_path, content), format="bioc-xml", skip_invalid=True, report=report)
    assert record.annotation is not None
    assert {entity.id for entity in record.annotation.entities} >= {"0", "1"}
    assert report.left_out.total() == 1
    assert message in report.faults[0][1]


def test_relations_go_with_what_they_refer_to(tmp_path: Path) -> None:
    relations = "".join(
        f'<relation id="{ident}"><infon key="type">r</infon><node refid="{head}" role=""/>'
        f'<node refid="{tail}" role=""/></relation>'
        for ident, head, tail in [
            ("R0", "9", "0"),
            ("R1", "R0", "1"),
            ("R2", "R3", "0"),
            ("R3", "8", "0"),
            ("R4", "0", "1"),
        ]
    )
    report = ReadReport()
    path = written(tmp_path, document(TITLE + annotation("") + relations))
    (record,) = read_corpus(path, skip_invalid=True, report=report)
    assert record.annotation is not None
    assert [relation.id for relation in record.annotation.relations] == ["R4"]
    assert record.annotation.extras == {}
    assert report.left_out == {
        "annotations that are not complete": 1,
        "relations to annotations that are not there": 1,
    }
    assert report.relations_left_out == 3


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("<collection><document></collection>", 1, "not well-formed XML at column 25: mismatched tag"),
        ("<collection>\n<document><id>1</id>", 2, "not well-formed XML"),
        ("<other/>", 1, "found the root element <other>, expected <collection>"),
        ("<collection>\n&foo;</collection>", 2, "undefined entity"),
        ("<!DOCTYPE collection SYSTEM 'BioC.dtd'>\n<collection>&foo;</collection>", 2, "undefined entity"),
        ("plain words", 1, "not well-formed XML at column 1: syntax error"),
    ],
)
def test_xml_that_is_malformed_or_of_another_kind(tmp_path: Path, content: str, line: int, message: str) -> None:
    path = tmp_path / "bad.xml"
    path.write_text(content)
    with pytest.raises(FormatError) as caught:
        list(read_corpus(path, format="bioc-xml"))
    assert message in str(caught.value)
    assert caught.value.source == f"{path}:{line}"


def test_bytes_and_encodings_other_than_utf8(tmp_path: Path) -> None:
    path = tmp_path / "bad.xml"
    path.write_bytes(b"<collection>\xe9</collection>")
    with pytest.raises(FormatError, match=r"byte 12 \(0xe9\) is not UTF-8"):
        list(read_corpus(path))
    path.write_bytes(b"<?xml version='1.0' encoding='ISO-8859-1'?><collection>\xe9</collection>")
    with pytest.raises(FormatError, match="declares the encoding 'ISO-8859-1', expected UTF-8"):
        list(read_corpus(path))


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


@pytest.mark.parametrize(
    ("declared", "used", "named"),
    [
        (LAUGHS, "&l9;", "'l0'"),
        ('<!ENTITY big "' + "a" * 50_000 + '">', "&big;" * 1000, "'big'"),
        ('<!ENTITY secret SYSTEM "file:///etc/passwd">', "&secret;", "file:///etc/passwd"),
        ('<!ENTITY secret PUBLIC "p" "http://127.0.0.1:9/x">', "&secret;", "http://127.0.0.1:9/x"),
        ('<!ENTITY % more SYSTEM "file:///etc/passwd"> %more;', "", "file:///etc/passwd"),
        ('<!NOTATION n SYSTEM "x"><!ENTITY picture SYSTEM "file:///etc/passwd" NDATA n>', "", "file:///etc/passwd"),
    ],
)
def test_entities_are_refused(tmp_path: Path, declared: str, used: str, named: str) -> None:
    head = f"<?xml version='1.0'?>\n<!DOCTYPE collection [{declared}]>\n"
    content = f"<passage><offset>0</offset><text>{used}</text></passage>"
    with pytest.raises(FormatError, match="entities are refused") as caught:
        list(read_corpus(written(tmp_path, document(content), head=head)))
    assert named in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert "root:" not in str(caught.value)


def test_an_external_dtd_is_not_loaded(tmp_path: Path) -> None:
    # if it were read, its default for the attribute would give the location a length
    (tmp_path / "BioC.dtd").write_text('<!ATTLIST location length CDATA "6">')
    dtd = (tmp_path / "BioC.dtd").as_uri()
    head = f"<?xml version='1.0'?><!DOCTYPE collection SYSTEM '{dtd}'>\n"
    content = TITLE + annotation().replace(' length="6"', "")
    with pytest.raises(FormatError, match="found the length '', expected a whole number"):
        list(read_corpus(written(tmp_path, document(content), head=head)))


# the characters that XML can carry, without the carriage return, which XML itself makes a line feed of
xml_texts = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
        st.sampled_from("\t\n\x85𝛼<&>\"' "),
    ),
    max_size=30,
)


@pytest.mark.slow
@settings(deadline=None)
@given(data=st.data())
def test_whatever_was_rendered_is_read_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.tuples(xml_texts, st.integers(0, 3)), min_size=1, max_size=4))
    text, passages, content = "", [], ""
    for piece, gap in pieces:
        text += " " * gap
        passages.append(Passage("p", len(text), len(text) + len(piece)))
        content += (
            f"<passage><infon key='type'>p</infon><offset>{len(text)}</offset><text>{escape(piece)}</text></passage>"
        )
        text += piece
    entities = []
    for number in range(data.draw(st.integers(0, 3)) if text else 0):
        spans = []
        for _ in range(data.draw(st.integers(1, 3))):
            start = data.draw(st.integers(0, len(text) - 1))
            spans.append(Span(start, data.draw(st.integers(start + 1, len(text)))))
        entity = Entity(str(number), data.draw(st.sampled_from(["A", "B & <C>"])), tuple(spans))
        places = "".join(f"<location offset='{start}' length='{end - start}'/>" for start, end in spans)
        content += (
            f"<annotation id={quoteattr(entity.id)}><infon key='type'>{escape(entity.label)}</infon>{places}"
            f"<text>{escape(entity.surface(text))}</text></annotation>"
        )
        entities.append(entity)
    path = written(tmp_path_factory.mktemp("bioc"), document(content))
    (record,) = read_corpus(path)
    assert record.document == Document("1", text, tuple(passages))
    assert record.annotation == (Annotation(tuple(entities)) if entities else None)
