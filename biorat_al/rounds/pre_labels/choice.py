"""Whose pre-labels the next batch is shown with.

As long as no model is trained on the project's own answers, the first file of pre-labels gives them, else the first
dictionary, else the model trained on borrowed documents: what somebody made for these very documents comes before names
that are found anywhere, and both before a model that has seen only others' documents.
"""

from __future__ import annotations

from biorat_al.rounds.context import Context
from biorat_al.rounds.pre_labels.pre_labeller import PreLabeller, pre_labellers
from biorat_al.store.models import models_of


def chosen_pre_labeller(context: Context) -> PreLabeller | None:
    """Return what pre-labels the batch of this round instead of a model; None if a model does, or nothing can."""
    with context.store.read() as session:
        if models_of(session, context.number):
            return None
    return next(iter(pre_labellers(context)), None)
