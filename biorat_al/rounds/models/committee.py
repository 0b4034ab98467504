"""The committee of a round's arms: it is formed when all arms are trained, and is a model like them in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from biorat_al.learner.scaling import Scaling
from biorat_al.learner.types import Example, TrainedModel
from biorat_al.rounds.context import Context
from biorat_al.rounds.models.calibration import RoundCalibration
from biorat_al.rounds.models.recording import record_model
from biorat_al.rounds.models.replacement import put_in_place, replace_lost_model
from biorat_al.settings import COMMITTEE
from biorat_al.store.models import models_of
from biorat_al.store.tables import ModelRow

_SUMS = ("steps", "adversarial_steps", "forward_passes", "backward_passes", "passes", "tokens", "seconds")
"""Costs of a committee that are the sums of its members' costs."""

_SHARED = (
    "seed", "documents", "dev_documents", "unrepresentable", "training_data_sha256", "encoder", "device", "dtype",
    "threads", "libraries",
)  # fmt: skip
"""What the members, trained on the same data on the same machine, have in common."""


def members_of(models: Mapping[str, ModelRow]) -> dict[str, ModelRow]:
    """Return the trained models of a round, without their committee."""
    return {arm: row for arm, row in models.items() if arm != COMMITTEE}


def form_committee(context: Context, examples: Sequence[Example], calibration: RoundCalibration) -> None:
    """Form the committee of this round's arms, unless it exists; replace it if one of its members was replaced.

    :param examples: what the members were trained on, the development part included.
    :param calibration: of the committee, if there is no development part.
    """
    with context.store.read() as session:
        models = models_of(session, context.number)
    members = members_of(models)
    before = models.get(COMMITTEE)
    if before is not None and before.summary["members"] == _named(members):
        restore_committee(context, before)
        return
    scaling = _scaling(context, members, examples, calibration)
    model = replace(_written(context, members, scaling), summary=_summary(members, scaling))
    if before is not None:
        replace_lost_model(context, before, model)
        return
    record_model(context, model, COMMITTEE)


def restore_committee(context: Context, row: ModelRow) -> None:
    """Write the folder of a committee again if it is lost or damaged; it holds nothing that the store does not know."""
    from biorat_al.learner.committee.saved import is_committee
    from biorat_al.learner.encoder.saved_model import sha256_of

    folder = context.models_dir / row.version
    if is_committee(folder) and sha256_of(folder / "committee.json") == row.sha256:
        return
    with context.store.read() as session:
        members = members_of(models_of(session, context.number))
    put_in_place(context, _written(context, members, Scaling.of(row.summary)), row.version)


def _scaling(
    context: Context, members: Mapping[str, ModelRow], examples: Sequence[Example], calibration: RoundCalibration
) -> Scaling:
    """Return the scaling of the committee, from the development part that its members share, or else from answers."""
    from biorat_al.learner.committee.fitting import committee_scaling
    from biorat_al.learner.training.order import development_ids

    seed = int(next(iter(members.values())).summary["seed"])
    share = context.settings.training.dev_share
    chosen = development_ids([example.document.id for example in examples], share, seed)
    held_back = [example for example in examples if example.document.id in chosen]
    if not held_back:
        return calibration.scaling
    return committee_scaling([context.models_dir / row.version for row in members.values()], held_back)


def _written(context: Context, members: Mapping[str, ModelRow], scaling: Scaling) -> TrainedModel:
    from biorat_al.learner.committee.saved import Member, write_committee

    prefix = f"{context.settings.name}-r{context.number}-{COMMITTEE}"
    named = [Member(**values) for values in _named(members)]
    return write_committee(context.models_dir, prefix, named, scaling)


def _named(members: Mapping[str, ModelRow]) -> list[dict[str, Any]]:
    """Return the members as the committee's summary and its file name them, in the order of their training."""
    return [
        {
            "arm": arm,
            "version": row.version,
            "sha256": row.sha256,
            "relations_sha256": row.summary.get("relations", {}).get("sha256"),
        }
        for arm, row in members.items()
    ]


def _summary(members: Mapping[str, ModelRow], scaling: Scaling) -> dict[str, Any]:
    """Return the committee's summary: its members, what they have in common, and the sums of their costs."""
    summaries = [row.summary for row in members.values()]
    summary: dict[str, Any] = {name: summaries[0][name] for name in _SHARED if name in summaries[0]}
    for name in _SUMS:
        if all(name in one for one in summaries):
            summary[name] = round(sum(one[name] for one in summaries), 4)
    summary["peak_memory"] = max(one.get("peak_memory", 0) for one in summaries)
    return {"arm": COMMITTEE, "members": _named(members), **scaling._asdict(), **summary}
