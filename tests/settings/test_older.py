"""Projects of older versions go on with the defaults that they had."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest

from biorat_al.corpus.sentences import NEWEST_RULES, RULES
from biorat_al.learner.entities.saved_tagger import Behaviour
from biorat_al.settings import (
    SETTINGS_FILE,
    TrainingSettings,
    make_settings,
    read_settings,
    settings_text,
    with_older_defaults,
    without_later,
)

OLD = 'name = "trial"\n[[entities]]\nname = "Disease"\n'


def test_a_settings_file_of_before_committees_goes_on_without_one(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f'{OLD}[training]\narms = ["rat", "none"]\nselecting_arm = "rat"\n')
    training = read_settings(tmp_path).training
    assert (training.committee, training.min_steps, training.dev_share) == (False, 120, 0.1)
    assert training.selecting == "rat"
    assert training.sentence_rules == 1


def test_what_an_older_settings_file_says_counts(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[training]\ndev_share = 0.2\nmin_steps = 7\n")
    training = read_settings(tmp_path).training
    assert (training.committee, training.min_steps, training.dev_share) == (False, 7, 0.2)


def test_relation_models_of_older_projects_keep_back_what_their_entity_models_do(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[training]\ndev_share = 0.0\n")
    assert read_settings(tmp_path).relation_extraction.dev_share == 0.0
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[relation_extraction]\ndev_share = 0.2\n")
    assert read_settings(tmp_path).relation_extraction.dev_share == 0.2


def test_a_committee_can_be_added_to_an_older_settings_file(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[training]\ncommittee = true\n")
    assert read_settings(tmp_path).training.selecting == "committee"


def test_a_settings_file_of_before_several_sentence_rules_keeps_the_first_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[training]\ncommittee = true\n")
    settings = read_settings(tmp_path)
    assert settings.training.sentence_rules == 1
    assert (settings.training.min_steps, settings.training.dev_share) == (None, 0.0)
    assert settings.relation_extraction.dev_share is None
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[training]\ncommittee = true\nsentence_rules = 2\n")
    assert read_settings(tmp_path).training.sentence_rules == 2


def test_a_new_project_has_the_newest_sentence_rules_and_says_so_in_its_file(tmp_path: Path) -> None:
    settings = make_settings({"name": "trial", "entities": [{"name": "Disease"}]})
    assert settings.training.sentence_rules == NEWEST_RULES
    assert f"\nsentence_rules = {NEWEST_RULES} " in settings_text(settings)
    assert get_args(TrainingSettings.model_fields["sentence_rules"].annotation) == RULES


def test_a_new_project_has_a_committee_and_says_so_in_its_file(tmp_path: Path) -> None:
    settings = make_settings({"name": "trial", "entities": [{"name": "Disease"}]})
    assert settings.training.has_committee
    (tmp_path / SETTINGS_FILE).write_text(settings_text(settings), encoding="utf-8")
    assert "\ncommittee = true" in settings_text(settings)
    assert read_settings(tmp_path) == settings


def test_a_project_of_before_candidates_predicts_its_whole_pool_until_it_is_told_not_to(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[selection]\nsize = 7\n")
    selection = read_settings(tmp_path).selection
    assert (selection.size, selection.score_all) == (7, 1_000_000_000)
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[selection]\nscore_all = 9\n")
    assert read_settings(tmp_path).selection.score_all == 9
    settings = make_settings({"name": "trial", "entities": [{"name": "Disease"}]})
    assert settings.selection.score_all == 40_000
    assert "\nscore_all = 40000 " in settings_text(settings)


def test_a_project_of_before_trains_one_arm_after_the_other_until_it_is_told_not_to(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(OLD)
    assert not read_settings(tmp_path).computing.side_by_side
    (tmp_path / SETTINGS_FILE).write_text(f"{OLD}[computing]\nside_by_side = true\n")
    assert read_settings(tmp_path).computing.side_by_side
    settings = make_settings({"name": "trial", "entities": [{"name": "Disease"}]})
    assert settings.computing.side_by_side
    assert "\nside_by_side = true" in settings_text(settings)


def test_one_arm_is_no_committee() -> None:
    values = {
        "name": "trial",
        "entities": [{"name": "Disease"}],
        "training": {"arms": ["none"], "selecting_arm": "none"},
    }
    assert make_settings(values).training.selecting == "none"


def test_the_given_values_stay_unchanged() -> None:
    values = {"training": {"epochs": 2}}
    assert with_older_defaults(values)["training"]["dev_share"] == 0.1
    assert values == {"training": {"epochs": 2}}
    assert with_older_defaults({"training": 3}) == {"training": 3}, "what is wrong is left for the check to say"


@pytest.mark.parametrize("context", ["sentence", "document"])
def test_training_as_before_has_the_values_that_it_had_before_there_was_another_context(context: str) -> None:
    values = TrainingSettings(context=context, sentence_rules=2).model_dump(mode="json")
    kept = without_later(values)
    assert kept == (values if context == "document" else {name: values[name] for name in values if name != "context"})
    assert list(kept) == [name for name in values if name in kept], "another order gives other bytes"


def test_what_a_model_file_leaves_out_is_read_as_what_was_left_out() -> None:
    behaviour = asdict(Behaviour(("Disease",), 1.3, 0, 128))
    assert without_later(behaviour).keys().isdisjoint({"context", "sentence_rules"})
    assert "sentence_rules" in without_later(behaviour | {"sentence_rules": 2})
    assert asdict(Behaviour(**without_later(behaviour))) == behaviour
