"""Trainings whose options are given one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example


def trained(train: Callable[..., Any], examples: Sequence[Example], **options: Any) -> Any:
    """Call `train` or `train_relations` with a job made of those of the options that belong into one."""
    names = {field.name for field in fields(TrainingJob)}
    job = TrainingJob(**{name: value for name, value in options.items() if name in names})
    return train(examples, job, **{name: value for name, value in options.items() if name not in names})
