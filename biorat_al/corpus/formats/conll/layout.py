"""Which column of a CoNLL file holds what, worked out from its lines, since the file does not state it.

- Tabs separate the columns if most lines have one, and then a token may hold blanks. Otherwise blanks and tabs do.
- The tag is in the last column if that holds tags, else in another column that does: in HunFlair's files, the second of
  three. The token is in the first column, or in the second if the first one counts the tokens (CoNLL-U) or holds the
  tag. If there is a line ``# global.columns = …`` (CoNLL-U Plus), it decides.
- Two neighbouring columns of whole numbers whose difference is the length of the token are its start and end, as bconv
  writes them. A column of ``+`` and ``-`` (HunFlair) or of ``SpaceAfter=No`` (CoNLL-U) says whether a blank follows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from biorat_al.corpus.io.source import HEAD_CHARACTERS

START = "-DOCSTART-"

_TAG = re.compile(r"O|([BIESLUMW])-([^ \t\r\n](?:[^\t\r\n]*[^ \t\r\n])?)")
_BARE = re.compile(r"[BIESLUMW]")
_NUMBER = re.compile(r"[0-9]{1,9}")
_COLUMNS = re.compile(r"#+ *global\.columns *= *(\S.*)", re.IGNORECASE)
_COMMENT = re.compile(r"#(?:[ \t#\r]|\Z|\w[\w.]* *=|(?:begin|end) document)")
_KEYED = re.compile(r"#+ *\w[\w.]*(?: id)? *=[^\t]*")


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """The meaning of each column of a file. Columns count from 0.

    :param width: how many columns most lines have.
    :param tag: number of the column; -1: the last column of each line.
    :param start: number of the column with the offset where the token starts; None: no such column.
    :param end: the same for where it ends.
    :param space_after: number of the column that says whether a blank follows.
    :param typed: whether the tags name a type.
    :param numbered: whether the first column counts the tokens.
    """

    tabs: bool = False
    width: int = 2
    token: int = 0
    tag: int = -1
    start: int | None = None
    end: int | None = None
    space_after: int | None = None
    typed: bool = True
    numbered: bool = False

    def columns(self, line: str) -> list[str]:
        """Return the columns of a line, without the blanks around them and without empty columns at the end."""
        if not self.tabs:
            return re.split(r"[ \t]+", line.strip(" \t\r"))
        return [column.strip(" ") for column in line.rstrip(" \t\r").split("\t")]

    def parsed(self, line: str) -> tuple[list[str], str, str, str | None] | None:
        """Return the columns, the token, the letter and the type of its tag; None if the line is not a token's."""
        columns = self.columns(line)
        if len(columns) <= max(self.token, self.tag, 1) or self.tag % len(columns) == self.token:
            return None
        letter = tag_of(columns[self.tag], typed=self.typed)
        return None if letter is None else (columns, columns[self.token], *letter)

    def further(self, columns: Sequence[str]) -> int:
        """Count the columns of a line that have a value but are not used."""
        used = {self.token, self.tag % len(columns), self.start, self.end, self.space_after}
        used |= {0} if self.numbered else set()
        return sum(number not in used and column not in ("", "_", "-", "-X-") for number, column in enumerate(columns))

    def is_comment(self, line: str) -> bool:
        """Return whether a line is a comment; ``# O`` is the token ``#``."""
        if not _COMMENT.match(line):
            return False
        if _KEYED.fullmatch(line.rstrip("\r")):
            return True
        return len(self.columns(line)) != self.width or self.parsed(line) is None


def tag_of(tag: str, *, typed: bool) -> tuple[str, str | None] | None:
    """Return the letter and the type of a tag; None if the text is not a tag."""
    found = _TAG.fullmatch(tag)
    if found is not None:
        return (found[1] or "O", found[2])
    return (tag, None) if not typed and _BARE.fullmatch(tag) else None


def is_border(line: str) -> bool:
    """Return whether a document begins at this line, as in CoNLL-2003."""
    return line.lstrip(" \t").startswith(START) and line.strip(" \t\r")[len(START) :][:1] in ("", " ", "\t")


def layout_of(lines: Sequence[str]) -> ColumnLayout:
    """Return the layout of a file that begins with these lines."""
    sentences: list[list[str]] = [[]]
    named = None
    for line in lines:
        if not line.strip(" \t\r") or is_border(line):
            sentences.append([])
        elif line.startswith("#"):
            named = named or _COLUMNS.match(line)
        else:
            sentences[-1].append(line)
    rows = [line for sentence in sentences for line in sentence]
    rows = rows or [line for line in lines if line.startswith("#") and "\t" in line]
    tabs = 2 * sum("\t" in row.strip(" \t\r") for row in rows) > len(rows)
    split = ColumnLayout(tabs=tabs).columns
    table = [split(row) for row in rows]
    widths = Counter(len(row) for row in table)
    width = widths.most_common(1)[0][0] if widths else 2
    table = [row for row in table if len(row) == width]
    if named is not None and (found := _named(named[1].split(), tabs)) is not None:
        return found
    tag = _tag_column(table, width)
    numbered = width > 2 and tag not in (0, 1) and _counts([list(map(split, sentence)) for sentence in sentences])
    token = 1 if tag == 0 or numbered else 0
    typed = any("-" in row[tag] and tag_of(row[tag], typed=True) for row in table)
    start, end = _offsets(table, token, {token, tag % width}) if width > 3 else (None, None)
    used = {token, tag % width, start, end, 0 if numbered else None}
    space_after = next((n for n in range(width) if n not in used and _says_blanks([row[n] for row in table])), None)
    return ColumnLayout(tabs, width, token, tag, start, end, space_after, typed or not table, numbered)


def begins(head: str) -> bool:
    """Return whether a file that begins with `head` is certainly CoNLL."""
    lines = head.split("\n")
    if len(head) >= HEAD_CHARACTERS and len(lines) > 1:
        # the last line is cut off
        lines.pop()
    layout = layout_of(lines)
    filled = [line for line in lines if line.strip(" \t\r") and not layout.is_comment(line)]
    border = bool(filled) and is_border(filled[0])
    rows = [line for line in filled if not is_border(line)]
    if not rows:
        return border and len(lines) > 1
    if layout.tag == 0 or len(rows) < (1 if border else 2):
        return False
    # a tag without a type, or in a middle column, could be a word of any table: then every line must be a token's
    if layout.typed and layout.tag == -1:
        return all(layout.parsed(row) is not None for row in rows[:2])
    return all(layout.parsed(row) is not None and len(layout.columns(row)) == layout.width for row in rows)


def _tag_column(table: Sequence[Sequence[str]], width: int) -> int:
    def share(number: int, typed: bool) -> float:
        return sum(tag_of(row[number], typed=typed) is not None for row in table) / len(table)

    if not table or width < 2:
        return -1
    for typed in (True, False):
        if share(width - 1, typed) > 0.5:
            return -1
        best = max(range(width - 1), key=lambda number: (share(number, typed), number))
        if share(best, typed) > 0.9:
            return best
    return -1


def _counts(sentences: Sequence[Sequence[Sequence[str]]]) -> bool:
    """Return whether the first column counts the tokens of each sentence."""
    longest = 0
    for sentence in sentences:
        numbers = [row[0] for row in sentence]
        if numbers and numbers not in (
            [str(number) for number in range(len(numbers))],
            [str(number) for number in range(1, len(numbers) + 1)],
        ):
            return False
        longest = max(longest, len(numbers))
    return longest > 1


def _offsets(table: Sequence[Sequence[str]], token: int, used: set[int]) -> tuple[int | None, int | None]:
    for number in range(len(table[0]) - 1):
        if {number, number + 1} & used:
            continue
        fitting = sum(
            bool(_NUMBER.fullmatch(row[number]) and _NUMBER.fullmatch(row[number + 1]))
            and int(row[number + 1]) - int(row[number]) == len(row[token])
            for row in table
        )
        if fitting > 0.9 * len(table):
            return number, number + 1
    return None, None


def _says_blanks(values: Sequence[str]) -> bool:
    return ("+" in values and set(values) <= {"+", "-"}) or any("SpaceAfter=No" in value for value in values)


def _named(names: Sequence[str], tabs: bool) -> ColumnLayout | None:
    upper = [name.upper() for name in names]
    tag = next((number for number, name in enumerate(upper) if re.search(r"\bNER\b|\bBIO|ENTITY", name)), None)
    if "FORM" not in upper or tag is None:
        return None
    space_after = upper.index("MISC") if "MISC" in upper else None
    return ColumnLayout(tabs, len(names), upper.index("FORM"), tag, space_after=space_after, numbered=upper[0] == "ID")
