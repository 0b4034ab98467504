"""What formats carry beyond mentions, concepts and relations (``extras``), where several people annotated a document.

Nobody can vote on parts of it. A property of a mention, a relation or a document is kept if all who have it agree on
it, or if the preferred annotator has it; else it is left out and counted by its name. There are two exceptions: the
notes that annotators wrote beside a mention are all kept, and the score of a pre-label is the first annotator's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from biorat_al.corpus.formats.label_studio.relations import SCORE
from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import MentionKey
from biorat_al.corpus.model.notes import NOTE, joined_notes

Extras = Mapping[str, Any]


def agreed_extras(versions: Mapping[int, Extras], preferred: int | None, left_out: Counter[str]) -> dict[str, Any]:
    """Return what is kept of the extras of one thing.

    :param versions: of those who have the thing, by their place; those first whose words are taken.
    :param preferred: place of the annotator who decides.
    :param left_out: counts what is not kept.
    """
    kept: dict[str, Any] = {}
    for name in _names(versions.values()):
        values = {place: extras[name] for place, extras in versions.items() if name in extras}
        first = values[preferred] if preferred is not None and preferred in values else next(iter(values.values()))
        if name == NOTE and all(isinstance(value, str) for value in values.values()):
            kept[name] = joined_notes(values.values())
        elif name == SCORE or preferred in values or all(value == first for value in values.values()):
            kept[name] = first
        else:
            left_out[name] += 1
    return kept


def document_extras(
    annotations: Sequence[Annotation],
    mentions: Sequence[Mapping[str, MentionKey]],
    kept: Mapping[MentionKey, str],
    preferred: int | None,
    left_out: Counter[str],
) -> dict[str, Any]:
    """Return what is kept of the extras of whole documents, such as events.

    What names a mention by its id is kept only if that mention is, under the same id.

    :param mentions: by id, of each annotation.
    :param kept: the ids of the mentions that were kept.
    """
    versions = {place: annotation.extras for place, annotation in enumerate(annotations) if annotation.extras}
    found: dict[str, Any] = {}
    for name, value in agreed_extras(versions, preferred, left_out).items():
        places = [place for place, extras in versions.items() if extras.get(name) == value]
        named = ((mentions[place].get(text), text) for text in set(_texts(value)) for place in places)
        if all(mention is None or kept.get(mention) == text for mention, text in named):
            found[name] = value
        else:
            left_out[name] += 1
    return found


def _names(versions: Iterable[Extras]) -> list[str]:
    return list(dict.fromkeys(name for extras in versions for name in extras))


def _texts(value: Any) -> Iterator[str]:
    """All strings in a JSON value, keys apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
