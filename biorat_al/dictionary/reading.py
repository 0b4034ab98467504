"""The names and identifiers of a dictionary: a tab-separated file, or an ontology in OBO.

A tab-separated file has a name in each line, and an identifier after a tab, if there is one. Empty lines and lines that
begin with ``#`` are skipped, and so is a first line with headings (``name``, ``identifier``). An identifier may name
its terminology (``MESH:D003110``); several are joined as in PubTator (see :mod:`biorat_al.corpus.model.concepts`).

Of an ontology, the names of terms and their exact synonyms are read; obsolete terms, and synonyms that are broader,
narrower or only related, are left out and counted. The format is described at
https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from biorat_al.corpus.io.source import Source
from biorat_al.errors import FormatError

LONGEST = 300
"""Most characters of a name; longer ones are definitions rather than names."""

TOO_LONG = f"names of more than {LONGEST} characters"
OBSOLETE = "obsolete terms"
NOT_EXACT = "synonyms that are not exact"

_HEADINGS = frozenset({"name", "names", "term", "label", "synonym"})
_OBO_SUFFIXES = (".obo", ".obo.gz")
_OBO = re.compile(r"(?:format-version:|\[Term\])", re.MULTILINE)
_STANZA = re.compile(r"\[(\w+)\]\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(\w*)')
_ESCAPED = re.compile(r"\\(.)")
_COMMENT = re.compile(r"(?<!\\)\s!.*")
_WHITE = {"n": "\n", "t": "\t", "W": " "}


class Name(NamedTuple):
    """A name in a dictionary.

    :param identifier: as written; empty if it has none.
    """

    name: str
    identifier: str


@dataclass
class DictionaryReport:
    """Counts of what was read from a dictionary.

    :param names: names that were read; one that occurs twice counts twice.
    :param left_out: what was left out, by kind in the plural.
    """

    names: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def read_dictionary(path: Path, report: DictionaryReport | None = None) -> Iterator[Name]:
    """Yield the names of a dictionary, in the order of the file, which may be packed with gzip.

    :param report: filled as the names are consumed.
    :raises CorpusError: the file is missing or cannot be read.
    :raises FormatError: it is not a dictionary, or has no name.

    >>> from pathlib import Path
    >>> _ = Path("drugs.tsv").write_text("aspirin\\tMESH:D001241\\nibuprofen\\n", encoding="utf-8")
    >>> [name.name for name in read_dictionary(Path("drugs.tsv"))]
    ['aspirin', 'ibuprofen']
    """
    counted = DictionaryReport() if report is None else report
    source = Source(path)
    head = source.head()
    if "\0" in head:
        raise FormatError("it holds bytes that no text has; expected a tab-separated file or OBO", source=source.name)
    is_obo = path.name.lower().endswith(_OBO_SUFFIXES) or _OBO.match(head.lstrip()) is not None
    for name in _obo(source, counted) if is_obo else _tab_separated(source):
        text = " ".join(name.name.split())
        if len(text) > LONGEST:
            counted.left_out[TOO_LONG] += 1
        elif text:
            counted.names += 1
            yield Name(text, name.identifier.strip())
    if not counted.names:
        what = ", ".join(f"{kind} ({count:,})" for kind, count in counted.left_out.items())
        raise FormatError(
            f"the dictionary has no name{f'; left out: {what}' if what else ''}", source=source.name
        )  # fmt: skip


def _tab_separated(source: Source) -> Iterator[Name]:
    """Yield the names of a tab-separated file."""
    first = True
    for number, line in source.lines():
        line = line.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) > 2 and any(column.strip() for column in columns[2:]):
            raise FormatError(
                f"the line has {len(columns)} columns; expected a name, or a name and an identifier with a tab between",
                source=source.at(number),
            )
        if not columns[0].strip():
            raise FormatError("the line has no name before the tab", source=source.at(number))
        if not (first and columns[0].strip().casefold() in _HEADINGS):
            yield Name(columns[0], columns[1] if len(columns) > 1 else "")
        first = False


def _obo(source: Source, report: DictionaryReport) -> Iterator[Name]:
    """Yield the names and exact synonyms of the terms of an ontology."""
    term: _Term | None = None
    for number, line in source.lines():
        line = line.strip()
        if stanza := _STANZA.fullmatch(line):
            if term is not None:
                yield from term.read(report)
            term = _Term() if stanza[1] == "Term" else None
        elif term is not None:
            tag, _, value = line.partition(":")
            term.add(tag, value.strip(), source.at(number))
    if term is not None:
        yield from term.read(report)


@dataclass
class _Term:
    """A term of an ontology while its lines are read."""

    identifier: str = ""
    names: list[str] = field(default_factory=list)
    obsolete: bool = False
    not_exact: int = 0

    def add(self, tag: str, value: str, place: str) -> None:
        """Add a line of the term.

        :raises FormatError: a synonym is not in quotation marks.
        """
        if tag == "id":
            self.identifier = _unescaped(_COMMENT.sub("", value))
        elif tag == "name":
            self.names.insert(0, _unescaped(_COMMENT.sub("", value)))
        elif tag == "is_obsolete":
            self.obsolete = value.startswith("true")
        elif tag in ("synonym", "exact_synonym"):
            found = _QUOTED.match(value)
            if found is None:
                raise FormatError('the synonym is not in quotation marks: synonym: "…" EXACT []', source=place)
            if found[2] == "EXACT" or tag == "exact_synonym":
                self.names.append(_unescaped(found[1]))
            else:
                self.not_exact += 1

    def read(self, report: DictionaryReport) -> Iterator[Name]:
        """Yield the names, and count what is left out."""
        if self.obsolete:
            report.left_out[OBSOLETE] += 1
            return
        if self.not_exact:
            report.left_out[NOT_EXACT] += self.not_exact
        for name in dict.fromkeys(self.names):
            yield Name(name, self.identifier)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _WHITE.get(found[1], found[1]), text)
