"""How often each annotator was upheld by an adjudicator.

In each place on which annotators differed, the adjudicated versions are compared with each annotator's. A version is
adjudicated if it equals one of the annotators', or can be another version of it, and was not agreed. For a label, the
versions of that label are compared. An annotator is **upheld** if both are the same, be it that there is nothing.

The figures are counts, not estimates of how good somebody is: only what was disputed is in them, and whoever disagrees
with two wrong colleagues is upheld as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import MentionKey, RelationKey, mention_key, relation_keys
from biorat_al.people.pseudonyms import number_of
from biorat_al.people.settling.differences import Differences, MentionVersion
from biorat_al.people.settling.values import differences_of
from biorat_al.store.annotations import load_annotations
from biorat_al.store.consensus.majority import same_mention
from biorat_al.store.known_answers import HOME
from biorat_al.store.settling.settlements import settlements
from biorat_al.store.tables import AnnotationRow


@dataclass
class Upheld:
    """How often annotators were upheld, by pseudonym.

    :param documents: number of adjudicated documents.
    :param places: places on which an annotator of the document was compared; `upheld` is how often he or she was.
    :param neither: places on which no annotator was upheld.
    :param of_labels: number of places and of upheld ones, by pseudonym and label.
    """

    documents: int = 0
    places: Counter[str] = field(default_factory=Counter)
    upheld: Counter[str] = field(default_factory=Counter)
    neither: int = 0
    of_labels: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    @property
    def annotators(self) -> list[str]:
        """The pseudonyms of those who were compared."""
        return sorted(self.places, key=number_of)

    @property
    def labels(self) -> list[str]:
        """The labels, of mentions and of relations, that were disputed."""
        return sorted({label for _, label in self.of_labels})

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "documents": self.documents,
            "neither": self.neither,
            "annotators": {
                name: {
                    "places": self.places[name],
                    "upheld": self.upheld[name],
                    "labels": {
                        label: {"places": counts[0], "upheld": counts[1]}
                        for (one, label), counts in sorted(self.of_labels.items())
                        if one == name
                    },
                }
                for name in self.annotators
            },
        }

    def add(self, differences: Differences, adjudicated: Annotation) -> None:
        """Count an adjudicated document."""
        self.documents += 1
        for label_of, right, given in chain(
            _mention_places(differences, adjudicated), _relation_places(differences, adjudicated)
        ):
            judged = {side: of_side == right for side, of_side in given.items()}
            self.neither += not any(judged.values())
            for side, of_side in given.items():
                name = differences.sides[side]
                self.places[name] += 1
                self.upheld[name] += judged[side]
                # labels that anybody has here; an annotator who has none of one agrees with nothing
                everybody = right.union(*given.values())
                for label in sorted({label_of[key] for key in everybody}):
                    same = {key for key in of_side if label_of[key] == label} == {
                        key for key in right if label_of[key] == label
                    }
                    places, upheld = self.of_labels.get((name, label), (0, 0))
                    self.of_labels[name, label] = places + 1, upheld + same


def count_upheld(session: Session) -> Upheld:
    """Count how often each annotator was upheld in what has been adjudicated."""
    result = Upheld()
    rows = [row for row in settlements(session, "disputes") if row.state == "answered"]
    answered: dict[tuple[int, str], AnnotationRow] = {}
    current = select(AnnotationRow).where(
        AnnotationRow.settles == "disputes",
        AnnotationRow.current.is_(True),
        AnnotationRow.skipped.is_(False),
        AnnotationRow.usable.is_(True),
        AnnotationRow.made_from.is_(None),
    )
    for answer in session.scalars(current.order_by(AnnotationRow.updated_at, AnnotationRow.id)):
        answered[answer.document_id, str((answer.raw or {}).get(HOME))] = answer
    pairs = [(row, answered.get((row.document_id, row.desk_task_id or ""))) for row in rows]
    found = load_annotations(session, [answer.id for _, answer in pairs if answer is not None])
    for row, given in pairs:
        if given is not None:
            result.add(differences_of(row.shown), found[given.id])
    return result


_Place = tuple[dict[Any, str], frozenset[Any], dict[str, frozenset[Any]]]
"""The label of each version, the versions that were adjudicated, and those of each side."""


def _mention_places(differences: Differences, adjudicated: Annotation) -> Iterator[_Place]:
    agreed = {mention_key(entity) for entity in differences.agreed}
    marked = {mention_key(entity) for entity in adjudicated.entities} - agreed
    for some in differences.mention_places():
        right = frozenset(key for key in marked if _is_version(key, some))
        given = {side: frozenset(one.key for one in some if side in one.by) for side in differences.sides}
        yield {key: key[0] for key in right.union(*given.values())}, right, given


def _is_version(key: MentionKey, versions: Iterable[MentionVersion]) -> bool:
    return any(key == one.key or same_mention(key, one.key) for one in versions)


def _relation_places(differences: Differences, adjudicated: Annotation) -> Iterator[_Place]:
    marked = set(relation_keys(adjudicated).values())
    for some in differences.relation_places():
        right: frozenset[RelationKey] = frozenset(one.key for one in some if one.key in marked)
        given = {side: frozenset(one.key for one in some if side in one.by) for side in differences.sides}
        yield {one.key: one.key[0] for one in some}, right, given
