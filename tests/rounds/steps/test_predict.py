"""Prediction of the pool: what goes with each prediction from the rounds before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from biorat_al.project import Project
from biorat_al.rounds.steps import predict
from biorat_al.store.models import predictions
from biorat_al.store.picks import never_asked_documents, picks_of
from tests.support.rounds import make_project, settings_for

ROUNDS = 5


@pytest.fixture
def project(tmp_path: Path, tiny_encoder: Path) -> Iterator[Project]:
    settings = settings_for(tiny_encoder, selection={"size": 3, "strategy": "fluctuation"})
    with make_project(tmp_path / "trial", settings, pool=24, test=3) as project:
        yield project


def measured(project: Project, version: str) -> dict[int, tuple[float, list[float]]]:
    """Return what a model and earlier ones measured of the documents that nobody was asked for."""
    with project.store.read() as session:
        rows = predictions(session, version, never_asked_documents(session, without_gold=False))
        return {row_id: (row.mnlp, row.earlier_mnlp) for row_id, row in rows.items()}


@pytest.mark.slow
def test_the_last_rounds_uncertainties_go_with_each_prediction_and_are_looked_at(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    before: list[dict[int, float]] = []
    for number in range(1, ROUNDS):
        if number == 3:
            # the step is cut off when all is predicted, and before its result is written
            with monkeypatch.context() as patched:
                patched.setattr(predict, "pool_counts", _cut_off)
                with pytest.raises(RuntimeError, match="power cut"):
                    project.round()
        report = project.round()
        assert report.step("select").counts["strategy"] == "fluctuation"
        found = measured(project, report.step("predict").counts["model"])
        assert found
        for row_id, (newest, earlier) in found.items():
            assert earlier == [one[row_id] for one in before[:-3:-1]]
            assert newest not in earlier
        before.append({row_id: newest for row_id, (newest, _) in found.items()})
        said = {1: "by its uncertainty in this round alone", 2: "over 2 rounds"}.get(number, "over 3 rounds")
        with project.store.read() as session:
            reasons = [pick.reason for pick in picks_of(session, number)]
        assert len(reasons) == 3
        assert all(f", {said}" in reason for reason in reasons)


def _cut_off(*arguments: object) -> None:
    raise RuntimeError("power cut")
