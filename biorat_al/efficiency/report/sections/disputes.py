"""Section on disagreement between annotators, for projects in which several people annotated the same documents."""

from __future__ import annotations

from biorat_al.corpus.formats.bigbio.details import AgreementF1
from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Section
from biorat_al.people.ceiling import Ceiling
from biorat_al.people.disputes import Disputes, counted
from biorat_al.wording import plural, verb

ALL = "all pairs"


def disputes_section(disputes: Disputes | None, ceiling: Ceiling | None = None) -> Section | None:
    """Return the section with the agreement of each pair of annotators and the number of disputes.

    :param disputes: None if no document has answers of several people; there is no section then.
    :param ceiling: what annotators reach on the test set; None if that is not known.
    """
    if disputes is None:
        return None
    several = plural(disputes.documents, "document")
    if disputes.disputed_documents:
        text = (
            f"Of {several} that several people annotated, {disputes.disputed_documents:,} "
            f"{verb(disputes.disputed_documents, 'hold')} what they could not decide: "
            f"{counted(disputes.mentions, disputes.relations)}, every version counted. Until somebody settles it, this "
            "is masked: no model learns that it is there or that it is not, and no score counts it."
        )
    else:
        other = " else" if disputes.concepts else ""
        text = f"In {several} that several people annotated, nothing{other} is disputed."
    texts = [text]
    if disputes.concepts:
        texts.append(
            f"Left out: {plural(disputes.concepts, 'concept')} that exactly half of a mention's annotators linked."
        )
    if disputes.settled:
        texts.append(f"The preferred annotator has decided {plural(disputes.settled, 'tie')}.")
    if ceiling is not None:
        texts.append(f"Human ceiling: {ceiling.sentence}.")
    rows: list[dict[str, Cell]] = [
        {
            "pair": f"{pair.first}, {pair.second}",
            "documents": Figure(pair.agreement.documents, "count"),
            "mentions": f"{pair.mentions[0]:,}, {pair.mentions[1]:,}",
            "f1": _figure(pair.agreement),
        }
        for pair in disputes.pairs
    ]
    if disputes.agreement is None:
        texts.append("No document has independent answers of several people, so their agreement is not known.")
        return Section("disputes", "Where annotators disagree", texts, [])
    if len(rows) > 1:
        documents = Figure(disputes.agreement.documents, "count")
        rows.append({"pair": ALL, "documents": documents, "mentions": None, "f1": _figure(disputes.agreement)})
    columns = {
        "pair": "annotators",
        "documents": "documents",
        "mentions": "mentions of each",
        "f1": "agreement (F1, %)",
    }
    note = (
        "Strict span F1 between the answers of two annotators, 95 % confidence intervals over documents; below twenty "
        "documents a little too narrow. Where the answers began from the same pre-labels, this flatters."
    )
    table = FigureTable("agreement", "Agreement by pair", columns, rows, note)
    return Section("disputes", "Where annotators disagree", texts, [table])


def _figure(agreement: AgreementF1) -> Figure:
    """Return an agreement with its interval, or with the reason why it has none."""
    if agreement.interval is None:
        return Figure(agreement.f1, "percent", note="one document shows no spread")
    return Figure(agreement.f1, "percent", *agreement.interval, interval=True)
