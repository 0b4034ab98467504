"""The demo corpus: invented abstracts with gold annotations, read from marked-up text.

The source, ``corpus.txt`` in this folder, was written by hand for this project. A record is a header, a title and an
abstract, each on one line::

    # demo-001 trial
    T: A title with a [C:chemical] and a [D:disease]
    A: The abstract, marked up in the same way.

Lines that begin with ``%`` are comments. ``GUIDELINES.md`` in the same folder says what is annotated and what is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Record, Span
from biorat_al.errors import DuplicateDocumentError, FormatError

NOTICE = (
    "The demo corpus is invented: its abstracts, findings, drugs and many of its diseases were made up for this "
    "demonstration, and nothing in it is medical fact or advice."
)
LABELS = {"C": "Chemical", "D": "Disease"}
CORPUS_FILE = Path(__file__).with_name("corpus.txt")
GUIDELINES_FILE = CORPUS_FILE.with_name("GUIDELINES.md")

_HEADER = re.compile(r"# (?P<id>[A-Za-z0-9-]+) (?P<kind>[a-z]+(?:-[a-z]+)*)")
_BRACKET = re.compile(r"[\[\]]")
_OPENING = re.compile(r"\[(?P<type>[^\[\]:\s]*):")


def read_demo_corpus() -> Iterator[Record]:
    """Yield the demo corpus, with gold entities of the types ``Chemical`` and ``Disease``.

    Each text is the title, a blank and the abstract; both are passages. The metadata says that each document is
    invented, and which kind of study it imitates: ``{"invented": True, "kind": "trial", "notice": ...}``.

    :raises FormatError: the shipped file is damaged.
    :raises DuplicateDocumentError: an id occurs twice.
    """
    with CORPUS_FILE.open(encoding="utf-8", newline="\n") as lines:
        yield from parse_corpus(lines, CORPUS_FILE.name)


def parse_corpus(lines: Iterable[str], source: str = "the demo corpus") -> Iterator[Record]:
    """Parse marked-up records.

    :param lines: the lines of the file, with or without their line ends.
    :param source: name of the file, for messages.
    :raises FormatError: a misplaced line, an unbalanced bracket, an unknown type, or an empty mention; the message
        names the line.
    :raises DuplicateDocumentError: an id occurs twice, even with the same text.
    """
    first_seen: dict[str, int] = {}
    header: re.Match[str] | None = None
    header_line = 0
    title: str | None = None
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r\n")
        where = f"{source}, line {number}"
        if not line.strip() or line.startswith("%"):
            continue
        if line.startswith("#"):
            if header is not None:
                raise FormatError(_incomplete(title), source=f"{source}, line {header_line}", document=header["id"])
            header, header_line = _HEADER.fullmatch(line), number
            if header is None:
                raise FormatError(f"a header must read '# id kind', but this one is {line!r}", source=where)
            if header["id"] in first_seen:
                raise DuplicateDocumentError(
                    f"line {first_seen[header['id']]} already has this id; give each record its own",
                    source=where,
                    document=header["id"],
                )
            first_seen[header["id"]] = number
        elif line.startswith("T: ") and header is not None and title is None:
            title = line.removeprefix("T: ")
            parse_markup(title, where, header["id"])  # so that an error names the title's own line
        elif line.startswith("A: ") and header is not None and title is not None:
            yield _record(header, title, line.removeprefix("A: "), where)
            header = title = None
        else:
            raise FormatError(
                "a record is '# id kind', one line 'T: title' and one line 'A: abstract', in this order; "
                f"found {line[:40]!r}",
                source=where,
            )
    if header is not None:
        raise FormatError(_incomplete(title), source=f"{source}, line {header_line}", document=header["id"])


def parse_markup(marked: str, source: str, document: str | None = None) -> tuple[str, list[tuple[str, Span]]]:
    """Parse the mentions ``[C:...]`` and ``[D:...]`` in `marked`.

    :returns: the text without markup, and each mention's label and span in that text, in order.
    :raises FormatError: an unbalanced bracket, an unknown type, or a mention that is empty or begins or ends with
        white space.
    """

    def wrong(message: str) -> FormatError:
        return FormatError(message, source=source, document=document)

    text = ""
    mentions: list[tuple[str, Span]] = []
    position = 0
    while position < len(marked):
        bracket = _BRACKET.search(marked, position)
        if bracket is None:
            break
        text += marked[position : bracket.start()]
        context = marked[bracket.start() : bracket.start() + 30]
        if bracket[0] == "]":
            raise wrong(f"unbalanced bracket: a ']' without its '[' before {context!r}")
        opening = _OPENING.match(marked, bracket.start())
        if opening is None:
            raise wrong(f"a '[' must begin a mention such as '[C:name]', but found {context!r}")
        if opening["type"] not in LABELS:
            known = ", ".join(f"{key} ({label})" for key, label in LABELS.items())
            raise wrong(f"unknown type {opening['type']!r} in {context!r}; the types are {known}")
        closing = _BRACKET.search(marked, opening.end())
        if closing is None:
            raise wrong(f"unbalanced bracket: no ']' closes {context!r}")
        if closing[0] == "[":
            raise wrong(f"a mention inside another one, or unbalanced brackets, in {context!r}")
        surface = marked[opening.end() : closing.start()]
        if not surface or surface != surface.strip():
            raise wrong(f"a mention may not be empty or begin or end with a blank, but found {surface!r}")
        mentions.append((LABELS[opening["type"]], Span(len(text), len(text) + len(surface))))
        text += surface
        position = closing.end()
    return text + marked[position:], mentions


def _record(header: re.Match[str], title: str, abstract: str, where: str) -> Record:
    """Return one record of the corpus; `where` is its place in the file."""
    text, mentions = parse_markup(f"{title} {abstract}", where, header["id"])
    title_end = len(parse_markup(title, where, header["id"])[0])
    document = Document(
        id=header["id"],
        text=text,
        passages=(Passage("title", 0, title_end), Passage("abstract", title_end + 1, len(text))),
        metadata={"invented": True, "kind": header["kind"], "notice": NOTICE},
    )
    entities = tuple(
        Entity(id=f"T{count}", label=label, spans=(span,)) for count, (label, span) in enumerate(mentions, start=1)
    )
    return Record(document, Annotation(entities=entities), where)


def _incomplete(title: str | None) -> str:
    """Return the message for a record without a title or an abstract."""
    part = "title" if title is None else "abstract"
    return f"the record has no {part}; add the line '{part[0].upper()}: ...'"
