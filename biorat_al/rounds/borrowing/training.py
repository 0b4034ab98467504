"""The training on the borrowed documents, which is done once and kept among the project's models.

The model is found again by a key: the digest of everything that it depends on. If its folder was lost or damaged, it is
trained again, which gives the same weights on the same machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.progress import Titled
from biorat_al.rounds.borrowing.kept import (
    KeptCorpus,
    borrowed_examples,
    borrowed_labels,
    check_copies,
    provenance_of,
)
from biorat_al.rounds.context import Context
from biorat_al.rounds.seeds import derive_seed
from biorat_al.settings import Settings, TrainingSettings, without_later
from biorat_al.version import __version__

if TYPE_CHECKING:
    from biorat_al.learner.encoder.starting_weights import StartingWeights
    from biorat_al.learner.types import TrainedModel

_KEY = "borrowed_key"
"""Name in a model's provenance of the digest of everything that it depends on."""


def prefix_of(project: str) -> str:
    """Return how the folders of a project's borrowed models begin."""
    return f"{project}-borrowed"


def borrowed_model(context: Context, corpora: Sequence[KeptCorpus]) -> TrainedModel:
    """Return the model that was trained on the borrowed documents; train it if it is not there or not intact.

    :raises ProjectError: a copy of a corpus is missing or was changed.
    :raises LearnerError: the loss is no longer a number, or the model cannot be saved.
    """
    check_copies(context.folder, corpora)
    key = _key(context, corpora)
    found = _kept_model(context, key)
    if found is not None:
        return found
    context.progress.say(f"Training a start on {sum(one.documents for one in corpora):,} borrowed documents, once.")
    return train_borrowed(context, corpora, key)


def train_borrowed(context: Context, corpora: Sequence[KeptCorpus], key: str | None = None) -> TrainedModel:
    """Train on the borrowed documents, plainly and without a development part.

    :param key: digest of everything that the model depends on; None computes it.
    """
    key = key or _key(context, corpora)
    from biorat_al.learner.entities.training import train
    from biorat_al.learner.training.job import TrainingJob

    settings = context.settings
    return train(
        borrowed_examples(context.folder, corpora, settings),
        TrainingJob(
            encoder=context.encoder,
            arm="none",
            training=training_settings(settings),
            adversarial=settings.adversarial,
            seed=_seed(context),
            progress=Titled(context.progress, "training on borrowed documents"),
        ),
        labels=borrowed_labels(corpora, settings),
        models_dir=context.models_dir,
        prefix=f"{prefix_of(settings.name)}-{key[:8]}",
        provenance={
            "project": settings.name,
            "borrowed": provenance_of(corpora),
            _KEY: key,
            "program_version": __version__,
        },
    )


def training_settings(settings: Settings) -> TrainingSettings:
    """Return the settings of the training on borrowed documents."""
    borrow, training = settings.borrow, settings.training
    return TrainingSettings(
        arms=("none",),
        selecting_arm="none",
        learning_rate=borrow.learning_rate or training.learning_rate,
        epochs=borrow.epochs,
        min_steps=1,
        context=training.context,
        sentence_rules=training.sentence_rules,
        batch_size=borrow.batch_size,
        weight_decay=training.weight_decay,
        warmup=training.warmup,
        dev_share=0,
    )


def _seed(context: Context) -> int:
    """Return the seed of the training, the same in all rounds."""
    return derive_seed(context.settings.seed, "borrow")


def _key(context: Context, corpora: Sequence[KeptCorpus]) -> str:
    """Return the digest of everything that the model depends on, besides the machine."""
    settings = context.settings
    values = {
        "corpora": [corpus.sha256 for corpus in corpora],
        "labels": borrowed_labels(corpora, settings),
        "mapping": settings.borrow.mapping(settings.entities),
        "encoder": context.encoder.fingerprint,
        "max_length": settings.encoder.max_length,
        "training": without_later(training_settings(settings).model_dump(mode="json")),
        "seed": _seed(context),
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _kept_model(context: Context, key: str) -> TrainedModel | None:
    """Return the intact model with this key, or None."""
    from biorat_al.learner.encoder.saved_model import TRAINING, is_intact
    from biorat_al.learner.types import TrainedModel

    # in a simulation, another run may have trained it, under its own name
    for folder in sorted(context.models_dir.glob(f"{prefix_of('*')}-{key[:8]}-*")):
        values = _record(folder / TRAINING)
        if _key_of(values) != key:
            continue
        summary = values.get("summary", {})
        sha256 = str(values.get("sha256"))
        # every arm begins from it, and its weights are read whole to be checked
        checked = folder.name in context.intact_models
        if (checked or is_intact(folder, sha256)) and "labels" in summary:
            context.intact_models.add(folder.name)
            return TrainedModel(folder.name, folder, sha256, summary)
        context.progress.say(f"The model {folder.name} is damaged or was changed; it is trained again.")
    return None


def kept_start(models_dir: Path, version: str) -> StartingWeights | None:
    """Return the weights of a borrowed model to begin from; None if they are lost or were changed."""
    from biorat_al.learner.encoder.saved_model import TRAINING, is_intact
    from biorat_al.learner.encoder.starting_weights import StartingWeights

    folder = models_dir / version
    values = _record(folder / TRAINING)
    labels, sha256 = values.get("summary", {}).get("labels"), str(values.get("sha256"))
    return StartingWeights(folder, sha256, tuple(labels)) if labels and is_intact(folder, sha256) else None


def borrowed_key_of(folder: Path) -> str | None:
    """Return the digest of all that a borrowed model depends on; None if the folder holds another model."""
    from biorat_al.learner.encoder.saved_model import TRAINING

    return _key_of(_record(folder / TRAINING))


def _key_of(record: Mapping[str, Any]) -> str | None:
    provenance = record.get("provenance")
    key = provenance.get(_KEY) if isinstance(provenance, Mapping) else None
    return key if isinstance(key, str) else None


def _record(path: Path) -> dict[str, Any]:
    """Return the record of a model's training; an empty one if it cannot be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
