"""A project on whose documents people disagree, without a server: they have answered, and an oracle adjudicates."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Relation, Span
from biorat_al.desk.base import DeskProject
from biorat_al.project import Project
from biorat_al.store.answers import Answer, answers
from biorat_al.store.tables import AnnotationRow, DocumentRow
from tests.people.factories import add_answer, marked, mention
from tests.support.rounds import PatientDesk, make_project, settings_for

ANN, BOB = "ann@example.org", "bob@example.org"

ASTHMA, ASTHMA_IS, ASPIRIN = mention("Disease", (0, 6)), mention("Disease", (0, 9)), mention("Chemical", (20, 27))

TREATS = {"relations": [{"name": "treats", "head": "Chemical", "tail": "Disease"}]}

GOLD = Annotation(
    (Entity("g1", "Disease", (Span(0, 6),)), Entity("g2", "Chemical", (Span(20, 27),))),
    (Relation("r1", "treats", "g2", "g1"),),
)


class HurriedDesk(PatientDesk):
    """An oracle whose open tasks can be withdrawn."""

    def take_back(self, project: DeskProject, task_ids: Collection[str]) -> frozenset[str]:
        with self._database() as database:
            for ident, key in database.execute(
                "SELECT id, key FROM task WHERE project = ?", (project.reference,)
            ).fetchall():
                if str(ident) in task_ids and self.finished is not None and key not in self.finished:
                    database.execute("DELETE FROM pre_annotation WHERE task = ?", (ident,))
                    database.execute("DELETE FROM task WHERE id = ?", (ident,))
        return super().take_back(project, task_ids)


def disputed_project(folder: Path, encoder: Path) -> Project:
    """Make a project: Ann and Bob agree on p0, and disagree on p1 (a relation too), p2 and the test document p4."""
    texts = [f"Asthma is bad here. Aspirin helps {number} times." for number in range(6)]
    records = [Record(Document(f"p{number}", text), GOLD, "made") for number, text in enumerate(texts)]
    settings = settings_for(encoder, **TREATS)
    project = make_project(folder, settings, pool=4, test=2, records=records)
    treats = marked(ASTHMA, ASPIRIN, treats=(ASPIRIN, ASTHMA))
    with project.store.write() as session:
        for key, first, second in (
            ("p0", treats, treats),
            ("p1", treats, marked(ASTHMA_IS, ASPIRIN)),
            ("p2", marked(ASTHMA), marked(ASTHMA_IS)),
            ("p4", treats, marked(ASTHMA)),
        ):
            add_answer(session, key, ANN, first)
            add_answer(session, key, BOB, second)
    return project


def hurried(project: Project) -> HurriedDesk:
    """Give the project an oracle that waits, and return it."""
    desk = HurriedDesk(project)
    project._desk = desk
    return desk


def answer_to(project: Project, key: str) -> Answer:
    """Return the answer that counts for a document."""
    with project.store.read() as session:
        (row,) = session.scalars(select(DocumentRow).where(DocumentRow.key == key))
        return next(one for one in answers(session, row.split, with_gold=True) if one.document_id == row.id)


def change_answer(project: Project, key: str, annotator: str, annotation: Annotation) -> None:
    """Let an annotator change an answer, as a pull leaves it."""
    with project.store.write() as session:
        rows = session.scalars(
            select(AnnotationRow)
            .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
            .where(DocumentRow.key == key, AnnotationRow.annotator == annotator, AnnotationRow.current)
        )
        number = 0
        for row in rows:
            row.current = False
            number = row.id
        session.flush()
        add_answer(session, key, annotator, annotation, desk_annotation_id=f"{key} {annotator} after {number}")
