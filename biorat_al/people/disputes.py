"""Disputes between annotators: what they disagree on, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.formats.bigbio.details import AgreementF1, PairAgreement
from biorat_al.corpus.model.document import Annotation, Disputed
from biorat_al.people.agreement import Agreement
from biorat_al.people.pseudonyms import pseudonyms
from biorat_al.settings import SETTINGS_FILE, Settings
from biorat_al.settings.team import DROP
from biorat_al.store.answers import Answer, annotators, decisions
from biorat_al.store.parts.segments import parents_of
from biorat_al.wording import plural


@dataclass(frozen=True, slots=True)
class Disputes:
    """Disputes and agreement on documents that several people annotated, in the pool and the test set.

    :param documents: number of documents with answers of several people.
    :param disputed_documents: number of these with a dispute that nobody has settled.
    :param mentions: number of disputed mentions, counting every version; masked in the loss and in the scores.
    :param relations: number of disputed relations, between mentions or concepts; masked too.
    :param settled: number of ties that the preferred annotator has decided.
    :param agreement: strict span F1 of all pairs together, with its interval, on the documents that several people
        annotated independently; None if there are no such documents.
    :param pairs: the same for each pair, under the pseudonyms used in exports.
    :param concepts: number of concepts that exactly half of the annotators who marked the mention linked it to; left
        out.
    :param texts: row ids of the documents and segments with a dispute that nobody has settled.
    :param contested: the same without regard to the preferred annotator, for mentions and relations between them: those
        that an adjudicator can be asked for.
    :param pre_labelled: number of documents that two members of a group were given with pre-labels; they do not count
        in the agreement.
    """

    documents: int
    disputed_documents: int
    mentions: int
    relations: int
    settled: int
    agreement: AgreementF1 | None
    pairs: tuple[PairAgreement, ...]
    concepts: int = 0
    texts: frozenset[int] = frozenset()
    pre_labelled: int = 0
    contested: frozenset[int] = frozenset()

    def as_dict(self) -> dict[str, Any]:
        """Return the disputes as JSON values; scores are fractions."""
        return {
            "documents": self.documents,
            "disputed_documents": self.disputed_documents,
            "mentions": self.mentions,
            "relations": self.relations,
            "concepts": self.concepts,
            "settled": self.settled,
            "pre_labelled": self.pre_labelled,
            "agreement": self.agreement._asdict() if self.agreement is not None else None,
            "pairs": [pair._asdict() | {"agreement": pair.agreement._asdict()} for pair in self.pairs],
        }

    @property
    def sentence(self) -> str:
        """What is disputed, and how far annotators agree, as one line of text."""
        parts = [self._agreed] if self.agreement is not None else []
        compared = self.pre_labelled + (self.agreement.documents if self.agreement is not None else 0)
        if changed := self.documents - compared:
            parts.append(f"{plural(changed, 'document')} with an answer that somebody changed or copied beside another")
        if self.pre_labelled:
            shown = plural(self.pre_labelled, "document")
            parts.append(f"{shown} that two people got with pre-labels, not in the agreement")
        if self.disputed_documents:
            masked = counted(self.mentions, self.relations)
            parts.append(f"{masked} in {plural(self.disputed_documents, 'document')}, masked")
        else:
            parts.append(f"nothing{' else' if self.concepts else ''} is disputed")
        if self.concepts:
            parts.append(f"{plural(self.concepts, 'disputed concept')} left out")
        text = "; ".join(parts)
        if self.settled:
            text += f"; {plural(self.settled, 'tie')} decided by the preferred annotator"
        return text

    @property
    def _agreed(self) -> str:
        assert self.agreement is not None
        f1, interval = self.agreement.f1, self.agreement.interval
        agreed = f"annotators agree with F1 {100 * f1:.1f}"
        if interval is not None:
            agreed += f" (95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f})"
        return f"{agreed} on {plural(self.agreement.documents, 'document')} with several answers"


def find_disputes(session: Session, chosen: Iterable[Answer], prefer: str | None) -> Disputes | None:
    """Count what is disputed in documents that several people annotated; return None if there are no such documents.

    If somebody copied another's answer and changed the copy, the copy has a vote beside the original and can dispute
    it. Agreement is measured on independent answers only.

    :param chosen: the answers that count.
    :param prefer: annotator who decides ties.
    """
    several = [answer for answer in chosen if len(answer.independent) > 1 or len(answer.votes) > 1]
    if not several:
        return None
    names = pseudonyms(annotators(session))
    agreement = Agreement()
    # a document of which several people annotated some sentences is one document
    parents = parents_of(session, [answer.document_id for answer in several])
    independent: dict[int, list[tuple[list[str], Sequence[Annotation]]]] = {}
    documents, disputed_documents, pre_labelled = set[int](), set[int](), set[int]()
    texts, contested = set[int](), set[int]()
    mentions = relations = concepts = settled = 0
    for decision in decisions(session, several, prefer=prefer):
        document = parents.get(decision.answer.document_id, decision.answer.document_id)
        documents.add(document)
        if decision.independent and decision.answer.shown_double:
            pre_labelled.add(document)
        elif decision.independent:
            people = [names.get(vote.annotator or "", "") for vote in decision.answer.independent]
            independent.setdefault(document, []).append((people, decision.independent))
        disputed, ties = decision.majority.disputed, decision.majority.ties
        if disputed:
            disputed_documents.add(document)
            texts.add(decision.answer.document_id)
        if disputed.entities or disputed.relations or any(tie.kind in ("entity", "relation") for tie in ties):
            contested.add(decision.answer.document_id)
        mentions += len(disputed.entities)
        relations += _relations(disputed)
        concepts += decision.majority.disputed_concepts
        if prefer is not None and decision.answer.annotator == prefer:
            settled += len(ties) - decision.majority.disputed_concepts
    for parts in independent.values():
        agreement.add_parts(parts)
    return Disputes(
        len(documents),
        len(disputed_documents),
        mentions,
        relations,
        settled,
        agreement.overall,
        tuple(agreement.pairs()),
        concepts,
        frozenset(texts),
        len(pre_labelled - independent.keys()),
        frozenset(contested),
    )


def masked_counts(disputed: Sequence[Disputed], dropped: int = 0) -> dict[str, Any]:
    """Count what a step has masked or left out; return an empty dict if nothing is disputed.

    :param disputed: what is disputed in each document.
    :param dropped: number of documents that were left out because of a dispute.
    """
    counts: dict[str, Any] = {"dropped": dropped} if dropped else {}
    if not any(disputed):
        return counts
    return counts | {
        "disputed": {
            "mentions": sum(len(one.entities) for one in disputed),
            "relations": sum(map(_relations, disputed)),
            "documents": sum(map(bool, disputed)),
        }
    }


def all_dropped(number: int, noun: str) -> str:
    """Say that a dispute in each annotated document leaves nothing to work with.

    :param number: how many there are.
    :param noun: what each of them is called.
    """
    return f'{plural(number, noun)} with a dispute left out (ties = "{DROP}" in [team]), and no other is annotated'


def masked_text(counts: Mapping[str, Any]) -> str:
    """Return ``; 3 disputed mentions masked`` from a step's counts; empty if the step masked or dropped nothing."""
    disputed, dropped = counts.get("disputed"), counts.get("dropped")
    masked = f"; {counted(disputed['mentions'], disputed['relations'])} masked" if disputed else ""
    return masked + (f"; {plural(dropped, 'document')} with a dispute left out" if dropped else "")


def counted(mentions: int, relations: int) -> str:
    """Return ``3 disputed mentions and 1 disputed relation``, without the parts that are zero."""
    parts = [(mentions, "disputed mention"), (relations, "disputed relation")]
    return " and ".join(plural(number, noun) for number, noun in parts if number)


def unknown_preference(session: Session, settings: Settings) -> str | None:
    """Return a sentence if the settings prefer an annotator who is unknown and so decides nothing; else None.

    Before the first answer this returns None too.
    """
    name, known = settings.team.preferred, annotators(session)
    if name is None or not known or name in known:
        return None
    return (
        f'{SETTINGS_FILE} says ties = "{settings.team.ties}", but nobody named {name!r} has annotated; '
        f"there are {', '.join(known)}"
    )


def _relations(disputed: Disputed) -> int:
    return len(disputed.relations) + len(disputed.concept_relations)
