"""Replacement of a model whose folder was lost and whose retraining gave other weights.

The same training gives the same weights on the same machine with the same number of threads. On another machine it may
not, and then nothing may refer to the lost weights any more.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from biorat_al.learner.types import TrainedModel
from biorat_al.rounds.context import Context
from biorat_al.store.models import replace_model
from biorat_al.store.store import now
from biorat_al.store.tables import ModelRow, StepRow

REPLACED = "replaces"
"""Key of a model's summary that lists the lost models it replaces, the last one at the end."""

_BEFORE_PUSH = ("train", "compare", "predict", "select", "evaluate")
_BESIDE_PUSH = ("train", "evaluate")


class ModelReplaced(Exception):
    """A model of this round was replaced, so the steps that used it must run again."""


def replace_lost_model(context: Context, before: ModelRow, model: TrainedModel) -> str:
    """Replace a model of this round whose weights are lost by another one; return the version of the new model.

    Before anything was pushed, the new model takes its own version and all steps since training run again; the lost
    model's predictions and scores are dropped. After a push, annotators' tasks carry the old version, so it stays, with
    the new digest; what annotators were shown is kept, and the models are evaluated again.
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
            summary={**model.summary, REPLACED: [*before.summary.get(REPLACED, ()), lost]},
            created_at=now(),
        )
        replace_model(session, before.version, row, keep_predictions=pushed)
        for name in _BESIDE_PUSH if pushed else _BEFORE_PUSH:
            step = session.get(StepRow, (context.number, name))
            # with training pending, the round would wait for annotators again
            if step is not None and step.state != "running":
                step.state = "running" if name == "train" else "pending"
    return version


def put_in_place(context: Context, model: TrainedModel, version: str) -> None:
    """Move a model into the folder of a version that was named after other weights."""
    if model.version != version:
        place = context.models_dir / version
        shutil.rmtree(place, ignore_errors=True)
        model.folder.rename(place)


def replaced_notices(models: Mapping[str, ModelRow]) -> list[str]:
    """Return a sentence for each model that replaces a lost one."""
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
