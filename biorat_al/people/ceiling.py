"""The human ceiling: what annotators reach on the test set, beside the newest model.

A model that learns from people can hardly agree with them more than they agree with each other. Measured are the test
documents that several people annotated, each alone and without pre-labels. Annotators are compared with each other and,
where somebody has settled the document (ground truth), with that truth. The model is measured on the same documents, as
in every evaluation: against the answer that counts, with disputed mentions masked. Where nothing is settled, this
flatters the model, because the hardest mentions are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.corpus.model.document import Annotation
from biorat_al.corpus.model.identity import mention_key
from biorat_al.corpus.model.unasked import Unasked
from biorat_al.learner.counts import Counts
from biorat_al.people.agreement import Agreement, agreement_f1
from biorat_al.people.pseudonyms import pseudonyms
from biorat_al.store.answers import SETTLED, Answer, annotators, decisions
from biorat_al.store.documents import document_keys
from biorat_al.store.evaluations import document_counts_of
from biorat_al.store.models import newest_model
from biorat_al.wording import plural


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Strict F1 of annotators and of the newest model on the test documents that several people annotated.

    :param annotators: of annotators against each other.
    :param truth: of annotators against ground truth, on the documents that have one; None if none has.
    :param model: of the newest model; None if it was not measured on any of these documents.
    :param by_label: of annotators against each other, for each label that one of them used.
    """

    annotators: AgreementF1
    truth: AgreementF1 | None = None
    model: AgreementF1 | None = None
    by_label: Mapping[str, AgreementF1] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values; scores are fractions."""
        figures = {"annotators": self.annotators, "truth": self.truth, "model": self.model}
        values: dict[str, Any] = {name: None if one is None else one._asdict() for name, one in figures.items()}
        return values | {"by_label": {label: one._asdict() for label, one in self.by_label.items()}}

    @property
    def sentence(self) -> str:
        """The figures with their intervals, as one line of text."""
        documents = plural(self.annotators.documents, "test document")
        text = f"on {documents} that several people annotated blind, they reach F1 {_figure(self.annotators)} "
        text += "against each other"
        if self.truth is not None:
            text += f", and {_figure(self.truth)} against the ground truth of {self.truth.documents:,}"
        if self.model is not None:
            text += f"; the newest model reaches {_figure(self.model)} there, with disputed mentions masked"
        return text


def human_ceiling(session: Session, chosen: Sequence[Answer]) -> Ceiling | None:
    """Return what annotators reach on the test set; None if no test document has two blind answers.

    :param chosen: the answers that count for test documents.
    """
    doubles = [answer for answer in chosen if sum(vote.shown_version is None for vote in answer.independent) > 1]
    if not doubles:
        return None
    names = pseudonyms(annotators(session))
    agreement = Agreement()
    answered: list[tuple[list[str], list[Annotation]]] = []
    settled: list[Counts] = []
    for decision in decisions(session, doubles):
        votes = decision.answer.independent
        given = {
            names.get(vote.annotator or "", ""): annotation
            for vote, annotation in zip(votes, decision.independent, strict=True)
            if vote.shown_version is None
        }
        answered.append((list(given), list(given.values())))
        agreement.add(*answered[-1])
        if decision.answer.rule in SETTLED:
            unasked = reduce(Unasked.__or__, (vote.unasked for vote in votes), decision.answer.unasked)
            settled.append(_against(decision.majority.annotation, list(given.values()), unasked))
    overall = agreement.overall
    assert overall is not None
    return Ceiling(
        overall, agreement_f1(settled) if settled else None, _of_model(session, doubles), _by_label(answered)
    )


def _by_label(answered: Sequence[tuple[Sequence[str], Sequence[Annotation]]]) -> dict[str, AgreementF1]:
    """Return the agreement on each label that somebody used.

    :param answered: names and annotations for each document.
    """
    labels = {entity.label for _, given in answered for annotation in given for entity in annotation.entities}
    found = {}
    for label in sorted(labels):
        agreement = Agreement()
        for names, given in answered:
            agreement.add(names, [_only(annotation, label) for annotation in given])
        found[label] = agreement.of_label
    return found


def _only(annotation: Annotation, label: str) -> Annotation:
    return Annotation(tuple(entity for entity in annotation.entities if entity.label == label))


def _against(truth: Annotation, given: Sequence[Annotation], unasked: Unasked) -> Counts:
    """Compare annotators with the truth, all of them together."""
    gold = {mention_key(entity) for entity in truth.entities if entity.label not in unasked.labels}
    counts = Counts()
    for annotation in given:
        marked = {mention_key(entity) for entity in annotation.entities if entity.label not in unasked.labels}
        same = len(gold & marked)
        counts += Counts(same, len(marked) - same, len(gold) - same)
    return counts


def _of_model(session: Session, doubles: Sequence[Answer]) -> AgreementF1 | None:
    model = newest_model(session)
    if model is None:
        return None
    measured = document_counts_of(session, model.version)
    keys = document_keys(session, [answer.document_id for answer in doubles])
    counts = [Counts(*measured[keys[answer.document_id]]) for answer in doubles if keys[answer.document_id] in measured]
    return agreement_f1(counts) if counts else None


def _figure(one: AgreementF1) -> str:
    text = f"{100 * one.f1:.1f}"
    if one.interval is None:
        return text
    return f"{text} ({100 * one.interval[0]:.1f} to {100 * one.interval[1]:.1f})"
