"""Agreement on what formats carry beyond mentions, concepts and relations (``extras``), when several people annotated.

Nobody can vote on parts of these properties. A property of a mention, a relation or a document is kept if all who have
it agree on it, or if the preferred annotator has it; otherwise it is left out and counted by its name. There are two
exceptions: all notes that annotators wrote on a mention are kept, and the score of a pre-label is the first
annotator's.
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
    """Return the kept extras of one mention, relation or document.

    :param versions: the extras of each annotator who has it, by place, in the order in which versions are taken.
    :param preferred: place of the annotator who decides.
    :param left_out: counter of the properties that are not kept, by name.
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
    """Return the kept extras of a whole document, such as events.

    A property that names a mention by its id is kept only if that mention is kept under the same id.

    :param mentions: the mentions of each annotation, by id.
    :param kept: the ids of the mentions that were kept.
    """
    versions = {place: annotation.extras for place, annotation in enumerate(annotations) if annotation.extras}
    agreed: dict[str, Any] = {}
    for name, value in agreed_extras(versions, preferred, left_out).items():
        places = [place for place, extras in versions.items() if extras.get(name) == value]
        named = ((mentions[place].get(text), text) for text in set(_texts(value)) for place in places)
        if all(mention is None or kept.get(mention) == text for mention, text in named):
            agreed[name] = value
        else:
            left_out[name] += 1
    return agreed


def _names(versions: Iterable[Extras]) -> list[str]:
    return list(dict.fromkeys(name for extras in versions for name in extras))


def _texts(value: Any) -> Iterator[str]:
    """Yield all strings in a JSON value, except keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
