"""ChemProt and DrugProt tables: abstracts, mentions and relations in separate files, tab-separated, without a header.

::

    x_abstracts.tsv      PMID, title, abstract
    x_entities.tsv       PMID, mention id, type, start, end, text
    x_relations.tsv      PMID, group (CPR:3), "Y " or "N " (evaluated), label, Arg1:T1, Arg2:T2
    x_gold_standard.tsv  PMID, group, Arg1:T1, Arg2:T2; the evaluated relations again

- File names of all releases are known: ``…_abstracts_gs.tsv`` (gold of the test set), ``…_abstracs.tsv`` (DrugProt), in
  upper case, packed. DrugProt's relations have the four columns of the gold standard.

- The text is the title, one space, the abstract; offsets count its code points, end exclusive. A quotation mark is an
  ordinary character.
- A relation's label is its group; the third and fourth columns are kept in its ``extras``. The gold standard is read
  only if there is no file of relations.
- Without a file of mentions, the documents count as annotated by nobody, which the report notes; with one, all were
  looked at.
- The mentions and relations of a set are kept in memory, since they may be in another order than the abstracts.

Krallinger M, Rabal O, Akhondi SA, et al. Overview of the BioCreative VI chemical-protein interaction track.
Proceedings of the BioCreative VI Workshop, 2017, 141-146.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.writing import (
    check_record,
    fitting,
    numbered,
    renamed,
    stripped,
    tabular_id,
    title_and_abstract,
    unfit_id,
)
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.concept_relations import expanded
from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Record, Relation, Span, check_surface
from biorat_al.errors import DuplicateDocumentError, FormatError, OffsetError
from biorat_al.files import replacing_folder
from biorat_al.wording import shortened

ABSTRACTS, ENTITIES, RELATIONS, GOLD = "abstracts.tsv", "entities.tsv", "relations.tsv", "gold_standard.tsv"

BROKEN = "lines that cannot be read"
REPEATED = "documents that occur again"
ORPHANS = "mentions and relations of documents that are not in the file"
DANGLING = "relations to mentions that do not exist"

_PARTS = {"abstract": ABSTRACTS, "abstracts": ABSTRACTS, "abstracs": ABSTRACTS} | {
    name.removesuffix(".tsv"): name for name in (ENTITIES, RELATIONS, GOLD)
}
_NAME = re.compile(rf"(?P<before>.*?)(?P<part>{'|'.join(sorted(_PARTS, reverse=True))})(?P<after>[^.]*)\.tsv(?:\.gz)?")
_NUMBER = re.compile(r"[0-9]{1,18}")
_UNFIT = re.compile(r"[\t\n]")
_KEPT = (losses.PASSAGES, losses.NOT_LOOKED, losses.RELATIONS, losses.CONCEPT_RELATIONS)
_KEPT_KEYS = losses.KeptKeys(relations=("label", "evaluated"))

_UNFIT_ID = re.compile(r"[\t\n\r\ufeff]")


class _Columns(NamedTuple):
    """The permitted numbers of columns of a table, and what the columns hold."""

    numbers: tuple[int, ...]
    names: str


class _Row(NamedTuple):
    where: str
    columns: list[str]


_Rows = dict[str, list[_Row]]

_ABSTRACT_COLUMNS = _Columns((3,), "id, title, abstract")
_ENTITY_COLUMNS = _Columns((6,), "id, mention id, type, start, end, text")
_RELATION_COLUMNS = _Columns((6, 5, 4), "id, group, evaluated, label, Arg1:…, Arg2:…")


class ChemProt(CorpusFormat):
    """Reader and writer of ChemProt's tables."""

    name = "chemprot"
    title = "ChemProt TSV"
    suffixes = (ABSTRACTS, "abstracts_gs.tsv", "abstracs.tsv")
    writes_folder = True
    made_files = r"[^/]+_(abstracts|entities|relations|gold_standard)\.tsv"

    def detects(self, head: str) -> bool:
        # three columns of text can be anything: only the file names decide
        return False

    def owns(self, path: Path) -> bool:
        return bool(self.companions(path))

    def main_file(self, path: Path) -> Path | None:
        part = _part(path)
        return None if part in (None, ABSTRACTS) else _beside(path, ABSTRACTS)

    def companions(self, path: Path) -> tuple[Path, ...]:
        if _part(path) != ABSTRACTS:
            return ()
        found = (_beside(path, ENTITIES), _beside(path, RELATIONS) or _beside(path, GOLD))
        return tuple(other for other in found if other is not None)

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        parts = {_part(path): path for path in self.companions(source.path)}
        self._tell(source, parts, reading)
        entities, relations = (
            _table(source.beside(path), columns, reading) if path is not None else None
            for path, columns in (
                (parts.get(ENTITIES), _ENTITY_COLUMNS),
                (parts.get(RELATIONS) or parts.get(GOLD), _RELATION_COLUMNS),
            )
        )
        seen: dict[str, str] = {}
        for where, (ident, title, abstract) in _rows(source, _ABSTRACT_COLUMNS, reading):
            text = f"{title} {abstract}"
            passages = (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text)))
            document = Document(ident.strip(), text, passages)
            if not document.id:
                reading.leave_out(BROKEN, FormatError("the document's id is empty", source=where))
                continue
            if document.id in seen:
                what = f"the document is also on line {seen[document.id]}; delete one of the two lines"
                reading.leave_out(REPEATED, DuplicateDocumentError(what, source=where, document=document.id))
                continue
            seen[document.id] = where.rpartition(":")[2]
            annotation = None
            if entities is not None or relations:
                annotation = _annotation(
                    document, (entities or {}).get(document.id, []), (relations or {}).get(document.id, []), reading
                )
            yield Record(document, annotation, where)
        for rows in (entities or {}, relations or {}):
            for ident, orphans in rows.items():
                for where, _ in orphans if ident not in seen else ():
                    error = FormatError("there is no abstract of that document", source=where, document=ident)
                    reading.leave_out(ORPHANS, error)

    def _tell(self, source: Source, parts: Collection[str | None], reading: Reading) -> None:
        """Note which files of a set are missing."""
        if ENTITIES not in parts:
            taken = "annotated but for their mentions" if parts else "annotated by nobody"
            missing = _name_of(source.path, ENTITIES)
            reading.report.note(
                f"{source.name}: no file of mentions (such as {missing}) was found beside it, so that its documents "
                f"count as {taken}"
            )
        elif RELATIONS not in parts and GOLD not in parts:
            missing = _name_of(source.path, RELATIONS)
            reading.report.note(f"{source.name}: no file of relations (such as {missing}) was found beside it")

    def refusal(self, document: Document) -> str | None:
        return unfit_id(document.id.strip(), _UNFIT_ID)

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        count = not_looked = 0
        seen: dict[str, bytes] = {}
        with replacing_folder(path) as folder, ExitStack() as stack:
            files = {
                part: stack.enter_context(open(folder / f"{path.name}_{part}", "w", encoding="utf-8", newline="\n"))
                for part in (ABSTRACTS, ENTITIES, RELATIONS, GOLD)
            }
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                ident = tabular_id(document, _UNFIT_ID, self.title, counted)
                digest = hashlib.sha256(repr((document.text, annotation)).encode("utf-8")).digest()
                if ident in seen:
                    if seen[ident] != digest:
                        raise DuplicateDocumentError(
                            "another document has that id, with another text or other annotations",
                            document=document.id,
                        )
                    counted.lose("repetitions of documents")
                    continue
                seen[ident] = digest
                losses.count_losses(counted, document, annotation, keeps=_KEPT, keys=_KEPT_KEYS)
                # a carriage return in the last column would be read as part of the line end
                title, abstract = title_and_abstract(document, r"[\t\n\r]", counted)
                files[ABSTRACTS].write(f"{ident}\t{title}\t{abstract}\n")
                if annotation is None:
                    not_looked += 1
                else:
                    _write_annotation(files, ident, f"{title} {abstract}", annotation, counted)
                count += 1
            stack.close()
            if not_looked == count:
                for part in (ENTITIES, RELATIONS, GOLD):
                    (folder / f"{path.name}_{part}").unlink()
            else:
                counted.lose(losses.NOT_LOOKED, not_looked)
        counted.documents += count
        return count


def _part(path: Path) -> str | None:
    """Return which table of a set a file is, by its name; None if it is no such table."""
    found = _NAME.fullmatch(path.name.lower())
    return _PARTS[found["part"]] if found is not None else None


def _name_of(path: Path, part: str) -> str:
    """Return the name that a table of that kind would have next to `path`."""
    found = _NAME.fullmatch(path.name.lower())
    if found is None:
        return f"…_{part}"
    return path.name[: found.start("part")] + part.removesuffix(".tsv") + path.name[found.end("part") :]


def _beside(path: Path, part: str) -> Path | None:
    """Return the table of that kind, packed or not, in the set of `path`; None if it is missing."""
    own = _NAME.fullmatch(path.name.lower())
    if own is None:
        return None
    try:
        names = sorted(os.listdir(path.parent), key=lambda name: (name.lower().endswith(".gz"), name))
    except OSError:
        return None
    # the gold release marks three of its four files with "_gs"
    for marks in ((own["after"],), ("", "_gs")):
        for name in names:
            found = _NAME.fullmatch(name.lower())
            if found is None or found["before"] != own["before"] or found["after"] not in marks:
                continue
            if _PARTS[found["part"]] == part and (place := path.with_name(name)).is_file():
                return place
    return None


def _rows(source: Source, expected: _Columns, reading: Reading) -> Iterator[tuple[str, list[str]]]:
    carriage_returns: bool | None = None
    for number, line in source.lines():
        if not line or line == "\r":
            continue
        if carriage_returns is None:
            carriage_returns = line.endswith("\r")
        if carriage_returns and line.endswith("\r"):
            line = line[:-1]
        columns = line.split("\t")
        if len(columns) in expected.numbers:
            yield source.at(number), columns
            continue
        wanted = " or ".join(str(number) for number in expected.numbers)
        error = FormatError(
            f"found {shortened(line, 80)!r} with {len(columns)} columns, expected {wanted}: {expected.names}",
            source=source.at(number),
        )
        reading.leave_out(BROKEN, error)


def _table(source: Source, expected: _Columns, reading: Reading) -> _Rows:
    """Return all rows of a file by their document."""
    rows: _Rows = defaultdict(list)
    for where, columns in _rows(source, expected, reading):
        rows[columns[0].strip()].append(_Row(where, columns))
    return dict(rows)


def _annotation(document: Document, entity_rows: list[_Row], relation_rows: list[_Row], reading: Reading) -> Annotation:
    entities = []
    ids: set[str] = set()
    left_out: set[str] = set()
    for where, (_, ident, label, start, end, text) in entity_rows:
        what = None
        if not (_NUMBER.fullmatch(start.strip()) and _NUMBER.fullmatch(end.strip())):
            what = f"found the offsets {start!r} and {end!r}, expected whole numbers"
        elif not label.strip():
            what = f"the mention {ident!r} has no type"
        if ident in ids:
            error = FormatError(f"two mentions have the id {ident!r}", source=where, document=document.id)
            reading.leave_out(BROKEN, error)
            continue
        ids.add(ident)
        if what is not None:
            left_out.add(ident)
            reading.leave_out(BROKEN, FormatError(what, source=where, document=document.id))
            continue
        span = Span(int(start.strip()), int(end.strip()))
        try:
            check_surface(document, span, text, source=where)
        except OffsetError as error:
            if not reading.keeps(error):
                left_out.add(ident)
                continue
        entities.append(Entity(ident, label.strip(), (span,)))
    relations = []
    for number, row in enumerate(relation_rows, start=1):
        found = _relation(number, row.columns, ids)
        if isinstance(found, Relation):
            relations.append(found)
        else:
            kind, what = found
            reading.leave_out(kind, FormatError(what, source=row.where, document=document.id))
    return Annotation(tuple(entities), reading.without(left_out, relations))


def _relation(number: int, columns: list[str], ids: Collection[str]) -> Relation | tuple[str, str]:
    """Return the relation of a row; if it is broken, the kind of fault and the reason."""
    ends = []
    for name, column in zip(("Arg1", "Arg2"), columns[-2:], strict=True):
        role, _, ident = column.strip().partition(":")
        if role != name or ident not in ids:
            return DANGLING if role == name else BROKEN, f"found {column!r}, expected {name}: and the id of a mention"
        ends.append(ident)
    group = columns[1].strip()
    inner = [column.strip() for column in columns[2:-2]]
    marks = [mark for mark in inner[:1] if mark in ("Y", "N", "")]
    if not group:
        return BROKEN, "the relation has no group"
    if len(inner) == 2 and not marks:
        return BROKEN, f"found {columns[2]!r} in the third column, expected Y or N"
    extras: dict[str, Any] = {}
    if len(inner) > len(marks) and inner[-1]:
        extras["label"] = inner[-1]
    if marks and marks[0]:
        extras["evaluated"] = marks[0] == "Y"
    return Relation(f"R{number}", group, ends[0], ends[1], extras=extras)


def _write_annotation(
    files: Mapping[str, TextIO], ident: str, text: str, annotation: Annotation, report: WriteReport
) -> None:
    def column(value: str) -> str:
        fit = fitting(value, _UNFIT, report, "tabs and line ends in labels (each became a space)")
        return stripped(fit, report)

    names = numbered([entity.id for entity in annotation.entities], "T", set())
    report.lose(losses.MENTION_IDS, renamed(names))
    for entity in annotation.entities:
        report.lose(losses.DISCONTINUOUS, entity.is_discontinuous)
        place = f"{entity.start}\t{entity.end}\t{text[entity.start : entity.end]}"
        files[ENTITIES].write(f"{ident}\t{names[entity.id]}\t{column(entity.label)}\t{place}\n")
    relations, unlinked = expanded(annotation)
    report.lose(losses.UNLINKED, unlinked)
    gold: dict[str, None] = {}
    for number, relation in enumerate(relations, start=1):
        report.lose("ids of relations (renumbered)", relation.id != f"R{number}")
        group = column(relation.label)
        label, evaluated = relation.extras.get("label", ""), relation.extras.get("evaluated")
        if not isinstance(label, str) or label != label.strip() or _UNFIT.search(label):
            report.lose(losses.RELATION_PROPERTIES)
            label = ""
        if evaluated is not None and not isinstance(evaluated, bool):
            report.lose(losses.RELATION_PROPERTIES)
            evaluated = None
        mark = {True: "Y ", False: "N ", None: ""}[evaluated]
        ends = f"Arg1:{names[relation.head]}\tArg2:{names[relation.tail]}"
        files[RELATIONS].write(f"{ident}\t{group}\t{mark}\t{label}\t{ends}\n")
        if evaluated:
            gold[f"{ident}\t{group}\t{ends}\n"] = None
    files[GOLD].writelines(gold)
