from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from biorat_al.corpus.model.document import Document, Entity, Span
from biorat_al.errors import LearnerError, NotEnoughLabelsError
from biorat_al.learner.encoder.device import Device
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.entities.batching import batch_order, encode_part, make_batch, usual_words
from biorat_al.learner.entities.fitting import Fit
from biorat_al.learner.entities.network import TaggingNetwork, tagging_loss
from biorat_al.learner.entities.probe import Probe
from biorat_al.learner.entities.saved_tagger import read_model
from biorat_al.learner.entities.scoring import score
from biorat_al.learner.entities.tagger import Tagger
from biorat_al.learner.entities.training import train
from biorat_al.learner.training.job import TrainingJob
from biorat_al.learner.training.loop import learning_rate_factor
from biorat_al.learner.training.passes import View
from biorat_al.learner.types import Example, TrainedModel
from biorat_al.progress import SILENT, SilentProgress
from biorat_al.settings import AdversarialSettings, TrainingSettings
from tests.learner.jobs import trained

LABELS = ["Chemical", "Disease"]
QUICK = TrainingSettings(epochs=1, min_steps=4, batch_size=4, learning_rate=1e-3)

Examples = Callable[[int], list[Example]]
Train = Callable[..., TrainedModel]


@pytest.fixture
def run(encoder: Encoder, tmp_path: Path, cpu: Device) -> Train:
    def run(examples: list[Example], **changes: Any) -> TrainedModel:
        options: dict[str, Any] = {
            "labels": LABELS,
            "encoder": encoder,
            "arm": "rat",
            "training": QUICK,
            "adversarial": AdversarialSettings(),
            "seed": 13,
            "models_dir": tmp_path / "models",
            "prefix": "p-r1",
            "device": cpu,
        }
        return trained(train, examples, **{**options, **changes})

    return run


@pytest.mark.slow
def test_it_learns(run: Train, make_examples: Examples, cpu: Device) -> None:
    examples = make_examples(60)
    settings = TrainingSettings(epochs=40, min_steps=120, batch_size=8, learning_rate=5e-3, patience=20, dev_share=0.1)
    model = run(examples, training=settings)
    predicted = {
        p.document_id: p.entities for p in Tagger.load(model.folder, cpu).predict(e.document for e in examples)
    }
    scores = score({e.document.id: e.entities for e in examples}, predicted, LABELS)
    assert scores.by_label["Chemical"].f1 > 0.95
    assert scores.by_label["Disease"].f1 > 0.95
    assert model.summary["dev"]["f1"] > 0.9


@pytest.mark.parametrize("bf16", [False, True])
def test_the_same_call_gives_the_same_bits(run: Train, make_examples: Examples, tmp_path: Path, bf16: bool) -> None:
    examples = make_examples(24)
    device = Device("cpu", bf16)
    models = [run(examples, models_dir=tmp_path / name, device=device) for name in "ab"]
    assert models[0].sha256 == models[1].sha256
    assert models[0].version == models[1].version
    # nor does the order of the examples or of their mentions matter
    turned = [Example(e.document, e.entities[::-1]) for e in reversed(examples)]
    again = run(turned, models_dir=tmp_path / "c", device=device)
    assert again.sha256 == models[0].sha256
    assert again.summary["training_data_sha256"] == models[0].summary["training_data_sha256"]


def test_seed_arm_and_data_change_the_model(run: Train, make_examples: Examples) -> None:
    examples = make_examples(8)
    versions = {
        run(examples).version,
        run(examples, seed=14).version,
        run(examples, arm="none").version,
        run(examples, arm="at").version,
        run(examples[:-1]).version,
    }
    assert len(versions) == 5


def test_global_random_state_is_neither_used_nor_changed(run: Train, make_examples: Examples, tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = run(make_examples(4), models_dir=tmp_path / "a")
    torch.manual_seed(2)
    np.random.seed(2)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    second = run(make_examples(4), models_dir=tmp_path / "b")
    assert first.sha256 == second.sha256
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.random.get_state()[1].tolist() == before[1]


def test_the_summary_counts_what_was_done(run: Train, make_examples: Examples) -> None:
    examples = make_examples(30)
    settings = TrainingSettings(epochs=3, min_steps=1, batch_size=4, patience=10, dev_share=0.2)
    model = run(examples, training=settings, arm="at", provenance={"round": 1})
    summary = model.summary
    assert summary["documents"] == 24
    assert summary["dev_documents"] == 6
    assert summary["steps"] == 3 * 6
    assert summary["epochs"] == 3
    assert summary["adversarial_steps"] == summary["steps"]
    assert summary["forward_passes"] == summary["backward_passes"] == summary["passes"] == 2 * summary["steps"]
    assert summary["peak_memory"] > 2**20
    assert 1 <= summary["best_step"] <= summary["steps"]
    assert summary["dev"]["tp"] + summary["dev"]["fn"] > 0
    assert 0.25 <= summary["temperature"] <= 8
    assert summary["device"] == "cpu"
    assert summary["dtype"] == "fp32"
    assert summary["seconds"] >= 0
    assert set(summary["libraries"]) == {"torch", "transformers", "tokenizers", "numpy"}
    assert summary["encoder"]["max_length"] == 64
    record = json.loads((model.folder / "training.json").read_text())
    assert record["summary"] == json.loads(json.dumps(summary))
    assert record["provenance"] == {"round": 1}
    assert record["sha256"] == model.sha256


def test_tokens_are_counted_without_padding(run: Train, make_examples: Examples, encoder: Encoder) -> None:
    examples = make_examples(9)
    training = TrainingSettings(epochs=2, min_steps=1, batch_size=4)
    in_one_epoch = sum(encoder.count_tokens([e.document.text for e in examples]))
    assert run(examples, training=training, arm="none").summary["tokens"] == 2 * in_one_epoch
    assert run(examples, training=training, arm="at").summary["tokens"] == 2 * 2 * in_one_epoch


def test_what_cannot_be_represented_is_in_the_summary(run: Train) -> None:
    text = "low aspirin dose and pain"
    nested = (Entity("T1", "Chemical", (Span(0, 16),)), Entity("T2", "Chemical", (Span(4, 11),)))
    pieces = (Entity("T3", "Disease", (Span(0, 3), Span(21, 25))),)
    model = run([Example(Document("1", text), nested + pieces)])
    assert model.summary["unrepresentable"] == {"same_type_nesting": 1, "discontinuous": 1}


def test_nothing_to_train_on_is_said(run: Train) -> None:
    with pytest.raises(NotEnoughLabelsError, match="no annotated document"):
        run([])
    with pytest.raises(NotEnoughLabelsError, match="hold no text"):
        run([Example(Document("1", " \n"), ()), Example(Document("2", ""), ())])


@pytest.mark.parametrize(
    "examples",
    [
        [Example(Document("1", "the pain"), (Entity("T1", "Disease", (Span(4, 8),)),))],
        [Example(Document("1", "the pain"), ()), Example(Document("2", "the dose"), ())],
        [Example(Document("1", " "), ()), Example(Document("2", "pain"), ())],
        [Example(Document("1", "pain"), ()), Example(Document("1", "pain"), (Entity("T1", "Disease", (Span(0, 4),)),))],
    ],
    ids=["one document, a label that nobody used", "nothing in any", "one is blank", "the same document twice"],
)
def test_few_and_empty_documents_are_training_data(run: Train, examples: list[Example]) -> None:
    model = run(examples)
    assert model.summary["documents"] == len(examples)
    assert model.summary["dev"] is None
    assert (model.summary["temperature"], model.summary["offset"]) == (1.0, 0.0)
    assert model.summary["best_step"] == model.summary["steps"] == 4


@pytest.mark.slow
def test_empty_answers_teach_that_there_is_nothing(run: Train, make_examples: Examples, cpu: Device) -> None:
    settings = TrainingSettings(epochs=30, min_steps=120, batch_size=4, learning_rate=5e-3)
    empty = [Example(e.document, ()) for e in make_examples(12)]
    tagger = Tagger.load(run(empty, training=settings).folder, cpu)
    for prediction in tagger.predict([e.document for e in empty]):
        assert prediction.entities == ()
        assert prediction.confidence > 0.9


@pytest.mark.slow
def test_long_documents_are_learnt_in_windows(run: Train, cpu: Device) -> None:
    text = "the patient took low dose of aspirin for days after pain " * 20
    entities = tuple(Entity(f"T{n}", "Chemical", (Span(29 + 57 * n, 36 + 57 * n),)) for n in range(20))
    assert all(entity.surface(text) == "aspirin" for entity in entities)
    settings = TrainingSettings(epochs=40, min_steps=120, batch_size=4, learning_rate=5e-3)
    model = run([Example(Document("1", text), entities)], training=settings)
    (prediction,) = Tagger.load(model.folder, cpu).predict([Document("1", text)])
    assert {e.spans for e in prediction.entities} == {e.spans for e in entities}


@pytest.mark.slow
@pytest.mark.parametrize(("min_steps", "stops_at"), [(1, 40), (50, 56)])
def test_training_that_goes_wrong_stops_and_the_best_weights_are_kept(
    encoder: Encoder,
    make_examples: Examples,
    cpu: Device,
    monkeypatch: pytest.MonkeyPatch,
    min_steps: int,
    stops_at: int,
) -> None:
    part = encode_part(make_examples(16), encoder.tokenizer, LABELS)
    network = TaggingNetwork(encoder.network(), 2)
    settings = TrainingSettings(epochs=20, batch_size=4, min_steps=min_steps, patience=3)
    fit = Fit(
        network,
        LABELS,
        TrainingJob(
            encoder=encoder, arm="none", training=settings, adversarial=AdversarialSettings(), seed=13, device=cpu
        ),
    )
    seen: dict[int, torch.Tensor] = {}

    def logits(_: object) -> list[np.ndarray]:
        """Right until step 16, and then nothing but O."""
        seen[fit.outcome.steps] = network.head.weight.detach().clone()
        gold = part.word_tags if fit.outcome.steps <= 16 else [tags * 0 for tags in part.word_tags]
        return [np.eye(3, dtype=np.float32)[tags] * 9 for tags in gold]

    monkeypatch.setattr(fit, "logits", logits)
    outcome = fit.run(part, part, SILENT)
    assert sorted(seen) == list(range(8, stops_at + 1, 8)), "ten times in 20 epochs of 4 steps"
    assert (outcome.best_step, outcome.steps) == (16, stops_at)
    assert outcome.dev is not None
    assert outcome.dev["f1"] == 1.0
    assert outcome.scaling.apply([0.9995])[0] < 0.9995, "47 right mentions do not vouch for a certainty of 0.9995"
    assert torch.equal(network.head.weight, seen[16])
    assert not torch.equal(network.head.weight, seen[8])


def test_a_score_that_is_a_little_lower_keeps_the_later_weights(
    encoder: Encoder, make_examples: Examples, cpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = encode_part(make_examples(16), encoder.tokenizer, LABELS)
    settings = TrainingSettings(epochs=4, batch_size=4, min_steps=1, patience=1)
    network = TaggingNetwork(encoder.network(), 2)
    fit = Fit(
        network,
        LABELS,
        TrainingJob(
            encoder=encoder, arm="none", training=settings, adversarial=AdversarialSettings(), seed=13, device=cpu
        ),
    )

    def logits(_: object) -> list[np.ndarray]:
        """All right in the first evaluation, one mention missing in the others."""
        gold = [tags.copy() for tags in part.word_tags]
        if fit.outcome.steps > 4:
            document = next(tags for tags in gold if tags.any())
            document[np.argmax(document.any(axis=1))] = 0
        return [np.eye(3, dtype=np.float32)[tags] * 9 for tags in gold]

    monkeypatch.setattr(fit, "logits", logits)
    outcome = fit.run(part, part, SILENT)
    assert (outcome.best_step, outcome.steps) == (16, 16)


@pytest.mark.slow
def test_the_matched_arm_makes_the_expected_passes_of_rat_as_plain_steps(run: Train, make_examples: Examples) -> None:
    settings = AdversarialSettings(probability=0.3)
    training = TrainingSettings(epochs=5, min_steps=1, batch_size=4)
    model = run(make_examples(16), training=training, adversarial=settings, arm="matched")
    assert model.summary["steps"] == model.summary["passes"] == round(5 * 4 * 1.3)
    assert model.summary["adversarial_steps"] == 0
    assert model.summary["tokens"] > run(make_examples(16), training=training, arm="none").summary["tokens"]
    # with few labels too, where the number of steps does not follow from the epochs
    few = training.model_copy(update={"min_steps": 50})
    assert run(make_examples(16), training=few, adversarial=settings, arm="matched").summary["steps"] == 65


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"attack": "pgd", "steps": 2, "norm": "linf", "epsilon": 0.1},
        {"attack": "freelb", "draw": "example", "schedule": "rising"},
        {"attack": "vat", "scope": "token", "unlabelled": 3, "draw": "example"},
    ],
    ids=lambda changes: changes["attack"],
)
def test_every_attack_gives_the_same_bits_for_the_same_call(
    run: Train, make_examples: Examples, tmp_path: Path, changes: dict[str, Any]
) -> None:
    adversarial = AdversarialSettings(**changes)
    pool = [e.document for e in make_examples(11)]
    models = [
        run(make_examples(12), adversarial=adversarial, unlabelled=documents, models_dir=tmp_path / name)
        for name, documents in (("a", pool), ("b", pool[::-1]))
    ]
    assert models[0].sha256 == models[1].sha256
    assert models[0].summary["adversarial_steps"] > 0
    plain = run(make_examples(12), arm="none", unlabelled=pool, adversarial=adversarial, models_dir=tmp_path / "c")
    assert plain.sha256 != models[0].sha256
    assert plain.summary["unlabelled_documents"] == 0
    takes_part = changes["attack"] == "vat"
    assert models[0].summary["unlabelled_documents"] == (11 if takes_part else 0)
    without = run(make_examples(12), adversarial=adversarial, models_dir=tmp_path / "d")
    assert (without.sha256 != models[0].sha256) == takes_part


def test_at_least_min_steps_are_made_with_few_labels(run: Train, make_examples: Examples) -> None:
    settings = TrainingSettings(epochs=2, min_steps=11, batch_size=4)
    assert run(make_examples(3), training=settings).summary["steps"] == 11
    assert run(make_examples(3), training=settings).summary["epochs"] == 11


def test_a_run_that_diverges_says_so(run: Train, make_examples: Examples, encoder: Encoder) -> None:
    # more than a settings file may ask for
    training = TrainingSettings(epochs=500, batch_size=4, learning_rate=0.99).model_copy(update={"weight_decay": 1e4})
    with pytest.raises(LearnerError, match="smaller learning_rate"):
        run(make_examples(4), training=training)


def test_progress_is_told_of_each_step(run: Train, make_examples: Examples) -> None:
    steps: list[int] = []

    class Bar(type(SilentProgress().bar(""))):  # type: ignore[misc]
        def advance(self, amount: int = 1) -> None:
            steps.append(amount)

    class Counting(SilentProgress):
        def bar(self, description: str, total: int | None = None, unit: str = "") -> Any:
            assert (description, total) == ("training rat", 4)
            return Bar()

    run(make_examples(4), progress=Counting())
    assert steps == [1, 1, 1, 1]


def test_each_window_comes_once_an_epoch_in_batches_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 300, 203).tolist()
    order = batch_order(lengths, 4, seed=13)
    epochs = [[next(order) for _ in range(51)] for _ in range(2)]
    for epoch in epochs:
        assert sorted(n for batch in epoch for n in batch) == list(range(203))
    assert epochs[0] != epochs[1]
    padded = sum(max(lengths[n] for n in batch) * len(batch) for batch in epochs[0])
    assert padded < 1.15 * sum(lengths)
    again = batch_order(lengths, 4, seed=13)
    assert [next(again) for _ in range(51)] == epochs[0]
    other = batch_order(lengths, 4, seed=14)
    assert [next(other) for _ in range(51)] != epochs[0]


def test_the_learning_rate_rises_then_falls_in_a_line() -> None:
    factors = [learning_rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == pytest.approx([(n + 1) / 11 for n in range(10)])
    assert factors[10] == 1.0
    assert factors[55] == pytest.approx(0.5)
    assert 0 < factors[99] < 0.02
    assert learning_rate_factor(0, 1, 0.0) == 1.0


def test_the_loss_of_every_batch_is_divided_by_the_same_number_of_words(
    encoder: Encoder, cpu: Device, make_examples: Examples
) -> None:
    rows = encode_part(make_examples(40), encoder.tokenizer, ["Chemical", "Disease"]).rows(62)
    usual = usual_words(rows, 4)
    assert usual == pytest.approx(4 * sum(int(row.words.sum()) for row in rows) / len(rows))
    network = TaggingNetwork(encoder.network(), 2).eval()
    by_hand = loss = 0.0
    for start in range(0, len(rows), 4):
        batch = make_batch(rows[start : start + 4], encoder.tokenizer, cpu, usual)
        assert float(batch.scored()) == pytest.approx(usual)
        with torch.inference_mode():
            logits = batch.scores(network)
        loss += float(batch.loss(logits))
        by_hand += float(tagging_loss(logits, batch.tags)) * int(batch.words.sum()) / usual
    assert loss == pytest.approx(by_hand, rel=1e-4)


def test_a_part_of_a_batch_is_divided_by_the_same_number_as_the_whole(
    encoder: Encoder, cpu: Device, make_examples: Examples
) -> None:
    rows = encode_part(make_examples(6), encoder.tokenizer, ["Chemical", "Disease"]).rows(62)
    whole = View(make_batch(rows, encoder.tokenizer, cpu, 10.0), (0,))
    network = TaggingNetwork(encoder.network(), 2).eval()
    first = np.arange(len(rows)) < 2
    with torch.inference_mode():
        parts = [
            float(view.loss(view.batch.scores(network), whole)) for view in (whole.take(first), whole.take(~first))
        ]
        assert sum(parts) == pytest.approx(float(whole.loss(whole.batch.scores(network), whole)), rel=1e-5)


def in_two_sentences(number: int) -> Example:
    """Return a text whose first sentence alone says whether "pain" in the second one is a mention."""
    drug = ("Aspirin", "Heparin")[number % 2]
    text = f"{drug} for {('days', 'low', 'dose')[number % 3]}. The pain."
    at = text.index("pain")
    return Example(Document(f"d{number}", text), () if number % 2 else (Entity("T1", "Disease", (Span(at, at + 4),)),))


@pytest.mark.slow
def test_what_only_another_sentence_says_is_learnt_with_document_context_alone(run: Train, cpu: Device) -> None:
    examples = [in_two_sentences(number) for number in range(12)]
    gold = {example.document.id: example.entities for example in examples}
    found = {}
    for context in ("sentence", "document"):
        settings = TrainingSettings(epochs=40, min_steps=200, batch_size=8, learning_rate=5e-3, context=context)
        model = run(examples, arm="none", training=settings)
        predictions = Tagger.load(model.folder, cpu).predict(example.document for example in examples)
        found[context] = score(gold, {one.document_id: one.entities for one in predictions}, LABELS).overall.f1
    assert found["document"] == 1.0
    assert found["sentence"] < 0.7


@pytest.mark.slow
def test_a_step_learns_from_about_as_many_sentences_whatever_the_context_is(run: Train, encoder: Encoder) -> None:
    examples = [
        Example(Document(f"d{number}", "The pain. The patient took aspirin. After days. Low dose."), ())
        for number in range(24)
    ]
    part = encode_part(examples, encoder.tokenizer, LABELS)
    for sentences, windows in ((4, 1), (8, 2), (9, 2), (1, 1)):
        assert part.windows_of(sentences, 62, "document") == windows
        assert part.windows_of(sentences, 62, "sentence") == sentences
    training = TrainingSettings(epochs=2, min_steps=1, batch_size=8, learning_rate=1e-3)
    in_context = training.model_copy(update={"context": "document"})
    made = [run(examples, arm="none", training=one).summary for one in (training, in_context)]
    assert [one["steps"] for one in made] == [24, 24]
    # unlabelled sentences count in windows too, so that matched makes as many passes as rat would
    adversarial = AdversarialSettings(attack="vat", unlabelled=16, probability=0.5)
    pool = [replace(example.document, id=f"p{example.document.id}") for example in examples]
    for one in (training, in_context):
        matched, always = (
            run(examples, arm=arm, training=one, adversarial=adversarial, unlabelled=pool).summary["passes"]
            for arm in ("matched", "at")
        )
        # half of the steps are adversarial, or all of them
        assert always / 24 - 1 == pytest.approx(2 * (matched / 24 - 1), rel=0.02)


def test_the_context_is_kept_with_the_model_and_without_it_models_are_as_they_were(
    run: Train, make_examples: Examples, cpu: Device
) -> None:
    older = QUICK.model_copy(update={"sentence_rules": 1})
    plain = run(make_examples(12), training=older)
    same = run(make_examples(12), training=older.model_copy(update={"context": "sentence"}))
    # every example is one sentence: the same windows and weights, and another model all the same
    other = run(make_examples(12), training=older.model_copy(update={"context": "document"}))
    assert plain.sha256 == same.sha256 != other.sha256
    assert other.summary["settings"]["training"]["context"] == "document"
    contexts = [read_model(model.folder)[2].context for model in (plain, other)]
    assert contexts == ["sentence", "document"]
    with safe_open(plain.folder / "model.safetensors", framework="pt") as file:
        stated = json.loads(file.metadata()["biorat_al"])
    assert set(stated) == {"format", "base", "labels", "temperature", "pad", "max_length", "offset"}
    assert Probe.load(other.folder, cpu).context == "document"


def test_the_sentence_rules_are_kept_with_the_model_and_decide_its_windows(run: Train, cpu: Device) -> None:
    # rules 1 take the "d" for an initial
    text = "The patient took aspirin for 5 d. Then low dose of heparin and pain."
    examples = [
        Example(Document(f"d{number}", text), (Entity("T1", "Chemical", (Span(17, 24),)),)) for number in range(8)
    ]
    made = [run(examples, training=QUICK.model_copy(update={"sentence_rules": rules})) for rules in (1, 2)]
    assert [read_model(model.folder)[2].sentence_rules for model in made] == [1, 2]
    assert [Probe.load(model.folder, cpu).sentence_rules for model in made] == [1, 2]
    # eight windows of one text each, or sixteen sentences
    assert [model.summary["epochs"] for model in made] == [2, 1]
