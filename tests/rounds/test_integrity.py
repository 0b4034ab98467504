"""What is read from disk and database is what was written there, or the user gets an error."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update

from biorat_al.errors import ProjectError, StoreError
from biorat_al.project import Project
from biorat_al.store.models import models_of
from biorat_al.store.tables import AnnotationRow, DocumentRow, EntityRow, TaskRow
from tests.rounds.test_runner import cut_off
from tests.support.commands import call, one_sentence
from tests.support.rounds import make_project, picture_of, run_killed, settings_for

SHORT = {"epochs": 1, "min_steps": 3, "batch_size": 4, "arms": ["rat"]}


def version_of(project: Project, arm: str = "rat") -> str:
    with project.store.read() as session:
        return models_of(session, 1)[arm].version


def flip_a_bit(file: Path, part: int = 1) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // part - 5] ^= 1
    file.write_bytes(content)


@pytest.fixture
def undisturbed(tmp_path: Path, tiny_encoder: Path) -> dict:
    with make_project(tmp_path / "undisturbed", settings_for(tiny_encoder)) as project:
        project.round()
        project.round()
        return picture_of(project)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["after:train", "after:push"])
@pytest.mark.parametrize("loss", ["gone", "weights changed", "tokenizer changed"])
def test_a_model_that_is_lost_or_changed_between_two_steps_is_trained_again(
    tmp_path: Path, tiny_encoder: Path, undisturbed: dict, moment: str, loss: str
) -> None:
    with make_project(tmp_path / "trial", settings_for(tiny_encoder)) as project:
        project.round()
    assert run_killed(tmp_path / "trial", moment) == -9
    models = tmp_path / "trial" / "models"
    (folder,) = models.glob("trial-r1-rat-*")
    if loss == "gone":
        shutil.rmtree(models)
    elif loss == "weights changed":
        flip_a_bit(folder / "model.safetensors")
    else:
        flip_a_bit(folder / "tokenizer.json")
    outcome = call("round", "--project", tmp_path / "trial")
    assert outcome.code == 0, outcome.err
    assert "it is trained again" in outcome.out + outcome.err
    with Project.open(tmp_path / "trial") as project:
        assert picture_of(project) == undisturbed


def test_a_text_that_was_changed_in_the_database_is_not_shown_to_annotators(project: Project) -> None:
    with project.store.write() as session:
        session.execute(update(DocumentRow).values(text=DocumentRow.text + " More."))
    project.settings = project.settings.model_copy(
        update={"selection": project.settings.selection.model_copy(update={"seed_strategy": "random"})}
    )
    with pytest.raises(StoreError, match=r"the text of the document \S+ is not the one that was read"):
        project.round()
    with project.store.read() as session:
        assert not session.scalars(select(TaskRow).where(TaskRow.state == "open")).all()


def test_a_text_that_was_changed_after_it_was_chosen_is_not_shown_to_annotators(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(project, "push", monkeypatch)
    with project.store.write() as session:
        session.execute(update(DocumentRow).values(text=DocumentRow.text + " More."))
    with pytest.raises(StoreError, match=r"the text of the document \S+ is not the one that was read"):
        project.round()
    with project.store.read() as session:
        assert not session.scalars(select(TaskRow).where(TaskRow.state == "open")).all()


def test_a_text_that_was_changed_in_the_database_is_not_exported(project: Project, tmp_path: Path) -> None:
    project.round()
    with project.store.write() as session:
        session.execute(update(DocumentRow).where(DocumentRow.split == "test").values(text="Another one."))
    with pytest.raises(StoreError, match=r"the text of the document \S+ is not the one that was read"):
        project.export(tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


@pytest.mark.slow
@pytest.mark.parametrize("do", ["round", "export"])
def test_a_label_that_was_changed_in_the_database_is_neither_learnt_nor_exported(
    project: Project, tmp_path: Path, do: str
) -> None:
    project.round()
    with project.store.write() as session:
        number = session.scalar(select(EntityRow.id).limit(1))
        session.execute(update(EntityRow).where(EntityRow.id == number).values(label="Chemicaf"))
    work = project.round if do == "round" else partial(project.export, tmp_path / "corpus")
    with pytest.raises(StoreError, match=rf"1 row is not as written .*: entity \(id {number}, of document \S+\)"):
        work()
    assert not (tmp_path / "corpus").exists()


@pytest.mark.slow
def test_an_encoder_whose_files_were_changed_is_told(tmp_path: Path, tiny_encoder: Path) -> None:
    encoder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    with make_project(tmp_path / "trial", settings_for(encoder, training=SHORT)) as project:
        for _ in range(2):
            report = project.round()
        assert "notices" not in report.step("train").counts
    # in the middle: the last tensor is the pooler, which no model starts from
    flip_a_bit(encoder / "model.safetensors", part=2)
    with Project.open(tmp_path / "trial") as project:
        (notice,) = project.round().step("train").counts["notices"]
    assert notice.startswith(f"the files of the encoder {encoder} are not the ones that the models of round 1 started")


@pytest.mark.slow
def test_changed_weights_do_not_predict_unnoticed(project: Project, tmp_path: Path) -> None:
    project.round()
    project.round()
    flip_a_bit(project.folder / "models" / version_of(project) / "model.safetensors")
    with pytest.raises(ProjectError, match="is damaged or was changed after it was trained; put its folder back"):
        project.predict([tmp_path / "trial-documents" / "test.jsonl"], tmp_path / "out.jsonl")


@pytest.mark.slow
def test_a_text_that_was_changed_in_the_database_is_not_learnt_from(project: Project) -> None:
    project.round()
    with project.store.write() as session:
        key = session.scalar(select(DocumentRow.key).where(DocumentRow.split == "pool").limit(1))
        session.execute(update(DocumentRow).where(DocumentRow.key == key).values(text=DocumentRow.text + " More."))
    project.close()
    assert f"the text of the document {key} is not the one that was read" in one_sentence(
        call("round", "--project", project.folder), after="pull"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "said"),
    [({"spans": [[3, 99999]]}, r"the mention \S+ is at 3-99999, and the text has"), ({"label": " "}, "has no label")],
)
@pytest.mark.parametrize("split", ["pool", "test"])
def test_a_mention_that_was_changed_in_the_database_is_not_learnt_from(
    project: Project, values: dict, said: str, split: str
) -> None:
    project.round()
    if split == "pool":
        project.desk  # noqa: B018
    with project.store.write() as session:
        found = (
            select(EntityRow.id)
            .join(AnnotationRow, AnnotationRow.id == EntityRow.annotation_id)
            .join(DocumentRow, DocumentRow.id == AnnotationRow.document_id)
            .where(DocumentRow.split == split)
        )
        # without a checksum, as an earlier version of the program wrote it
        session.execute(update(EntityRow).where(EntityRow.id.in_(found)).values(**values, checksum=None))
    with pytest.raises(StoreError, match=said):
        project.round()
