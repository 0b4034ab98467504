"""Label Studio: a desk like any other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from biorat_al.corpus.formats.label_studio.regions import regions_of
from biorat_al.desk.base import Desk, DeskProject
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
            shown = {region.get("id"): region for region in annotator.prefilled(task_id)[0]}
            relations = GOLD[key].relations if project.relations else ()
            right = regions_of(GOLD[key].entities, TEXTS[key], "label", "text", relations)
            drawn = [region if "id" not in region else {**region, "origin": "manual"} for region in right]
            annotator.submit(task_id, [shown.get(region.get("id", ""), region) for region in drawn])


@pytest.fixture
def bench(label_studio: RunningLabelStudio) -> _Bench:
    return _Bench(label_studio)


class TestContract(DeskContract):
    pass


class TestContractOfSegments(DeskContract):
    role = "segment"
