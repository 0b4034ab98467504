"""The rows of a table in a text file, each with the line on which it begins."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from biorat_al.corpus.formats.base import Reading
from biorat_al.corpus.io.source import Source
from biorat_al.errors import FormatError
from biorat_al.wording import plural

Row = tuple[int, list[str]]

_LONGEST_CELL = 1 << 24
_MOST_LINES = 500
_CELL = re.compile(r'(?:(?<=\t)|\A)(?:"(?:[^"]|"")*"(?=\t|\Z)|[^\t\n]*)')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def split_row(line: str, divider: str) -> list[str] | None:
    """Return the cells of one line; None if its quotation marks do not match."""
    if divider == "\t":
        return [_unquoted(cell) for cell in line.split("\t")]
    try:
        return next(csv.reader([line], delimiter=divider, strict=True, skipinitialspace=True), [])
    except csv.Error:
        return None


def table_rows(source: Source, divider: str, reading: Reading) -> Iterator[Row]:
    """Yield the rows of a file; skip blank lines.

    :raises FormatError: the quotation marks of a row do not match, unless `reading` leaves such rows out.
    """
    yield from (_tabbed(source, reading) if divider == "\t" else _quoted(source, divider, reading))


def is_for_spreadsheets(line: str) -> bool:
    """Return whether a first line names the divider for a spreadsheet, as ``sep=;`` does; it is no row."""
    return re.fullmatch(r"""["']?sep=.["']?""", line.strip("\r\n"), re.IGNORECASE) is not None


def _lines(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the lines of the table with their numbers."""
    lines = source.lines()
    for first in islice(lines, 1):
        if not is_for_spreadsheets(first[1]):
            yield first
    yield from lines


def _quoted(source: Source, divider: str, reading: Reading) -> Iterator[Row]:
    lines = _lines(source)
    first = next(lines, (1, ""))
    last = first[0] - 1

    def content() -> Iterator[str]:
        nonlocal last
        for last, line in chain((first,), lines):  # noqa: B007 - the current line of the reader
            yield line + "\n"

    csv.field_size_limit(_LONGEST_CELL)
    # a blank after a comma belongs to the text, unless the file has one after every comma
    laid_out = f"{divider} " in first[1]
    table = csv.reader(content(), delimiter=divider, strict=True, skipinitialspace=laid_out)
    while True:
        begin = last + 1
        try:
            row = next(table, None)
        except csv.Error as error:
            reading.leave_out("rows that cannot be read", _unfit(str(error), source, begin))
            continue
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield begin, row


def _tabbed(source: Source, reading: Reading) -> Iterator[Row]:
    width = 0
    unquoted = 0
    lines = _lines(source)
    ahead: deque[tuple[int, str]] = deque()
    while (found := ahead.popleft() if ahead else next(lines, None)) is not None:
        number, line = found[0], found[1].removesuffix("\r")
        if not line.strip():
            continue
        cells = line.split("\t")
        if width and len(cells) != width and '"' in line:
            # tabs or line ends inside quotation marks: join lines until the row has all columns
            ahead.extend(islice(lines, _MOST_LINES - len(ahead)))
            taken, cells = _over_lines(found[1], [text for _, text in ahead], width, cells)
            for _ in range(taken):
                ahead.popleft()
        width = width or len(cells)
        row = [_unquoted(cell) for cell in cells]
        unquoted += sum(cell != plain for cell, plain in zip(cells, row, strict=True))
        yield number, row
    if unquoted:
        reading.report.note(
            f"{source.name}: the quotation marks around {plural(unquoted, 'cell')} were taken for the table's, not the "
            "texts'"
        )


def _over_lines(line: str, ahead: list[str], width: int, cells: list[str]) -> tuple[int, list[str]]:
    """Return how many further lines a row takes, and its cells; 0 and `cells` if no number gives `width` cells."""
    text = line
    for count in range(len(ahead) + 1):
        text += "\n" + ahead[count - 1] if count else ""
        found = [cell[0] for cell in _CELL.finditer(text.removesuffix("\r"))]
        if len(found) == width and sum(map(len, found)) + width - 1 == len(text.removesuffix("\r")):
            return count, found
    return 0, cells


def _unquoted(cell: str) -> str:
    found = _QUOTED.fullmatch(cell)
    return cell if found is None else found[1].replace('""', '"')


def _unfit(reason: str, source: Source, line: int) -> FormatError:
    return FormatError(
        f"the row cannot be read ({reason}); a cell with a comma, a line end or a quotation mark must be in quotation "
        "marks, and those inside of it written twice",
        source=source.at(line),
    )
