"""brat stand-off: a text file, and beside it a file with its annotations.

::

    T1<tab>Chemical 0 8<tab>Naloxone
    T2<tab>Chemical 30 34;40 45<tab>clon idine
    R1<tab>CID Arg1:T1 Arg2:T2
    E1<tab>Binding:T3 Theme:T1 Theme2:T2
    A1<tab>Negation E1
    N1<tab>Reference T1 MESH:D009270<tab>naloxone
    #1<tab>AnnotatorNotes T1<tab>a note
    *<tab>Equiv T1 T2

- The document is the unchanged text file. Its byte order mark stays, since brat counts it. The id is the file's name
  without ``.txt``; characters that a file name cannot hold are percent-encoded (``%2F``). A text file without an
  ``.ann`` file beside it has not been annotated; an empty ``.ann`` file means that an annotator found nothing.
- The names may end in upper case (``.TXT``, ``.ANN``), and either file may be compressed. If some texts have no
  annotations, or some annotations have no text, the report says so.
- A mention's text consists of its pieces, joined by one space. Each line end in it becomes a space.
- The ``T`` line that an event names as its trigger is a part of the event. Events and groups of equivalent mentions
  are kept as :mod:`biorat_al.corpus.formats.events` describes.
- ``N`` lines become concepts. brat would cut the name of a database or an identifier at white space, so white space in
  them is percent-encoded (``NCBI%20Gene``). Attributes and notes are kept in the ``extras`` of their mention or
  relation, or in their event. Every other line is kept unchanged, in the annotation's ``extras["brat_lines"]``.
- Relations are undirected if ``annotation.conf`` (beside the files or in a folder above) declares their type symmetric.

Stenetorp P, Pyysalo S, Topić G, Ohta T, Ananiadou S, Tsujii J. brat: a web-based tool for NLP-assisted text annotation.
EACL 2012 Demonstrations, aclanthology.org/E12-2021.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.brat.reading import BratReader
from biorat_al.corpus.formats.brat.writing import BratConfiguration, annotation_lines
from biorat_al.corpus.formats.losses import NOT_LOOKED, count_losses
from biorat_al.corpus.formats.writing import check_name, check_record, file_name, long_name, named, write_once
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.document import Document, Record
from biorat_al.errors import FormatError
from biorat_al.files import replacing_folder

CONFIGURATION = "annotation.conf"

WITHOUT_TEXT = "annotation files without a text file"
UNANNOTATED = "no .ann file was found beside it, so that it counts as annotated by nobody; so may further texts"

_SYMMETRIC = re.compile(r"^([^\s!#\[]\S*)\s.*<REL-TYPE>\s*:\s*[a-z-]*\bsymmetric\b", re.MULTILINE)


class Brat(CorpusFormat):
    """Reader and writer of brat stand-off."""

    name = "brat"
    title = "brat stand-off"
    suffixes = (".txt", ".ann")
    writes_folder = True
    made_files = r"[^/]+\.(txt|ann)|annotation\.conf"
    may_be_empty = True
    lying_beside = frozenset({CONFIGURATION, "visual.conf", "tools.conf", "kb_shortcuts.conf", ".stats_cache"})

    def detects(self, head: str) -> bool:
        # the text can be anything: only the files beside it show that it is brat
        return False

    def owns(self, path: Path) -> bool:
        # with a configuration beside it, a text without annotations belongs to brat too, whatever it looks like
        return _ending(path) == ".txt" and (bool(self.companions(path)) or (path.parent / CONFIGURATION).is_file())

    def main_file(self, path: Path) -> Path | None:
        return beside(path, ".txt") if _ending(path) == ".ann" else None

    def companions(self, path: Path) -> tuple[Path, ...]:
        found = beside(path, ".ann")
        return (found,) if found is not None else ()

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        if _ending(source.path) == ".ann":
            error = FormatError("there is no text file of that name beside it", source=source.name)
            reading.leave_out(WITHOUT_TEXT, error)
            return
        document = Document(named(source.document_id), source.text(mark=True))
        annotation = None
        for path in self.companions(source.path):
            symmetric = _symmetric(source.path.parent)
            annotation = BratReader(document, [source.beside(path)], reading, symmetric).annotation()
        if annotation is None and not any(UNANNOTATED in note for note in reading.report.notes):
            reading.report.note(f"{source.name}: {UNANNOTATED}")
        yield Record(document, annotation, source.name)

    def refusal(self, document: Document) -> str | None:
        return long_name(document.id)

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        configuration, count = BratConfiguration(), 0
        with replacing_folder(path) as folder:
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                check_name(document)
                lines = None if annotation is None else annotation_lines(document, annotation, counted, configuration)
                if annotation is None:
                    count_losses(counted, document, None, keeps=(NOT_LOOKED,))
                count += _write_document(folder, document, lines, counted)
            (folder / CONFIGURATION).write_text(configuration.text(), encoding="utf-8", newline="\n")
            configuration.report(counted)
        counted.documents += count
        return count


def _write_document(folder: Path, document: Document, lines: list[str] | None, report: WriteReport) -> bool:
    name = file_name(document.id)
    annotations = folder / f"{name}.ann"
    text_path = folder / f"{name}.txt"
    again = text_path.exists()
    new = write_once(text_path, document.text.encode("utf-8"), document.id, report)
    content = "".join(line + "\n" for line in lines or ()).encode("utf-8")
    if again and annotations.exists() != (lines is not None):
        raise FormatError("it occurs twice, once with annotations and once without", document=document.id)
    if lines is not None:
        write_once(annotations, content, document.id, WriteReport())
    return new


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return name[name.rfind(".") :] if "." in name else ""


def beside(path: Path, ending: str) -> Path | None:
    """Return the file of the same name with another ending, in lower or upper case, compressed or not."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    stem = name[: name.rfind(".")] if "." in name else name
    endings = (ending, ending.upper(), ending[:2].upper() + ending[2:])
    found = (path.with_name(stem + spelled + packed) for spelled in endings for packed in ("", ".gz", ".GZ"))
    return next((other for other in found if other != path and other.is_file()), None)


def _symmetric(folder: Path) -> frozenset[str]:
    """Return the symmetric relation types of the nearest configuration, in the folder or above it."""
    for place in (folder, *folder.absolute().parents):
        path = place / CONFIGURATION
        if path.is_file():
            return _declared(path, path.stat().st_mtime_ns)
    return frozenset()


@lru_cache(maxsize=64)
def _declared(path: Path, changed: int) -> frozenset[str]:
    """Return the relation types that a configuration declares symmetric; read it again only once it has `changed`."""
    return frozenset(_SYMMETRIC.findall(Source(path).text()))
