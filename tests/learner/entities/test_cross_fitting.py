"""A model that learns from some documents to read others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biorat_al.errors import NotEnoughLabelsError
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.cross_fitting import read_held_out
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.types import Example
from biorat_al.settings import AdversarialSettings, TrainingSettings

Examples = Callable[[int], list[Example]]

LABELS = ("Chemical", "Disease")


def job(encoder: Encoder) -> TrainingJob:
    training = TrainingSettings(epochs=1, min_steps=4, batch_size=4, learning_rate=1e-3)
    return TrainingJob(encoder=encoder, arm="none", training=training, adversarial=AdversarialSettings(), seed=3)


@pytest.mark.slow
def test_the_readings_are_those_of_the_trained_model_and_it_is_removed(
    encoder: Encoder, make_examples: Examples, tmp_path: Path
) -> None:
    examples = make_examples(12)
    held_out = [example.document for example in examples[8:]]
    room = tmp_path / "room"
    readings = read_held_out(examples[:8], held_out, job(encoder), labels=LABELS, room=room)
    assert not room.exists()
    assert [one.document_id for one in readings] == [document.id for document in held_out]
    model = train(examples[:8], job(encoder), labels=LABELS, models_dir=tmp_path / "models", prefix="p")
    tagger = Tagger.load(model.folder)
    for one, prediction, document in zip(readings, tagger.predict(held_out), held_out, strict=True):
        assert [(entity.label, entity.spans) for entity in one.entities] == [
            (entity.label, entity.spans) for entity in prediction.entities
        ]
        calibrated = tagger.scaling.apply([entity.score or 0.0 for entity in one.entities])
        assert calibrated.tolist() == pytest.approx([entity.score for entity in prediction.entities])
        assert one.inside.shape == (len(one.starts), len(LABELS))
        assert ((one.inside >= 0) & (one.inside <= 1)).all()
        assert (one.starts < one.ends).all()
        assert one.ends.max(initial=0) <= len(document.text)
        # a mention is no more probable than any of its words
        for entity in one.entities:
            inside = (one.starts < entity.end) & (one.ends > entity.start)
            assert (entity.score or 0.0) <= one.inside[inside, LABELS.index(entity.label)].min() + 1e-6
        assert np.isfinite(one.inside).all()


def test_without_anything_to_learn_nothing_is_left(encoder: Encoder, make_examples: Examples, tmp_path: Path) -> None:
    with pytest.raises(NotEnoughLabelsError):
        read_held_out([], [make_examples(1)[0].document], job(encoder), labels=LABELS, room=tmp_path / "room")
    assert list(tmp_path.iterdir()) == []
