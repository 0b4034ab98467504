from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.detection import detect, list_files
from biorat_al.corpus.formats.base import Reading, ReadReport
from biorat_al.corpus.formats.bc2gm import Bc2Gm
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Document, Span
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import CorpusError, FormatError, OffsetError

SENTENCES = (
    "P00001606T0076 Effects of  voltase alpha 2 and OPRM1 in voles.\n"
    "P00001606A0077 None here.\nBC2GM000001234 The 𝛼-kinase.\n"
)
GENES = "P00001606T0076|9 21|voltase alpha 2\nP00001606T0076|25 29|OPRM1\nBC2GM000001234|3 10|𝛼-kinase\n"


def written(folder: Path, sentences: str = SENTENCES, **evaluations: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.in").write_text(sentences)
    for name, content in (evaluations or {"GENE": GENES}).items():
        (folder / f"{name}.eval").write_text(content)
    return folder


def test_offsets_that_do_not_count_blanks_become_ordinary_ones(tmp_path: Path) -> None:
    folder = written(tmp_path / "x")
    for path in (folder, folder / "train.in", folder / "GENE.eval"):
        seen: list[int] = []
        first, second, third = read_corpus(path, on_bytes=seen.append)
        assert sum(seen) == list_files(path).size
        assert first.document == Document("P00001606T0076", "Effects of  voltase alpha 2 and OPRM1 in voles.")
        assert first.annotation is not None
        assert [(e.id, e.label, e.spans) for e in first.annotation.entities] == [
            ("T1", "GENE", (Span(12, 27),)),
            ("T2", "GENE", (Span(32, 37),)),
        ]
        assert second.annotation == Annotation()
        assert third.annotation is not None
        assert third.annotation.entities[0].surface(third.document.text) == "𝛼-kinase"


def test_the_content_tells_both_files(tmp_path: Path) -> None:
    folder = written(tmp_path / "x")
    for name in ("train.in", "GENE.eval"):
        (folder / name).rename(folder / f"{name}.txt")
        found = detect(folder / f"{name}.txt").format
        assert found is not None
        assert found.name == "bc2gm"


def test_alternative_spellings_are_counted(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", GENE=GENES, ALTGENE="P00001606T0076|9 15|voltase\n")
    report = ReadReport()
    assert len(list(read_corpus(folder, report=report))) == 3
    assert report.left_out == {"alternative spellings of mentions (ALTGENE.eval)": 1}


def test_sentences_without_their_genes_and_genes_without_their_sentences_say_so(tmp_path: Path) -> None:
    folder = written(tmp_path / "x")
    (folder / "test.in").write_text(SENTENCES)
    # the genes could belong to either file
    with pytest.raises(FormatError, match=r"GENE\.eval: it holds the mentions of a set; put the file of its sentences"):
        list(read_corpus(folder / "GENE.eval"))
    (folder / "GENE.eval").rename(folder / "test.eval")
    report = ReadReport()
    records = list(read_corpus([folder / "train.in"], report=report))
    assert [record.annotation for record in records] == [None] * 3
    assert ["no file of mentions (such as GENE.eval)" in note for note in report.notes] == [True]
    assert len([record for record in read_corpus(folder / "test.in") if record.annotation]) == 3


@pytest.mark.parametrize(
    ("sentences", "genes", "message", "mentions"),
    [
        (SENTENCES + "BC2GM000009999\n", GENES, "expected an id, a blank and a sentence", 3),
        (SENTENCES + SENTENCES.partition("\n")[0] + "\n", GENES, "the sentence is also on line 1", 3),
        (SENTENCES, GENES + "P00001606A0077|0 3\n", r"expected id\|start end\|text", 3),
        (SENTENCES, GENES + "P00001606A0078|0 3|None\n", "P00001606A0078: there is no sentence of that id", 3),
    ],
)
def test_a_broken_line_is_an_error_or_left_out_alone(
    tmp_path: Path, sentences: str, genes: str, message: str, mentions: int
) -> None:
    folder = written(tmp_path / "x", sentences, GENE=genes)
    with pytest.raises(CorpusError, match=message):
        list(read_corpus(folder))
    report = ReadReport()
    assert len(list(read_corpus(folder, skip_invalid=True, report=report))) == 3
    assert (report.mentions.total(), report.left_out.total()) == (mentions, 1)


def test_a_wrong_mention(tmp_path: Path) -> None:
    folder = written(tmp_path / "x", GENE="P00001606T0076|25 29|oprm1\nP00001606T0076|25 99|OPRM1\n")
    with pytest.raises(OffsetError, match="the text at 32-37 is 'OPRM1', but the annotation says 'oprm1'"):
        list(read_corpus(folder))
    report = ReadReport()
    assert len(list(read_corpus(folder, skip_invalid=True, report=report))) == 3
    assert (report.mentions.total(), report.invalid_count) == (0, 2)
    reading = Reading(skip_invalid=True, trust_offsets=True)
    first, *_ = Bc2Gm().read(Source(folder / "train.in"), reading)
    assert first.annotation is not None
    assert (len(first.annotation.entities), reading.report.trusted_count) == (1, 1)
