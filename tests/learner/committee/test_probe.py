"""What query strategies ask of a committee."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biorat_al.corpus.model.document import Document
from biorat_al.errors import LearnerError
from biorat_al.learner.committee.probe import CommitteeProbe, load_probe
from biorat_al.learner.committee.saved import Member, write_committee
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.entities.probe import Probe
from biorat_al.learner.scaling import UNCALIBRATED
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings

Examples = Callable[[int], list[Example]]
CPU = Device("cpu", bf16=False)


@pytest.fixture
def folders(run: Any, make_examples: Examples) -> list[Path]:
    """Two members, and their committee."""
    models = [run(make_examples(12), arm=arm, seed=seed) for arm, seed in (("none", 1), ("at", 2))]
    members = [Member(model.summary["arm"], model.version, model.sha256) for model in models]
    committee = write_committee(models[0].folder.parent, "p-committee", members, UNCALIBRATED)
    return [*(model.folder for model in models), committee.folder]


@pytest.fixture
def documents(make_examples: Examples) -> list[Document]:
    return [*(example.document for example in make_examples(9)), Document("empty", "")]


def test_the_distance_of_two_documents_is_the_mean_of_the_members(
    folders: list[Path], documents: list[Document]
) -> None:
    *members, committee = [load_probe(folder, CPU) for folder in folders]
    assert isinstance(committee, CommitteeProbe)
    for measure in ("embedding", "gradient"):
        of_members = [getattr(member, measure)(documents) for member in members]
        together = getattr(committee, measure)(documents)
        assert together.shape == (len(documents), sum(part.shape[1] for part in of_members))
        distances = [((part[0] - part[1]) ** 2).sum() for part in of_members]
        assert ((together[0] - together[1]) ** 2).sum() == pytest.approx(np.mean(distances), rel=1e-4)


def test_members_that_are_sure_of_different_things_disagree(folders: list[Path], documents: list[Document]) -> None:
    *members, committee = [load_probe(folder, CPU) for folder in folders]
    alone = [member.disagreement(documents, passes=3, seed=4) for member in members]
    together = committee.disagreement(documents, passes=3, seed=4)
    # the mutual information of a mixture is at least the mean of that of its parts
    assert (together >= np.mean(alone, axis=0) - 1e-6).all()
    assert together.sum() > np.mean(alone, axis=0).sum()
    assert together[-1] == 0
    assert (committee.disagreement(documents, passes=3, seed=4) == together).all()


def test_a_committee_of_one_model_twice_disagrees_as_that_model(folders: list[Path], documents: list[Document]) -> None:
    alone = Probe.load(folders[0], CPU).disagreement(documents, passes=3, seed=4)
    twice = CommitteeProbe([Probe.load(folders[0], CPU) for _ in range(2)])
    np.testing.assert_allclose(twice.disagreement(documents, passes=3, seed=4), alone, atol=1e-6)


def test_the_sensitivity_is_the_mean_of_the_members(folders: list[Path], documents: list[Document]) -> None:
    *members, committee = [load_probe(folder, CPU) for folder in folders]
    settings = AdversarialSettings()
    alone = [member.sensitivity(documents, settings=settings) for member in members]
    np.testing.assert_allclose(committee.sensitivity(documents, settings=settings), np.mean(alone, axis=0), rtol=1e-5)


def test_members_that_read_other_windows_are_refused(folders: list[Path], run: Any, make_examples: Examples) -> None:
    for changes in ({"context": "document"}, {"sentence_rules": 1}):
        settings = TrainingSettings(epochs=1, min_steps=2).model_copy(update=changes)
        other = run(make_examples(12), arm="none", training=settings)
        with pytest.raises(LearnerError, match="trained with other settings of context or sentence_rules"):
            CommitteeProbe([Probe.load(folder, CPU) for folder in (folders[0], other.folder)])
