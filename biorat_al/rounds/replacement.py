"""A model whose folder was lost, and that another machine trained again with other bits.

The same training gives the same weights on the same machine with the same number of threads. Elsewhere it may not, and
then nothing is to refer to weights that no longer exist.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from biorat_al.learner.types import TrainedModel
from biorat_al.rounds.context import Context
from biorat_al.store.models import replace_model
from biorat_al.store.store import now
from biorat_al.store.tables import ModelRow, StepRow

REPLACED = "replaces"
"""Where a model's summary says which lost models it stands for, the last one at the end."""

_BEFORE_PUSH = ("train", "evaluate", "predict", "select")
_BESIDE_PUSH = ("train", "evaluate")


class ModelReplaced(Exception):
    """A model of this round was replaced: the steps that used it are to be done again."""


def replace_lost_model(context: Context, before: ModelRow, model: TrainedModel, summary: Mapping[str, Any]) -> str:
    """Record a model in the place of one of this round whose weights are lost; return the version that it has now.

    As long as nothing was pushed, it takes its own version, and all steps since training are to be done again: what the
    lost model predicted and measured is dropped. Afterwards annotators' tasks carry the version: it stays, with the new
    digest, what they were shown is kept, and the models are measured again.
    """
    context.check_lock()
    with context.store.write() as session:
        pushed = session.get_one(StepRow, (context.number, "push")).state != "pending"
        version = before.version if pushed else model.version
        put_in_place(context, model, version)
        lost = {"version": before.version, "sha256": before.sha256, "found_lost_at": now().isoformat("T", "seconds")}
        row = ModelRow(
            version=version,
            round_number=before.round_number,
            arm=before.arm,
            selecting=before.selecting,
            sha256=model.sha256,
            summary={**summary, REPLACED: [*before.summary.get(REPLACED, ()), lost]},
            created_at=now(),
        )
        replace_model(session, before.version, row, keep_predictions=pushed)
        for name in _BESIDE_PUSH if pushed else _BEFORE_PUSH:
            step = session.get_one(StepRow, (context.number, name))
            # a round whose training is pending would wait for annotators again
            if step.state != "running":
                step.state = "running" if name == "train" else "pending"
    return version


def put_in_place(context: Context, model: TrainedModel, version: str) -> None:
    """Let a model have the folder of a version that was named after other weights."""
    if model.version != version:
        place = context.models_dir / version
        shutil.rmtree(place, ignore_errors=True)
        model.folder.rename(place)


def replaced_notices(models: Mapping[str, ModelRow]) -> list[str]:
    """Say which models stand for lost ones, a sentence each."""
    notices = []
    for row in models.values():
        if lost := row.summary.get(REPLACED):
            name = "keeps its version" if lost[-1]["version"] == row.version else f"is {row.version} now"
            notices.append(
                f"the folder of the model {lost[-1]['version']} was lost, and training it again gave other weights, as "
                f"another machine or another number of threads does; it {name}, and what this round measures and "
                "predicts comes from the new weights"
            )
    return notices
