"""CoNLL: one token a line, with its tag in the last column; a blank line ends a sentence, ``-DOCSTART-`` begins a
document.

::

    -DOCSTART-<tab>227508

    Naloxone<tab>B-Chemical
    reverses<tab>O

- The lines show which column holds what (:mod:`biorat_al.corpus.formats.conll.layout`). Tags are read as IOB2, IOB1,
  BIOES, BILOU or BMEWO, and written as IOB2. If tags name no type (B, I, O), the label is ``Entity``. Values of further
  columns (parts of speech, chunks) are counted.
- A document begins at ``-DOCSTART-`` or at a comment that names it (``# doc_id = 100``, ``# newdoc id = 100``,
  ``###MEDLINE:100``); other comments are ignored. A file without such lines is one document with the file's name;
  with ``split`` every sentence is a document. All documents count as annotated.
- The format does not hold the text, so the text is built from the tokens. If the file has offsets or a column "space
  after", these decide where blanks go; otherwise one space joins tokens, and one line feed joins sentences. The
  metadata keep the positions of tokens and sentences, so that a document is written again with the same tokens. Any
  other text is cut into words and single other characters, and at the borders of mentions.
- Mentions get ``T1``, ``T2``, … in the order of their first tokens. The format has no relations, concepts or overlaps:
  the longest of several overlapping mentions is written, and what is left out is counted.

Tjong Kim Sang EF, De Meulder F. Introduction to the CoNLL-2003 shared task. CoNLL 2003, aclanthology.org/W03-0419.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.conll.layout import START, begins
from biorat_al.corpus.formats.conll.reading import ConllReader
from biorat_al.corpus.formats.writing import check_record, tabular_id, text_file, unfit_id
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span

_TOKEN = re.compile(r"\w+|[^\w\s]")
_LETTER = re.compile(r"\w")
_BLANK = re.compile(r"[ \t\r\n]")
_UNFIT_ID = re.compile(r"[\t\n\r\ufeff]|\AO\Z|\A-X-\Z")
_UNFIT_TOKEN = re.compile(r"\A |[\t\r\n]| \Z|\A" + START)
_KEPT_KEYS = losses.KeptKeys(metadata=("tokens", "sentences"))


class Conll(CorpusFormat):
    """Reader and writer of CoNLL files."""

    name = "conll"
    title = "CoNLL"
    suffixes = (".conll", ".iob", ".iob2", ".bio", ".conllu", ".conllup")
    splits = ("sentences", "blank-lines")

    def detects(self, head: str) -> bool:
        return begins(head)

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return ConllReader(source, reading).records()

    def refusal(self, document: Document) -> str | None:
        return unfit_id(document.id.strip(), _UNFIT_ID)

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        count = 0
        with text_file(path) as out:
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                losses.count_losses(counted, document, annotation, keys=_KEPT_KEYS)
                ident = tabular_id(document, _UNFIT_ID, self.title, counted)
                out.write(f"{START}\t{ident}\n\n")
                out.writelines(_lines(document, annotation or Annotation(), counted))
                count += 1
        counted.documents += count
        return count


def _lines(document: Document, annotation: Annotation, report: WriteReport) -> Iterator[str]:
    mentions = _chosen(document.text, annotation.entities, report)
    for number, (_, entity) in enumerate(mentions, start=1):
        report.lose(losses.MENTION_IDS, entity.id != f"T{number}")
    tokens = _tokens(document, [span for span, _ in mentions], report)
    tags = ["O"] * len(tokens)
    starts = [token.start for token in tokens]
    inside: set[int] = set()
    for span, entity in mentions:
        label = _BLANK.sub("_", entity.label)
        report.lose("white space in labels (became _)", label != entity.label)
        first, last = bisect_left(starts, span.start), bisect_left(starts, span.end)
        tags[first:last] = [f"B-{label}"] + [f"I-{label}"] * (last - first - 1)
        inside.update(range(first + 1, last))
    breaks = _breaks(document, starts, inside, report)
    written = ""
    for number, (start, end) in enumerate(tokens):
        if number in breaks:
            yield "\n"
        written += ("\n" if number in breaks else " ") * (number > 0) + document.text[start:end]
        yield f"{document.text[start:end]}\t{tags[number]}\n"
    report.lose("texts whose white space is not that between their tokens", written != document.text)
    yield "\n"


def _chosen(text: str, entities: Iterable[Entity], report: WriteReport) -> list[tuple[Span, Entity]]:
    """Return the mentions that are written, in the order of the text; of overlapping ones only the longest."""
    chosen: list[tuple[Span, Entity]] = []
    starts: list[int] = []
    for entity in sorted(entities, key=lambda entity: entity.start - entity.end):
        surface = text[entity.start : entity.end]
        start = entity.end - len(surface.lstrip())
        span = Span(start, start + len(surface.strip()))
        if span.start >= span.end:
            report.lose("mentions of white space")
            continue
        place = bisect_left(starts, span.start)
        before = place > 0 and chosen[place - 1][0].end > span.start
        after = place < len(chosen) and chosen[place][0].start < span.end
        if before or after:
            report.lose("mentions that overlap a longer one")
            continue
        report.lose(losses.DISCONTINUOUS, entity.is_discontinuous)
        report.lose("white space at the ends of mentions", span != (entity.start, entity.end))
        starts.insert(place, span.start)
        chosen.insert(place, (span, entity))
    return chosen


def _tokens(document: Document, mentions: list[Span], report: WriteReport) -> list[Span]:
    """Return the document's own tokens, else words and single other characters; cut at the borders of mentions."""
    text = document.text
    stated = document.metadata.get("tokens")
    tokens = _own_tokens(text, stated)
    if tokens is None:
        report.lose("tokens of a document", stated is not None)
        tokens = _words(text)
    borders = sorted({border for span in mentions for border in span})
    cut: list[Span] = []
    for start, end in tokens:
        inner = borders[bisect_left(borders, start + 1) : bisect_left(borders, end)]
        edges = [start, *inner, end]
        cut += (Span(first, second) for first, second in pairwise(edges))
    return cut


def _words(text: str) -> list[Span]:
    """Return words, with their accents, and single other characters."""
    words: list[Span] = []
    for found in _TOKEN.finditer(text):
        start, end = found.span()
        if words and words[-1].end == start and _goes_on(text, words[-1].start, start):
            words[-1] = Span(words[-1].start, end)
        else:
            words.append(Span(start, end))
    return words


def _goes_on(text: str, first: int, place: int) -> bool:
    """Return whether the word that begins at `first` goes on at `place`, with an accent or behind one."""
    if not _LETTER.match(text, first):
        return False
    return _is_accent(text[place]) or (_is_accent(text[place - 1]) and _LETTER.match(text, place) is not None)


def _is_accent(character: str) -> bool:
    """Return whether a character belongs to the letter before it."""
    return unicodedata.category(character).startswith("M")


def _own_tokens(text: str, stated: object) -> list[Span] | None:
    """Return the tokens in the metadata if they cover the whole text except for white space; else None."""
    if not isinstance(stated, list):
        return None
    tokens = []
    last = 0
    for token in stated:
        match token:
            case [int(start), int(end)] if last <= start < end <= len(text):
                tokens.append(Span(start, end))
            case _:
                return None
        piece = text[start:end]
        if text[last:start].strip() or _UNFIT_TOKEN.search(piece):
            return None
        last = end
    return None if text[last:].strip() else tokens


def _breaks(document: Document, starts: list[int], inside: set[int], report: WriteReport) -> set[int]:
    """Return the numbers of the tokens that begin a sentence, without the first token."""
    stated: Any = document.metadata.get("sentences")
    try:
        places = [int(start) for start, _ in stated or ()]
    except (TypeError, ValueError):
        places = []
        report.lose("borders of sentences in a document")
    places = places or [passage.start for passage in document.passages]
    breaks = {bisect_left(starts, place) for place in places} - {0, len(starts)}
    report.lose("borders of sentences in a document", bool(breaks & inside))
    return breaks - inside
