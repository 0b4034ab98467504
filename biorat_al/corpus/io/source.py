"""One file being read: unpacked and decoded, with places for messages and a count of bytes.

Lines end only at ``\\n``: Python's own text files and :meth:`str.splitlines` would also break at ``\\x85``,
``\\u2028`` and the like, which are ordinary characters of a text.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from biorat_al.errors import CorpusError, FormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

OnBytes = Callable[[int], object]
"""Called with the number of bytes on disk (packed, if the file is) that were read since the last call."""

HEAD_CHARACTERS = 4096
"""Characters at the start of a file that decide on its format."""

_BLOCK = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_OVERLAP = 512


class _CountingFile(io.RawIOBase):
    """A raw file that reports how many bytes were read."""

    def __init__(self, raw: io.FileIO, on_bytes: OnBytes) -> None:
        self._raw = raw
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        count = self._raw.readinto(buffer)
        if count:
            self._on_bytes(count)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class Source:
    """A file of a corpus.

    :param path: the file; it is unpacked if its content is gzip, whatever its name.
    :param document_id: id of the document, for formats that do not name one (plain text).
    :param on_bytes: called as bytes are read; may be None.
    """

    def __init__(self, path: Path, *, document_id: str = "", on_bytes: OnBytes | None = None) -> None:
        self.path = path
        self.name = str(path)
        self.document_id = document_id
        self._on_bytes = on_bytes

    def beside(self, path: Path) -> Source:
        """Return another file whose bytes are counted together with this one's."""
        return Source(path, on_bytes=self._on_bytes)

    def whole_file_read(self) -> None:
        """Count all bytes of the file, for readers that open it themselves."""
        if self._on_bytes is not None:
            self._on_bytes(self.path.stat().st_size)

    def at(self, line: int) -> str:
        """Return the place of a line (from 1), for messages."""
        return f"{self.name}:{line}"

    def head(self, characters: int = HEAD_CHARACTERS) -> str:
        """Return the first `characters` of the file, with invalid UTF-8 replaced; empty for an empty file.

        :raises CorpusError: the file cannot be read.
        :raises FormatError: its gzip data is broken.
        """
        with self._opened(counted=False) as file:
            # a code point has at most four bytes; the last one may be cut, which does no harm here
            start = file.read(4 * characters)
        return start.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace")[:characters]

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield each line's number (from 1) and its text without the ``\\n``, with one line in memory at a time.

        :raises CorpusError: the file cannot be read.
        :raises FormatError: it is not UTF-8, or its gzip data is broken.
        """
        with self._opened() as file:
            before = 0
            for number, line in enumerate(file, start=1):
                content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                try:
                    text = content.decode("utf-8")
                except UnicodeDecodeError as error:
                    position = before + len(line) - len(content) + error.start
                    raise self._not_utf8(content[error.start], position, self.at(number)) from None
                before += len(line)
                yield number, text[:-1] if text.endswith("\n") else text

    def chunks(self, *, mark: bool = False) -> Iterator[str]:
        """Yield the unchanged text in pieces of bounded length.

        :param mark: whether a byte order mark counts as a character of the text.
        :raises CorpusError: the file cannot be read.
        :raises FormatError: it is not UTF-8, or its gzip data is broken.
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self._opened() as file:
            before = 0
            block = file.read(_BLOCK)
            if block.startswith(codecs.BOM_UTF8) and not mark:
                before, block = len(codecs.BOM_UTF8), block[len(codecs.BOM_UTF8) :]
            while True:
                pending = len(decoder.getstate()[0])
                try:
                    text = decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    # the decoder counts positions from the pending bytes of the previous block
                    byte = error.object[error.start]
                    raise self._not_utf8(byte, before - pending + error.start, self.name) from None
                if text:
                    yield text
                if not block:
                    return
                before += len(block)
                block = file.read(_BLOCK)

    def text(self, *, mark: bool = False) -> str:
        """Return the whole unchanged text.

        :param mark: whether a byte order mark counts as a character of the text.
        """
        return "".join(self.chunks(mark=mark))

    def holds(self, marker: re.Pattern[bytes]) -> bool:
        """Return whether `marker` (a pattern that matches fewer than 512 bytes) occurs; stop at the first match."""
        with self._opened(counted=False) as file:
            tail = b""
            while block := file.read(_BLOCK):
                if marker.search(tail + block):
                    return True
                tail = (tail + block)[-_OVERLAP:]
        return False

    @contextmanager
    def _opened(self, counted: bool = True) -> Iterator[BinaryIO]:
        try:
            with open(self.path, "rb", buffering=0) as raw:
                plain = _CountingFile(raw, self._on_bytes) if counted and self._on_bytes else raw
                file = io.BufferedReader(cast(io.RawIOBase, plain), _BLOCK)
                packed = file.peek(2)[:2] == _GZIP_MAGIC
                if not packed and self.path.suffix.lower() == ".gz" and file.peek(1):
                    raise FormatError(
                        f"it is named .gz but begins with the bytes {file.peek(2)[:2].hex(' ')}, not with gzip's 1f 8b",
                        source=self.name,
                    )
                with cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb")) if packed else file as opened:
                    # GzipFile's own line iteration is slow without a buffer of this size around it
                    yield io.BufferedReader(cast(io.RawIOBase, opened), _BLOCK) if packed else opened
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise FormatError(f"the gzip data is broken or cut off: {error}", source=self.name) from None
        except FileNotFoundError:
            raise CorpusError("there is no such file or folder", source=self.name) from None
        except OSError as error:
            raise CorpusError(f"it cannot be read: {error.strerror or error}", source=self.name) from None

    def _not_utf8(self, byte: int, position: int, where: str) -> FormatError:
        hint = "it looks like UTF-16; " if position == 0 and byte in (0xFE, 0xFF) else ""
        return FormatError(
            f"byte {position} (0x{byte:02x}) is not UTF-8; {hint}save the file as UTF-8 and try again", source=where
        )
