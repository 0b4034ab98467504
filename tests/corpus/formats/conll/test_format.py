from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.detection import detect
from biorat_al.corpus.formats.base import Reading, ReadReport, WriteReport
from biorat_al.corpus.formats.conll.format import Conll
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Passage, Record, Relation, Span
from biorat_al.corpus.reading import read_corpus, write_corpus
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
        found = detect(written(tmp_path, text, name)).format
        assert found is not None
        assert found.name == "conll"
    for text in ("I am type O\n", "A word\nand another one\n", "-DOCSTART- is how it begins"):
        found = detect(written(tmp_path, text, name)).format
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
        "ids of mentions (renumbered)": 1,
        "white space in labels (became _)": 1,
        "borders of sentences in a document": 1,
        "texts whose white space is not that between their tokens": 1,
    }


def told(path: Path, split: str | None = None, skip_invalid: bool = False) -> tuple[list[Record], ReadReport]:
    report = ReadReport()
    reading = Reading(skip_invalid=skip_invalid, split=split, report=report)
    return list(Conll().read(Source(path, document_id=path.stem), reading)), report


def mentions(record: Record) -> list[tuple[str, str]]:
    assert record.annotation is not None
    return [(entity.label, entity.surface(record.document.text)) for entity in record.annotation.entities]


def test_a_token_with_a_blank_is_whole_where_tabs_separate_the_columns(tmp_path: Path) -> None:
    text = "Dose\tO\n10 mg\tO\nalpha\u00a0 2b \tB-Drug\n\u00a0\tO\n12 %\t\tO\n \tO\n"
    (record,), report = told(written(tmp_path, text))
    assert record.document.text == "Dose 10 mg alpha\u00a0 2b \u00a0 12 %"
    assert mentions(record) == [("Drug", "alpha\u00a0 2b")]
    assert report.left_out == {"tokens of white space": 1}
    lost = WriteReport()
    write_corpus(tmp_path / "again", [record], format="conll", report=lost)
    assert dict(lost.lost) == {}
    (again,) = read_corpus(tmp_path / "again")
    assert again[:2] == record[:2]


def test_a_mention_that_begins_with_white_space_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "a\tO\n \tB-X\nb\tI-X\n")
    with pytest.raises(FormatError, match="a mention of 'X' begins with a token without text"):
        told(path)
    (record,), report = told(path, skip_invalid=True)
    assert mentions(record) == [("X", "b")]
    assert report.left_out["lines that are not a token and its tag"] == 1


@pytest.mark.parametrize("separator", ["\t", " "])
def test_further_columns_are_counted(tmp_path: Path, separator: str) -> None:
    lines = [("Naloxone", "NN", "I-NP", "B-Drug"), ("works", "VB", "_", "O"), (".", "-", "-X-", "O")]
    text = "".join(separator.join(columns) + "\n" for columns in lines)
    (record,), report = told(written(tmp_path, text))
    assert (record.document.text, mentions(record)) == ("Naloxone works .", [("Drug", "Naloxone")])
    assert report.left_out == {"values in further columns of tokens": 3}


def test_offsets_of_tokens_give_the_text_back(tmp_path: Path) -> None:
    text = (
        "# doc_id = 7\nAlpha\t1\t6\tB-Drug\n-\t6\t7\tI-Drug\n2\t7\t8\tE-Drug\nworks\t11\t16\tO\n.\t16\t17\tO\n\n"
        "Twice\t19\t24\tO\n\n# doc_id = 8\nNo\t0\t2\tO\n😀\t2\t3\tS-Mood\n"
    )
    (first, second), report = told(written(tmp_path, text))
    assert (first.document.id, first.document.text) == ("7", " Alpha-2   works. \nTwice")
    assert mentions(first) == [("Drug", "Alpha-2")]
    assert (second.document.id, second.document.text, mentions(second)) == ("8", "No😀", [("Mood", "😀")])
    assert not report.left_out


def test_offsets_that_begin_anew_with_each_sentence(tmp_path: Path) -> None:
    (record,), _ = told(written(tmp_path, "It\t0\t2\tO\nis\t3\t5\tO\n\nA\t0\t1\tO\ndrug\t2\t6\tB-X\n\nSo\t0\t2\tO\n"))
    assert record.document.text == "It is\nA drug\nSo"


def test_offsets_that_cannot_be(tmp_path: Path) -> None:
    lines = "".join(f"w{number:02}\t{4 * number}\t{4 * number + 3}\tO\n" for number in range(20))
    path = written(tmp_path, lines + "back\t3\t7\tB-X\nfar\t99999999\t100000002\tO\n")
    with pytest.raises(FormatError, match="'back' cannot be at 3-7, behind 79 characters"):
        told(path)
    (record,), report = told(path, skip_invalid=True)
    assert record.document.text.endswith(" w19 back far")
    assert mentions(record) == [("X", "back")]
    assert report.left_out == {"offsets of tokens that do not fit": 2}


@pytest.mark.parametrize(
    ("border", "ident"),
    [
        ("# doc_id = 100", "100"),
        ("# newdoc id = a-1 2", "a-1 2"),
        ("# docid: 5", "5"),
        ("# newdoc", "x-1"),
        ("###MEDLINE:95369245", "95369245"),
        ("#begin document (bc/x); part 000", "bc/x"),
        ("-DOCSTART- (947testa CRICKET)", "947testa CRICKET"),
        ("-DOCSTART- 227508", "227508"),
        ("-DOCSTART-\t-X-\tO\tO", "x-1"),
        ("-DOCSTART- -X- -X- O", "x-1"),
        ("-DOCSTART-\t12\tO", "12"),
    ],
)
def test_a_document_begins(tmp_path: Path, border: str, ident: str) -> None:
    second = border.replace(ident, f"{ident}0")
    records, report = told(
        written(tmp_path, f"{border}\n\n# text = x\nA\tO\nb\tB-X\n\n{second}\nB\tO\nc\tO\n", "x.conll")
    )
    other = "x-2" if second == border else f"{ident}0"
    assert [(record.document.id, record.document.text) for record in records] == [(ident, "A b"), (other, "B c")]
    assert report.notes == []
    assert Conll().detects(f"{border}\nA\tO\nb\tO\n")


def test_a_hash_with_a_tag_is_a_token_and_a_comment_is_passed_over(tmp_path: Path) -> None:
    text = "# Made by hand\n# sent_id = 1\nNo O\n# O\n#1 B-X\n\n# sent_id = 2\n# text = vitamin O\nIt O\n"
    (record,), report = told(written(tmp_path, text))
    assert (record.document.text, mentions(record)) == ("No # #1\nIt", [("X", "#1")])
    assert not report.left_out
    with pytest.raises(FormatError, match="'#lonely', expected a token"):
        told(written(tmp_path, "No O\n#lonely\n"))
    (record,), _ = told(written(tmp_path, "#\tO\n# doc_id = 5\tB-X\n#\tO\n"))
    assert (record.document.text, mentions(record)) == ("# # doc_id = 5 #", [("X", "# doc_id = 5")])


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("a B-X\nb I-X\nc B-X\n", ["a b", "c"]),
        ("a I-X\nb I-X\nc B-X\n", ["a b", "c"]),
        ("a B-X\nb E-X\nc S-X\n", ["a b", "c"]),
        ("a B-X\nb L-X\nc U-X\n", ["a b", "c"]),
        ("a B-X\nb M-X\nb E-X\nc W-X\n", ["a b b", "c"]),
        ("a B\nb I\nc B\n", ["a b", "c"]),
        ("a B\nb E\nc S\n", ["a b", "c"]),
        ("a B-X -\nb I-X +\nc B-X +\n", ["ab", "c"]),
        ("B-X\ta\nI-X\tb\nB-X\tc\n", ["a b", "c"]),
        ("1\ta\t_\tB-X\n2\tb\t_\tI-X\n3\tc\t_\tB-X\n", ["a b", "c"]),
        (
            "# global.columns = ID FORM NE:NER MISC\n1\ta\tB-X\tSpaceAfter=No\n2\tb\tI-X\t_\n3\tc\tB-X\t_\n",
            ["ab", "c"],
        ),
    ],
)
def test_dialects(tmp_path: Path, text: str, surface: list[str]) -> None:
    (record,), report = told(written(tmp_path, text))
    assert [found for _, found in mentions(record)] == surface
    untyped = "-X" not in text
    assert {label for label, _ in mentions(record)} == ({"Entity"} if untyped else {"X"})
    assert ["its tags name no type" in note for note in report.notes] == [True] * untyped
    assert not report.left_out


def test_a_tag_without_a_type_among_others_is_broken(tmp_path: Path) -> None:
    path = written(tmp_path, "a B-X\nb B\nc O\n")
    with pytest.raises(FormatError, match="found 'b B', expected a token and, in the last column, its tag"):
        told(path)
    (record,), report = told(path, skip_invalid=True)
    assert (record.document.text, report.left_out) == ("a c", {"lines that are not a token and its tag": 1})


SENTENCES = "A\tB-X\nb\tO\n\n\nC\tO\n\nD\tB-Y\n"


@pytest.mark.parametrize("border", ["", "-DOCSTART- -X- O O\n\n"])
def test_a_file_without_borders_is_told_to_be_one_document(tmp_path: Path, border: str) -> None:
    path = written(tmp_path, border + SENTENCES, "x.conll")
    (record,), report = told(path)
    assert record.document.text == "A b\nC\nD"
    (note,) = report.notes
    assert note.startswith(f"{path}: 1 document of 3 sentences, since ")
    assert "--split sentences" in note
    for split in ("sentences", "blank-lines"):
        records, report = told(path, split=split)
        assert [(r.document.id, r.document.text) for r in records] == [("x-1", "A b"), ("x-2", "C"), ("x-3", "D")]
        assert [mentions(r) for r in records] == [[("X", "A")], [], [("Y", "D")]]
        assert report.notes == []
    _, report = told(path, split="none")
    assert report.notes == []


def test_documents_with_ids_are_split_under_their_ids(tmp_path: Path) -> None:
    path = written(tmp_path, f"-DOCSTART-\t7\n\n{SENTENCES}\n-DOCSTART-\t8\n\n")
    records, _ = told(path, split="sentences")
    assert [record.document.id for record in records] == ["7-1", "7-2", "7-3", "8"]


def test_the_words_of_a_text_are_no_tags(tmp_path: Path) -> None:
    for text in ("I think\nB is\n", "vitamin B\nand the other I\n", "a O +\nb is +\n", "# doc_id = 1\nprose\n"):
        assert not Conll().detects(text)


def test_conllu_without_tags_is_named_and_no_empty_document_is_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    word = "1\tZalvorin\tzalvorin\tNOUN\tNN\t_\t0\troot\t_\tSpaceAfter=No\n"
    path.write_text(f"# newdoc id = 7\n{word}\n# newdoc id = 8\n{word}\n")
    with pytest.raises(FormatError, match="it looks like CoNLL-U, which has no column for them"):
        list(read_corpus(path))
    with pytest.raises(FormatError, match="no document is left"):
        list(read_corpus(path, skip_invalid=True))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Ménière's disease.", ["Ménière", "'", "s", "disease", "."]),
        ("Me\u0301nie\u0300re's disease.", ["Me\u0301nie\u0300re", "'", "s", "disease", "."]),
        ("o\u0308dema\u0301 β\u0304-2", ["o\u0308dema\u0301", "β\u0304", "-", "2"]),
        ("मधुमेह रोग", ["मधुमेह", "रोग"]),
        # no letter before them
        ("\u0301a (\u0301b ", ["\u0301", "a", "(", "\u0301", "b"]),
    ],
)
def test_a_word_keeps_its_accents_also_where_these_are_characters_of_their_own(
    tmp_path: Path, text: str, tokens: list[str]
) -> None:
    write_corpus(tmp_path / "out", [(Document("1", text), Annotation())], format="conll")
    lines = (tmp_path / "out").read_text(encoding="utf-8").split("\n")
    assert [line.partition("\t")[0] for line in lines if line.endswith("\tO")] == tokens
