"""The folder of a committee names its members, whose folders are beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biorat_al.corpus.model.document import Document
from biorat_al.errors import LearnerError
from biorat_al.learner.committee.saved import (
    COMMITTEE_FILE,
    Member,
    is_committee,
    is_intact_committee,
    read_committee,
    write_committee,
)
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.predictor import Predictor
from biorat_al.learner.scaling import UNCALIBRATED, Scaling
from biorat_al.learner.types import Example, TrainedModel

Examples = Callable[[int], list[Example]]
CPU = Device("cpu", bf16=False)


@pytest.fixture
def models(run: Any, make_examples: Examples) -> list[TrainedModel]:
    return [run(make_examples(8), arm=arm) for arm in ("none", "at")]


@pytest.fixture
def committee(models: list[TrainedModel]) -> TrainedModel:
    return write_committee(models[0].folder.parent, "p-committee", named(models), Scaling(1.5, -0.5))


def named(models: list[TrainedModel]) -> list[Member]:
    return [Member(model.summary["arm"], model.version, model.sha256) for model in models]


def test_a_committee_is_loaded_with_its_members(models: list[TrainedModel], committee: TrainedModel) -> None:
    assert is_committee(committee.folder)
    assert not is_committee(models[0].folder)
    saved = read_committee(committee.folder)
    assert [member.version for member in saved.members] == [model.version for model in models]
    assert saved.scaling == Scaling(1.5, -0.5)
    predictor = Predictor.load(committee.folder, CPU)
    assert predictor.version == committee.version
    assert predictor.members == tuple(model.version for model in models)
    document = Document("1", "aspirin for pain")
    loaded = [Predictor.load(model.folder, CPU) for model in models]
    again = Predictor.of_members(committee.version, loaded, Scaling(1.5, -0.5))
    assert list(again.predict([document])) == list(predictor.predict([document]))


def test_other_members_or_another_scaling_make_another_version(
    models: list[TrainedModel], committee: TrainedModel
) -> None:
    folder = committee.folder.parent
    assert write_committee(folder, "p-committee", named(models), Scaling(1.5, -0.5)) == committee
    others = [
        write_committee(folder, "p-committee", named(models), Scaling(1.6, -0.5)),
        write_committee(folder, "p-committee", named(models), Scaling(1.5, -0.4)),
        write_committee(folder, "p-committee", named(models)[::-1], Scaling(1.5, -0.5)),
    ]
    assert len({committee.version, *(other.version for other in others)}) == 4


def test_a_lost_or_changed_member_is_noticed(models: list[TrainedModel], committee: TrainedModel) -> None:
    assert is_intact_committee(committee.folder, committee.sha256)
    weights = models[1].folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + b"\0\0\0\1")
    assert not is_intact_committee(committee.folder, committee.sha256)
    weights.write_bytes(content)
    assert is_intact_committee(committee.folder, committee.sha256)
    shutil.rmtree(models[0].folder)
    assert not is_intact_committee(committee.folder, committee.sha256)
    with pytest.raises(LearnerError, match=f"needs the model {models[0].version}, which is not beside it"):
        Predictor.load(committee.folder, CPU)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{}", '{"format": 9, "members": [], "temperature": 1}', "[]"])
def test_a_damaged_file_is_said(committee: TrainedModel, content: str) -> None:
    (committee.folder / COMMITTEE_FILE).write_text(content)
    with pytest.raises(LearnerError, match="train it again"):
        Predictor.load(committee.folder, CPU)


def test_a_damaged_committee_is_written_again(models: list[TrainedModel], committee: TrainedModel) -> None:
    (committee.folder / COMMITTEE_FILE).write_text("{}")
    assert write_committee(committee.folder.parent, "p-committee", named(models), Scaling(1.5, -0.5)) == committee
    assert is_intact_committee(committee.folder, committee.sha256)


def test_a_folder_that_cannot_be_written_is_said(models: list[TrainedModel], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LearnerError, match="the committee cannot be written"):
        write_committee(tmp_path / "file", "p", named(models), UNCALIBRATED)
