"""Checks of records of BigBio's "kb" schema, for everything that BigBio's own checker refuses or warns of.

Three checks go beyond it: ids are unique over all splits, and neither a piece of a mention nor an identifier is empty.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from biorat_al.corpus.io.on_disk import OnDisk
from biorat_al.corpus.model.concepts import TMVAR

JOINERS = "+,|;"
"""Characters that join several identifiers or types in one item, where several items are expected."""

CONVENTIONS = frozenset({"types in one item", "identifiers in one item", "records without a text"})
"""Kinds of problems that only break a convention: BigBio's own checker passes such a record."""

_NOTHING: dict[str, Any] = {"text": [], "offsets": []}

Problem = tuple[str, str]
"""The kind of a problem, a fixed text, and what was found."""


class KbChecker:
    """Check records one by one, and their ids against all earlier ones; memory stays constant."""

    def __init__(self) -> None:
        self._ids = _Ids()

    def problems(self, record: Mapping[str, Any], where: str) -> Iterator[Problem]:
        """Yield every problem of a record whose fields have the schema's types.

        :param where: the split and the record, for the message about an id that occurs again.
        """
        record = {key: value or [] for key, value in record.items()}
        yield from self._check_ids(record, where)
        yield from problems_alone(record)

    def _check_ids(self, record: Mapping[str, Any], where: str) -> Iterator[Problem]:
        parts = ("passages", "entities", "events", "coreferences", "relations")
        for ident in (record["id"], *(item["id"] for part in parts for item in record[part])):
            if not ident:
                yield "empty ids", "an id is empty"
            elif (other := self._ids.add(ident, where)) is not None:
                yield "ids that occur again", f"the id {ident!r} already exists, in {other}"


def problems_alone(record: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of a record that has no other to be compared with: those of :class:`KbChecker`, without ids.

    Records that :class:`~biorat_al.corpus.formats.bigbio.kb_record.KbRecords` makes have no id twice.
    """
    record = {key: value or [] for key, value in record.items()}
    if not record["document_id"]:
        yield "empty ids", "the document_id is empty"
    text = " ".join(piece for passage in record["passages"] for piece in passage["text"] or ())
    yield from _passages(record["passages"], text)
    for entity in record["entities"]:
        yield from _pieces(f"the entity {entity['id']!r}", entity, text)
        yield from _concepts(entity)
    for event in record["events"]:
        yield from _pieces(f"the trigger of the event {event['id']!r}", event["trigger"] or _NOTHING, text)
    for kind in ("passages", "entities", "events", "relations"):
        yield from _types(kind, record[kind])
    yield from _references(record)


class _Ids:
    """Ids, with the place of the first use of each. Of running numbers, as in most corpora, one entry a place is kept.

    :ivar _first: the first number of each run of numbers in one place; `_last` likewise. These are in memory.
    :ivar _places: by first number of a run, or by any other id, its place.
    """

    def __init__(self) -> None:
        self._first = array("q")
        self._last = array("q")
        self._newest = ""
        self._places = OnDisk()

    def add(self, ident: str, where: str) -> str | None:
        """Add an id; return the place of its first use if it is not new."""
        number = int(ident) if ident.isascii() and ident.isdecimal() and len(ident) < 19 else -1
        if str(number) != ident:
            number = -1
        run = bisect_right(self._first, number) - 1
        if run >= 0 and number <= self._last[run]:
            return self._place(str(self._first[run]))
        if self._last and number == self._last[-1] + 1 and self._newest == where:
            self._last[-1] = number
            return None
        if self._places.add(ident, where.encode("utf-8", "surrogatepass")) is not None:
            return self._place(ident)
        if number >= 0 and not (self._last and number < self._last[-1]):
            self._first.append(number)
            self._last.append(number)
            self._newest = where
        return None

    def _place(self, ident: str) -> str:
        return (self._places.get(ident) or b"").decode("utf-8", "surrogatepass")


def _passages(passages: list[dict[str, Any]], text: str) -> Iterator[Problem]:
    position = 0
    for passage in passages:
        name = f"the passage {passage['id']!r}"
        texts, offsets = passage["text"] or [], passage["offsets"] or []
        if len(texts) != 1 or len(offsets) != 1:
            yield (
                "passages in pieces",
                f"{name} has {len(texts)} texts and {len(offsets)} offsets, not one of each",
            )
            position += sum(map(len, texts)) + len(texts)
            continue
        expected = [position, position + len(texts[0])]
        if offsets[0] != expected:
            kind = "passages that do not cover the text"
            yield kind, f"{name} is at {offsets[0]}, expected {expected}: passages are joined by one space"
        position = expected[1] + 1
    if not text:
        yield "records without a text", "no passage has a text"


def _pieces(name: str, part: Mapping[str, Any], text: str) -> Iterator[Problem]:
    texts, offsets = part["text"] or [], part["offsets"] or []
    if len(texts) != len(offsets) or not offsets:
        yield "texts and offsets that are not as many", f"{name} has {len(texts)} texts and {len(offsets)} offsets"
        return
    for piece, offset in zip(texts, offsets, strict=True):
        if len(offset) != 2 or not 0 <= offset[0] < offset[1] <= len(text):
            yield "offsets outside of the text", f"{name} is at {offset}, in a text of {len(text)} characters"
        elif text[offset[0] : offset[1]] != piece:
            found = text[offset[0] : offset[1]]
            yield "texts that are not those at their offsets", f"{name}: at {offset} is {found!r}, not {piece!r}"


def _concepts(entity: Mapping[str, Any]) -> Iterator[Problem]:
    for link in entity["normalized"] or ():
        name = f"the entity {entity['id']!r} is linked to {link['db_name']}:{link['db_id']}"
        if not link["db_name"] or not link["db_id"]:
            yield "empty identifiers", name
        joined = [sign for sign in JOINERS if sign in (link["db_name"] or "") + (link["db_id"] or "")]
        # tmVar's descriptions of variants contain these characters
        if joined and link["db_name"] != TMVAR:
            yield "identifiers in one item", f"{name}, which holds {joined[0]!r}: several identifiers are several items"


def _types(kind: str, items: list[dict[str, Any]]) -> Iterator[Problem]:
    for item in items:
        joined = [sign for sign in JOINERS if sign in (item["type"] or "")]
        if joined:
            yield "types in one item", f"a type among the {kind} is {item['type']!r}, which holds {joined[0]!r}"
        elif not item["type"] and kind != "passages":
            yield "empty types", f"{item['id']!r} among the {kind} has no type"


def _references(record: Mapping[str, Any]) -> Iterator[Problem]:
    entities = {entity["id"] for entity in record["entities"]}
    events = {event["id"] for event in record["events"]}
    ends: list[tuple[str, str, set[str]]] = []
    for relation in record["relations"]:
        ends += [(f"the relation {relation['id']!r}", relation[end], entities) for end in ("arg1_id", "arg2_id")]
    for event in record["events"]:
        name = f"the event {event['id']!r}"
        ends += [(name, argument["ref_id"], entities | events) for argument in event["arguments"] or ()]
    for group in record["coreferences"]:
        ends += [(f"the coreference {group['id']!r}", ident, entities) for ident in group["entity_ids"] or ()]
    for name, end, known in ends:
        if end not in known:
            yield "references to what is not there", f"{name} refers to {end!r}, which is not in its record"
