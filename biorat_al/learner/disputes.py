"""Predicted mentions that are neither right nor wrong, because annotators disagree or were not asked.

A predicted mention that equals a decided one is right, even if there is a dispute around it. Any other is not counted

- if it equals a disputed mention, in label and spans;
- if it covers a character that a disputed mention of its label covers and no decided mention of its label does. It may
  be a version that nobody has marked and that settles the dispute, and the model has not been taught what is there.

A predicted mention of another label is wrong: no annotator has marked it. A mention of a label that nobody was asked
for is never counted, even if it is marked: only right ones could be recognised, which would flatter the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from biorat_al.corpus.model.document import Entity
from biorat_al.corpus.model.identity import MentionKey, mention_key


class Undecided:
    """The mentions of one document that count neither as right nor as wrong if they are predicted.

    :param decided: mentions that count as gold.
    :param disputed: all disputed versions of mentions.
    :param unasked: labels that nobody was asked for.
    """

    def __init__(
        self, decided: Iterable[Entity], disputed: Iterable[Entity], unasked: Collection[str] = frozenset()
    ) -> None:
        self._unasked = unasked
        self._disputed = {mention_key(entity) for entity in disputed}
        self._decided = {mention_key(entity) for entity in decided} if self._disputed else set[MentionKey]()
        self._places: defaultdict[str, set[int]] = defaultdict(set)
        for label, spans in self._disputed:
            self._places[label].update(place for span in spans for place in range(*span))
        for label, spans in self._decided:
            self._places[label].difference_update(place for span in spans for place in range(*span))

    def __contains__(self, mention: MentionKey) -> bool:
        if mention[0] in self._unasked:
            return True
        if not self._disputed or mention in self._decided:
            return False
        label, spans = mention
        places = self._places.get(label, set[int]())
        return mention in self._disputed or any(not places.isdisjoint(range(*span)) for span in spans)
