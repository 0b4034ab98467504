"""Review: the documents with the worst findings of an audit, for somebody who looks again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Annotation
from biorat_al.errors import NothingToDoYet, UsageError
from biorat_al.people.audit.audit import Audit
from biorat_al.people.audit.findings import Finding
from biorat_al.people.audit.of_project import audit_project
from biorat_al.people.settling.contested import contested
from biorat_al.people.settling.differences import digest_of
from biorat_al.people.settling.sheets import finding_sheet
from biorat_al.rounds.context import Context
from biorat_al.rounds.out_of_fold.of_project import read_out_of_fold
from biorat_al.rounds.settling.asking import AskedAgain, Question, ask_again, fetch
from biorat_al.settings import Settings
from biorat_al.store.answers import adjudicated_documents, answers, learnt_answers, load_answers
from biorat_al.store.database.json_values import SHAPE_ERRORS, other_shape
from biorat_al.store.documents import document_keys, documents_by_key, test_documents
from biorat_al.store.settling.settlements import settlements
from biorat_al.store.tables import SettlementRow
from biorat_al.wording import plural


def review(
    context: Context, limit: int | None = None, label: str | None = None, folds: int | None = None
) -> AskedAgain:
    """Fetch what was reviewed, and bring the project for review up to date with the worst findings of an audit.

    Test documents are annotated without a model's suggestions. So findings on them that rest on a model's predictions
    are left out, and so is this part of the evidence of the others.

    :param limit: number of findings, the worst first; None takes all.
    :param label: only findings on this label.
    :param folds: number of models to train for the audit, each without one part of the documents; None trains none.
    :raises NothingToDoYet: nothing has been annotated, or nothing looks wrong.
    :raises UsageError: the project has no such label, or there are fewer documents than `folds`.
    """
    settings = context.settings
    if label is not None and label not in settings.labels:
        raise UsageError(f"unknown label {label!r}; the project has {', '.join(settings.labels)}")
    fetched = fetch(context)
    held_out = read_out_of_fold(context.folder, settings, context.store, folds, context.progress)
    audit = audit_project(settings, context.store, held_out)
    if not audit.documents:
        raise NothingToDoYet("nothing has been annotated yet, so there is nothing to review; run: biorat-al round")
    found, notices = _to_show(context, audit)
    with context.store.read() as session:
        asked = settlements(session, "review")
    seen = {(row.document_id, mark) for row in asked if row.state in _LOOKED_AT for mark in _marks(row)}
    with context.store.read() as session:
        ids = {key: one for key, (one, _) in documents_by_key(session, _documents_of(found)).items()}
    fresh = [one for one in found if (ids[one.excerpt.document], _mark(one.as_dict())) not in seen]
    worst = replace(audit, findings=tuple(fresh)).only(limit=limit, label=label).findings
    if not worst and not asked:
        raise NothingToDoYet("nothing looks wrong in what has been annotated, so there is nothing to review")
    with context.store.read() as session:
        present = _present(session, settings, sorted({*ids.values(), *(row.document_id for row in asked)}))
    by_document = {ids[document]: some for document, some in _by_document(found).items()}
    still = {
        row.document_id: row
        for row in asked
        if row.state in ("open", "pushing")
        and _is_current(row, _marks_of(by_document.get(row.document_id, ())))
        and row.document_id in present
        and row.shown.get("present") == digest_of({"": present[row.document_id]})
    }
    # what an audit that had models asked stays asked, whatever else is found in the document
    left = {one: _not_found(row, _marks_of(by_document.get(one, ()))) for one, row in still.items()}
    wanted: dict[int, list[Finding]] = {}
    for document, some in _by_document(worst).items():
        row = still.get(ids[document])
        if row is None or not _marks_of(some) <= set(_marks(row)):
            wanted[ids[document]] = [*some, *left.get(ids[document], ())]
    for document_id, row in still.items():
        if row.state == "pushing" and document_id not in wanted:
            # a run that was cut off may not have sent it
            marks = set(_marks(row))
            same = [one for one in by_document.get(document_id, ()) if _mark(one.as_dict()) in marks]
            wanted[document_id] = [*same, *left[document_id]]
    questions = [_question(one, some, present[one]) for one, some in wanted.items()]
    current = {document_id: row.digest for document_id, row in still.items()}
    report = ask_again(context, "review", questions, current | {one.document_id: one.digest for one in questions})
    return replace(report, fetched=fetched, notices=(*fetched.notices, *report.notices, *notices))


_LOOKED_AT = ("answered", "skipped")

_Mark = tuple[Any, ...]
"""What makes a finding the same as an earlier one."""


def _mark(finding: Mapping[str, Any]) -> _Mark:
    return tuple(finding.get(name) for name in ("kind", "start", "end", "label", "suggestion"))


def _shown(row: SettlementRow) -> list[tuple[_Mark, bool]]:
    """Return what a reviewer was shown: each finding's mark, and whether models alone speak for it."""
    try:
        return [
            (_mark(finding), all(one["source"] == "model" for one in finding["evidence"]))
            for finding in row.shown.get("findings", ())
        ]
    except SHAPE_ERRORS as error:
        raise other_shape("what a reviewer was shown") from error


def _marks(row: SettlementRow) -> list[_Mark]:
    return [mark for mark, _ in _shown(row)]


def _marks_of(findings: Iterable[Finding]) -> set[_Mark]:
    return {_mark(one.as_dict()) for one in findings}


def _not_found(row: SettlementRow, marks: Collection[_Mark]) -> list[Finding]:
    """Return what a reviewer was shown that is not found now."""
    try:
        return [Finding.of_dict(values) for values in row.shown.get("findings", ()) if _mark(values) not in marks]
    except SHAPE_ERRORS as error:
        raise other_shape("what a reviewer was shown") from error


def _is_current(row: SettlementRow, marks: Collection[_Mark]) -> bool:
    """Return whether what was asked is still found; what models found alone is, until the annotation changes.

    An audit does not always train models. One that does not must not take back what another one has asked.
    """
    return all(mark in marks or by_models for mark, by_models in _shown(row))


def without_models(finding: Finding) -> Finding | None:
    """Return a finding without the evidence of models; None if there is no other."""
    evidence = tuple(one for one in finding.evidence if one.source != "model")
    return replace(finding, evidence=evidence) if evidence else None


def _to_show(context: Context, audit: Audit) -> tuple[list[Finding], tuple[str, ...]]:
    """Return the findings that may be shown, the worst first, and a sentence on each kind that may not."""
    documents = _documents_of(audit.findings)
    with context.store.read() as session:
        blind = test_documents(session, documents)
        disputed = {one.key for one in contested(session) if one.compared.disputed}
        disputed -= set(document_keys(session, adjudicated_documents(session)).values())
    free = [one for one in audit.findings if one.excerpt.document not in disputed]
    shown = [without_models(one) if one.excerpt.document in blind else one for one in free]
    found = sorted((one for one in shown if one is not None), key=lambda one: -one.score)
    notices = []
    if number := len(audit.findings) - len(free):
        notices.append(
            f"{plural(number, 'finding')} in documents on which annotators disagree left out: settle these first, with "
            "biorat-al adjudicate"
        )
    if number := len(free) - len(found):
        notices.append(
            f"{plural(number, 'finding')} on test documents left out, because only a model's predictions speak for "
            f"{'it' if number == 1 else 'them'}: nobody may see these there, since models are measured on them"
        )
    return found, tuple(notices)


def _present(session: Session, settings: Settings, document_ids: Sequence[int]) -> dict[int, Annotation]:
    """Return the annotation that counts for each of these documents, by row id."""
    wanted, prefer = set(document_ids), settings.team.preferred
    chosen = learnt_answers(session, with_gold=settings.gold_is_known, prefer=prefer)
    chosen += answers(session, "test", with_gold=True, prefer=prefer)
    some = [answer for answer in chosen if answer.document_id in wanted]
    return {answer.document_id: one for answer, one in load_answers(session, some, prefer=prefer)}


def _question(document_id: int, findings: Sequence[Finding], present: Annotation) -> Question:
    values = [finding.as_dict() for finding in findings]
    content = digest_of({"": present})
    marks = json.dumps(sorted(map(_mark, values), key=str))
    digest = hashlib.sha256(f"{content}\n{marks}".encode()).hexdigest()
    # without scores, which would look like those of a model
    marked = replace(present, entities=tuple(replace(entity, score=None, origin=None) for entity in present.entities))
    return Question(document_id, digest, {"findings": values, "present": content}, finding_sheet(findings), marked)


def _documents_of(findings: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.excerpt.document for finding in findings))


def _by_document(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.excerpt.document, []).append(finding)
    return found
