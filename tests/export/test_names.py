"""What is meant for publication names nobody: exports, cards, reports, and the figures of agreement."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Entity, Span
from biorat_al.export.export import FORMATS, ExportOptions
from biorat_al.presentation.people.audit import write_csv
from biorat_al.presentation.people.audit_page import write_page
from biorat_al.project import Project
from biorat_al.store.annotations import load_annotations
from biorat_al.store.store import now
from biorat_al.store.tables import AnnotationRow, DocumentRow
from biorat_al.store.team.members import add_member
from tests.people.factories import add_answer
from tests.support.rounds import make_project, settings_for

NAMES = ("ann.alder@example.org", "bob.builder@example.org", "quentin.lime@example.org")
ANN, BOB, LEAD = NAMES
PARTS = tuple(part.encode() for name in NAMES for part in (name, *name.split("@")[0].split(".")) if len(part) > 3)
"""Addresses, and those parts of them that no word of the demo corpus has."""


def named(project: Project) -> None:
    """Let two people and an adjudicator have answered: alone, by changing each other's answers, and in dispute."""
    with project.store.write() as session:
        for name in (ANN, BOB):
            add_member(session, name, "annotator", now())
        add_member(session, LEAD, "adjudicator", now())
        rows = session.scalars(select(AnnotationRow).where(AnnotationRow.source == "person")).all()
        annotations = load_annotations(session, [row.id for row in rows])
        for number, row in enumerate(rows):
            row.annotator, row.lead_time, row.shown_version = ANN, 40.0 + number, None
            row.raw = {"completed_by": {"email": ANN, "first_name": "Ann"}, "created_username": f" Ann Alder {ANN}, 1"}
            row.problems = [f"{ANN} drew a region without a label"] if number == 0 else []
            if number == 1:
                row.revises = LEAD
        keys = {row.id: row.key for row in session.scalars(select(DocumentRow))}
        answers = [(keys[row.document_id], annotations[row.id], number) for number, row in enumerate(rows)]
    with project.store.write() as session:
        for key, annotation, number in answers:
            odd = Entity("odd", "Chemical", (Span(0, 3),))
            others = annotation.entities[1:] if number % 2 else (*annotation.entities, odd)
            add_answer(session, key, BOB, Annotation(others), lead_time=30.0, raw={"completed_by": BOB})
        key, annotation, _ = answers[2]
        add_answer(session, key, LEAD, annotation, ground_truth=True)


def content(path: Path) -> bytes:
    """Return what a file says, in small letters; the columns of Parquet are compressed."""
    if path.suffix == ".parquet":
        return repr(pq.read_table(path).to_pylist()).lower().encode()
    return path.read_bytes().lower()


@pytest.mark.slow(20)
def test_no_name_or_address_is_in_anything_for_publication(tiny_encoder: Path, tmp_path: Path) -> None:
    settings = settings_for(tiny_encoder, team={"ties": f"prefer:{BOB}"})
    with make_project(tmp_path / "trial", settings, gold=True, pool=24, test=6) as project:
        project.round()
        project.round(partial=True)
        named(project)
        out = tmp_path / "out"
        out.mkdir()
        for name in FORMATS:
            project.export(out / f"corpus.{name}", format=name)
            project.export(out / f"preferred.{name}", format=name, options=ExportOptions(prefer=BOB, validation=2))
        project.report(out / "report.html", target=0.5)
        agreement = project.agreement(pre_labelled=True)
        agreement.write_csv(out / "agreement.csv")
        (out / "agreement.json").write_text(json.dumps(agreement.as_dict(examples=50)), encoding="utf-8")
        audit = project.audit()
        write_csv(audit, out / "audit.csv")
        write_page(audit, project.settings.name, out / "audit.html")
        (out / "audit.json").write_text(json.dumps(audit.as_dict()), encoding="utf-8")
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) > 12
    found = {(path.name, part) for path in written for part in PARTS if part in content(path)}
    assert found == set()
    assert sum(b"annotator-2" in content(path) for path in written) > 5
