"""Adjudication: documents on which annotators disagree, for somebody who decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from biorat_al.errors import NothingToDoYet
from biorat_al.people.settling.contested import Contested, contested
from biorat_al.people.settling.sheets import difference_sheet
from biorat_al.people.settling.values import differences_values
from biorat_al.rounds.context import Context
from biorat_al.rounds.settling.asking import AskedAgain, Question, ask_again, fetch
from biorat_al.store.answers import adjudicated_documents
from biorat_al.store.documents import documents_by_id
from biorat_al.store.settling.settlements import settlements
from biorat_al.wording import plural

Only = Literal["disputed", "all"]
"""Which documents of several annotators are adjudicated: those with disputes, or all."""


def adjudicate(context: Context, only: Only = "disputed", limit: int | None = None) -> AskedAgain:
    """Fetch what was adjudicated, and bring the project for disputes up to date.

    Test documents come first, since every figure rests on them; among these, and among the others, the most disputed.

    :param limit: most documents that wait for an adjudicator; None asks for all.
    :raises NothingToDoYet: no document has answers of several people, or they agree on all of them.
    """
    fetched = fetch(context)
    with context.store.read() as session:
        found = list(contested(session))
        asked = {(row.document_id, row.digest): row.state for row in settlements(session, "disputes")}
        # by a review, for example
        elsewhere = set(adjudicated_documents(session)) - {document_id for document_id, _ in asked}
    wanted = [
        one
        for one in found
        if (only == "all" or one.compared.disputed)
        and asked.get((one.document_id, one.digest)) not in ("answered", "skipped")
        and one.document_id not in elsewhere
    ]
    if not wanted and not asked:
        raise NothingToDoYet(_nothing(len(found), bool(elsewhere)))
    wanted.sort(key=lambda one: (one.role != "test", -one.compared.disputed, one.document_id))
    questions = _questions(context, wanted[:limit])
    current = {one.document_id: one.digest for one in found}
    report = ask_again(context, "disputes", questions, current)
    return replace(report, fetched=fetched, notices=(*fetched.notices, *report.notices))


def _questions(context: Context, wanted: list[Contested]) -> list[Question]:
    with context.store.read() as session:
        documents = documents_by_id(session, [one.document_id for one in wanted])
    return [
        Question(
            one.document_id,
            one.digest,
            differences_values(one.compared.differences),
            difference_sheet(one.compared.differences, documents[one.document_id].text),
            one.compared.marked,
        )
        for one in wanted
    ]


def _nothing(several: int, settled: bool) -> str:
    if not several:
        return "no document has answers of two people yet, so there is nothing to adjudicate"
    if settled:
        return f"of {plural(several, 'document')} that several people annotated, none has a dispute that is not settled"
    return (
        f"annotators agree on {plural(several, 'document')} that several of them annotated, so there is nothing to "
        "adjudicate; to ask about all of them: biorat-al adjudicate --only all"
    )
