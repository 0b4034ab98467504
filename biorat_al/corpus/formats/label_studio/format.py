"""Label Studio's JSON: a list of tasks with their annotations, as Label Studio exports and imports it.

- The text is ``data.text``, or the only text in a task's data. The id is ``data.document_id``, or the task's id.
  Passages are ``data.passages``, as in our own JSON Lines. All other data are the document's metadata.
- Offsets count code points, end exclusive. A discontinuous mention is several regions, joined by relations with the
  label ``same mention``; a relation's direction may be ``bi``; see
  :mod:`biorat_al.corpus.formats.label_studio.regions`. Concepts and annotators' notes are in a region's ``meta``.
- If a task has several annotations, the ground truth is read, else the last one. Two kinds do not count as answers:
  skipped ones, and those that an action over many tasks created without anybody looking at them. The report counts all
  annotations that are not read, predictions, and parts of an answer that cannot be understood. Further properties of
  an annotation (annotator, lead time, …) are kept in its ``extras["label_studio"]``.
- A task without an annotation counts as not annotated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from biorat_al.corpus.formats import losses
from biorat_al.corpus.formats.base import CorpusFormat, Reading, Writable, WriteReport
from biorat_al.corpus.formats.label_studio.answers import made_by_action
from biorat_al.corpus.formats.label_studio.regions import annotation_of, regions_of
from biorat_al.corpus.formats.label_studio.relations import SCORE
from biorat_al.corpus.formats.sound import BROKEN_DOCUMENTS
from biorat_al.corpus.formats.writing import check_record, text_file
from biorat_al.corpus.io.json_fields import Fields, to_json
from biorat_al.corpus.io.json_head import Cut, first_item, json_head
from biorat_al.corpus.io.json_stream import items
from biorat_al.corpus.io.source import Source
from biorat_al.corpus.model.concept_relations import CONCEPTS, expanded
from biorat_al.corpus.model.document import Annotation, Document, Passage, Record
from biorat_al.corpus.model.mismatch import mismatch_text, outside_text
from biorat_al.corpus.model.notes import NOTE
from biorat_al.errors import FormatError, OffsetError
from biorat_al.settings import SAME_MENTION

CONTROL, TEXT = "label", "text"
"""Names of the control and the text in the program's own labelling configuration."""

KEPT = "label_studio"

UNATTENDED = "annotations made from predictions or copied, which nobody has looked at"

_PAGES = {"tasks": "total", "results": "count"}
"""Keys in a response of the API: the key of its tasks → the key of their number on all pages."""
_OWN = ("text", "document_id", "passages")
_NOT_KEPT = ("result", "prediction", "draft_id", "task", "project")
_KEPT_KINDS = (
    losses.PASSAGES, losses.METADATA, losses.NOT_LOOKED, losses.CONCEPT_LINKS, losses.SCORES, losses.HISTORIES,
    losses.RELATIONS, losses.CONCEPT_RELATIONS, losses.UNDIRECTED,
)  # fmt: skip


class LabelStudioJson(CorpusFormat):
    """Reader and writer of Label Studio's JSON."""

    name = "label-studio"
    title = "Label Studio JSON"
    suffixes = (".ls.json",)

    def detects(self, head: str) -> bool:
        value = json_head(head)
        task = first_item(
            next((value[key] for key in _PAGES if key in value), value) if isinstance(value, dict) else value
        )
        return (
            isinstance(task, dict)
            and isinstance(task.get("data"), (dict, Cut))
            and "completions" not in task
            and all(isinstance(task.get(key, []), (list, Cut, type(None))) for key in ("annotations", "predictions"))
        )

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        value = json_head(source.head())
        page = next((key for key in _PAGES if key in value), None) if isinstance(value, dict) else None
        place = f"{page}.item" if page else "" if isinstance(value, dict) else "item"
        number = 0
        for number, item in enumerate(items(source, place), start=1):
            where = f"{source.name}, task {number}"
            try:
                record = _record(Fields({"task": item}, where).inner("task"), where, reading)
            except FormatError as error:
                reading.leave_out(BROKEN_DOCUMENTS, error)
            else:
                yield record
        total = next(items(source, _PAGES[page]), None) if page else None
        if isinstance(total, int) and total > number:
            reading.report.note(
                f"{source.name} is one page of an answer, with {number:,} of {total:,} tasks; export the project as "
                "JSON to have all"
            )

    def write(self, path: Path, records: Iterable[Writable], report: WriteReport | None = None) -> int:
        counted = WriteReport() if report is None else report
        count = 0
        with text_file(path) as out:
            out.write("[")
            for record in records:
                document, annotation = record[:2]
                check_record(document, annotation)
                count += 1
                value = _task(count, document, annotation, counted)
                out.write(("," if count > 1 else "") + "\n" + to_json(value, document.id))
            out.write("\n]\n")
        counted.documents += count
        return count


def _record(task: Fields, where: str, reading: Reading) -> Record:
    data = task.inner("data")
    ident = data.value.get("document_id", task.value.get("id"))
    task.document = data.document = str(ident) if isinstance(ident, (str, int)) else ""
    key = "text"
    if not isinstance(data.value.get(key), str):
        texts = [name for name, value in data.value.items() if isinstance(value, str) and name != "document_id"]
        if len(texts) != 1:
            data.wrong(f"the task's data have no 'text', and {len(texts)} other texts, of which one would be taken")
        key = texts[0]
    passages = [
        Passage(part.text("kind"), part.whole("start"), part.whole("end"))
        for part in data.objects("passages", ("kind", "start", "end"))
    ]
    metadata = {name: value for name, value in data.value.items() if name not in (*_OWN, key)}
    document = Document(task.document, data.text(key), tuple(passages), metadata)
    return Record(document, _annotation(task, document, reading), where)


def _annotation(task: Fields, document: Document, reading: Reading) -> Annotation | None:
    left_out = reading.report.left_out
    predictions = task.items("predictions") if task.value.get("predictions") is not None else []
    left_out.update({"predictions in Label Studio's tasks": len(predictions)} if predictions else {})
    answers = [part for part in task.parts("annotations") if part.value.get("was_cancelled") is not True]
    skipped = len(task.items("annotations")) - len(answers)
    left_out.update({"skipped tasks": skipped} if skipped else {})
    attended = [part for part in answers if made_by_action(part.value) is None]
    left_out.update({UNATTENDED: len(answers) - len(attended)} if len(attended) < len(answers) else {})
    answers = attended
    if not answers:
        return None
    chosen = next((part for part in answers if part.value.get("ground_truth") is True), answers[-1])
    left_out.update({"answers of further annotators": len(answers) - 1} if len(answers) > 1 else {})
    regions = []
    for region in chosen.items("result", must=True):
        try:
            _check(region, document, chosen.source)
        except OffsetError as error:
            if reading.keeps(error):
                value = {key: item for key, item in region["value"].items() if key != "text"}
                regions.append({**region, "value": value})
        else:
            regions.append(region)
    annotation, problems = annotation_of(regions, document.text)
    for problem in problems:
        where = f"{chosen.source}, document {document.id}"
        reading.report.leave_unread("parts of answers that could not be understood", f"{where}: {problem}")
    kept = {name: value for name, value in chosen.value.items() if name not in _NOT_KEPT}
    extras = dict(annotation.extras) | ({KEPT: kept} if kept else {})
    return Annotation(annotation.entities, annotation.relations, extras=extras)


def _check(region: object, document: Document, source: str) -> None:
    """Raise an error if a region is outside of the text, or its own text is not the text at its offsets."""
    value = region.get("value") if isinstance(region, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(value.get("labels"), list):
        return
    start, end, text = value.get("start"), value.get("end"), value.get("text")
    if not (isinstance(start, int) and isinstance(end, int)):
        return
    found = document.text[start:end] if 0 <= start < end <= len(document.text) else None
    if found is None or (isinstance(text, str) and _flat(text) != _flat(found)):
        raise OffsetError(
            outside_text(document.text, start, end)
            if found is None
            else mismatch_text(document.text, [(start, end)], str(text), _flat(found)),
            source=source,
            document=document.id,
            found=found,
            expected=text if isinstance(text, str) else None,
        )


def _flat(text: str) -> str:
    """Return a region's text without white space: line ends come back as a backslash and an n, or not at all."""
    return re.sub(r"\\n|\s", "", text)


def _task(number: int, document: Document, annotation: Annotation | None, report: WriteReport) -> dict[str, Any]:
    losses.count_losses(
        report,
        document,
        annotation,
        keeps=_KEPT_KINDS,
        keys=losses.KeptKeys(entities=(NOTE,), relations=(SCORE,), annotations=(KEPT,)),
    )
    data: dict[str, Any] = {"text": document.text, "document_id": document.id}
    if document.passages:
        data["passages"] = [{"kind": part.kind, "start": part.start, "end": part.end} for part in document.passages]
    for key, value in document.metadata.items():
        if key in _OWN:
            report.lose(losses.METADATA)
        else:
            data[key] = value
    answers = [] if annotation is None else [_answer(document, annotation, report)]
    # texts are long, so the keys that identify the format come first
    return {"id": number, "annotations": answers, "data": data}


def _answer(document: Document, annotation: Annotation, report: WriteReport) -> dict[str, Any]:
    relations, unlinked = expanded(annotation)
    report.lose(losses.UNLINKED, unlinked)
    for number, relation in enumerate(relations, start=1):
        report.lose("ids of relations (renumbered)", relation.id != f"r{number}" and CONCEPTS not in relation.extras)
    written = [relation for relation in relations if relation.label != SAME_MENTION]
    report.lose(f"relations called {SAME_MENTION!r}", len(relations) - len(written))
    result = regions_of(annotation.entities, document.text, CONTROL, TEXT, written)
    kept = annotation.extras.get(KEPT, {})
    if not isinstance(kept, dict) or kept.get("was_cancelled") is True or any(key in _NOT_KEPT for key in kept):
        report.lose(losses.FURTHER)
        kept = {}
    return {"result": result, **kept}
