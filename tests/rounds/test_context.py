"""The settings with which a round goes on that was cut off."""

from __future__ import annotations

import pytest

from biorat_al.rounds import context
from biorat_al.rounds.context import settings_of
from biorat_al.settings import make_settings
from biorat_al.store.tables import RoundRow


def test_a_round_that_was_begun_with_a_number_that_never_ends_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "models_of", lambda session, number: {"rat": "trained"})
    current = make_settings({"name": "trial", "entities": [{"name": "Disease"}], "training": {"epochs": 2}})
    kept = current.model_dump(mode="json")
    kept["selection"]["mc_passes"] = 10**23
    kept["training"]["epochs"] = 5
    row = RoundRow(number=1, settings=kept)
    found = settings_of(None, row, current)  # type: ignore[arg-type]
    assert found.selection == current.selection
    assert found.training.epochs == 5
