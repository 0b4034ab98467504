"""What an export writes: the answers by split, and each record with the answers that it was made from.

A document is exported if it is whole: it has an answer as a whole, or all of its segments have one. The annotation of
the latter is that of its segments together; each part of it keeps what the answer on its segment says: the rule, the
votes and where it came from. Documents that were only begun are left out. On request, their annotated segments are
records of their own, in the split :data:`SENTENCES`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Document
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked
from biorat_al.corpus.segments import annotation_of_parts
from biorat_al.errors import UsageError
from biorat_al.export.history import Piece, ShownRelations
from biorat_al.settings import Settings
from biorat_al.store.annotations import chunks
from biorat_al.store.answers import Answer, Decision, answers, decisions
from biorat_al.store.documents import documents_by_id
from biorat_al.store.segments import places_of, spans_of
from biorat_al.store.shown_relations import shown_relations
from biorat_al.store.store import Store
from biorat_al.store.tables import DocumentRow
from biorat_al.store.wholeness import answered_pool

SENTENCES = "sentences"
"""The split of the annotated sentences of documents that are not whole."""

AT_ONCE = 100
"""Documents read from the store at a time."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The answers that are exported.

    :param answers: by split, one for each record. For a document that is whole by its segments, it stands for all of
        them.
    :param parts: the answers on the segments of such documents, in the order of the text, by row id of the document.
    :param begun: the same of documents that are not whole.
    """

    answers: Mapping[str, Sequence[Answer]]
    parts: Mapping[int, Sequence[Answer]] = field(default_factory=dict)
    begun: Mapping[int, Sequence[Answer]] = field(default_factory=dict)

    @property
    def begun_segments(self) -> int:
        """Number of annotated segments of documents that are not whole."""
        return sum(map(len, self.begun.values()))


@dataclass(frozen=True, slots=True)
class Exported:
    """A record to write.

    :param place: for a sentence that is a record, the id of its document and its start and end there; else None.
    :param pieces: the answers that it was made from: one, or that of each segment.
    :param shown: relations of the pre-labels that the answers began from; None if relations do not matter.
    """

    split: str
    document: Document
    annotation: Annotation
    place: tuple[str, int, int] | None
    pieces: tuple[Piece, ...]
    shown: ShownRelations | None


def read_splits(
    settings: Settings, store: Store, *, validation: float, prefer: str | None, sentences: bool = False
) -> Splits:
    """Return the answers that count, by split.

    :param validation: number or share of documents for the split ``validation``.
    :param sentences: also export the annotated sentences of documents that are not whole.
    :raises UsageError: the validation split would take all documents.
    """
    with store.read() as session:
        found = answered_pool(session, with_gold=settings.gold_is_known, prefer=prefer)
        test = answers(session, "test", with_gold=True, prefer=prefer)
        keys: dict[int, str] = {}
        if validation:
            keys = {number: key for number, key in session.execute(select(DocumentRow.id, DocumentRow.key))}
    pool = [*found.documents, *(_as_one(row_id, parts) for row_id, parts in found.whole.items())]
    pool.sort(key=lambda answer: answer.document_id)
    splits: dict[str, Sequence[Answer]] = {"train": pool, "test": test}
    if validation:
        drawn = {answer.document_id: _draw(settings.seed, keys[answer.document_id]) for answer in pool}
        if validation < 1:
            chosen = {number for number, draw in drawn.items() if draw < validation}
        else:
            chosen = set(sorted(drawn, key=lambda number: (drawn[number], keys[number]))[: int(validation)])
        if pool and len(chosen) == len(pool):
            raise UsageError(
                f"the validation split would take all {len(pool)} annotated documents of the pool; take fewer"
            )
        splits = {
            "train": [answer for answer in pool if answer.document_id not in chosen],
            "validation": [answer for answer in pool if answer.document_id in chosen],
            "test": test,
        }
    if sentences:
        splits[SENTENCES] = [answer for parts in found.begun.values() for answer in parts]
    return Splits(splits, found.whole, found.begun)


def exported(settings: Settings, store: Store, splits: Splits, prefer: str | None) -> Iterator[Exported]:
    """Yield the records, a chunk of documents in memory at a time."""
    for split, chosen in splits.answers.items():
        for some in chunks(chosen, AT_ONCE):
            given = [one for answer in some for one in splits.parts.get(answer.document_id, (answer,))]
            with store.read() as session:
                documents = documents_by_id(session, [answer.document_id for answer in some], check=True)
                loaded = {one.answer.document_id: one for one in decisions(session, given, prefer=prefer)}
                pairs = ((one.document_id, vote.shown_version) for one in given for vote in one.votes)
                known = [(document_id, version) for document_id, version in pairs if version is not None]
                shown = shown_relations(session, known) if settings.relations else None
                spans = spans_of(session, list(loaded))
                of_sentences = [documents[answer.document_id].id for answer in some] if split == SENTENCES else []
                places = {key: (of, *span) for key, (of, span) in places_of(session, of_sentences).items()}
            for answer in some:
                document = documents[answer.document_id]
                if answer.document_id in splits.parts:
                    own = [one.document_id for one in splits.parts[answer.document_id]]
                    whole = annotation_of_parts((spans[one], loaded[one].majority.annotation) for one in own)
                    pieces = _pieces(whole, [(spans[one].start, loaded[one]) for one in own])
                    yield Exported(split, document, whole, None, tuple(pieces), shown)
                else:
                    decision = loaded[answer.document_id]
                    yield Exported(
                        split,
                        document,
                        decision.majority.annotation,
                        places.get(document.id),
                        (Piece(decision),),
                        shown,
                    )


def _pieces(whole: Annotation, parts: Sequence[tuple[int, Decision]]) -> Iterator[Piece]:
    """Yield the answers on a document's segments with the ids that their mentions and relations have in the document.

    :param whole: the annotations of the segments together, in the order of `parts`.
    """
    entities, relations = iter(whole.entities), iter(whole.relations)
    for start, decision in parts:
        own = decision.majority.annotation
        yield Piece(
            decision,
            start,
            {entity.id: next(entities).id for entity in own.entities},
            {relation.id: next(relations).id for relation in own.relations},
        )


def _as_one(row_id: int, parts: Sequence[Answer]) -> Answer:
    """Return one answer that stands for those on a document's segments: what one was not asked for, is not known."""
    unasked = reduce(Unasked.__or__, (part.unasked for part in parts), EVERYTHING_ASKED)
    vote = replace(parts[0].votes[0], unasked=unasked)
    return replace(parts[0], document_id=row_id, votes=(vote,), independent=())


def _draw(seed: int, key: str) -> float:
    """Return a number in [0, 1) that depends only on the seed and the document's id."""
    digest = hashlib.blake2b(f"{seed}\0validation\0{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
