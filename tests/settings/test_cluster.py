"""What a task may ask a cluster for."""

from __future__ import annotations

import pytest

from biorat_al.errors import SettingsError
from biorat_al.settings import Settings, make_settings


def asking(**cluster: float) -> Settings:
    return make_settings({"name": "trial", "entities": [{"name": "Disease"}], "cluster": cluster})


def test_a_share_of_several_gpus_which_ray_refuses_is_named() -> None:
    assert [asking(gpus=gpus).cluster.gpus for gpus in (0, 0.5, 1, 2.0)] == [0.0, 0.5, 1.0, 2.0]
    with pytest.raises(SettingsError, match=r"cluster\.gpus.*must be a whole number; a share of one is less than 1"):
        asking(gpus=1.5)
