from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.corpus.detection import detect, list_files
from biorat_al.corpus.formats import base
from biorat_al.corpus.formats.base import ReadReport
from biorat_al.corpus.formats.registry import FORMATS, format_named
from biorat_al.corpus.model.checks import check_annotation, check_document
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import CorpusError, FormatError, OffsetError, UsageError

PUBTATOR = "1|t|Naloxone in rats.\n1|a|It works.\n1\t0\t8\tNaloxone\tChemical\tD009270\n"
JSONL = json.dumps({"id": "1", "text": "Naloxone in rats. It works.", "entities": []}) + "\n"
BIOC = (
    "<?xml version='1.0'?><!DOCTYPE collection SYSTEM 'BioC.dtd'><collection><document><id>1</id><passage>"
    "<offset>0</offset><text>Naloxone in rats. It works.</text></passage></document></collection>"
)
CONTENTS = {"pubtator": PUBTATOR, "jsonl": JSONL, "bioc-xml": BIOC}


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", ["corpus", "corpus.txt", "corpus.dat", "corpus.xml", "corpus.jsonl"])
@pytest.mark.parametrize("kind", CONTENTS)
def test_the_content_tells_the_format(tmp_path: Path, kind: str, name: str, mark: str, pack: bool) -> None:
    content = (mark + CONTENTS[kind]).encode()
    path = tmp_path / (name + ".gz" if pack else name)
    path.write_bytes(gzip.compress(content) if pack else content)
    found = detect(path).format
    assert found is not None
    assert found.name == kind
    (record,) = read_corpus(path)
    assert record.document.text == "Naloxone in rats. It works."


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "plain-text"),
        ("a.TXT.GZ", "plain-text"),
        ("a.xml", "bioc-xml"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("a.pubtator", "pubtator"),
        ("a.pubtator.txt", "pubtator"),
        ("a.md", None),
        ("a", None),
    ],
)
def test_where_the_content_says_nothing_the_name_does(tmp_path: Path, name: str, kind: str | None) -> None:
    path = tmp_path / name
    content = b"Words about {things} | and so on."
    path.write_bytes(gzip.compress(content) if name.endswith("GZ") else content)
    found = detect(path).format
    assert (found.name if found else None) == kind


@pytest.mark.parametrize("head", ["", "word", "{}", '{"a": 1}', "<html>", "<?xml version='1.0'?><document/>", "a|b|c"])
def test_no_format_claims_what_is_not_certainly_its_own(head: str) -> None:
    assert [known.name for known in FORMATS if known.detects(head)] == []


def test_a_format_of_another_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown format 'word'; known are bioc-json, jsonl, pubtator, bioc-xml, "):
        read_corpus(tmp_path, format="word")
    with pytest.raises(UsageError):
        format_named("")


@pytest.mark.parametrize("asked", CONTENTS)
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_file_of_another_format_than_was_asked_for(tmp_path: Path, kind: str, asked: str) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(CONTENTS[kind])
    if kind == asked:
        assert len(list(read_corpus(path, format=asked))) == 1
        return
    with pytest.raises(FormatError) as caught:
        read_corpus(path, format=asked)
    assert str(caught.value) == f"{path}: the file is {format_named(kind).title}, expected {format_named(asked).title}"


def test_what_is_missing_or_cannot_be_told(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path / "absent"):
        with pytest.raises(CorpusError, match="there is no such file or folder"):
            read_corpus(path)
        with pytest.raises(CorpusError, match="there is no such file or folder"):
            read_corpus(path, format="plain-text")
    with pytest.raises(FormatError, match="the folder holds no file of any known format"):
        read_corpus(tmp_path)
    (tmp_path / "words.md").write_text("words")
    with pytest.raises(
        FormatError,
        match="its format cannot be recognised from its content or its name; name it with --format: bioc-json",
    ):
        read_corpus(tmp_path / "words.md")
    with pytest.raises(FormatError, match="the folder holds no file of any known format"):
        read_corpus(tmp_path)
    with pytest.raises(UsageError, match="no file or folder to read"):
        read_corpus([])


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.xml", "a.pubtator", "a", "a.jsonl.gz"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    with pytest.raises(FormatError, match="the file is empty"):
        list(read_corpus(path))


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", "\n \n"), ("a.pubtator", "\n\n"), ("a.xml", "<collection></collection>")]
)
def test_a_file_without_a_document(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(FormatError, match="the file holds no document"):
        list(read_corpus(tmp_path / name))


def test_a_folder_of_several_formats_needs_to_be_told_which(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PUBTATOR)
    (tmp_path / "b.xml").write_text(BIOC)
    (tmp_path / "READ_ME.txt").write_text("About it.")
    with pytest.raises(FormatError, match=r"several formats \(1 bioc-xml, 1 plain-text, 1 pubtator\)"):
        read_corpus(tmp_path)
    report = ReadReport()
    (record,) = read_corpus(tmp_path, format="pubtator", report=report)
    assert record.source == f"{tmp_path / 'a.txt'}:1"
    assert [(skipped.path.name, skipped.reason) for skipped in report.skipped] == [
        ("READ_ME.txt", "plain text, not PubTator"),
        ("b.xml", "BioC XML, not PubTator"),
    ]


def test_skipped_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(JSONL)
    (tmp_path / ".hidden.jsonl").write_text(JSONL)
    (tmp_path / "figure.png").write_bytes(b"\x89PNG")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "absent")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "b.jsonl").write_text(JSONL)
    os.mkfifo(tmp_path / "pipe.txt")
    report = ReadReport()
    assert len(list(read_corpus(tmp_path, report=report))) == 1
    assert [(skipped.path.name, skipped.reason) for skipped in report.skipped] == [
        (".hidden.jsonl", "hidden"),
        ("figure.png", "its format cannot be recognised from its content or its name"),
        ("gone.jsonl", "not a file that can be read"),
        ("pipe.txt", "not a file that can be read"),
    ]
    assert report.skipped_count == 4


def test_a_report_names_some_and_counts_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "KEPT", 3)
    (tmp_path / "a.pubtator").write_text(PUBTATOR + "1\t0\t7\tNaloxone\tChemical\tD1\n" * 5)
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(b"\x89PNG")
    report = ReadReport()
    list(read_corpus(tmp_path, skip_invalid=True, report=report))
    assert (len(report.invalid), report.invalid_count) == (3, 5)
    assert (len(report.skipped), report.skipped_count) == (3, 4)
    assert report.mentions == {"Chemical": 1}


def test_several_paths_are_read_in_their_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.jsonl").write_text(JSONL.replace('"1"', f'"{name}"'))
    (tmp_path / "c.txt").write_text(PUBTATOR)
    paths = [tmp_path / "c.txt", str(tmp_path / "b.jsonl"), tmp_path / "a.jsonl"]
    report = ReadReport()
    assert [record.document.id for record in read_corpus(paths, report=report)] == ["1", "b", "a"]
    assert (report.files, report.documents, report.annotated) == (3, 3, 3)


def test_the_bytes_add_up(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(JSONL * 1000)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(JSONL.encode() * 1000))
    (tmp_path / "c.png").write_bytes(b"\x89PNG" * 1000)
    seen: list[int] = []
    assert len(list(read_corpus(tmp_path, on_bytes=seen.append))) == 2000
    total = (tmp_path / "a.jsonl").stat().st_size + (tmp_path / "b.jsonl.gz").stat().st_size
    assert sum(seen) == list_files(tmp_path).size == total
    assert [file.path.name for file in list_files(tmp_path)] == ["a.jsonl", "b.jsonl.gz"]


def test_what_a_format_lets_through_is_checked_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text(JSONL)

    def careless(source: object, reading: object) -> Iterator[Record]:
        (record,) = read_corpus(tmp_path / "b.txt")
        assert record.annotation is not None
        entity = record.annotation.entities[0]
        yield Record(record.document, type(record.annotation)((entity, entity)), "here:1")

    (tmp_path / "b.txt").write_text(PUBTATOR)
    monkeypatch.setattr(format_named("jsonl"), "read", careless)
    with pytest.raises(FormatError, match="here:1, document 1: two entities have the id 'T1'"):
        list(read_corpus(tmp_path / "a.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_record_is_read_only_when_it_is_asked_for(tmp_path: Path, kind: str, pack: bool) -> None:
    if kind == "bioc-xml":
        one = BIOC[BIOC.index("<document>") : BIOC.index("</collection>")]
        annotation = (
            "<annotation><infon key='type'>X</infon><location offset='0' length='1'/><text>N</text></annotation>"
        )
        content = "<collection>" + one.replace("</passage>", annotation + "</passage>") * 20_000 + "<broken"
    else:
        content = (CONTENTS[kind] + "\n") * 20_000 + "broken"
    path = tmp_path / "corpus"
    path.write_bytes(gzip.compress(content.encode()) if pack else content.encode())
    seen: list[int] = []
    records = read_corpus(path, on_bytes=seen.append)
    assert sum(seen) == 0
    next(records)
    if not pack:
        assert 0 < sum(seen) < path.stat().st_size / 3
    for _ in range(9_999):
        next(records)
    with pytest.raises(FormatError):
        list(records)


PEAK = """
import sys, resource
from biorat_al.corpus.reading import read_corpus
first = None
for number, record in enumerate(read_corpus(sys.argv[1]), start=1):
    if number == 2000:
        first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(number, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - first)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONTENTS)
def test_memory_stays_flat(tmp_path: Path, kind: str) -> None:
    long = CONTENTS[kind].replace("It works.", "It works. " + "word " * 400)
    if kind == "bioc-xml":
        one = long[long.index("<document>") : long.index("</collection>")]
        content = "<collection>" + one * 20_000 + "</collection>"
    else:
        content = (long + "\n") * 20_000
    path = tmp_path / "corpus"
    path.write_text(content)
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    number, grown = (int(value) for value in done.stdout.split())
    assert number == 20_000
    # the file has 40 MB; in kilobytes, what was needed after the first tenth beyond what was needed for it
    assert grown < 4_000


def test_offset_errors_come_when_their_record_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(PUBTATOR + "\n" + PUBTATOR.replace("\t8\t", "\t7\t"))
    records = read_corpus(path)
    assert next(records).document.id == "1"
    with pytest.raises(OffsetError):
        next(records)


@pytest.mark.slow
def test_importing_is_light() -> None:
    program = (
        "import sys, biorat_al.corpus.reading, biorat_al.corpus.formats.bigbio.writing;"
        "print([name for name in ('torch', 'datasets', 'pyarrow', 'jinja2', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


BIOC_JSON = json.dumps(
    {
        "infons": {},
        "documents": [
            {
                "id": "1",
                "infons": {},
                "passages": [
                    {
                        "offset": 0,
                        "infons": {"type": "title"},
                        "text": "Naloxone works.",
                        "annotations": [
                            {
                                "id": "1",
                                "infons": {"type": "X"},
                                "text": "Naloxone",
                                "locations": [{"offset": 0, "length": 8}],
                            }
                        ],
                        "relations": [{"id": "R", "infons": {"type": "x"}, "nodes": [{"refid": "1", "role": ""}]}],
                    }
                ],
            }
        ],
    }
)
DDI = (
    '<document id="d"><sentence id="s" text="Naloxone and it."><entity id="e0" charOffset="0-7" type="drug" '
    'text="Naloxone"/><entity id="e1" charOffset="13-14" type="drug" text="it"/><pair id="p" e1="e0" e2="e1" '
    'ddi="true" type="effect"/></sentence></document>'
)
CONLL = "-DOCSTART-\t1\n\nNaloxone\tB-X\nworks\tO\n\n"
LABEL_STUDIO = json.dumps(
    [
        {
            "id": 1,
            "annotations": [
                {
                    "result": [
                        {"id": "a", "type": "labels", "value": {"start": 0, "end": 8, "labels": ["X"]}},
                        {"type": "relation", "from_id": "a", "to_id": "a", "labels": ["x"]},
                    ]
                }
            ],
            "data": {"text": "Naloxone works."},
        }
    ]
)
MORE = [BIOC_JSON, DDI, CONLL, LABEL_STUDIO]
SEEDS = [content.encode() for content in [*CONTENTS.values(), *MORE]] + [gzip.compress(PUBTATOR.encode(), mtime=0)]
PIECES = [
    b"\t",
    b"|",
    b"\n",
    b"\n\n",
    b"<",
    b"</document>",
    b"{",
    b"}",
    b'"',
    b"[",
    b",",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0",
    b"9",
    b"-",
    b" ",
]


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(PIECES), st.binary(max_size=3))),
        max_size=4,
    ),
    format=st.sampled_from([None, None, None, *(known.name for known in FORMATS)]),
    skip_invalid=st.booleans(),
)
def test_damaged_files_give_sound_records_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory,
    seed: bytes,
    edits: list[tuple[float, int, bytes]],
    format: str | None,
    skip_invalid: bool,
) -> None:
    for where, cut, put in edits:
        place = int(where * len(seed))
        seed = seed[:place] + put + seed[place + cut :]
    path = tmp_path_factory.mktemp("damaged") / "corpus.txt"
    path.write_bytes(seed)
    message = None
    try:
        for record in read_corpus(path, format=format, skip_invalid=skip_invalid):
            check_document(record.document)
            check_annotation(record.document, record.annotation or Annotation())
    except CorpusError as error:
        message = str(error)
    assert message is None or (message.startswith(str(path)) and "\n" not in message)


ANNOTATIONS = "T1\tX 0 8\tNaloxone\nT2\tY 9 14\tworks\nR1\tr Arg1:T1 Arg2:T2\nE1\tY:T2 A:T1\nA1\tN E1\n*\tEquiv T1 T1\n"
TABLES = {
    "brat": {"x.txt": "Naloxone works.", "x.ann": ANNOTATIONS},
    "chemprot": {
        "x_abstracts.tsv": "1\tNaloxone\tworks.\n",
        "x_entities.tsv": "1\tT1\tX\t0\t8\tNaloxone\n1\tT2\tX\t9\t14\tworks\n",
        "x_relations.tsv": "1\tCPR:1\tY \tA\tArg1:T1\tArg2:T2\n",
    },
}


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    data=st.data(),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 6), st.one_of(st.sampled_from(PIECES), st.binary(max_size=3))),
        min_size=1,
        max_size=3,
    ),
    kind=st.sampled_from(sorted(TABLES)),
    skip_invalid=st.booleans(),
)
def test_damage_in_one_of_several_files_is_a_clear_error_too(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    edits: list[tuple[float, int, bytes]],
    kind: str,
    skip_invalid: bool,
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    damaged = data.draw(st.sampled_from(sorted(TABLES[kind])))
    for name, text in TABLES[kind].items():
        content = text.encode()
        for where, cut, put in edits if name == damaged else []:
            place = int(where * len(content))
            content = content[:place] + put + content[place + cut :]
        (folder / name).write_bytes(content)
    message = None
    try:
        for record in read_corpus(folder, format=kind, skip_invalid=skip_invalid):
            check_document(record.document)
            check_annotation(record.document, record.annotation or Annotation())
    except CorpusError as error:
        message = str(error)
    assert message is None or (message.startswith(str(folder)) and "\n" not in message)
