"""ChemProt's tables: abstracts, mentions and relations in files of their own, tab-separated, without a header.

::

    x_abstracts.tsv      PMID, title, abstract
    x_entities.tsv       PMID, mention id, type, start, end, text
    x_relations.tsv      PMID, group (CPR:3), "Y " or "N " (evaluated), label, Arg1:T1, Arg2:T2
    x_gold_standard.tsv  PMID, group, Arg1:T1, Arg2:T2; the evaluated relations once more

- The text is the title, one space, the abstract; offsets count its code points, end exclusive. A quotation mark is an
  ordinary character.
- A relation's label is its group; the third and fourth column are kept in its ``extras``. The gold standard is read
  only where there is no file of relations.
- Without a file of mentions nobody has looked at the documents; with one, all of them were looked at.
- The mentions and relations of a set are held in memory, since their order need not be that of the abstracts.

Krallinger M, Rabal O, Akhondi SA, et al. Overview of the BioCreative VI chemical-protein interaction track.
Proceedings of the BioCreative VI Workshop, 2017, 141-146.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from biorat_al.corpus import losses
from biorat_al.corpus.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.concept_relations import expanded
from biorat_al.corpus.files import replacing_folder
from biorat_al.corpus.model import Annotation, Document, Entity, Passage, Record, Relation, Span, check_surface
from biorat_al.corpus.source import Source
from biorat_al.corpus.writing import (
    check_record,
    fitting,
    numbered,
    renamed,
    stripped,
    tabular_id,
    title_and_abstract,
)
from biorat_al.errors import FormatError, OffsetError

ABSTRACTS, ENTITIES, RELATIONS, GOLD = "abstracts.tsv", "entities.tsv", "relations.tsv", "gold_standard.tsv"

_NUMBER = re.compile(r"[0-9]{1,18}")
_UNFIT = re.compile(r"[\t\n]")
_KEPT = (losses.PASSAGES, losses.NOT_LOOKED, losses.RELATIONS, losses.CONCEPT_RELATIONS)

_Rows = dict[str, list[tuple[str, list[str]]]]


class ChemProt(CorpusFormat):
    """Reader and writer of ChemProt's tables."""

    name = "chemprot"
    title = "ChemProt TSV"
    suffixes = (ABSTRACTS,)
    writes_folder = True
    made_files = r"[^/]+_(abstracts|entities|relations|gold_standard)\.tsv"

    def detects(self, head: str) -> bool:
        # three columns of text can be anything: the files' names say what they are
        return False

    def owns(self, path: Path) -> bool:
        return bool(self.companions(path))

    def main_file(self, path: Path) -> Path | None:
        return next(
            (main for part in (ENTITIES, RELATIONS, GOLD) if (main := _beside(path, part, ABSTRACTS)) is not None), None
        )

    def companions(self, path: Path) -> tuple[Path, ...]:
        found = [_beside(path, ABSTRACTS, part) for part in (ENTITIES, RELATIONS)]
        if found[1] is None:
            found[1] = _beside(path, ABSTRACTS, GOLD)
        return tuple(other for other in found if other is not None)

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        path = _beside(source.path, ABSTRACTS, ENTITIES)
        entities = _table(source.beside(path), 6, "id, mention id, type, start, end, text") if path else None
        relations: _Rows = {}
        if path := _beside(source.path, ABSTRACTS, RELATIONS):
            relations = _table(source.beside(path), 6, "id, group, evaluated, label, Arg1:…, Arg2:…")
        elif path := _beside(source.path, ABSTRACTS, GOLD):
            relations = _table(source.beside(path), 4, "id, group, Arg1:…, Arg2:…")
        seen = set()
        for where, (ident, title, abstract) in _rows(source, 3, "id, title, abstract"):
            text = f"{title} {abstract}"
            passages = (Passage("title", 0, len(title)), Passage("abstract", len(title) + 1, len(text)))
            document = Document(ident.strip(), text, passages)
            seen.add(document.id)
            annotation = None
            if entities is not None or relations:
                annotation = _annotation(
                    document, (entities or {}).get(document.id, []), relations.get(document.id, []), reading
                )
            yield Record(document, annotation, where)
        for rows in (entities or {}, relations):
            for ident in rows.keys() - seen:
                where, _ = rows[ident][0]
                raise FormatError("there is no abstract of that document", source=where, document=ident)

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        count = not_looked = 0
        with replacing_folder(path) as folder, ExitStack() as stack:
            files = {
                part: stack.enter_context(open(folder / f"{path.name}_{part}", "w", encoding="utf-8", newline="\n"))
                for part in (ABSTRACTS, ENTITIES, RELATIONS, GOLD)
            }
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                losses.count_losses(counted, document, annotation, keeps=_KEPT, relation_extras=("label", "evaluated"))
                ident = tabular_id(document, r"[\t\n\r\ufeff]", self.title, counted)
                title, abstract = title_and_abstract(document, r"[\t\n]", counted)
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


def _beside(path: Path, ending: str, other: str) -> Path | None:
    """The file whose name ends in `other` where that of `path` ends in `ending`; packed or not."""
    name = path.name.removesuffix(".gz")
    if not name.endswith(ending):
        return None
    found = (path.with_name(name[: -len(ending)] + other + packed) for packed in ("", ".gz"))
    return next((place for place in found if place.is_file()), None)


def _rows(source: Source, number_of_columns: int, expected: str) -> Iterator[tuple[str, list[str]]]:
    carriage_returns: bool | None = None
    for number, line in source.lines():
        if not line or line == "\r":
            continue
        if carriage_returns is None:
            carriage_returns = line.endswith("\r")
        if carriage_returns and line.endswith("\r"):
            line = line[:-1]
        columns = line.split("\t")
        if len(columns) != number_of_columns:
            raise FormatError(
                f"found {line[:80]!r} with {len(columns)} columns, expected {number_of_columns}: {expected}",
                source=source.at(number),
            )
        yield source.at(number), columns


def _table(source: Source, number_of_columns: int, expected: str) -> _Rows:
    """All rows of a file by their document."""
    rows: _Rows = defaultdict(list)
    for where, columns in _rows(source, number_of_columns, expected):
        rows[columns[0].strip()].append((where, columns))
    return dict(rows)


def _annotation(
    document: Document,
    entity_rows: list[tuple[str, list[str]]],
    relation_rows: list[tuple[str, list[str]]],
    reading: Reading,
) -> Annotation:
    entities = []
    ids: set[str] = set()
    left_out: set[str] = set()
    for where, (_, ident, label, start, end, text) in entity_rows:
        if not (_NUMBER.fullmatch(start) and _NUMBER.fullmatch(end)):
            raise FormatError(
                f"found the offsets {start!r} and {end!r}, expected whole numbers", source=where, document=document.id
            )
        if ident in ids:
            raise FormatError(f"two mentions have the id {ident!r}", source=where, document=document.id)
        ids.add(ident)
        span = Span(int(start), int(end))
        try:
            check_surface(document, span, text, source=where)
        except OffsetError as error:
            reading.keeps(error)
            left_out.add(ident)
        else:
            entities.append(Entity(ident, label.strip(), (span,)))
    relations = []
    for number, (where, columns) in enumerate(relation_rows, start=1):
        ends = []
        for name, column in zip(("Arg1", "Arg2"), columns[-2:], strict=True):
            role, _, ident = column.strip().partition(":")
            if role != name or ident not in ids:
                raise FormatError(
                    f"found {column!r}, expected {name}: and the id of a mention", source=where, document=document.id
                )
            ends.append(ident)
        extras: dict[str, Any] = {}
        if len(columns) == 6:
            evaluated, label = columns[2].strip(), columns[3].strip()
            if evaluated not in ("Y", "N", ""):
                raise FormatError(
                    f"found {columns[2]!r} in the third column, expected Y or N", source=where, document=document.id
                )
            extras = {"label": label} if label else {}
            extras |= {"evaluated": evaluated == "Y"} if evaluated else {}
        relations.append(Relation(f"R{number}", columns[1].strip(), ends[0], ends[1], extras=extras))
    return Annotation(tuple(entities), reading.without(left_out, relations))


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
        report.lose("ids of relations (numbered anew)", relation.id != f"R{number}")
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
