from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.base import WriteReport
from biorat_al.corpus.model import Annotation, Concept, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.reading import detect_format, read_corpus, write_corpus
from biorat_al.errors import FormatError

LINES = (
    "-DOCSTART-\t22\n\nBeta\tB-Drug\nblockers\tI-Drug\nhelp\tO\n.\tO\n\n5-HT\tB-Drug\nα\tB-Drug\n\n"
    "-DOCSTART-\t23\n\n-DOCSTART-\t24\n\nNothing\tO\n"
)


def written(tmp_path: Path, text: str, name: str = "corpus.conll") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_documents(tmp_path: Path) -> None:
    first, second, third = read_corpus(written(tmp_path, LINES))
    assert (first.document.id, first.document.text) == ("22", "Beta blockers help .\n5-HT α")
    assert first.document.metadata == {
        "tokens": [[0, 4], [5, 13], [14, 18], [19, 20], [21, 25], [26, 27]],
        "sentences": [[0, 20], [21, 27]],
    }
    assert first.annotation == Annotation(
        (
            Entity("T1", "Drug", (Span(0, 13),)),
            Entity("T2", "Drug", (Span(21, 25),)),
            Entity("T3", "Drug", (Span(26, 27),)),
        )
    )
    assert (second.document, second.annotation) == (Document("23", ""), Annotation())
    assert (third.document.id, third.document.text, third.annotation) == ("24", "Nothing", Annotation())
    report = WriteReport()
    write_corpus(tmp_path / "again", [first, second, third], format="conll", report=report)
    assert dict(report.lost) == {}
    assert (tmp_path / "again").read_text().replace("\n\n\n", "\n\n") == LINES + "\n"
    assert [again[:2] for again in read_corpus(tmp_path / "again")] == [first[:2], second[:2], third[:2]]


@pytest.mark.parametrize("name", ["corpus", "corpus.txt"])
def test_the_content_tells_it(tmp_path: Path, name: str) -> None:
    for text in (LINES, LINES.partition("\n\n")[2], "EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n"):
        found = detect_format(written(tmp_path, text, name))
        assert found is not None
        assert found.name == "conll"
    for text in ("I am type O\n", "A word\nand another one\n", "-DOCSTART- is how it begins"):
        found = detect_format(written(tmp_path, text, name))
        assert found is None or found.name == "plain-text"


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("B-X I-X O B-X", [(0, 3), (6, 7)]),
        ("I-X I-X O I-X", [(0, 3), (6, 7)]),
        ("I-X B-X I-Y O", [(0, 1), (2, 3), (4, 5)]),
        ("B-X E-X S-X S-X", [(0, 3), (4, 5), (6, 7)]),
        ("B-X I-X L-X U-X", [(0, 5), (6, 7)]),
        ("S-X I-X O O", [(0, 1), (2, 3)]),
    ],
)
def test_the_tags_of_other_schemes(tmp_path: Path, tags: str, spans: list[tuple[int, int]]) -> None:
    lines = "".join(f"{word} x {tag}\n" for word, tag in zip("abcd", tags.split(), strict=True))
    (record,) = read_corpus(written(tmp_path, lines), format="conll")
    assert record.document.id == "corpus"
    assert record.annotation is not None
    assert [tuple(entity.spans[0]) for entity in record.annotation.entities] == spans


def test_documents_without_ids_are_numbered_and_carriage_returns_are_line_ends(tmp_path: Path) -> None:
    text = "-DOCSTART- -X- O O\r\n\r\na x y O\r\n\r\n-DOCSTART-\tO\r\n\r\nb x y B-X\r\n"
    records = list(read_corpus(written(tmp_path, text)))
    assert [(record.document.id, record.document.text) for record in records] == [("corpus-1", "a"), ("corpus-2", "b")]


@pytest.mark.parametrize("line", ["alone", "token X-Drug", "token B-", "token Drug"])
def test_malformed_lines(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, f"a O\n{line}\n")
    with pytest.raises(FormatError, match="expected a token and, in the last column, its tag") as caught:
        list(read_corpus(path, format="conll"))
    assert caught.value.source == f"{path}:2"


def test_what_is_lost_is_counted(tmp_path: Path) -> None:
    text = "beta and alpha blockers(MD)."
    entities = (
        Entity("T1", "Drug", (Span(0, 4), Span(15, 23)), (Concept("MESH", "D1"),)),
        Entity("T2", "Drug", (Span(9, 23),)),
        Entity("T3", "Drug name", (Span(23, 27),)),
        Entity("T4", "Drug", (Span(8, 9),)),
        Entity("T5", "Drug", (Span(24, 25),)),
    )
    passages = (Passage("title", 0, 8), Passage("abstract", 9, 28))
    report = WriteReport()
    annotation = Annotation(entities, (Relation("R1", "x", "T1", "T2"),))
    write_corpus(tmp_path / "out", [(Document("1", text, passages), annotation)], format="conll", report=report)
    assert (tmp_path / "out").read_text() == (
        "-DOCSTART-\t1\n\nbeta\tB-Drug\nand\tI-Drug\nalpha\tI-Drug\nblockers\tI-Drug\n(\tB-Drug_name\nMD\tI-Drug_name\n"
        ")\tI-Drug_name\n.\tO\n\n"
    )
    assert dict(report.lost) == {
        "passages of documents": 1,
        "mentions' links to concepts": 1,
        "relations between mentions": 1,
        "mentions that overlap a longer one": 2,
        "mentions of white space": 1,
        "pieces of discontinuous mentions (written from first to last)": 1,
        "ids of mentions (numbered anew)": 1,
        "white space in labels (became _)": 1,
        "borders of sentences in a document": 1,
        "texts whose white space is not that between their tokens": 1,
    }
