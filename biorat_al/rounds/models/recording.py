"""A trained model, recorded as one of its round."""

from __future__ import annotations

from biorat_al.learner.types import TrainedModel
from biorat_al.rounds.context import Context
from biorat_al.store.models import BORROWED
from biorat_al.store.store import now
from biorat_al.store.tables import ModelRow


def record_model(context: Context, model: TrainedModel, arm: str) -> None:
    """Record a model of this round, unless another process has taken the round over.

    :param model: with a summary of its relation model, too, if it has one.
    :param arm: an arm, the committee, or the borrowed start. That selects while there is nothing else. A round before
        may have begun with it too, if everything that it asked for was skipped; it becomes this round's then.
    :raises LockedError: another machine may be running the round by now.
    """
    context.check_lock()
    row = ModelRow(
        version=model.version,
        round_number=context.number,
        arm=arm,
        selecting=arm in (BORROWED, context.settings.training.selecting),
        sha256=model.sha256,
        summary=dict(model.summary),
        created_at=now(),
    )
    with context.store.write() as session:
        if arm == BORROWED:
            session.merge(row)
        else:
            session.add(row)
