"""What every place that trains arms and predicts chunks must do; its tests inherit this."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Document
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.errors import LearnerError, NotEnoughLabelsError
from biorat_al.learner.encoder.device import pick_device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.saved_model import is_intact
from biorat_al.learner.predictor import Predictor
from biorat_al.learner.types import Example, TrainedModel
from biorat_al.progress import SILENT
from biorat_al.rounds.computing.arm_order import train_arm
from biorat_al.rounds.computing.compute import Compute
from tests.rounds.computing.orders import chunked, order

MOST_READ_AHEAD = 8
"""Chunks that may have been read before the first prediction is taken."""


class ComputeContract:
    """The tests. A subclass has a fixture `compute`, with one thread for each arm."""

    def test_arms_are_those_that_this_process_trains(self, compute: Compute, encoder: Encoder, tmp_path: Path) -> None:
        orders = [order(tmp_path / "there", arm, related=True) for arm in ("rat", "none")]
        expected = [
            train_arm(order(tmp_path / "here", one.arm, related=True), encoder, pick_device(), SILENT) for one in orders
        ]
        found = list(compute.train(orders, encoder, SILENT))
        assert [one.version for one in found] == [one.version for one in expected]
        for one, other in zip(found, expected, strict=True):
            assert one.folder == tmp_path / "there" / one.version
            assert one.sha256 == other.sha256
            assert is_intact(one.folder, one.sha256)
            assert one.summary["relations"]["sha256"] == other.summary["relations"]["sha256"]
            varying = {"seconds", "peak_memory", "relations"}
            assert {k: v for k, v in one.summary.items() if k not in varying} == {
                k: v for k, v in other.summary.items() if k not in varying
            }
            # the relation model came along
            assert list(Predictor.load(one.folder).predict_relations([])) == []
        assert sorted(path.name for path in (tmp_path / "there").iterdir()) == sorted(one.version for one in found)

    def test_chunks_are_predicted_as_in_this_process_in_order_and_without_reading_far_ahead(
        self, compute: Compute, model: TrainedModel
    ) -> None:
        documents = [record.document for record in list(read_demo_corpus())[:40]]
        here = Predictor.load(model.folder)
        expected = [list(here.predict(documents[start : start + 2])) for start in range(0, 40, 2)]
        asked: list[int] = []
        with closing(compute.predict(model.folder, chunked(documents, 2, asked))) as predicted:
            found = [next(predicted)]
            assert len(asked) <= MOST_READ_AHEAD
            found += predicted
        assert found == expected
        assert sorted(asked) == list(range(20)), "no chunk is read twice"

    def test_no_chunks_give_no_predictions(self, compute: Compute, model: TrainedModel) -> None:
        assert list(compute.predict(model.folder, chunked([], 4))) == []

    def test_an_error_of_the_training_arrives_as_itself(
        self, compute: Compute, encoder: Encoder, tmp_path: Path
    ) -> None:
        empty = [Example(Document("1", ""), ())]
        orders = [order(tmp_path, arm, examples=empty) for arm in ("rat", "none")]
        with pytest.raises(NotEnoughLabelsError, match="hold no text to train on"):
            list(compute.train(orders, encoder, SILENT))

    def test_a_model_that_cannot_be_loaded_is_an_error(self, compute: Compute, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        documents = [Document(str(number), "Aspirin.") for number in range(3)]
        with pytest.raises(LearnerError, match="is not a complete model"):
            list(compute.predict(tmp_path / "model", chunked(documents, 1)))
