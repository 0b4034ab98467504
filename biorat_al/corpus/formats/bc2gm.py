"""BioCreative II's gene mention task: one sentence per line, and the genes in a file next to it.

::

    train.in    P00001606T0076 Comparison with alkaline phosphatases and 5-nucleotidase
    GENE.eval   P00001606T0076|14 33|alkaline phosphatases

- Every sentence is a document, and every mention has the label ``GENE``.
- Offsets do not count white space, and the end is **inclusive**.
- ``GENE.eval`` belongs to the only ``.in`` file of its folder; ``x.eval`` and ``x.GENE.eval`` belong to ``x.in``. The
  alternative mentions that the task accepts (``ALTGENE.eval``) are counted and not read. Without a file of mentions,
  the sentences count as annotated by nobody, which the report notes.

Smith L, Tanabe LK, nee Ando RJ, et al. Overview of BioCreative II gene mention recognition. Genome Biology 9(S2):S2,
2008, doi 10.1186/gb-2008-9-s2-s2.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from biorat_al.corpus.formats.base import CorpusFormat, Reading
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span, check_surface
from biorat_al.errors import DuplicateDocumentError, FormatError, OffsetError
from biorat_al.wording import shortened

LABEL = "GENE"

BROKEN = "lines that cannot be read"
ORPHANS = "mentions of sentences that are not in the file"
REPEATED = "documents that occur again"
ALTERNATIVES = "alternative spellings of mentions (ALTGENE.eval)"

_ID = r"(?:[A-Z][0-9]{8}[A-Z][0-9]{4}|BC2GM[0-9]+)"
_SENTENCES = re.compile(rf"(?:{_ID} [^\n]*(?:\n|\Z)){{1,2}}")
_MENTIONS = re.compile(rf"(?:{_ID}\|[0-9]+ [0-9]+\|[^\n]*(?:\n|\Z)){{1,2}}")
_SENTENCE = re.compile(r"(\S+) (.*)")
_MENTION = re.compile(r"([^|]+)\|([0-9]{1,9}) ([0-9]{1,9})\|(.*)")


class _Mention(NamedTuple):
    where: str
    start: int
    end: int
    text: str


class Bc2Gm(CorpusFormat):
    """Reader of BioCreative II's gene mention files."""

    name = "bc2gm"
    title = "BC2GM"
    # other programs use .in and .eval too: only the content decides
    suffixes = ()

    def detects(self, head: str) -> bool:
        return bool(_SENTENCES.match(head) or _MENTIONS.match(head))

    def main_file(self, path: Path) -> Path | None:
        if not _named(path, ".eval"):
            return None
        return next((other for other in _files(path.parent, ".in") if path in self.companions(other)), None)

    def companions(self, path: Path) -> tuple[Path, ...]:
        if not _named(path, ".in"):
            return ()
        alone = len(_files(path.parent, ".in")) == 1
        stem = _stem(path, ".in")
        found = []
        for kind in ("gene", "altgene"):
            own = {f"{stem}.{kind}", f"{stem}_{kind}", f"{stem}-{kind}"} | ({stem} if kind == "gene" else set())
            own |= {kind} if alone else set()
            found += [other for other in _files(path.parent, ".eval") if _stem(other, ".eval") in own][:1]
        return tuple(found)

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        if _named(source.path, ".eval") or _MENTIONS.match(source.head()):
            raise FormatError(
                "it holds the mentions of a set; put the file of its sentences (.in) beside it, and no other one",
                source=source.name,
            )
        mentions: dict[str, list[_Mention]] | None = None
        for path in self.companions(source.path):
            beside = source.beside(path)
            if "altgene" in path.name.lower():
                number = sum(bool(line.strip()) for _, line in beside.lines())
                reading.report.left_out.update({ALTERNATIVES: number} if number else {})
            else:
                mentions = _mentions(beside, reading)
        if mentions is None:
            reading.report.note(
                f"{source.name}: no file of mentions (such as GENE.eval) was found beside it, so that its sentences "
                "count as annotated by nobody"
            )
        seen: dict[str, int] = {}
        for number, line in source.lines():
            line = line.rstrip("\r")
            where = source.at(number)
            found = _SENTENCE.fullmatch(line)
            if not line.strip():
                continue
            if found is None:
                error = FormatError(
                    f"found {shortened(line, 80)!r}, expected an id, a blank and a sentence", source=where
                )
                reading.leave_out(BROKEN, error)
                continue
            document = Document(found[1], found[2])
            if document.id in seen:
                what = f"the sentence is also on line {seen[document.id]}; delete one of the two lines"
                reading.leave_out(REPEATED, DuplicateDocumentError(what, source=where, document=document.id))
                continue
            seen[document.id] = number
            annotation = None if mentions is None else _annotation(document, mentions.get(document.id, []), reading)
            yield Record(document, annotation, where)
        for ident, orphans in (mentions or {}).items():
            for mention in orphans if ident not in seen else ():
                error = FormatError("there is no sentence of that id", source=mention.where, document=ident)
                reading.leave_out(ORPHANS, error)


def _mentions(source: Source, reading: Reading) -> dict[str, list[_Mention]]:
    """Return all mentions of a file by the id of their sentence."""
    mentions: dict[str, list[_Mention]] = defaultdict(list)
    for number, line in source.lines():
        line = line.rstrip("\r")
        if not line.strip():
            continue
        found = _MENTION.fullmatch(line)
        if found is None:
            error = FormatError(f"found {shortened(line, 80)!r}, expected id|start end|text", source=source.at(number))
            reading.leave_out(BROKEN, error)
        else:
            mentions[found[1].strip()].append(_Mention(source.at(number), int(found[2]), int(found[3]), found[4]))
    return dict(mentions)


def _annotation(document: Document, mentions: list[_Mention], reading: Reading) -> Annotation:
    # positions in the text of the characters that are not white space
    places = [place for place, character in enumerate(document.text) if not character.isspace()]
    entities: list[Entity] = []
    for where, start, end, text in mentions:
        try:
            if not start <= end < len(places):
                raise OffsetError(
                    f"{start}-{end} is not inside the sentence's {len(places)} characters without blanks",
                    source=where,
                    document=document.id,
                )
            span = Span(places[start], places[end] + 1)
            check_surface(document, span, text.strip(), source=where)
        except OffsetError as error:
            if not reading.keeps(error):
                continue
        entities.append(Entity(f"T{len(entities) + 1}", LABEL, (span,)))
    return Annotation(tuple(entities))


def _named(path: Path, ending: str) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(ending)


def _stem(path: Path, ending: str) -> str:
    return path.name.lower().removesuffix(".gz").removesuffix(ending)


def _files(folder: Path, ending: str) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [path for name in names if _named(path := folder / name, ending) and path.is_file()]
