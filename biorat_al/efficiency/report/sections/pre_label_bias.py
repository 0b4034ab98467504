"""The section on what pre-labels do to people."""

from __future__ import annotations

from biorat_al.efficiency.report.tables import Cell, Figure, FigureTable, Form, Section
from biorat_al.people.pre_label_bias import QUANTITIES, WITH, WITHOUT, BiasFigure, PreLabelBias


def pre_label_section(bias: PreLabelBias) -> Section:
    """Return the section with minutes, mentions and agreement with and without pre-labels."""
    rows: list[dict[str, Cell]] = [
        {
            "quantity": QUANTITIES[one.quantity],
            "with": Figure(one.with_pre_labels, _form(one)),
            "without": Figure(one.without, _form(one)),
            "difference": _difference(one),
            "documents_with": one.documents[WITH],
            "documents_without": one.documents[WITHOUT],
        }
        for one in bias.figures
        if one.difference is not None
    ]
    columns = {
        "quantity": "what",
        "with": "with pre-labels",
        "without": "without",
        "difference": "difference",
        "documents_with": "documents with",
        "documents_without": "documents without",
    }
    note = (
        "Only rounds that asked for documents of both kinds count. Below each difference is its 95 % interval, by "
        "bootstrap over documents. Pre-labels are meant to save minutes; that they change what is marked is a bias."
    )
    tables = [FigureTable("pre-label-bias", "With and without pre-labels", columns, rows, note)] if rows else []
    return Section("pre-label-bias", "Do pre-labels bias people?", bias.sentences, tables)


def _form(one: BiasFigure) -> Form:
    return "percent" if one.quantity == "agreement" else "rate"


def _difference(one: BiasFigure) -> Figure:
    form: Form = "points" if one.quantity == "agreement" else "change"
    if one.interval is None:
        return Figure(one.difference, form)
    return Figure(one.difference, form, *one.interval, interval=True)
