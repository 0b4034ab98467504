"""A real project as runs, and its report: from its first round on, whatever is missing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from biorat_al.acquisition.price.price import Price
from biorat_al.corpus.model.document import Entity, Span
from biorat_al.efficiency.report import forecast_in_words
from biorat_al.efficiency.report.build import project_report
from biorat_al.efficiency.report.changes import changes_noted
from biorat_al.efficiency.report.forecast_in_words import project_forecast
from biorat_al.efficiency.report.sections.comparisons import ONE_SEED
from biorat_al.efficiency.report.study import Study, comparable, selecting_run
from biorat_al.efficiency.runs.model import Run, priced
from biorat_al.efficiency.runs.of_project import COSTS, label_counts, live_runs
from biorat_al.errors import NothingToDoYet, ProjectError
from biorat_al.project import Project
from biorat_al.store.annotations import entity_values
from biorat_al.store.evaluations import document_counts_of, replace_relation_evaluation
from biorat_al.store.models import models_of, predictions
from biorat_al.store.rounds import steps_of
from biorat_al.store.tables import (
    AnnotationRow,
    DocumentRow,
    EvaluationRow,
    ModelRow,
    PickRow,
    PredictionRow,
    ReliabilityRow,
    RoundRow,
)
from tests.efficiency.factories import of_points, point
from tests.efficiency.report.test_page import Page
from tests.support.rounds import make_project, settings_for


def made(folder: Path, encoder: Path, rounds: int, **changes: Any) -> Project:
    """Return a project with an oracle and that number of rounds, without what takes long to measure."""
    settings = settings_for(encoder, evaluation={"robustness": False}, **changes)
    project = make_project(folder / "trial", settings, pool=14, test=4)
    for _ in range(rounds):
        project.round(size=3)
    return project


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[Project]:
    """Provide a project of three rounds, two of which trained models; no test may change it."""
    with made(tmp_path_factory.mktemp("rounds"), tiny_encoder, 3) as project:
        yield project


@pytest.fixture
def project(tmp_path: Path, rounds: Project) -> Iterator[Project]:
    """Provide a copy of that project, to be changed."""
    shutil.copytree(rounds.folder, tmp_path / "trial")
    with Project.open(tmp_path / "trial") as project:
        yield project


def reported(project: Project) -> Page:
    return Page(project_report(project.folder, project.settings, project.store).html())


@pytest.mark.slow
def test_each_arm_is_a_run_with_the_same_labels(rounds: Project) -> None:
    rat, none = live_runs(rounds.store, rounds.settings)
    assert [(run.arm, run.kind, run.selected_by, run.seed, run.strategy) for run in (rat, none)] == [
        ("rat", "live", None, 13, "mnlp"),
        ("none", "live", "rat", 13, "mnlp"),
    ]
    for run in (rat, none):
        assert [(point.round, point.documents) for point in run.points] == [(1, 3), (2, 6)]
    assert [(p.tokens, p.mentions, p.picks) for p in rat.points] == [
        (p.tokens, p.mentions, p.picks) for p in none.points
    ]


@pytest.mark.slow
def test_points_hold_what_the_rounds_kept(rounds: Project) -> None:
    run = live_runs(rounds.store, rounds.settings)[0]
    with rounds.store.read() as session:
        for number, point in enumerate(run.points, start=1):
            steps = {step.name: step for step in steps_of(session, number)}
            picks = list(session.scalars(select(PickRow).where(PickRow.round_number < number)))
            model = models_of(session, number)["rat"]
            assert point.documents == steps["train"].counts["documents"] == len(picks)
            assert point.mentions == steps["train"].counts["mentions"] > 0
            assert point.tokens == sum(pick.tokens for pick in picks) > 0
            assert point.f1 == pytest.approx(steps["evaluate"].counts["f1"]["rat"] or 0.0)
            assert len(point.counts) == 4
            assert set(point.by_label) == {"Disease", "Chemical"}
            gold = sum(tp + fn for tp, _, fn in point.counts.values())
            assert gold == sum(tp + fn for tp, _, fn in point.by_label.values()) > 0
            assert point.cost == {name: model.summary[name] for name in COSTS}
            assert set(point.seconds) == {"pull", "train", "evaluate", "predict", "select", "push"}
    assert len({key for point in run.points for key in point.picks}) == 6


def test_points_hold_what_annotators_did(rounds: Project) -> None:
    run = live_runs(rounds.store, rounds.settings)[0]
    first, second = (one.work for one in run.points)
    assert [one.work.tasks for one in run.points] == [one.documents for one in run.points]
    assert [one.work.mentions for one in run.points] == [one.mentions for one in run.points]
    # the first batch had no pre-labels
    assert (first.changed, first.removed, first.confirmed) == (0, 0, 0)
    assert second.words > first.words > 0
    with rounds.store.read() as session:
        model = models_of(session, 1)["rat"]
        asked = [pick.document_id for pick in session.scalars(select(PickRow).where(PickRow.round_number == 1))]
        shown = sum(len(row.entities) for row in predictions(session, model.version, asked).values())
    assert second.confirmed + second.changed + second.removed == shown
    kept = Run.model_validate_json(run.model_dump_json())
    assert [one.work for one in kept.points] == [first, second]
    (at_price,) = priced([run], Price(0, 0, 0, 0, 0, tasks=1800))
    assert [one.hours for one in at_price.points] == [1.5, 3.0]


def test_a_run_says_how_to_make_it_again(rounds: Project) -> None:
    provenance = live_runs(rounds.store, rounds.settings)[0].provenance
    assert provenance["settings"]["seed"] == 13
    assert "database" not in provenance["settings"]
    assert [model["round"] for model in provenance["models"]] == [1, 2]
    assert all(
        len(model[key]) == 64 for model in provenance["models"] for key in ("weights_sha256", "training_data_sha256")
    )
    assert {len(value) for value in provenance["documents_sha256"].values()} == {64}
    (quick, _) = live_runs(rounds.store, rounds.settings, fingerprints=False)
    assert quick.provenance == provenance | {"documents_sha256": {}}
    assert quick.points == live_runs(rounds.store, rounds.settings)[0].points
    assert {"device", "dtype", "libraries", "encoder"} <= provenance.keys()


@pytest.mark.slow
def test_models_of_an_older_version_say_less_of_their_cost(project: Project) -> None:
    with project.store.write() as session:
        for model in session.scalars(select(ModelRow)):
            model.summary = {k: v for k, v in model.summary.items() if k not in ("forward_passes", "peak_memory")}
    cost = live_runs(project.store, project.settings)[0].points[0].cost
    assert cost.keys() == set(COSTS) - {"forward_passes", "peak_memory"}
    page = reported(project)
    assert "cost" in page.sections


def test_an_answer_counts_from_the_round_that_fetched_it_until_it_is_deleted(project: Project) -> None:
    with project.store.write() as session:
        (first, second, _) = session.scalars(select(AnnotationRow).where(AnnotationRow.fetched_round == 1)).all()[:3]
        # gone before anything was trained; skipped in a later revision
        first.current, first.deleted_at = False, datetime(2000, 1, 1, tzinfo=UTC)
        second.current = False
        session.flush()
        columns = {c.key: getattr(second, c.key) for c in AnnotationRow.__table__.columns if c.key != "id"}
        later = {"skipped": True, "current": True, "updated_at": datetime(2030, 1, 1, tzinfo=UTC), "fetched_round": 1}
        session.add(AnnotationRow(**columns | later))
    (points, _) = (run.points for run in live_runs(project.store, project.settings))
    assert len(points[0].picks) == 1


def test_documents_with_gold_cost_tokens_too(project: Project) -> None:
    settings = project.settings.model_copy(
        update={"desk": project.settings.desk.model_copy(update={"kind": "label-studio"})}
    )
    counted: list[str] = []

    def count_tokens(texts):
        counted.extend(texts)
        return [100] * len(texts)

    run = live_runs(project.store, settings, count_tokens)[0]
    # nine of the fourteen have been asked for, so that their tokens are known
    asked = live_runs(project.store, project.settings)[0].points[0].tokens
    assert len(counted) == 14 - 9
    assert run.points[0].tokens >= asked + 500


def test_documents_kept_back_for_development_were_annotated_too(project: Project) -> None:
    with project.store.write() as session:
        for model in models_of(session, 2).values():
            model.summary = model.summary | {"documents": 4, "dev_documents": 2}
    assert [[point.documents for point in run.points] for run in live_runs(project.store, project.settings)] == [
        [3, 6]
    ] * 2


def test_label_counts_are_those_of_the_newest_models(project: Project) -> None:
    with project.store.write() as session:
        first = [model.version for model in models_of(session, 1).values()]
        session.execute(update(EvaluationRow).where(EvaluationRow.model_version.in_(first)).values(true_positives=50))
    runs = live_runs(project.store, project.settings)
    counts = label_counts(project.store, runs)
    for run in runs:
        for label, triple in run.points[-1].by_label.items():
            by_document = counts[run.arm][label]
            assert tuple(sum(column) for column in zip(*by_document.values(), strict=True)) == triple
            assert by_document.keys() == run.points[-1].counts.keys()


# what the report says


@pytest.mark.slow
def test_the_report_says_who_selected_and_what_cannot_be_told(rounds: Project) -> None:
    page, first = reported(rounds), live_runs(rounds.store, rounds.settings)[0]
    assert (
        "All arms learnt from the same corrections; the arm rat chose the documents (mnlp) for all of them. How "
        "another arm would have done with its own choice of documents is not known." in page.text
    )
    assert "1 seed (13), 4 test documents" in page.text
    assert ONE_SEED in page.text
    assert "No difference between" not in page.text
    assert page.verdicts[0].startswith("Whether adversarial training saves labels cannot be told from one project")
    assert {"curves", "cost", "annotators", "comparisons", "labels", "forecast", "provenance"} <= page.sections.keys()
    assert [row[:3] for row in page.sections["annotators"][0][1:]] == [
        ["0", "no", f"3 {first.points[0].mentions}"],
        ["1", "yes", f"3 {first.points[1].mentions - first.points[0].mentions}"],
    ]
    assert "An F1 of 80.0" in page.text or "When an F1 of 80.0 is reached is not known yet" in page.text
    assert "not recorded" in page.sections["annotators"][0][1][-1]


@pytest.mark.slow
def test_proposed_is_what_the_pre_labels_of_the_answers_held(project: Project) -> None:
    entity = entity_values(Entity("T1", "Disease", (Span(0, 3),)))
    with project.store.write() as session:
        version = models_of(session, 1)["rat"].version
        answered = session.scalars(select(AnnotationRow.document_id).where(AnnotationRow.fetched_round == 2)).all()
        assert len(answered) == 3
        for count, document in enumerate(answered):
            session.get_one(PredictionRow, (version, document)).entities = [entity] * count
    header, before, after = reported(project).sections["annotators"][0]
    assert [row[header.index("proposed")] for row in (before, after)] == ["–", "3"]


def test_before_the_first_round_there_is_nothing_to_report(tmp_path: Path, tiny_encoder: Path) -> None:
    with made(tmp_path, tiny_encoder, 0) as project, pytest.raises(NothingToDoYet, match="no round yet"):
        project.report()
    assert not (project.folder / "report").exists()


def test_after_round_0_there_is_no_model_to_speak_of(tmp_path: Path, tiny_encoder: Path) -> None:
    with made(tmp_path, tiny_encoder, 1) as project:
        page = reported(project)
        assert project_forecast(project.settings, project.store, 0.8) is None
    assert page.verdicts == [
        "How well a model does is not known yet: no model has been trained. Annotated documents of the pool: "
        "0; annotate, then run: biorat-al round"
    ]
    assert set(page.sections) == {"overview", "annotators", "provenance"}


def test_without_test_answers_no_model_was_measured(project: Project) -> None:
    with project.store.write() as session:
        session.execute(delete(EvaluationRow))
    page = reported(project)
    assert page.verdicts[0].startswith(
        "How well a model does is not known yet: no model has been measured. 4 of 4 test"
    )
    assert page.sections["annotators"]


@pytest.mark.slow
def test_without_mentions_in_the_test_documents_f1_says_nothing(project: Project) -> None:
    with project.store.write() as session:
        session.execute(update(EvaluationRow).values(true_positives=0, false_positives=0, false_negatives=0))
    page = reported(project)
    assert page.verdicts[0].endswith("there is no mention in the annotated test documents, so F1 means nothing.")
    # that nothing was found where there is nothing would be an F1 of 100
    assert set(page.sections) == {"overview", "cost", "annotators", "pre-label-bias", "provenance"}


def test_without_mentions_in_the_test_documents_nothing_is_forecast(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"models": [{"round": 5, "selecting": True}]}
    points = [point(20 * number, 0.3 + number / 10, number=number) for number in range(1, 6)]
    run = of_points(points, arm="rat", kind="live").model_copy(update={"provenance": models})
    # nothing found where there is nothing is an F1 of 100
    empty = [one.model_copy(update={"counts": dict.fromkeys(one.counts, (0, 0, 0))}) for one in points]
    for shown, said in ((run, True), (run.model_copy(update={"points": tuple(empty)}), False)):
        monkeypatch.setattr(forecast_in_words, "live_runs", lambda *_, shown=shown, **__: [shown])
        found = project_forecast(project.settings, project.store, 0.9, 3)
        assert (found is not None) == said
        assert not said or " The pool has 3 documents left. The 3 documents left take less than an hour " in found


@pytest.mark.slow
def test_a_project_with_one_arm_has_nothing_to_compare(tmp_path: Path, tiny_encoder: Path) -> None:
    one = {"training": {"epochs": 1, "min_steps": 3, "batch_size": 4, "arms": ["rat"], "selecting_arm": "rat"}}
    with made(tmp_path, tiny_encoder, 2, **one) as project:
        page = reported(project)
    assert "the only arm is rat, and there is no other to compare it with" in page.verdicts[0]
    assert re.search(r"The arm rat chose the documents \([\w-]+\)\.", page.text)
    assert "All arms" not in page.text


@pytest.mark.slow
def test_the_report_is_the_same_for_the_same_state(rounds: Project, tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        made_page, _ = rounds.report(tmp_path / name)
        contents.append({path.name: path.read_bytes() for path in made_page.parent.rglob("*") if path.is_file()})
    assert contents[0] == contents[1]
    with pytest.raises(ProjectError, match="already exists"):
        rounds.report(tmp_path / "a")


# which points can be compared


def _counts(*keys: str) -> Mapping[str, tuple[int, int, int]]:
    return dict.fromkeys(keys, (1, 1, 1))


def _live(arm: str, *documents: tuple[str, ...]) -> Run:
    points = [
        point(10 * number, 0.5, number=number).model_copy(update={"counts": _counts(*keys)})
        for number, keys in enumerate(documents, start=1)
    ]
    return of_points(points, arm=arm, kind="live")


def test_points_are_compared_on_the_documents_that_all_were_measured_on() -> None:
    (run,), notes = comparable([_live("rat", ("a",), ("a", "b", "c"), ("a", "b", "c", "d"))])
    assert [set(point.counts) for point in run.points] == [{"a", "b", "c"}, {"a", "b", "c"}]
    assert notes == [
        "Models of round 1 are left out: far fewer test documents were annotated then.",
        "3 of 4 test documents count: those that every model was measured on.",
    ]


def test_models_that_were_not_measured_are_named() -> None:
    runs, notes = comparable([_live("rat", ("a", "b"), ()), _live("none", (), ())])
    assert [(run.arm, len(run.points)) for run in runs] == [("rat", 1)]
    assert notes == ["Models of round 2 are left out: they have not been measured."]
    assert comparable([_live("rat", ())]) == ([], [])


# settings that were edited between rounds


def _edit(project: Project, number: int, **parts: Any) -> None:
    """Have a round say that it was made with other settings."""
    with project.store.write() as session:
        row = session.get_one(RoundRow, number)
        row.settings = row.settings | {name: row.settings[name] | values for name, values in parts.items()}


@pytest.mark.slow
def test_models_of_other_labels_are_no_points_of_the_same_curve(project: Project) -> None:
    with project.store.write() as session:
        first = [model.version for model in models_of(session, 1).values()]
        session.execute(
            delete(EvaluationRow).where(EvaluationRow.model_version.in_(first), EvaluationRow.label == "Chemical")
        )
    runs, notes = comparable(live_runs(project.store, project.settings))
    assert [[point.round for point in run.points] for run in runs] == [[2], [2]]
    note = "Models of round 1 are left out: they have other entity labels than the newest (Chemical and Disease)."
    assert notes == [note]
    page = reported(project)
    assert note in page.text
    assert "one point in common" in page.text


@pytest.mark.slow
def test_settings_that_were_changed_between_rounds_are_told(project: Project) -> None:
    _edit(project, 1, adversarial={"shift": 0.7}, training={"epochs": 9}, selection={"size": 8})
    runs = live_runs(project.store, project.settings)
    assert runs[0].provenance["changed_settings"] == {
        "training.epochs": {"1": 9, "2": 1},
        "adversarial.shift": {"1": 0.7, "2": 0.06},
        "selection.size": {"1": 8, "2": 6},
    }
    page = reported(project)
    # a batch of another size is seen in the curve itself
    assert (
        "Settings were changed between rounds, so the curves follow these changes as well as the labels: "
        "training.epochs (9 in round 1, 1 in round 2); adversarial.shift (0.7 in round 1, 0.06 in round 2)."
    ) in page.text
    settings = {row[0]: row[1] for row in page.sections["provenance"][1][1:]}
    assert settings["adversarial.shift"] == "0.7 in round 1, 0.06 in round 2"
    assert settings["selection.size"] == "8 in round 1, 6 in round 2"
    assert settings["adversarial.probability"] == "0.25"


def test_only_changes_between_models_that_are_shown_are_noted(project: Project) -> None:
    _edit(project, 1, adversarial={"shift": 0.7})
    (run, _) = live_runs(project.store, project.settings)
    assert changes_noted([run]) != []
    assert changes_noted([run.model_copy(update={"points": run.points[1:]})]) == []


def test_settings_edited_since_are_not_those_of_the_runs(project: Project) -> None:
    settings = project.settings
    later = settings.model_copy(
        update={"seed": 99, "encoder": settings.encoder.model_copy(update={"name": "pubmedbert"})}
    )
    run = live_runs(project.store, later)[0]
    assert (run.seed, run.encoder) == (13, settings.encoder.name)
    assert (run.provenance["settings"]["seed"], run.provenance["settings"]["encoder"]["name"]) == (13, run.encoder)


def test_the_arm_that_selects_is_the_one_that_did_last(project: Project) -> None:
    with project.store.write() as session:
        for model in session.scalars(select(ModelRow)):
            # the first of the settings' arms, none, never selected
            model.arm = {"none": "at", "rat": "matched"}[model.arm]
            model.selecting = (model.arm == "at") == (model.round_number == 2)
    runs = live_runs(project.store, project.settings)
    assert [(run.arm, run.selected_by) for run in runs] == [("at", "matched, at"), ("matched", "matched, at")]
    chooser = selecting_run(runs)
    assert chooser is not None
    assert chooser.arm == "at"
    study = Study("trial", runs, runs, live=True)
    assert study.main_arm == "at"
    assert "the arms matched and at chose the documents" in study.who_selected
    assert selecting_run([runs[1].model_copy(update={"provenance": {"models": []}})]) is None


# relations


@pytest.mark.slow
def test_without_relations_there_is_no_part_on_them(rounds: Project) -> None:
    assert "relations" not in reported(rounds).sections


@pytest.mark.slow
def test_relations_are_shown_by_label_and_by_what_they_lie_between(project: Project) -> None:
    with project.store.write() as session:
        keys = {row.key: row.id for row in session.scalars(select(DocumentRow).where(DocumentRow.split == "test"))}
        last, earlier = (models_of(session, number)["none"].version for number in (2, 1))
        late = max(keys)
        # so that one of the documents does not count
        session.execute(delete(EvaluationRow).where(EvaluationRow.document_id == keys[late]))
        for version, more in ((last, 0), (earlier, 50)):
            rows = [
                {
                    "document_id": number, "label": label, "entities": between, "level": "mention",
                    "true_positives": tp + more, "false_positives": fp, "false_negatives": fn,
                }
                for between, label, (tp, fp, fn) in (
                    ("gold", "causes", (3, 1, 1)),
                    ("gold", "treats", (0, 0, 0)),
                    ("predicted", "causes", (1, 1, 3)),
                    ("predicted", "treats", (0, 2, 0)),
                )
                for number in keys.values()
            ]  # fmt: skip
            replace_relation_evaluation(session, version, rows)
    report = project_report(project.folder, project.settings, project.store)
    (section,) = [one for one in report.parts[0].sections if one.key == "relations"]
    (table,) = section.tables
    assert "3 test documents" in table.note
    assert "over test documents alone: there is one seed" in table.note
    shown = [(row["between"], row["label"], row["arm"], row["relations"]) for row in table.rows]
    assert shown == [
        ("annotated mentions", "causes", "none", 12),
        ("annotated mentions", "treats", "none", 0),
        ("annotated mentions", "all together", "none", 12),
        ("predicted mentions", "causes", "none", 12),
        ("predicted mentions", "treats", "none", 0),
        ("predicted mentions", "all together", "none", 12),
    ]
    assert {row["counted"] for row in table.rows} == {"pairs of mentions"}
    figures = [row["f1"] for row in table.rows]
    assert [figure.value for figure in figures] == pytest.approx([0.75, None, 0.75, 1 / 3, None, 0.25])
    assert figures[1].note == "no such relation in the test documents"
    # each document has the same counts, so another draw of them has the same F1
    assert (figures[0].low, figures[0].high) == pytest.approx((0.75, 0.75))
    assert len(reported(project).sections["relations"][0]) == 7


# rounds that were measured on different test documents


@pytest.mark.slow
def test_every_part_says_on_which_test_documents_it_is(project: Project) -> None:
    with project.store.write() as session:
        late = session.scalars(select(DocumentRow).where(DocumentRow.split == "test")).all()[-1]
        first = [model.version for model in models_of(session, 1).values()]
        session.execute(
            delete(EvaluationRow).where(EvaluationRow.model_version.in_(first), EvaluationRow.document_id == late.id)
        )
        last = {arm: model.version for arm, model in models_of(session, 2).items()}
        measured = {arm: document_counts_of(session, version) for arm, version in last.items()}
        # that the models propose something does not hang on their few steps of training
        session.execute(update(ReliabilityRow).where(ReliabilityRow.bin == 8).values(count=5, confidence=4.2, right=3))
        key = late.key
    runs, notes = comparable(live_runs(project.store, project.settings))
    assert notes == ["3 of 4 test documents count: those that every model was measured on."]
    counts = label_counts(project.store, runs)
    report = project_report(project.folder, project.settings, project.store)
    sections = {section.key: section for section in report.parts[0].sections}
    for arm, by_document in measured.items():
        assert key in by_document
        shared = [triple for name, triple in by_document.items() if name != key]
        gold = sum(tp + fn for tp, _, fn in shared)
        assert gold < sum(tp + fn for tp, _, fn in by_document.values())
        rows = [row for row in sections["labels"].tables[0].rows if row["arm"] == arm]
        assert sum(row["mentions"] for row in rows) == gold
        assert all(key not in of_label and len(of_label) == 3 for of_label in counts[arm].values())
    assert "3 test documents" in sections["labels"].tables[0].note
    (table,) = sections["calibration"].tables
    assert [(row["arm"], row["documents"]) for row in table.rows] == [("none", 4), ("rat", 4)]
    assert "none is left out here" in table.note
