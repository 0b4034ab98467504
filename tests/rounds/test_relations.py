"""Relations in rounds: learnt, evaluated, proposed and shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.reading import read_corpus
from biorat_al.desk.base import DeskProject, Task
from biorat_al.learner.encoder.saved_model import is_intact
from biorat_al.learner.predictor import Predictor
from biorat_al.learner.relations.scoring import score_relations
from biorat_al.learner.relations.training import relation_folders
from biorat_al.presentation.round import round_text
from biorat_al.presentation.status import status_text
from biorat_al.progress import SILENT
from biorat_al.project import Project
from biorat_al.rounds import runner
from biorat_al.rounds.models import recording
from biorat_al.rounds.steps.held_out import held_out_documents, of_project
from biorat_al.rounds.steps.relation_scores import relation_rows
from biorat_al.rounds.team.places import project_of
from biorat_al.settings import make_settings
from biorat_al.store.annotations import relation_values
from biorat_al.store.evaluations import Measure, relation_counts_of, relation_evaluation
from biorat_al.store.models import models_of
from biorat_al.store.picks import picks_of
from biorat_al.store.tables import DocumentRow, ModelRow, PredictionRow, StepRow
from biorat_al.store.tasks import desk_project
from tests.support.rounds import RELATED, make_project, related_records, settings_for

MEASURES = [Measure(entities, level) for entities in ("gold", "predicted") for level in ("mention", "document")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Iterator[tuple[Project, list[Task]]]:
    """Return a project with relations in its second round, and the tasks pushed in that round."""
    folder = tmp_path_factory.mktemp("relations") / "trial"
    with make_project(folder, settings_for(tiny_encoder, **RELATED), records=related_records(46)) as project:
        project.round()
        push, pushed = project.desk.push, list[Task]()

        def kept(where: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
            pushed.extend(tasks)
            return push(where, tasks)

        project.desk.push = kept  # type: ignore[method-assign]
        project.round()
        yield project, pushed


def annotation_of(record: Record) -> Annotation:
    assert record.annotation is not None
    return record.annotation


@pytest.fixture
def project(made: tuple[Project, list[Task]]) -> Project:
    return made[0]


@pytest.fixture
def quick(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    """Return a project with relations and one arm, whose models learn next to nothing."""
    training = {"arms": ["rat"], "epochs": 1, "min_steps": 3}
    settings = settings_for(tiny_encoder, **RELATED | {"training": training})
    with make_project(tmp_path / "trial", settings, pool=20, test=2, records=related_records(22)) as project:
        yield project


def models(project: Project, number: int = 1) -> dict[str, ModelRow]:
    with project.store.read() as session:
        return models_of(session, number)


def counts_of(project: Project, step: str, number: int = 1) -> dict[str, Any]:
    with project.store.read() as session:
        return session.get_one(StepRow, (number, step)).counts


@pytest.mark.slow
def test_each_arm_has_a_relation_model_of_what_people_annotated(project: Project) -> None:
    rows = models(project)
    assert list(rows) == ["rat", "none"]
    summaries = [row.summary["relations"] for row in rows.values()]
    assert summaries[0]["sha256"] != summaries[1]["sha256"]
    assert summaries[0]["training_data_sha256"] == summaries[1]["training_data_sha256"]
    for row, summary in zip(rows.values(), summaries, strict=True):
        (place,) = relation_folders(project.folder / "models" / row.version)
        assert place.name.endswith(summary["sha256"][:10])
        assert summary["adversarial_steps"] > 0 or row.arm == "none"
    counts = counts_of(project, "train")
    assert counts["relations"] == summaries[0]["relations"] + summaries[0]["dev_relations"] > 0
    assert counts["not_candidates"] == summaries[0]["not_candidates"] == {"outside_window": 2}


@pytest.mark.slow
def test_relations_are_counted_in_each_way_on_the_test_documents(project: Project) -> None:
    with project.store.read() as session:
        held_out = held_out_documents(session, project.settings)
        found = {row.version: relation_counts_of(session, row.version) for row in models(project).values()}
        sums = {row.version: relation_evaluation(session, row.version) for row in models(project).values()}
    gold = {example.document.id: example for example in held_out.values()}
    assert sum(len(example.relations) for example in gold.values()) > 6
    for version, by_measure in found.items():
        assert set(by_measure) == set(MEASURES)
        predictor = Predictor.load(project.folder / "models" / version)
        documents = [example.document for example in gold.values()]
        ours = {one.document_id: (one.entities, one.relations) for one in predictor.predict(documents)}
        given = predictor.predict_relations((example.document, example.entities) for example in gold.values())
        theirs = {one.document_id: (gold[one.document_id].entities, one.relations) for one in given}
        for measure, predicted in zip(MEASURES, (theirs, theirs, ours, ours), strict=True):
            scores = score_relations(gold, predicted, project.settings.relations, measure.level)
            of_label = {key: (counts.tp, counts.fp, counts.fn) for key, counts in scores.by_document.items()}
            assert by_measure[measure] == {"treats": of_label}
            # what the models learn from is a rule
            assert sums[version][measure].true_positives > 0
            assert sums[version][measure].documents == 6


def test_a_mention_of_another_label_takes_its_relations_along(project: Project) -> None:
    # somebody has renamed the label of one mention where people annotate
    record = next(one for one in related_records(20) if len({r.tail for r in annotation_of(one).relations}) == 2)
    annotation = annotation_of(record)
    ended, *others = annotation.relations
    renamed = replace(
        annotation,
        entities=tuple(replace(one, label="Renamed") if one.id == ended.tail else one for one in annotation.entities),
        relations=(*annotation.relations, replace(ended, id="R9", label="other")),
    )
    example = of_project(record.document, renamed, project.settings)
    assert len(example.entities) == len(annotation.entities) - 1
    assert example.relations == tuple(one for one in others if one.tail != ended.tail) != ()
    assert score_relations({"d": example}, {}, project.settings.relations, "mention").overall.fn == len(others)


def test_a_model_that_names_one_pair_for_two_concepts_is_counted_by_concept_alone(project: Project) -> None:
    with project.store.read() as session:
        held_out = held_out_documents(session, project.settings)
        version = models(project)["rat"].version
    predictor = Predictor.load(project.folder / "models" / version)
    found = {one.document_id: one for one in predictor.predict(example.document for example in held_out.values())}
    with SILENT.bar("") as bar:
        rows = relation_rows(predictor, held_out, found, project.settings.relations, "document", bar)
    assert {row["level"] for row in rows} == {"document"}
    assert len(rows) == 2 * len(held_out)


def test_the_steps_counts_and_the_status_have_f1_by_arm(project: Project) -> None:
    counts = counts_of(project, "evaluate")
    with project.store.read() as session:
        for arm, row in models(project).items():
            for measure, total in relation_evaluation(session, row.version).items():
                assert counts["relation_f1"][arm][measure.entities][measure.level] == total.f1
    status = project.status(ask_desk=False)
    assert status.rounds[0].relation_f1 == {}
    assert status.rounds[1].relation_f1 == counts["relation_f1"]
    assert status.relation_level == counts["relation_level"] == "mention"
    kept = json.loads(json.dumps(status.as_dict()))
    assert kept["rounds"][1]["relation_f1"] == counts["relation_f1"]
    with project.store.read() as session:
        answered = set(session.scalars(select(DocumentRow.key).where(DocumentRow.split == "test")))
        answered |= {session.get_one(DocumentRow, pick.document_id).key for pick in picks_of(session, 0)}
    expected = sum(len(annotation_of(one).relations) for one in related_records(46) if one.document.id in answered)
    assert status.relations == kept["relations"] == {"treats": expected}
    assert status.concept_relations == {}
    assert "relations rat  relations none" in status_text(status)


def test_pre_labels_have_relations_between_their_own_mentions(made: tuple[Project, list[Task]]) -> None:
    project, pushed = made
    with project.store.read() as session:
        rows = {
            row.key: predicted
            for predicted, row in session.execute(
                select(PredictionRow, DocumentRow).join(DocumentRow, DocumentRow.id == PredictionRow.document_id)
            )
        }
    assert len(pushed) == 12
    shown = [task.pre_annotation for task in pushed if task.pre_annotation is not None]
    assert sum(len(one.relations) for one in shown) > 6
    for task in pushed:
        assert task.pre_annotation is not None
        labels = {entity.id: entity.label for entity in task.pre_annotation.entities}
        for relation in task.pre_annotation.relations:
            assert (relation.label, labels[relation.head], labels[relation.tail]) == ("treats", "Chemical", "Disease")
            assert 0 < relation.extras["score"] <= 1
        assert [relation_values(one) for one in task.pre_annotation.relations] == rows[task.key].relations


@pytest.mark.slow
def test_a_pull_knows_which_relations_can_be_meant(project: Project) -> None:
    with project.store.read() as session:
        row = desk_project(session, "pool")
    assert row is not None
    assert project_of(row, "pool", project.settings).relations == project.settings.relations != ()


@pytest.mark.slow
def test_predictions_that_are_written_have_relations(project: Project, tmp_path: Path) -> None:
    documents, out = tmp_path / "documents.jsonl", tmp_path / "predicted.jsonl"
    write_jsonl(documents, (Record(one.document, None, one.source) for one in related_records(50)[46:]))
    assert project.predict([documents], out) == 4
    records = list(read_corpus([out]))
    assert sum(len(annotation_of(one).relations) for one in records) > 0
    for record in records:
        ids = {entity.id for entity in annotation_of(record).entities}
        assert all({one.head, one.tail} <= ids for one in annotation_of(record).relations)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["badge", "adversarial", "bald"])
def test_strategies_that_ask_the_model_again_work_beside_relations(quick: Project, strategy: str) -> None:
    quick.round(size=8)
    report = quick.round(size=3, strategy=strategy)
    assert report.step("train").counts["relations"] > 0
    assert report.step("select").counts["strategy"] == strategy
    assert report.step("push").counts["tasks"] == 3


@pytest.mark.slow
def test_without_a_relation_to_learn_the_round_goes_on_with_mentions(tmp_path: Path, tiny_encoder: Path) -> None:
    settings = settings_for(tiny_encoder, relations=RELATED["relations"])
    with make_project(tmp_path / "trial", settings, pool=14, test=2) as project:
        project.round()
        report = project.round()
        counts = report.step("train").counts
        assert counts["relations"] == 0
        assert "has a relation" in counts["no_relation_model"]
        assert not any(relation_folders(folder) for folder in (project.folder / "models").iterdir())
        assert "relation_f1" not in report.step("evaluate").counts
        assert report.step("push").counts["pre_labelled"] == 6
        text = " ".join(round_text(report, project.status(ask_desk=False)).split())
        assert f"Note: The models predict mentions alone: {counts['no_relation_model']}" in text
        assert "relations none" in " ".join(status_text(project.status(ask_desk=False)).split())


@pytest.mark.slow
def test_a_round_says_why_no_relation_could_be_learnt(tmp_path: Path, tiny_encoder: Path) -> None:
    relations = [{"name": "treats", "head": "Chemical", "tail": "Disease"}]
    # of what is made here these alone lie across sentences
    apart = [
        record._replace(annotation=replace(annotation_of(record), relations=annotation_of(record).relations[-1:]))
        for record in related_records(200)[::5]
    ]
    with make_project(
        tmp_path / "trial", settings_for(tiny_encoder, relations=relations), pool=14, test=2, records=apart
    ) as project:
        project.round()
        report = project.round()
        counts = report.step("train").counts
        text = " ".join(round_text(report, project.status(ask_desk=False)).split())
    assert counts["relations"] == counts["not_candidates"]["outside_window"] > 0
    assert f"{counts['relations']} relations farther apart than the window of sentences" in text
    assert "The models predict mentions alone" in text


def cut_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a round that dies after training, and let it train again."""

    def die(context: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setitem(runner.STEPS, "evaluate", die)
        with pytest.raises(RuntimeError, match="power cut"):
            project.round()
    with project.store.write() as session:
        session.get_one(StepRow, (1, "train")).state = "running"


@pytest.mark.slow
def test_a_relation_that_is_asked_for_later_says_what_was_annotated_before(tmp_path: Path, tiny_encoder: Path) -> None:
    plain = {**RELATED, "relations": [], "training": {"arms": ["rat"], "epochs": 1, "min_steps": 3}}
    settings = settings_for(tiny_encoder, **plain)
    with make_project(tmp_path / "trial", settings, pool=30, test=2, records=related_records(32)) as project:
        project.round()
        project.settings = make_settings(settings.model_dump() | {"relations": RELATED["relations"]})
        project.round()
        (notice,) = counts_of(project, "train")["notices"]
        assert notice.startswith("12 of 12 annotated documents were asked for before the relation 'treats' was")
        project.round()
        (notice,) = counts_of(project, "train", 2)["notices"]
        assert notice.startswith("12 of 24 annotated documents")


@pytest.mark.slow
def test_a_relation_model_that_was_lost_is_trained_again(quick: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    quick.round()
    cut_off(quick, monkeypatch)
    folder = quick.folder / "models" / models(quick)["rat"].version
    before = relation_folders(folder)
    shutil.rmtree(before[0])
    assert quick.round().step("evaluate").counts["relation_f1"].keys() == {"rat"}
    assert relation_folders(folder) == before != []


@pytest.mark.slow
def test_another_relation_model_than_the_one_that_was_lost_takes_its_place(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick.round()
    cut_off(quick, monkeypatch)
    with quick.store.write() as session:
        row = session.scalars(select(ModelRow)).one()
        row.summary = row.summary | {"relations": row.summary["relations"] | {"sha256": "0"}}
    shutil.rmtree(relation_folders(quick.folder / "models" / row.version)[0])
    report = quick.round()
    (notice,) = report.step("train").counts["notices"]
    assert f"the model {row.version} was lost, and training it again gave other weights" in notice
    assert "it keeps its version" in notice
    assert report.step("evaluate").counts["relation_f1"].keys() == {"rat"}
    (folder,) = relation_folders(quick.folder / "models" / row.version)
    with quick.store.read() as session:
        (model,) = session.scalars(select(ModelRow))
        assert is_intact(folder, model.summary["relations"]["sha256"])


@pytest.mark.slow
def test_a_relation_model_of_an_interrupted_training_does_not_outlive_its_settings(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick.round()

    def die(*arguments: object, **options: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(recording, "ModelRow", die)
        with pytest.raises(RuntimeError, match="power cut"):
            quick.round()
    (folder,) = (quick.folder / "models").iterdir()
    assert relation_folders(folder)
    quick.settings = make_settings({**quick.settings.model_dump(), "relations": []})
    report = quick.round()
    assert "relations" not in report.step("train").counts
    assert "relation_f1" not in report.step("evaluate").counts
    assert report.step("train").counts["models"] == {"rat": folder.name}
    assert relation_folders(folder) == []
