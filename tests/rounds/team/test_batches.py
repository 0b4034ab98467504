"""What goes to the projects of a group, if two people share a document with pre-labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from biorat_al.desk.base import DeskProject, PreAnnotation
from biorat_al.people.doubles import several_answers
from biorat_al.people.pre_label_answers import read_comparison
from biorat_al.rounds.team.batches import RoundBatch, batches_of
from biorat_al.store.models import models_of, predictions
from biorat_al.store.tables import SeatRow
from biorat_al.store.tasks import tasks_in_state
from tests.support.group import ANN, BOB, desk_of, group_project, seats


@pytest.mark.slow(20)
def test_both_people_see_the_same_pre_labels_also_if_one_answers_later(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = {"double": 1.0, "double_pre_labels": 0.5, "double_test": 0.0}
    with group_project(tmp_path / "trial", tiny_encoder, ANN, BOB, team=team) as project:
        project.round()
        desk = desk_of(project)
        assert desk.done is not None
        desk.done |= {(name, key) for name, key, _ in seats(project)}
        project.round()
        batch = {(name, key): row for name, key, row in seats(project) if row.round_number == 1}
        shown = sorted({key for (_, key), row in batch.items() if row.pre_labels})
        assert len(batch) == 12
        assert len(shown) == 3
        assert all(batch[ANN, key].pre_labels and batch[BOB, key].pre_labels for key in shown)
        half_done, *others = shown
        document = batch[ANN, half_done].document_id
        with project.store.read() as session:
            first = models_of(session, 1)["none"].version
            versions = {task.document_id: task.shown_version for task in tasks_in_state(session, "pool", "open")}
            before = predictions(session, first, [document])[document]
        assert {row.document_id for row in batch.values() if row.pre_labels} == {
            one for one, version in versions.items() if version == first
        }

        given: dict[str, PreAnnotation] = {}
        add = desk.add_pre_annotations

        def added(of: DeskProject, proposed: Mapping[str, PreAnnotation]) -> None:
            given.update(proposed)
            add(of, proposed)

        monkeypatch.setattr(desk, "add_pre_annotations", added)
        desk.done.add((ANN, half_done))
        project.round(partial=True)
        with project.store.read() as session:
            second = models_of(session, 2)["none"].version
            newest = predictions(session, second, [batch[ANN, key].document_id for key in others])
            (task,) = (one for one in tasks_in_state(session, "pool", "answered") if one.document_id == document)
            kept = predictions(session, second, [document])[document]
        # what the other person still has to answer keeps what the first person saw, though the model has learnt since
        again = given[batch[BOB, half_done].desk_task_id or ""]
        assert (again.model_version, again.confidence) == (second, before.confidence)
        assert (kept.entities, kept.confidence) == (before.entities, before.confidence)
        assert task.shown_version == second
        assert (batch[ANN, half_done].desk_task_id or "") not in given
        for key in others:
            seen = [given[batch[name, key].desk_task_id or ""] for name in (ANN, BOB)]
            assert seen[0] == seen[1]
            assert seen[0].confidence == newest[batch[ANN, key].document_id].confidence
        blind = {row.desk_task_id for row in batch.values() if not row.pre_labels}
        assert not blind & given.keys()

        # and so does what is sent again, because the other person's project was deleted
        with project.store.write() as session:
            seat = session.get_one(SeatRow, batch[BOB, half_done].id)
            task_id, seat.state, seat.desk_task_id = seat.desk_task_id, "assigned", None
            newer = PreAnnotation("newer", 0.123, (), ())
            asked = RoundBatch([], [], [], {document: newer}, "newer")
            (of_bob,) = (
                one
                for one in batches_of(session, "pool", asked, project.settings)
                if one.member is not None and one.member.name == BOB
            )
            assert document in of_bob.picked
            assert of_bob.proposed[document].confidence == before.confidence
            assert document in of_bob.half_done
            seat.state, seat.desk_task_id = "open", task_id

        desk.done |= {(name, key) for name, key, _ in seats(project)}
        project.round(partial=True)
        with project.store.read() as session:
            compared = read_comparison(session)
            # six documents of the first batch, which no model pre-labelled, and half of the second
            assert len([role for role, _ in several_answers(session).chosen if role == "pool"]) >= 9
            assert not {row.document_id for row in batch.values() if row.pre_labels} & {
                one.document_id for _, one in several_answers(session).chosen
            }
        assert compared.pairs_drawn
        of_batch = [one.shown for one in compared.pairs if one.round == 1]
        assert sorted(of_batch) == [False, False, False, True, True, True]
