"""History of exported annotations: where each one came from, and which ties were not decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from biorat_al.corpus.formats.bigbio.provenance import Author, Provenance, TieRow
from biorat_al.corpus.model.document import Document
from biorat_al.corpus.model.identity import RelationKey, relation_keys
from biorat_al.corpus.segments import shifted
from biorat_al.people.agreement import Agreement
from biorat_al.people.pseudonyms import pseudonyms
from biorat_al.store.answers import Decision, Vote
from biorat_al.store.shown_relations import Shown

ShownRelations = Mapping[Shown, frozenset[RelationKey]]
"""The relations of pre-labels; see :func:`~biorat_al.store.shown_relations.shown_relations`."""


SENTENCE_BY_SENTENCE = "sentences"
"""Rule of a document whose sentences were annotated one by one; its mentions have the rules of their sentences."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The answer that counts for a document, or for one segment of it.

    :param start: where its offsets begin in the document's text.
    :param entities: for a segment: id of a mention in the answer → its id in the document; `relations` likewise.
    """

    decision: Decision
    start: int = 0
    entities: Mapping[str, str] = field(default_factory=dict)
    relations: Mapping[str, str] = field(default_factory=dict)


class History:
    """Collector of provenance and agreement while documents are exported.

    :param annotators: everybody who has ever answered, in the order of their first answers.
    """

    def __init__(self, annotators: Sequence[str]) -> None:
        self.pseudonyms = pseudonyms(annotators)
        self.agreement = Agreement()
        self.rules: Counter[str] = Counter()
        self.origins: Counter[str] = Counter()
        self.relation_origins: Counter[str] = Counter()
        self.guidelines: Counter[str] = Counter()

    def follow(self, pieces: Sequence[Piece], shown: ShownRelations | None = None) -> Provenance:
        """Count a document, and return where its annotation came from.

        :param pieces: its answer, or those on its segments if it is whole by these.
        :param shown: relations of the pre-labels that its answers began from, which distinguish accepted relations from
            relations drawn by hand; None leaves the origin of relations open.
        """
        decisions = [piece.decision for piece in pieces]
        several = [one for one in decisions if one.independent and not one.answer.shown_double]
        if several:
            self.agreement.add_parts(
                ([self._name(vote) or "" for vote in one.answer.independent], one.independent) for one in several
            )
        found = [self._provenance(piece.decision, shown) for piece in pieces]
        if len(pieces) == 1:
            self.rules[found[0].rule] += 1
            return found[0]
        self.rules[SENTENCE_BY_SENTENCE] += 1
        both = list(zip(pieces, found, strict=True))
        return Provenance(
            SENTENCE_BY_SENTENCE,
            [author for one in found for author in one.authors],
            {piece.entities[ident]: by for piece, one in both for ident, by in one.entities.items()},
            {piece.relations[ident]: by for piece, one in both for ident, by in one.relations.items()},
            {},
            {piece.entities[ident]: one.rule for piece, one in both for ident in one.entities},
            {piece.relations[ident]: one.rule for piece, one in both for ident in one.relations},
        )

    def _provenance(self, decision: Decision, shown: ShownRelations | None) -> Provenance:
        answer, decided = decision.answer, decision.majority
        self.origins.update(entity.origin for entity in decided.annotation.entities if entity.origin)
        votes = answer.votes
        self.guidelines.update(vote.guidelines for vote in votes if vote.guidelines is not None)
        relation_origins = _relation_origins(decision, shown)
        # the origin for the first annotator who has the relation, as for mentions
        firsts = (origins[min(origins)] for origins in relation_origins.values())
        self.relation_origins.update(origin for origin in firsts if origin is not None)
        return Provenance(
            answer.rule,
            [self._author(vote) for vote in votes],
            {
                ident: [self._author(votes[place], entity.origin, entity.id) for place, entity in versions.items()]
                for ident, versions in decided.entities.items()
            },
            {
                ident: [
                    self._author(votes[place], relation_origins[ident][place], relation.id)
                    for place, relation in versions.items()
                ]
                for ident, versions in decided.relations.items()
            },
            {
                stated: [self._author(votes[place]) for place in places]
                for stated, places in decided.concept_relations.items()
            },
        )

    def ties(self, split: str, document: Document, pieces: Sequence[Piece]) -> Iterator[TieRow]:
        """Yield what no majority could decide."""
        for piece in pieces:
            names = [self._name(vote) or "" for vote in piece.decision.answer.votes]
            for tie in piece.decision.majority.ties:
                among = [names[place] for place in tie.among] or names
                entities = [shifted(entity, piece.start) for entity in tie.entities]
                yield TieRow(
                    document.id,
                    split,
                    tie.kind,
                    tie.label,
                    tuple(entity.surface(document.text) for entity in entities),
                    tuple(entity.spans for entity in entities),
                    tuple(names[place] for place in tie.voters),
                    tuple(among),
                    tie.kept,
                )

    def _name(self, vote: Vote) -> str | None:
        return None if vote.annotator is None else self.pseudonyms[vote.annotator]

    def _author(self, vote: Vote, origin: str | None = None, source_id: str | None = None) -> Author:
        revises = None if vote.revises is None else self.pseudonyms[vote.revises]
        return Author(self._name(vote), vote.at, vote.shown_version, origin, source_id, revises)


def _relation_origins(decision: Decision, shown: ShownRelations | None) -> dict[str, dict[int, str | None]]:
    """Return the origin of each relation for each annotator, by relation id and the annotator's place among the votes.

    An origin is ``prediction``, ``manual``, or None if it is unknown.
    """
    keys = relation_keys(decision.majority.annotation)

    def origin(ident: str, vote: Vote) -> str | None:
        if shown is None or vote.source != "person":
            return None
        if vote.shown_version is None:
            return "manual"
        proposed = shown.get((decision.answer.document_id, vote.shown_version))
        if proposed is None:
            return None
        return "prediction" if keys[ident] in proposed else "manual"

    votes = decision.answer.votes
    return {
        ident: {place: origin(ident, votes[place]) for place in versions}
        for ident, versions in decision.majority.relations.items()
    }
