"""How often each annotator was upheld by an adjudicator.

In each place on which annotators differed, the adjudicated versions are compared with each annotator's. A version is
adjudicated if it equals one of the annotators', or can be another version of it, and was not agreed. For a label, the
versions of that label are compared. An annotator is **upheld** if both are the same, be it that there is nothing.

The figures say nothing of how good somebody is: only what was disputed is in them, and whoever disagrees with two wrong
colleagues is upheld as well. An interval says how much a share would vary with other documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import MentionKey, RelationKey, mention_key, relation_keys
from biorat_al.people.bootstrap import Interval
from biorat_al.people.pseudonyms import number_of
from biorat_al.people.settling.differences import Differences, MentionVersion
from biorat_al.people.settling.values import differences_of
from biorat_al.people.share_interval import share_interval
from biorat_al.store.annotations import load_annotations
from biorat_al.store.consensus.majority import same_mention
from biorat_al.store.known_answers import HOME
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.settling.settlements import settlements
from biorat_al.store.tables import AnnotationRow

Places = dict[int, tuple[int, int]]
"""Places on which an annotator was compared, and those in which he or she was upheld, by row id of the document."""


@dataclass
class Upheld:
    """How often annotators were upheld, by pseudonym.

    :param documents: number of adjudicated documents, and of sentences that were asked for by themselves.
    :param neither: places on which no annotator was upheld.
    :param of: places by pseudonym and label; the label None stands for all of them.
    """

    documents: int = 0
    neither: int = 0
    of: defaultdict[tuple[str, str | None], Places] = field(default_factory=lambda: defaultdict(dict))

    @property
    def annotators(self) -> list[str]:
        """The pseudonyms of those who were compared."""
        return sorted({name for name, _ in self.of}, key=number_of)

    @property
    def labels(self) -> list[str]:
        """The labels, of mentions and of relations, that were disputed."""
        return sorted({label for _, label in self.of if label is not None})

    def count(self, name: str, label: str | None = None) -> tuple[int, int]:
        """Return on how many places an annotator was compared, and upheld.

        :param label: None: all places.
        """
        places = self.of.get((name, label), {}).values()
        return sum(number for number, _ in places), sum(upheld for _, upheld in places)

    def interval(self, name: str, label: str | None = None) -> Interval | None:
        """Return the 95 % interval of the share of places in which an annotator was upheld; None if it is not known.

        :param label: None: all places.
        """
        return share_interval([(upheld, number) for number, upheld in self.of.get((name, label), {}).values()])

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values; intervals are fractions."""
        return {
            "documents": self.documents,
            "neither": self.neither,
            "annotators": {
                name: self._values(name)
                | {"labels": {label: self._values(name, label) for label in self.labels if (name, label) in self.of}}
                for name in self.annotators
            },
        }

    def _values(self, name: str, label: str | None = None) -> dict[str, Any]:
        places, upheld = self.count(name, label)
        return {"places": places, "upheld": upheld, "interval": self.interval(name, label)}

    def add(self, differences: Differences, adjudicated: Annotation, document: int) -> None:
        """Count an adjudicated document.

        :param document: its row id; for a sentence, that of the document of which it is one, since places of the same
            document resemble each other.
        """
        self.documents += 1
        for label_of, right, given in chain(
            _mention_places(differences, adjudicated), _relation_places(differences, adjudicated)
        ):
            judged = {side: of_side == right for side, of_side in given.items()}
            self.neither += not any(judged.values())
            # labels that anybody has here; an annotator who has none of one agrees with nothing
            labels = sorted({label_of[key] for key in right.union(*given.values())})
            for side, of_side in given.items():
                name = differences.sides[side]
                self._add(name, None, document, judged[side])
                for label in labels:
                    same = {key for key in of_side if label_of[key] == label} == {
                        key for key in right if label_of[key] == label
                    }
                    self._add(name, label, document, same)

    def _add(self, name: str, label: str | None, document: int, upheld: bool) -> None:
        places = self.of[name, label]
        number, before = places.get(document, (0, 0))
        places[document] = number + 1, before + upheld


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
    parents = parents_of(session, [row.document_id for row in rows])
    for row, given in pairs:
        if given is not None:
            result.add(differences_of(row.shown), found[given.id], parents.get(row.document_id, row.document_id))
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
