"""What annotators did with pre-labels: the definitions on small cases, and what is read from the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from biorat_al.corpus.model.document import Relation
from biorat_al.efficiency.report.sections.annotators import work_section
from biorat_al.efficiency.runs.annotator_work import Handled, RoundWork, annotator_work, handled, relation_work
from biorat_al.project import Project
from biorat_al.store.annotations import relation_values
from biorat_al.store.tables import AnnotationRow, DocumentRow, PredictionRow, RelationRow
from tests.support.answers import AT, PretendDesk
from tests.support.rounds import make_project, settings_for


@pytest.mark.parametrize(
    ("origins", "proposed", "expected"),
    [
        # three proposed: one left, one changed, one removed; one added
        ({"prediction": 1, "prediction-changed": 1, "manual": 1}, 3, Handled(1, 1, 1, 1)),
        ({}, 0, Handled(0, 0, 0, 0)),
        ({}, 4, Handled(0, 0, 4, 0)),
        ({"manual": 2}, 0, Handled(0, 0, 0, 2)),
        # a region that was given two labels comes back as two mentions
        ({"prediction-changed": 2}, 1, Handled(0, 2, 0, 0)),
        ({"prediction": 1, None: 1}, 1, None),
        ({"something": 1}, 1, None),
    ],
)
def test_definitions(origins: dict[str | None, int], proposed: int, expected: Handled | None) -> None:
    assert handled(origins, proposed) == expected


def test_a_changed_mention_is_both_wrong_and_missed() -> None:
    # 5 of the pre-labels right, 2 changed, 1 removed, 4 added: F1 = 2·5 / (8 + 11)
    assert Handled(5, 2, 1, 4).counts == (5, 3, 6)


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder), pool=8, test=2) as project:
        yield project


@pytest.mark.slow
def test_answers_are_counted_by_the_round_whose_pre_labels_were_shown(project: Project) -> None:
    with project.store.write() as session:
        desk = PretendDesk(session)
        desk.answer(0, 0, None, -1, "manual", "manual", lead_time=60.0)
        desk.answer(1, 1, "m1", 3, "prediction", "prediction-changed", "manual", lead_time=30.0)
        # asked for in round 1, shown what the model of round 2 says
        desk.answer(2, 1, "m2", 1, "prediction", lead_time=10.0)
        desk.answer(3, 2, "m2", 2, lead_time=None)
        # neither of these is an answer
        desk.answer(4, 2, "m2", 2, "prediction", "prediction", skipped=True)
        desk.answer(5, 2, "m2", 2, "prediction", "prediction", current=False, deleted_at=AT)
        # and of these nobody knows what became of the pre-labels
        desk.answer(6, 2, "m2", 1, None)
        desk.answer(7, 2, "m2", -1, "manual")
        # test documents are annotated blind, and of another purpose
        desk.documents.append(session.scalars(select(DocumentRow).where(DocumentRow.split == "test")).all()[0])
        desk.answer(8, 0, None, -1, "manual", lead_time=500.0)
    before, first, second = annotator_work(project.store)
    assert (before.round, before.shown, before.answers, before.mentions, before.handled) == (0, False, 1, 2, {})
    assert (first.round, first.shown, first.answers, first.proposed) == (1, True, 1, 3)
    assert [first.total(what) for what in ("accepted", "changed", "removed", "added")] == [1, 1, 1, 1]
    assert list(first.counts.values()) == [(1, 2, 2)]
    assert (second.round, second.answers, second.unknown, second.proposed) == (2, 4, 2, 3)
    assert [second.total(what) for what in ("accepted", "changed", "removed", "added")] == [1, 0, 2, 0]
    assert [list(part.seconds.values()) for part in (before, first, second)] == [[[60.0]], [[30.0]], [[10.0]]]


def _related(session: Session, answer: int, *pairs: tuple[int, int], directed: bool = True) -> None:
    """Write relations between mentions of an answer."""
    session.add_all(
        RelationRow(
            annotation_id=answer, key=f"r{n}", label="with", head=f"e{head}", tail=f"e{tail}", directed=directed,
            extras={},
        )
        for n, (head, tail) in enumerate(pairs)
    )  # fmt: skip


def test_relations_are_compared_with_those_that_were_shown(project: Project) -> None:
    with project.store.write() as session:
        desk = PretendDesk(session)
        desk.answer(0, 0, None, -1, "manual", "manual")
        desk.answer(1, 1, "m1", 3, "prediction", "prediction", "prediction")
        # the model has another direction; without one the ends may be exchanged
        desk.answer(2, 2, "m2", 2, "prediction", "prediction")
        desk.answer(3, 2, "m2", 2, "prediction", "prediction")
        # one of the two mentions is gone
        desk.answer(4, 2, "m2", 2, "prediction")
        desk.answer(5, 2, "m2", -1, "prediction", "prediction")
        ids = session.scalars(select(AnnotationRow.id).where(AnnotationRow.source == "person")).all()
        _related(session, ids[0], (0, 1))
        _related(session, ids[1], (0, 1), (2, 0))
        _related(session, ids[2], (1, 0))
        _related(session, ids[3], (1, 0), directed=False)
        _related(session, ids[5], (0, 1))
        for number, version, pairs, directed in (
            (1, "m1", [(0, 1), (1, 2)], True), (2, "m2", [(0, 1)], True), (3, "m2", [(0, 1)], False),
            (4, "m2", [(0, 1)], True),
        ):  # fmt: skip
            session.get_one(PredictionRow, (version, desk.documents[number].id)).relations = [
                relation_values(Relation(f"p{n}", "with", f"e{head}", f"e{tail}", directed, {"score": 0.5}))
                for n, (head, tail) in enumerate(pairs)
            ]
    before, first, second = relation_work(project.store)
    assert (before.round, before.shown, before.answers, before.mentions, before.handled) == (0, False, 1, 1, {})
    assert [first.total(what) for what in ("accepted", "changed", "removed", "added")] == [1, 0, 1, 1]
    assert list(first.counts.values()) == [(1, 1, 1)]
    assert [one for (one,) in second.handled.values()] == [
        Handled(0, 0, 1, 1), Handled(1, 0, 0, 0), Handled(0, 0, 1, 0)
    ]  # fmt: skip
    assert (second.answers, second.mentions, second.unknown) == (4, 3, 1)
    section = work_section(annotator_work(project.store), [before, first, second])
    assert [table.name for table in section.tables] == ["annotators", "annotators-relations"]
    rows = section.tables[1].rows
    assert [(row["round"], row["proposed"], row["added"]) for row in rows] == [(0, None, None), (1, 2, 1), (2, 3, 1)]
    assert rows[1]["quality"].value == pytest.approx(0.5)


def test_without_relations_nothing_is_said_of_them() -> None:
    (table,) = work_section([_round(1, Handled(1, 0, 0, 0))]).tables
    assert table.name == "annotators"


def _round(number: int, *answers: Handled, seconds: tuple[float, ...] = ()) -> RoundWork:
    work = RoundWork(number, True, {f"d{n}": [one] for n, one in enumerate(answers)}, len(answers), 10)
    work.seconds = {f"d{n}": [value] for n, value in enumerate(seconds)}
    return work


def test_whether_pre_annotation_gets_better_is_said_only_where_intervals_are_apart() -> None:
    bad, good = (
        [Handled(1, 3, 3, 3)] * 6 + [Handled(2, 3, 3, 3)] * 6,
        [Handled(9, 0, 1, 0)] * 6 + [Handled(9, 1, 0, 0)] * 6,
    )
    assert work_section([_round(1, *bad), _round(2, *good)]).texts[0].startswith("Pre-annotation has got better: F1 ")
    assert work_section([_round(1, *good), _round(2, *bad)]).texts[0].startswith("Pre-annotation has got worse: F1 ")
    for same, said in (
        ([_round(1, *bad), _round(2, *bad)], "No change in the quality of the pre-labels could be shown: F1 "),
        ([_round(1, *good)], "Whether the pre-labels get better is not known yet"),
    ):
        assert work_section(same).texts[0].startswith(said)


def test_times_are_a_median_with_the_middle_half() -> None:
    row = work_section([_round(1, Handled(1, 0, 0, 0), seconds=(10.0, 20.0, 30.0, 40.0, 1000.0))]).tables[0].rows[0]
    assert (row["seconds"].value, row["seconds"].low, row["seconds"].high) == (30.0, 20.0, 40.0)
    row = work_section([_round(1, Handled(1, 0, 0, 0), seconds=(10.0, 20.0))]).tables[0].rows[0]
    assert (row["seconds"].value, row["seconds"].interval_text) == (15.0, "too few for a spread")
    row = work_section([_round(1, Handled(0, 0, 0, 0))]).tables[0].rows[0]
    assert (row["seconds"].text, row["seconds"].interval_text) == ("–", "not recorded")
    assert row["quality"].interval_text == "nothing proposed, nothing marked"


def test_before_anyone_has_annotated_there_is_a_sentence() -> None:
    assert work_section([]).texts == ["Nobody has annotated a document of the pool yet."]
