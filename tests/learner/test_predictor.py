from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Document
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.predictor import Predictor
from biorat_al.learner.relations.prediction import RelationExtractor
from biorat_al.learner.relations.training import train_relations
from biorat_al.learner.relations.uncertainty import combined
from biorat_al.learner.training.job import TrainingJob
from biorat_al.settings import AdversarialSettings, TrainingSettings
from tests.learner.relations.factories import SETTINGS, TYPES, related_examples

CPU = Device("cpu", bf16=False)
TRAINING = TrainingSettings(learning_rate=3e-3, min_steps=60, dev_share=0.25)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> tuple[Path, Path]:
    """Return the folders of a model without relations, and of one with."""
    encoder = resolve_encoder(str(encoder_folder))
    folders = []
    for name in ("without", "with"):
        model = train(
            related_examples(40),
            TrainingJob(
                encoder=encoder, arm="none", training=TRAINING, adversarial=AdversarialSettings(), seed=5, device=CPU
            ),
            labels=["Chemical", "Disease"],
            models_dir=tmp_path_factory.mktemp(name),
            prefix="p",
        )
        folders.append(model.folder)
    train_relations(
        related_examples(40),
        TrainingJob(
            encoder=encoder, arm="none", training=TRAINING, adversarial=AdversarialSettings(), seed=5, device=CPU
        ),
        types=TYPES,
        relations=SETTINGS.model_copy(update={"epochs": 8}),
        folder=folders[1],
    )
    return folders[0], folders[1]


def documents(count: int) -> Iterator[Document]:
    for number, example in enumerate(related_examples(count, seed=3)):
        yield replace(example.document, id=f"x{number}")


@pytest.mark.slow
def test_without_relations_it_says_what_the_tagger_says(models: tuple[Path, Path]) -> None:
    predictor = Predictor.load(models[0], CPU)
    assert not predictor.has_relations
    assert list(predictor.predict(documents(5))) == list(Tagger.load(models[0], CPU).predict(documents(5)))
    with pytest.raises(LearnerError, match="has no part for relations"):
        predictor.predict_relations([])


@pytest.mark.slow
def test_relations_join_the_predicted_entities(models: tuple[Path, Path]) -> None:
    # more than the extractor reads at once
    predictor = Predictor.load(models[1], CPU)
    found = list(predictor.predict(documents(70)))
    tagged = list(Tagger.load(models[1], CPU).tag(documents(70)))
    assert [one.document_id for one in found] == [f"x{number}" for number in range(70)]
    assert [one.entities for one in found] == [one.prediction.entities for one in tagged]
    assert sum(len(one.relations) for one in found) > 50
    for one in found:
        known = {entity.id for entity in one.entities}
        assert all({relation.head, relation.tail} <= known for relation in one.relations)


def test_confidence_and_uncertainty_are_of_both(models: tuple[Path, Path]) -> None:
    tagged = next(Tagger.load(models[1], CPU).tag(documents(1)))
    alone = next(RelationExtractor.load(models[1], CPU).predict([(tagged.document, tagged.prediction.entities)]))
    together = next(Predictor.load(models[1], CPU).predict(documents(1)))
    assert together.relations == alone.relations
    assert together.uncertainty == combined(tagged.prediction.uncertainty, alone.uncertainty)
    assert together.uncertainty != tagged.prediction.uncertainty
    scores = [entity.score or 0 for entity in together.entities]
    scores += [relation.extras["score"] for relation in together.relations]
    expected = tagged.expected + alone.expected
    assert together.confidence == pytest.approx(min(1, (1 + 2 * sum(scores)) / (1 + len(scores) + expected)))
