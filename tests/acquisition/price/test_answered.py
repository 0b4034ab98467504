"""What annotators did, read from the store, and the price that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from biorat_al.acquisition.price.answered import answered_work
from biorat_al.acquisition.price.estimate import estimate_price, project_price
from biorat_al.acquisition.price.price import PRIOR
from biorat_al.acquisition.price.work import Work
from biorat_al.project import Project
from biorat_al.settings import CostSettings
from biorat_al.store.tables import AnnotationRow, DocumentRow
from tests.support.answers import PretendDesk
from tests.support.rounds import make_project, settings_for


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=8, test=2) as project:
        yield project


def _fill(project: Project) -> dict[int, int]:
    """Write six answers; return the words of each document by row id."""
    with project.store.write() as session:
        desk = PretendDesk(session)
        desk.answer(0, 0, None, -1, "manual", "manual", lead_time=60.0, annotator="ann", fetched_round=1)
        desk.answer(1, 1, "m1", 3, "prediction", "prediction-changed", "manual", lead_time=30.0, annotator="ben")
        desk.answer(2, 1, "m2", 2, lead_time=20.0, annotator="ann", revises="ben")
        # of these nobody knows what became of the pre-labels
        desk.answer(3, 2, "m2", -1, "manual", "prediction", lead_time=40.0)
        # these two are no answers
        desk.answer(4, 2, "m2", 2, "prediction", skipped=True, lead_time=9.0)
        desk.answer(5, 2, "m2", 2, "prediction", current=False, lead_time=9.0)
        # a test document is annotated blind; nobody timed it
        desk.documents.append(session.scalars(select(DocumentRow).where(DocumentRow.split == "test")).all()[0])
        desk.answer(8, 0, None, -1, "manual", lead_time=None)
        return {row.id: len(row.text.split()) for row in session.scalars(select(DocumentRow))}


@pytest.mark.slow
def test_the_work_of_each_answer(project: Project) -> None:
    words = _fill(project)
    with project.store.read() as session:
        found = answered_work(session)
    works = [(one.work, one.exact, one.alone, one.seconds, one.split) for one in found]
    size = [words[one.document_id] for one in found]
    assert works == [
        (Work(size[0], added=2, tasks=1), True, True, 60.0, "pool"),
        (Work(size[1], added=1, changed=1, removed=1, confirmed=1, tasks=1), True, True, 30.0, "pool"),
        (Work(size[2], removed=2, tasks=1), True, False, 20.0, "pool"),
        (Work(size[3], added=2, tasks=1), False, True, 40.0, "pool"),
        (Work(size[4], added=1, tasks=1), True, True, None, "test"),
    ]
    with project.store.read() as session:
        assert len(answered_work(session, ["pool"])) == 4


@pytest.mark.slow
def test_a_later_revision_is_no_further_work(project: Project) -> None:
    _fill(project)
    with project.store.write() as session:
        row = session.scalars(select(AnnotationRow).where(AnnotationRow.fetched_round == 1)).one()
        row.fetched_round = 3
        columns = {c.name for c in AnnotationRow.__table__.columns} - {"id", "updated_at", "current", "fetched_round"}
        values = {name: getattr(row, name) for name in columns}
        session.add(AnnotationRow(**values, fetched_round=1, current=False))
    with project.store.read() as session:
        assert answered_work(session)[0].fetched == 1


def test_a_price_rests_on_answers_with_a_time_and_known_work(project: Project) -> None:
    _fill(project)
    with project.store.read() as session:
        price = project_price(session, project.settings)
    assert (price.answers, sorted(price.speeds), price.untold) == (2, ["ann", "ben"], 2)
    assert price.basis == (
        "fitted to 2 timed answers of 2 annotators; 2 timed answers not used, as it is not known who did what in them"
    )
    low, high = price.interval("words")
    assert 0 < low < price.price.words < high
    values = price.as_dict()
    assert values["seconds"]["added"]["value"] == price.price.added
    assert values["answers"] == 2


def test_without_times_the_price_is_the_published_one_and_says_so(project: Project) -> None:
    with project.store.read() as session:
        price = project_price(session, project.settings)
    assert price.price.vector() == pytest.approx(PRIOR.price.vector())
    assert price.basis == "from published studies, since no answer of this project has a time yet"


def test_a_price_in_the_settings_is_used_as_it_is(project: Project) -> None:
    _fill(project)
    some = project.settings.model_copy(update={"cost": CostSettings(words=0.25)})
    with project.store.read() as session:
        answers = answered_work(session)
    price = estimate_price(answers, some)
    assert (price.price.words, price.interval("words")) == (0.25, (0.25, 0.25))
    assert price.basis.endswith("; the price of words as written in the settings")
    every = CostSettings(words=0.25, added=1, changed=1, removed=1, confirmed=1, tasks=1)
    price = estimate_price(answers, project.settings.model_copy(update={"cost": every}))
    assert (price.answers, price.basis) == (0, "as written in the settings")
    assert price.seconds(Work(words=4, added=2, tasks=1)) == (4.0, 4.0, 4.0)
