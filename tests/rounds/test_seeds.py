"""One seed decides everything, and its purposes are independent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from biorat_al.acquisition import selection
from biorat_al.learner.entities import training
from biorat_al.learner.relations import training as relation_training
from biorat_al.project import Project
from biorat_al.rounds.seeds import derive_seed
from biorat_al.rounds.steps import select as selecting
from biorat_al.store.models import models_of
from biorat_al.store.tables import ModelRow
from tests.rounds.test_runner import picked
from tests.support.rounds import RELATED, make_project, related_records, run_killed, settings_for


def _seeds(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> dict[str, tuple[int, list[str]]]:
    """Record the seed and the documents with which each arm is trained from now on, in order."""
    seen: dict[str, tuple[int, list[str]]] = {}
    work: Callable[..., Any] = getattr(module, name)

    def note(examples: Any, job: Any, **options: Any) -> Any:
        seen[job.arm] = (job.seed, [example.document.id for example in examples])
        return work(examples, job, **options)

    monkeypatch.setattr(module, name, note)
    return seen


@pytest.mark.slow
def test_all_arms_of_a_round_are_trained_with_one_seed_on_the_same_documents(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    seen = _seeds(monkeypatch, training, "train")
    project.round()
    assert list(seen) == ["rat", "none"]
    assert seen["rat"] == seen["none"], "what differs between arms would then not be the arms alone"
    first = seen["rat"][0]
    project.round()
    assert seen["rat"] == seen["none"]
    assert seen["rat"][0] == first, "rounds would then differ by their seed, not by what people have annotated"


@pytest.mark.slow
def test_each_round_draws_its_documents_with_another_seed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []

    def noted(*arguments: Any, seed: int, **options: Any) -> Any:
        seeds.append(seed)
        return selection.select(*arguments, seed=seed, **options)

    monkeypatch.setattr(selecting, "select", noted)
    project.round()
    project.round()
    assert len(set(seeds)) == 2


@pytest.mark.slow
def test_a_round_that_an_older_version_has_begun_goes_on_with_the_seed_of_its_first_arm(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.round()
    folder = project.folder
    assert run_killed(folder, "worked:train") != 0
    with project.store.write() as session:
        models = models_of(session, 1)
        models["rat"].summary = {**models["rat"].summary, "seed": 7}
        for row in session.scalars(select(ModelRow).where(ModelRow.arm == "committee")):
            session.delete(row)
    seen = _seeds(monkeypatch, training, "train")
    project.round()
    assert seen["none"][0] == 7, "both arms of the round would not have the same order and head"


@pytest.mark.slow
def test_the_relation_models_of_all_arms_are_trained_with_one_seed(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = RELATED | {"training": {"arms": ["rat", "none"], "min_steps": 3}}
    records = related_records(23)
    with make_project(
        tmp_path / "trial", settings_for(tiny_encoder, **changes), pool=20, test=3, records=records
    ) as project:
        project.round()
        seen = _seeds(monkeypatch, relation_training, "train_relations")
        project.round()
    assert list(seen) == ["rat", "none"]
    assert seen["rat"] == seen["none"]


@pytest.mark.slow
def test_another_seed_picks_other_documents_at_random(tmp_path: Path, tiny_encoder: Path) -> None:
    picks = []
    for number, seed in enumerate((13, 13, 14)):
        with make_project(tmp_path / f"p{number}", settings_for(tiny_encoder, seed=seed)) as project:
            project.round(strategy="random")
            picks.append(picked(project, 0))
    assert picks[0] == picks[1]
    assert picks[0] != picks[2]


@given(st.integers(0, 2**32), st.lists(st.sampled_from(["train", "select", "unlabelled"]), max_size=2), st.integers(0))
def test_seeds_of_purposes_and_rounds_differ(seed: int, purpose: list[str], number: int) -> None:
    one = derive_seed(seed, *purpose, number)
    assert one == derive_seed(seed, *purpose, number)
    assert 0 <= one < 2**32
    others = {derive_seed(seed + 1, *purpose, number), derive_seed(seed, *purpose, number + 1)}
    others.add(derive_seed(seed, *purpose, "else", number))
    # by chance one in a thousand millions is the same
    assert one not in others


def test_words_that_run_into_each_other_are_not_one_purpose() -> None:
    assert derive_seed(1, "a", "bc") != derive_seed(1, "ab", "c")
    assert derive_seed(1, 23) != derive_seed(12, 3)
