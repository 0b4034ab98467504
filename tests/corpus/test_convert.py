from __future__ import annotations

from pathlib import Path

import pytest

from biorat_al.corpus.convert import convert_corpus
from biorat_al.corpus.detection import list_files
from biorat_al.corpus.formats.base import CorpusFormat, ReadOptions
from biorat_al.corpus.formats.registry import FORMATS, format_named
from biorat_al.corpus.reading import read_corpus
from biorat_al.errors import BioratError, FormatError, OffsetError, UsageError
from biorat_al.presentation.corpus import conversion_text
from tests.support.commands import call

PUBTATOR = "".join(
    f"{number}|t|Naloxone in rats.\n{number}|a|It reverses clonidine.\n{number}\t0\t8\tNaloxone\tChemical\tD009270\n"
    f"{number}\t30\t39\tclonidine\tChemical\tD003000\n{number}\tCID\tD009270\tD003000\n\n"
    for number in range(3)
)
WRITTEN = [known for known in FORMATS if known.can_write]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text(PUBTATOR)
    return path


@pytest.mark.parametrize("known", WRITTEN, ids=lambda known: known.name)
def test_to_every_format_and_back(source: Path, tmp_path: Path, known: CorpusFormat) -> None:
    conversion = convert_corpus(source, tmp_path / "out", to=known.name)
    assert (conversion.read.documents, conversion.written.documents) == (3, 3)
    assert (tmp_path / "out").is_dir() == known.writes_folder
    assert {file.format.name for file in list_files(tmp_path / "out")} == {known.name}
    convert_corpus(tmp_path / "out", tmp_path / "back.txt", to="pubtator")
    if known.name == "brat":
        # which is the title it cannot say
        cut = PUBTATOR.replace("|t|Naloxone in rats.", "|t|Naloxone").replace("|a|It", "|a|in rats. It")
        assert (tmp_path / "back.txt").read_text() == cut
    elif known.name not in ("conll", "chemprot", "ddi"):
        assert (tmp_path / "back.txt").read_text() == PUBTATOR
    else:
        lost = conversion.lost
        assert lost["mentions' links to concepts"] == 6
        assert "clonidine" in (tmp_path / "back.txt").read_text()


@pytest.mark.parametrize("known", WRITTEN, ids=lambda known: known.name)
def test_what_is_there_is_replaced_only_if_it_may_be(source: Path, tmp_path: Path, known: CorpusFormat) -> None:
    out = tmp_path / "out"
    convert_corpus(source, out, to=known.name)
    with pytest.raises(UsageError, match="already exists; choose another name, or replace it with --force"):
        convert_corpus(source, out, to=known.name)
    source.write_text(PUBTATOR.partition("\n\n")[0] + "\n")
    convert_corpus(source, out, to=known.name, force=True)
    assert len(list(read_corpus(out))) == 1
    if known.writes_folder:
        (out / "notes.docx").write_text("mine")
        with pytest.raises(UsageError, match=r"holds 'notes\.docx', which"):
            convert_corpus(source, out, to=known.name, force=True)
        with pytest.raises(UsageError, match=r"is a file, and .* is written as a folder"):
            convert_corpus(source, source, to=known.name, force=True)
    else:
        (tmp_path / "folder").mkdir()
        with pytest.raises(UsageError, match=r"is a folder, and .* is written as a file"):
            convert_corpus(source, tmp_path / "folder", to=known.name, force=True)


def test_a_conversion_that_fails_leaves_nothing(source: Path, tmp_path: Path) -> None:
    source.write_text(PUBTATOR + PUBTATOR.replace("\t8\t", "\t7\t"))
    for known in WRITTEN:
        with pytest.raises(OffsetError):
            convert_corpus(source, tmp_path / "out", to=known.name)
    assert [path.name for path in tmp_path.iterdir()] == ["source.txt"]
    conversion = convert_corpus(source, tmp_path / "out", to="jsonl", options=ReadOptions(skip_invalid=True))
    assert conversion.lost == {"mentions whose text is not the text at their offsets": 3}


@pytest.mark.parametrize(
    ("to", "format", "error", "message"),
    [
        ("word", None, UsageError, "unknown format 'word'; these can be written: bioc-json, jsonl, "),
        ("plain-text", None, UsageError, "can be read but not written; these can be written: bioc"),
        ("jsonl", "bioc-xml", FormatError, "the file is PubTator, expected BioC XML"),
    ],
)
def test_what_cannot_be(
    source: Path, tmp_path: Path, to: str, format: str | None, error: type[BioratError], message: str
) -> None:
    with pytest.raises(error, match=message):
        convert_corpus(source, tmp_path / "out", to=to, options=ReadOptions(format))
    assert not (tmp_path / "out").exists()


def test_it_says_what_was_lost(source: Path, tmp_path: Path) -> None:
    text = conversion_text(convert_corpus(source, tmp_path / "out", to="chemprot"))
    assert text == (
        f"Wrote 3 documents to {tmp_path / 'out'}\nNot in it, or not as it was:\n  6  mentions' links to concepts"
    )
    assert conversion_text(convert_corpus(source, tmp_path / "out.jsonl", to="jsonl")).endswith("\nNothing was lost.")


def test_the_command(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = call("convert", str(source), str(out), "--to", "brat")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Wrote 3 documents to {out}\n")
    outcome = call("convert", str(source), str(out), "--to", "brat")
    assert (outcome.code, outcome.out) == (2, "")
    assert "already exists" in outcome.err
    outcome = call("convert", str(out), str(source), "--from", "brat", "--to", "pubtator", "--force")
    assert outcome.code == 0
    assert source.read_text().count("CID") == 3
    assert "CID" in (out / "annotation.conf").read_text()


def test_the_commands_help_names_every_format() -> None:
    text = " ".join(call("convert", "--help").out.split()).replace("- ", "-")
    assert [known.name for known in FORMATS if known.name not in text] == []
    assert format_named("brat").name in text
