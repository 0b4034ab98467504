"""Label Studio: a desk like any other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from biorat_al.desk.base import Desk, DeskProject
from biorat_al.desk.labelstudio.conversion import regions_of
from tests.desk.contract import GOLD, TEXTS, DeskContract
from tests.support.labelstudio import RunningLabelStudio


class _Bench:
    def __init__(self, server: RunningLabelStudio) -> None:
        self.server = server
        self.desk: Desk = server.desk()

    def reopen(self) -> Desk:
        return self.server.desk()

    def annotate(self, project: DeskProject, ids: Mapping[str, str]) -> None:
        """Accept what is right in the pre-annotation, draw the rest."""
        annotator = self.server.annotator()
        for key, task_id in ids.items():
            shown, _ = annotator.prefilled(task_id)
            accepted = [region for region in shown if region["origin"] == "prediction"]
            missing = GOLD[key].entities[1 if accepted else 0 :]
            drawn = regions_of(missing, TEXTS[key], "label", "text")
            annotator.submit(task_id, [*accepted, *({**region, "origin": "manual"} for region in drawn)])


@pytest.fixture
def bench(label_studio: RunningLabelStudio) -> _Bench:
    return _Bench(label_studio)


class TestContract(DeskContract):
    pass
