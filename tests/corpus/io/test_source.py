from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.io import source as source_module
from biorat_al.corpus.io.source import Source
from biorat_al.errors import CorpusError, FormatError


def written(tmp_path: Path, content: bytes, name: str = "file.txt") -> Source:
    path = tmp_path / name
    path.write_bytes(content)
    return Source(path)


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    text = "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg\rh\r\ni\n\nlast"
    source = written(tmp_path, text.encode())
    assert list(source.lines()) == [(1, "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg\rh\r"), (2, "i"), (3, ""), (4, "last")]
    assert source.text() == text


def test_a_byte_order_mark_is_dropped_at_the_start_only(tmp_path: Path) -> None:
    source = written(tmp_path, b"\xef\xbb\xbfone\n\xef\xbb\xbftwo")
    assert [line for _, line in source.lines()] == ["one", "\ufefftwo"]
    assert source.text() == "one\n\ufefftwo"
    assert source.head() == "one\n\ufefftwo"


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"abc\n" * 5, "é\n".encode() * 200_000])
def test_bytes_that_are_not_utf8_are_named_with_their_position(tmp_path: Path, before: bytes) -> None:
    source = written(tmp_path, before + b"x\xe9y")
    expected = rf"byte {len(before) + 1} \(0xe9\) is not UTF-8"
    with pytest.raises(FormatError, match=expected):
        list(source.lines())
    with pytest.raises(FormatError, match=expected):
        list(source.chunks())


def test_a_character_cut_in_two_at_a_block_border_is_whole_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "_BLOCK", 5)
    source = written(tmp_path, "aé𝛼é𝛼𝛼b".encode())
    assert source.text() == "aé𝛼é𝛼𝛼b"
    broken = written(tmp_path, "aé𝛼é𝛼".encode() + b"\xf0\x9d", "cut.txt")
    with pytest.raises(FormatError, match=r"byte 13 \(0xf0\)"):
        broken.text()


def test_utf16_is_recognised(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="it looks like UTF-16"):
        written(tmp_path, "text".encode("utf-16")).text()


@pytest.mark.parametrize("name", ["file.txt.gz", "file.txt"])
def test_gzip_is_unpacked_whatever_its_name(tmp_path: Path, name: str) -> None:
    source = written(tmp_path, gzip.compress(b"one\ntwo\n"), name)
    assert list(source.lines()) == [(1, "one"), (2, "two")]
    assert source.text() == "one\ntwo\n"
    assert source.head() == "one\ntwo\n"


@pytest.mark.parametrize("cut", [3, 12, -9, -1])
def test_cut_gzip_is_an_error(tmp_path: Path, cut: int) -> None:
    whole = gzip.compress(bytes(range(97, 123)) * 100 + b"\n")
    with pytest.raises(FormatError, match=r"file.gz: the gzip data is broken or cut off"):
        list(written(tmp_path, whole[:cut], "file.gz").lines())


def test_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b"some text\n" * 100))
    whole[15] ^= 0xFF
    with pytest.raises(FormatError, match="broken or cut off"):
        written(tmp_path, bytes(whole), "file.gz").text()


def test_a_file_named_gz_that_is_not(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"named .gz but begins with the bytes 70 6c"):
        written(tmp_path, b"plain", "file.gz").head()


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"absent.txt: there is no such file"):
        Source(tmp_path / "absent.txt").head()
    with pytest.raises(CorpusError, match="cannot be read"):
        Source(tmp_path).head()


@pytest.mark.parametrize("pack", [False, True])
def test_all_bytes_on_disk_are_counted_once(tmp_path: Path, pack: bool) -> None:
    content = "".join(f"line {number}\n" for number in range(100_000)).encode()
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if pack else content)
    counts: list[int] = []
    source = Source(path, on_bytes=counts.append)
    source.head()
    assert counts == []
    assert sum(1 for _ in source.lines()) == 100_000
    assert sum(counts) == path.stat().st_size
    assert len(counts) > 0


def test_a_marker_is_found_across_a_block_border(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_BLOCK", 4)
    marker = re.compile(rb"needle")
    assert written(tmp_path, b"x" * 30 + b"needle" + b"y" * 30).holds(marker)
    assert not written(tmp_path, b"x" * 30 + b"needl" + b"y" * 30).holds(marker)


@pytest.mark.slow
@given(content=st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not text.startswith("\ufeff")))
def test_lines_put_together_are_the_text(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    source = written(tmp_path_factory.mktemp("text"), content.encode())
    lines = [line for _, line in source.lines()]
    assert "\n".join(lines) + ("\n" if content.endswith("\n") else "") == content
    assert source.text() == content
