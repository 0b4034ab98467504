"""What a file is told by: its content, however it is laid out; and no file of another program is taken for ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.detection import detect, list_files
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.io.json_head import json_head
from biorat_al.corpus.reading import read_corpus, write_corpus
from biorat_al.errors import FormatError
from tests.corpus.generators import json_values, maybe_annotated

TEXT = "Zalvorin calms Trexel syndrome."
REGION = {"id": "a", "type": "labels", "value": {"start": 0, "end": 8, "text": "Zalvorin", "labels": ["Chemical"]}}
TASK = {"id": 1, "data": {"text": TEXT}, "annotations": [{"id": 3, "result": [REGION]}]}
OWN = {
    "id": "1", "text": TEXT, "entities": [{"id": "T1", "label": "X", "spans": [[0, 8]], "text": "Zalvorin"}],
    "passages": [{"kind": "title", "start": 0, "end": 31}],
}  # fmt: skip

FOREIGN: dict[str, tuple[Any, str]] = {
    "doccano": ({"id": 1, "text": TEXT, "label": [[0, 8, "Chemical"]], "Comments": []}, "doccano's JSON Lines"),
    "doccano, labels": ({"id": 1, "text": TEXT, "labels": [[0, 8, "Chemical"]]}, "doccano's JSON Lines"),
    "doccano, relations": (
        {"id": "1", "text": TEXT, "relations": [],
         "entities": [{"id": 1, "label": "Chemical", "start_offset": 0, "end_offset": 8}]},
        "doccano's JSON Lines",
    ),
    "pubannotation": (
        {"text": TEXT, "sourcedb": "PubMed", "sourceid": "1",
         "denotations": [{"id": "T1", "span": {"begin": 0, "end": 8}, "obj": "Chemical"}]},
        "PubAnnotation's JSON",
    ),
    "prodigy": ({"text": TEXT, "_input_hash": 1, "_task_hash": 2, "spans": [], "answer": "accept"}, "Prodigy's"),
    "spacy": ({"text": TEXT, "ents": [{"start": 0, "end": 8, "label": "X"}], "tokens": []}, "spaCy's JSON"),
    "spacy 2": ([{"id": 0, "paragraphs": [{"raw": TEXT, "sentences": []}]}], "spaCy's JSON"),
    "spacy, tuples": ([[TEXT, {"entities": [[0, 8, "X"]]}]], "spaCy's training data"),
    "spacy, annotator": ({"classes": ["X"], "annotations": [[TEXT, {"entities": []}]]}, "spaCy's JSON"),
    "lighttag": ({"examples": [{"content": TEXT, "annotations": []}], "relations": []}, "LightTag's JSON"),
    "inception": ({"%TYPES": {}, "%FEATURE_STRUCTURES": []}, "UIMA CAS JSON"),
    "hub": ({"id": "0", "tokens": ["Zalvorin"], "ner_tags": [1]}, "a data set of the Hugging Face hub"),
    "bigbio": (
        {"id": "0", "document_id": "1", "passages": [{"id": "1", "type": "x", "text": [TEXT], "offsets": [[0, 31]]}],
         "entities": [], "events": [], "coreferences": [], "relations": []},
        "BigBio's kb schema as JSON",
    ),
    "esearch": ({"header": {}, "esearchresult": {"idlist": ["1"]}}, "PubMed's search"),
    "texts": ({"text": TEXT}, r"JSON, but not of any known format \(its objects have the keys 'text'\)"),
    "numbers": ([1, 2], "JSON, but not of any known format"),
    "json-min": (
        [{"id": 1, "text": TEXT, "label": [REGION["value"]], "annotator": 1, "annotation_id": 1, "lead_time": 9.1}],
        'Label Studio\'s JSON-MIN, .* export the project from Label Studio in the format called "JSON"',
    ),
    "completions": (
        [{"id": 1, "data": {"text": TEXT}, "completions": [{"id": 1, "result": [REGION]}]}],
        "Label Studio's JSON of before version 1.0, .* import it into a newer Label Studio",
    ),
}  # fmt: skip


def turned(value: Any) -> Any:
    """Return the value with the keys of every object in the reverse order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def layouts(value: Any) -> list[str]:
    """Return the value as different programs write it."""
    return [
        text
        for order in (value, turned(value))
        for text in (json.dumps(order), "\ufeff\n\n " + json.dumps(order), json.dumps(order, indent=4) + "\n")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt", "a.csv", "a"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_json_of_others_is_named_for_what_it_is(tmp_path: Path, kind: str, name: str) -> None:
    value, message = FOREIGN[kind]
    path = tmp_path / name
    for content in layouts(value):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(FormatError, match=message) as caught:
            read_corpus(path)
        assert str(caught.value).startswith(f"{path}: it is ")


@pytest.mark.parametrize("kind", ["doccano", "prodigy", "texts"])
def test_json_of_others_with_a_long_text_first(tmp_path: Path, kind: str) -> None:
    value, message = FOREIGN[kind]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "voles " * 3000} | value | {"text": "voles " * 3000}))
    with pytest.raises(FormatError, match=message):
        read_corpus(path)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("a list", [TASK, TASK]),
        ("an answer of the interface", {"total_annotations": 2, "total": 2, "tasks": [TASK, TASK]}),
        ("a page", {"count": 2, "next": None, "results": [TASK, TASK]}),
        ("one task", TASK),
    ],
)
def test_tasks_of_label_studio_in_every_shape(tmp_path: Path, name: str, shape: Any) -> None:
    path = tmp_path / "a.json"
    for content in layouts(shape):
        path.write_text(content, encoding="utf-8")
        found = detect(path).format
        assert found is not None
        assert found.name == "label-studio"
        report = ReadReport()
        records = list(read_corpus(path, report=report))
        assert (len(records), report.notes) == (1 if name == "one task" else 2, [])
        assert all(record.annotation and record.annotation.entities[0].label == "Chemical" for record in records)


def test_tasks_of_label_studio_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(TASK) + "\n" + json.dumps(TASK | {"id": 2}) + "\n")
    assert [record.document.id for record in read_corpus(path)] == ["1", "2"]


def test_one_page_of_many_tasks_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"tasks": [TASK], "total": 250}))
    report = ReadReport()
    assert len(list(read_corpus(path, report=report))) == 1
    assert report.notes == [
        f"{path} is one page of an answer, with 1 of 250 tasks; export the project as JSON to have all"
    ]


BIOC = {
    "id": "1", "infons": {"journal": "J Invented", "authors": ["Example, A"], "comment": "voles " * 400},
    "passages": [{"offset": 0, "infons": {"type": "title"}, "text": TEXT, "annotations": [], "relations": []}],
    "annotations": [], "relations": [],
}  # fmt: skip


@pytest.mark.parametrize(
    "shape",
    [
        {"source": "x", "date": "", "key": "", "infons": {"a": ["b"]}, "documents": [BIOC]},
        [{"source": "x", "infons": {}, "documents": [BIOC]}],
        {"PubTator3": [BIOC]},
        [BIOC],
        BIOC,
    ],
)
def test_bioc_json_with_its_keys_in_any_order(tmp_path: Path, shape: Any) -> None:
    path = tmp_path / "a.json"
    for content in layouts(shape):
        path.write_text(content, encoding="utf-8")
        found = detect(path).format
        assert found is not None
        assert found.name == "bioc-json"
        assert [record.document.text for record in read_corpus(path)] == [TEXT]


@pytest.mark.parametrize("long", [False, True])
def test_our_own_lines_with_their_keys_in_any_order(tmp_path: Path, long: bool) -> None:
    value = OWN | ({"text": TEXT + " Voles." * 2000} if long else {})
    path = tmp_path / "a.json"
    for order in (value, turned(value), {"text": value["text"]} | value):
        for before in ("", "\ufeff", "\n\n  "):
            path.write_text(before + json.dumps(order) + "\n", encoding="utf-8")
            found = detect(path).format
            assert found is not None
            assert found.name == "jsonl"
            assert [record.document.id for record in read_corpus(path)] == ["1"]


def test_our_own_documents_in_another_layout_are_told_how_to_be_laid_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([OWN, OWN]))
    with pytest.raises(FormatError, match=r"a list of documents as JSON Lines has them; write each of them on a line"):
        read_corpus(path)
    path.write_text(json.dumps(OWN, indent=2))
    with pytest.raises(
        FormatError, match=r"a\.json:1: the value goes over several lines; JSON Lines has one whole obj"
    ):
        list(read_corpus(path))


def test_a_misspelt_key_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(json.dumps({"id": "1", "text": TEXT, "entites": []}))
    with pytest.raises(FormatError, match=r"a\.txt:1, document 1: found the unknown key 'entites'"):
        list(read_corpus(tmp_path / "a.txt"))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("<?xml version='1.0'?>\n<!DOCTYPE article SYSTEM 'x'><article><front/></article>", "it is JATS XML"),
        ("<eSearchResult><IdList/></eSearchResult>", "it holds identifiers alone"),
        ("<!DOCTYPE html>\n<html><body>x</body></html>", "it is a web page"),
        ("<?xml version='1.0'?><xmi:XMI xmlns:xmi='x'/>", "it is UIMA XMI"),
        ("TY  - JOUR\nTI  - Voles\nER  - \n", "it is RIS"),
        ("@article{voles2024,\n title={Voles}}\n", "it is BibTeX"),
    ],
)
@pytest.mark.parametrize("name", ["a.xml", "a.txt", "a.ris"])
def test_other_files_of_libraries_and_tools(tmp_path: Path, name: str, head: str, message: str) -> None:
    (tmp_path / name).write_text(head)
    with pytest.raises(FormatError, match=message):
        read_corpus(tmp_path / name)


def test_a_folder_with_files_of_others_alone_says_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(json.dumps(FOREIGN["doccano"][0]))
    with pytest.raises(FormatError, match=r"no file of any known format .*; b\.jsonl: it is doccano's JSON Lines"):
        read_corpus(tmp_path)


def test_in_a_folder_files_of_others_are_named_as_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(OWN))
    (tmp_path / "b.jsonl").write_text(json.dumps(FOREIGN["doccano"][0]))
    report = ReadReport()
    assert len(list(read_corpus(tmp_path, report=report))) == 1
    assert [(skipped.path.name, skipped.reason[:27]) for skipped in report.skipped] == [
        ("b.jsonl", "it is doccano's JSON Lines,")
    ]


@settings(deadline=None, max_examples=50)
@given(value=json_values.filter(lambda value: isinstance(value, (dict, list))), data=st.data())
def test_the_beginning_of_a_value_is_known_wherever_it_is_cut(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    assert json_head(" \n" + text) == value
    cut = json_head(text[: data.draw(st.integers(1, len(text)))])
    assert isinstance(cut, type(value))
    if isinstance(value, dict):
        assert [key for key in cut if isinstance(key, str)] == list(value)[
            : len([k for k in cut if isinstance(k, str)])
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jsonl", "label-studio", "bigbio"])
@settings(deadline=None, max_examples=25)
@given(record=maybe_annotated())
def test_what_is_written_is_told_without_its_name(
    name: str, record: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("told") / "corpus"
    write_corpus(path, [record], format=name)
    assert {file.format.name for file in list_files(path)} == {name}


REFERENCES = [
    ("%0 Journal Article\n%T Zalvorin\n", "EndNote's tagged format"),
    ("Provider: A server\nContent: text/plain\n\nTY  - JOUR\nTI  - Zalvorin\n", "RIS"),
    ("FN Somebody\nVR 1.0\nPT J\nAU Example, A\n", "the tagged format of the Web of Science"),
    ("Record #1 of 2\nID: 7\nTI: Zalvorin\n", "a list of references of Cochrane or Ovid"),
    ("<?xml version='1.0'?><responseWrapper><resultList/></responseWrapper>", "an answer of Europe PMC"),
    ("%PDF-1.4\n", "PDF"),
    ("PK\x03\x04abc", "a ZIP archive (or a document of Word or Excel)"),
    ("{\\rtf1\\ansi Zalvorin}", "RTF"),
    ("token\tner\nZalvorin\tB-Chemical\ncalms\tO\n", "a table of tokens with their tags"),
    ("Sentence #,Word,POS,Tag\n1,Zalvorin,NN,B-Chemical\n,calms,VB,O\n", "a table of tokens with their tags"),
]


@pytest.mark.parametrize(("content", "title"), REFERENCES, ids=[title for _, title in REFERENCES])
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.xml"])
def test_references_and_tokens_do_not_become_documents(tmp_path: Path, content: str, title: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        list(read_corpus(path))
    assert f": it is {title}" in str(caught.value)


@pytest.mark.parametrize("name", ["a.txt", "a.png"])
@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"GIF89a\x01\0\x01\0", b"II*\0\x08\0"],
)
def test_a_picture_is_called_one(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError, match="it is a picture, which is not one of the known formats"):
        list(read_corpus(path))


@pytest.mark.parametrize("text", ["[1] A reference.", "[7, 8] were first.", '["Zalvorin" is a name.', "{Zalvorin} is."])
def test_a_text_that_begins_as_json_does_is_a_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "note.txt").write_text(text)
    (record,) = read_corpus(tmp_path / "note.txt")
    assert record.document.text == text


def test_pubtator_below_a_line_of_something_else_is_not_read_as_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("[Warning] 1 of 2 found\n7|t|Zalvorin.\n7|a|It calms.\n7\t0\t8\tZalvorin\tChemical\tD1\n")
    with pytest.raises(FormatError, match="from line 2 on it looks like PubTator"):
        list(read_corpus(path))
    assert len(list(read_corpus(path, split="none"))) == 1


def test_a_table_of_documents_may_have_a_column_called_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,words\nZalvorin calms.,yes,2\n")
    (record,) = read_corpus(tmp_path / "a.csv")
    assert record.document.text == "Zalvorin calms."
