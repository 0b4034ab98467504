"""Stand-off files of the BioNLP shared tasks: a text, the given mentions, and the annotations to be found.

::

    1.txt    Naloxone binds OPRM1.
    1.a1     T1<tab>Protein 15 20<tab>OPRM1
    1.a2     T2<tab>Binding 9 14<tab>binds
             E1<tab>Binding:T2 Theme:T1
             M1<tab>Speculation E1
             *<tab>Equiv T1 T3
    1.rel    R1<tab>Protein-Component Arg1:T1 Arg2:T4

- The lines mean the same as in brat, whose format grew out of this one (:mod:`biorat_al.corpus.formats.brat.format`):
  ``M`` lines become attributes, ``N`` lines (``OntoBiotope Annotation:T1 Referent:OBT:1``) concepts. The documents can
  be written as brat.
- An event without a trigger (SeeDev) is a relation if it has two arguments; else its line is kept as it is.
- The files of one text share one numbering. The tasks of 2009 have several variants of the annotations (``.a2``,
  ``.a2.t1``, ``.a2.t12`` …); the fullest is read: the first that exists of ``.a2``, ``.a2.t123``, ``.a2.t12``,
  ``.a2.t13``, ``.a2.t1``.
- A text without ``.a2`` or ``.rel`` file has only its given mentions, which the report notes.

Kim JD, Ohta T, Pyysalo S, Kano Y, Tsujii J. Overview of BioNLP'09 shared task on event extraction. BioNLP 2009,
aclanthology.org/W09-1401; Nédellec C, Bossy R, Kim JD, et al. Overview of BioNLP shared task 2013,
aclanthology.org/W13-2001.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from biorat_al.corpus.formats.base import CorpusFormat, Reading
from biorat_al.corpus.formats.brat.format import WITHOUT_TEXT, beside
from biorat_al.corpus.formats.brat.reading import BratReader
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Document, Record
from biorat_al.errors import FormatError

GIVEN = ".a1"
FOUND = (".a2", ".a2.t123", ".a2.t12", ".a2.t13", ".a2.t1")
RELATIONS = (".rel", ".a2.rel")
COREFERENCES = (".co",)

UNREAD = "annotation files that are not read with their text"
NOT_FOUND = "no .a2 file was found beside it, so that it has its given mentions alone; so may further texts"

_ENDING = re.compile(r"\.(?:a1|a2|a2\.t[0-9]+|rel|a2\.rel|co)(?:\.gz)?\Z", re.IGNORECASE)


class BioNlp(CorpusFormat):
    """Reader of the BioNLP shared tasks' files."""

    name = "bionlp"
    title = "BioNLP-ST stand-off"
    # other programs use .rel and .co too
    suffixes = (".txt", GIVEN, *FOUND)
    may_be_empty = True

    def detects(self, head: str) -> bool:
        # a text can be anything: only the files next to it decide
        return False

    def owns(self, path: Path) -> bool:
        return bool(self.companions(path))

    def main_file(self, path: Path) -> Path | None:
        text = _text_of(path)
        # a file that is not read with its text does not belong to it
        return text if text is not None and path in self.companions(text) else None

    def companions(self, path: Path) -> tuple[Path, ...]:
        # with an .ann file it was edited in brat, and is read as brat
        if not path.name.lower().removesuffix(".gz").endswith(".txt") or beside(path, ".ann") is not None:
            return ()
        parts = []
        for endings in ((GIVEN,), FOUND, RELATIONS, COREFERENCES):
            found = (beside(path, ending) for ending in endings)
            parts.append(next((other for other in found if other is not None), None))
        return tuple(part for part in parts if part is not None) if any(parts[:2]) else ()

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        if _ENDING.search(source.path.name):
            if _text_of(source.path) is None:
                what, kind = "there is no text file of that name beside it", WITHOUT_TEXT
            else:
                what, kind = "it is not read with its text, which has a fuller file of this kind or brat's .ann", UNREAD
            reading.leave_out(kind, FormatError(what, source=source.name))
            return
        document = Document(source.document_id, source.text(mark=True))
        paths = self.companions(source.path)
        parts = [source.beside(path) for path in paths]
        annotation = BratReader(document, parts, reading, frozenset()).annotation() if parts else None
        if len(parts) == 1 and GIVEN in paths[0].name.lower() and not _noted(reading):
            reading.report.note(f"{source.name}: {NOT_FOUND}")
        yield Record(document, annotation, source.name)


def _text_of(path: Path) -> Path | None:
    """Return the text file that belongs to a file of annotations."""
    found = _ENDING.search(path.name)
    return None if found is None else beside(path.with_name(path.name[: found.start()] + GIVEN), ".txt")


def _noted(reading: Reading) -> bool:
    return any(NOT_FOUND in note for note in reading.report.notes)
