"""Labels added after documents had been annotated: where they are unknown, and how to ask for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.corpus.model.unasked import EVERYTHING_ASKED, Unasked
from biorat_al.learner.types import Example
from biorat_al.people.disputes import masked_text
from biorat_al.settings import Settings
from biorat_al.store.answers import Answer, answers, learnt_answers
from biorat_al.store.asked import Offer, Offers, offer_of_values
from biorat_al.store.documents import document_keys
from biorat_al.store.parts.segments import parents_of
from biorat_al.store.rounds import all_rounds
from biorat_al.store.tasks import desk_project
from biorat_al.store.team.members import member_projects
from biorat_al.wording import plural

Kind = Literal["label", "relation"]


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A label that was added to the project after some of its documents had been annotated.

    :param documents: ids of the documents that people annotated before.
    :param given: ids of the documents that came with annotations without this label.
    :param of: number of documents that people have annotated, whether or not they were asked for this label.
    :param noun: what these are: documents, or texts if there are sentences among them.
    """

    kind: Kind
    name: str
    documents: tuple[str, ...]
    given: tuple[str, ...]
    of: int
    noun: str = "document"

    @property
    def sentence(self) -> str:
        """What this means, and how to ask again."""
        unknown = "they count as unknown for it, in training and in the scores"
        came = f"{plural(len(self.given), self.noun)} came with annotations without it"
        if not self.documents:
            return f"the {self.kind} {self.name!r} was added later, and {came}: {unknown}"
        verb = "mark" if self.kind == "label" else "draw"
        return (
            f"{len(self.documents):,} of {plural(self.of, f'annotated {self.noun}')} were asked for before the "
            f"{self.kind} {self.name!r} was{f', and {came}' if self.given else ''}: {unknown}. To ask again, once this "
            f"round is done, open each in Label Studio, {verb} what there is and press Update; where there is nothing, "
            "mark a word and delete the mark before; biorat-al status --json lists them"
        )


def not_asked(session: Session, settings: Settings, chosen: Sequence[Answer] | None = None) -> tuple[NotAsked, ...]:
    """Return the labels that some annotated documents were not asked for, in the order of the settings.

    :param chosen: the answers that count, from both splits; None reads them from the store.
    """
    if chosen is None:
        prefer = settings.team.preferred
        chosen = learnt_answers(session, with_gold=settings.gold_is_known, prefer=prefer)
        chosen += answers(session, "test", with_gold=True, prefer=prefer)
    offers = Offers.read(session)
    wanted = offer_of(settings)
    new = offers.ever.lacks(wanted) if offers.ever.labels else EVERYTHING_ASKED
    unknown = {answer.document_id: (answer.unasked | new).among(*wanted) for answer in chosen}
    keys = document_keys(session, [document_id for document_id, unasked in unknown.items() if unasked])
    noun = "text" if parents_of(session, [answer.document_id for answer in chosen]) else "document"
    people = sum(answer.source == "person" for answer in chosen)

    def found(kind: Kind, name: str) -> NotAsked:
        concerned = [
            answer
            for answer in chosen
            if name
            in (unknown[answer.document_id].labels if kind == "label" else unknown[answer.document_id].relations)
        ]
        documents, given = (
            tuple(keys[answer.document_id] for answer in concerned if (answer.source == "person") is by_people)
            for by_people in (True, False)
        )
        return NotAsked(kind, name, documents, given, people, noun)

    everything = [found("label", name) for name in settings.labels]
    everything += [found("relation", name) for name in settings.relation_labels]
    return tuple(one for one in everything if one.documents or one.given)


def offer_of(settings: Settings) -> Offer:
    """Return the labels and relations that annotators should be able to choose."""
    return Offer.of(settings.labels, settings.relation_labels)


def behind(session: Session, settings: Settings, offers: Offers) -> list[Role]:
    """Return the roles whose projects on the desk are known to lack a label of the settings."""
    wanted = offer_of(settings)
    roles: list[Role] = []
    for role in ROLES:
        newest = offers.newest(role)
        made = desk_project(session, role) is not None or bool(member_projects(session, role))
        if newest is not None and newest.lacks(wanted) and made:
            roles.append(role)
    return roles


def has_new_labels(session: Session, settings: Settings, number: int) -> bool:
    """Return whether the settings ask for a label that no round before `number` has asked for."""
    before = [offer_of_values(row.settings) for row in all_rounds(session) if row.number < number]
    earlier = Offer(*(frozenset().union(*names) for names in zip(*before, strict=True))) if before else None
    return earlier is not None and bool(earlier.lacks(offer_of(settings)))


def learnt_labels(examples: Sequence[Example], settings: Settings) -> Offer:
    """Return the labels of the settings that can be learnt: at least one example was asked for or contains them."""
    wanted = offer_of(settings)
    labels = set(wanted.labels)
    relations = set(wanted.relations)
    for example in examples:
        if not example.unasked:
            return wanted
        labels &= example.unasked.labels - {entity.label for entity in example.entities}
        relations &= example.unasked.relations.difference(
            [one.label for one in example.relations], [one.label for one in example.concept_relations]
        )
    return Offer(wanted.labels - labels, wanted.relations - relations)


def unasked_counts(examples: Iterable[Example]) -> dict[str, Any]:
    """Count what a step has left out because nobody was asked for it; return an empty dict if there is nothing.

    :returns: ``unasked``: number of documents by label of entity or relation, for the step's counts.
    """
    counts: Counter[str] = Counter()
    for example in examples:
        counts.update([*example.unasked.labels, *example.unasked.relations])
    return {"unasked": dict(sorted(counts.items()))} if counts else {}


def left_out_text(counts: Mapping[str, Any]) -> str:
    """Return ``; 3 disputed mentions masked; 6 documents not asked for Gene`` from a step's counts; may be empty."""
    unasked = counts.get("unasked", {}).items()
    noun = "text" if counts.get("sentences") else "document"
    parts = (f"; {plural(number, noun)} not asked for {label}" for label, number in unasked)
    return masked_text(counts) + "".join(parts)


def unasked_of(answer: Answer, settings: Settings) -> Unasked:
    """Return the labels of the settings that a document was not asked for."""
    return answer.unasked.among(settings.labels, settings.relation_labels)
