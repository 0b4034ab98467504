"""Checks and measures the learner on one GPU, in less than eight minutes: does it work there, and how fast is it?

    python benchmarks/gpu/measure.py [--output FILE] [--device cuda] [--shape base] [--seconds 420]

It needs torch, transformers, tokenizers, safetensors, numpy and what README.md names, and no network: the encoder has
PubMedBERT's shape with random weights, the abstracts are made up. README.md in this folder says how to read the table.
`--device cpu --shape tiny` tries the script itself. A part that fails is told and does not stop the others; the script
exits with 1 if any check failed. Parts that no longer fit into `--seconds` are left out, and named.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from encoder_shape import LABEL, SHAPES, TREATS, made_up_examples, made_up_relations, write_encoder  # noqa: E402
from prediction_speed import make_bare, make_pipeline, save_both  # noqa: E402

from biorat_al.learner.encoder.device import Device, pick_device  # noqa: E402
from biorat_al.learner.encoder.encoder import Encoder, resolve_encoder  # noqa: E402
from biorat_al.learner.encoder.memory import PeakMemory  # noqa: E402
from biorat_al.learner.entities.batching import Row, batch_order, encode_part, make_batch  # noqa: E402
from biorat_al.learner.entities.fitting import Fit  # noqa: E402
from biorat_al.learner.entities.inference import document_logits  # noqa: E402
from biorat_al.learner.entities.network import TaggingNetwork  # noqa: E402
from biorat_al.learner.entities.probe import Probe  # noqa: E402
from biorat_al.learner.entities.saved_tagger import read_model  # noqa: E402
from biorat_al.learner.entities.scoring import score  # noqa: E402
from biorat_al.learner.entities.tagger import Tagger  # noqa: E402
from biorat_al.learner.entities.training import train  # noqa: E402
from biorat_al.learner.relations.prediction import RelationExtractor  # noqa: E402
from biorat_al.learner.relations.scoring import score_relations  # noqa: E402
from biorat_al.learner.relations.training import train_relations  # noqa: E402
from biorat_al.learner.training.embedding_tap import EmbeddingTap  # noqa: E402
from biorat_al.learner.training.job import TrainingJob  # noqa: E402
from biorat_al.learner.types import Example  # noqa: E402
from biorat_al.settings import AdversarialSettings, Arm, RelationSettings, TrainingSettings  # noqa: E402

AGREEMENT = 1e-3
"""Largest difference between the logits of CPU and GPU in 32-bit floats that counts as the same result."""

AGREEMENT_BF16 = 0.1
"""Likewise of bf16 on the GPU, relative to the spread of the logits."""

AGREEMENT_PROBE = 0.05
"""Likewise of what strategies ask for (embeddings, gradients), relative to its spread over documents."""

PICKS = 20


@dataclass
class Run:
    """One run of the script: where it runs, what it works on, and what it found.

    :param results: figures by part; a part that failed has ``error``.
    """

    device: Device
    encoder: Encoder
    examples: Sequence[Example]
    folder: Path
    repetitions: int
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def check(self, what: str, holds: bool) -> bool:
        """Note a check that failed; return whether it held."""
        if not holds:
            self.failed.append(what)
        return holds

    def synchronise(self) -> None:
        """Wait until the device has done what it was asked for, so that a clock tells the truth."""
        if self.device.kind == "cuda":
            torch.cuda.synchronize(self.device.name)

    def seconds(self, call: Callable[[], Any]) -> float:
        """Time a call, device included."""
        self.synchronise()
        began = time.perf_counter()
        call()
        self.synchronise()
        return time.perf_counter() - began


def environment(run: Run) -> dict[str, Any]:
    """Say what machine this is."""
    about: dict[str, Any] = {
        "device": run.device.name,
        "bf16": run.device.bf16,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if run.device.kind == "cuda":
        properties = torch.cuda.get_device_properties(run.device.name)
        about |= {"gpu": properties.name, "memory_gib": round(properties.total_memory / 2**30, 1)}
    return about


def agreement(run: Run) -> dict[str, Any]:
    """Compare the logits of one network on the CPU and on the device."""
    texts = [example.document.text for example in run.examples[:16]]
    network = TaggingNetwork(run.encoder.network(), 1)
    network.initialise_head(torch.Generator().manual_seed(0))
    tokenizer = run.encoder.tokenizer
    pieces = tokenizer(texts)

    def logits(device: Device) -> np.ndarray[Any, Any]:
        network.to(device.name, device.dtype).eval()
        return np.concatenate(document_logits(network, pieces, tokenizer, device))

    expected = logits(Device("cpu", bf16=False))
    spread = float(expected.std())
    in_floats = float(np.abs(logits(Device(run.device.name, bf16=False)) - expected).max())
    found = {"largest_difference_fp32": in_floats, "spread_of_logits": spread}
    run.check(f"logits in 32-bit floats agree with the CPU's to {AGREEMENT}", in_floats <= AGREEMENT)
    if run.device.bf16:
        difference = float(np.abs(logits(run.device) - expected).max()) / spread
        found["largest_difference_bf16_in_spreads"] = difference
        run.check(f"logits in bf16 agree with the CPU's to {AGREEMENT_BF16} spreads", difference <= AGREEMENT_BF16)
    return found


def learning(run: Run) -> dict[str, Any]:
    """Train each arm from end to end; the names must be learnt, and the same seed must give the same picks twice."""
    learn, test, pool = run.examples[:40], run.examples[40:60], run.examples[60:160]
    found: dict[str, Any] = {}
    for arm in ("none", "rat", "at", "matched"):
        taggers = [_trained(run, arm, learn, turn) for turn in range(2 if arm in ("none", "rat") else 1)]
        gold = {example.document.id: example.entities for example in test}
        proposed = {one.document_id: one.entities for one in taggers[0].predict([one.document for one in test])}
        f1 = score(gold, proposed, [LABEL]).overall.f1
        found[f"f1_{arm}"] = round(f1, 3)
        run.check(f"{arm} learns names that always mean the same (F1 above 0.5)", f1 > 0.5)
        if len(taggers) == 2:
            picks = [_picks(tagger, pool) for tagger in taggers]
            found[f"same_picks_{arm}"] = run.check(f"{arm}: the same seed gives the same picks", picks[0] == picks[1])
            found[f"same_weights_{arm}"] = _weights(taggers[0]) == _weights(taggers[1])
    return found


def _trained(run: Run, arm: Arm, examples: Sequence[Example], turn: int) -> Tagger:
    settings = TrainingSettings(epochs=20, learning_rate=None if run.device.kind == "cuda" else 1e-3)
    model = train(
        examples,
        _job(run, arm, settings),
        labels=[LABEL],
        models_dir=run.folder / f"{arm}-{turn}",
        prefix="gpu",
    )
    return Tagger.load(model.folder, run.device)


def _job(run: Run, arm: Arm, settings: TrainingSettings) -> TrainingJob:
    return TrainingJob(
        encoder=run.encoder, arm=arm, training=settings, adversarial=AdversarialSettings(), seed=13, device=run.device
    )


def relations(run: Run) -> dict[str, Any]:
    """Train relation models; relations must be learnt, and a CPU must find nearly the same ones."""
    examples = made_up_relations(80)
    learn, test = examples[:60], {example.document.id: example for example in examples[60:]}
    rate = None if run.device.kind == "cuda" else 3e-3
    settings = RelationSettings(epochs=20, max_length=48, learning_rate=rate)
    found: dict[str, Any] = {}

    def said(folder: Path, device: Device) -> dict[str, Any]:
        extractor = RelationExtractor.load(folder, device)
        items = ((example.document, example.entities) for example in test.values())
        return {one.document_id: one.relations for one in extractor.predict(items)}

    for arm in ("none", "rat"):
        folder = run.folder / f"relations-{arm}"
        folder.mkdir()
        train_relations(learn, _job(run, arm, TrainingSettings()), types=[TREATS], relations=settings, folder=folder)
        ours = said(folder, run.device)
        answers = {key: (test[key].entities, proposed) for key, proposed in ours.items()}
        f1 = score_relations(test, answers, [TREATS], "mention").overall.f1
        found[f"f1_{arm}"] = round(f1, 3)
        run.check(f"relations: {arm} learns those that one word tells (F1 above 0.5)", f1 > 0.5)
        theirs = said(folder, Device("cpu", bf16=False))
        ends = [[{(one.label, one.head, one.tail) for one in made[key]} for key in test] for made in (ours, theirs)]
        same = sum(mine == other for mine, other in zip(*ends, strict=True)) / len(test)
        found[f"same_relations_{arm}"] = same
        run.check(f"relations: at least 9 of 10 documents get the same ones on the CPU ({arm})", same >= 0.9)
    return found


def choosing(run: Run) -> dict[str, Any]:
    """Compare what query strategies ask of a model on the CPU and on the device, in 32-bit floats."""
    documents = [example.document for example in run.examples[:16]]
    folder, _ = save_both(run.encoder, run.folder / "choosing")
    probes = [Probe.load(folder, Device(name, bf16=False)) for name in ("cpu", run.device.name)]
    found: dict[str, Any] = {}
    asked: dict[str, Callable[[Probe], np.ndarray[Any, Any]]] = {
        "embedding": lambda probe: probe.embedding(documents),
        "gradient": lambda probe: probe.gradient(documents),
        "sensitivity": lambda probe: probe.sensitivity(documents, settings=AdversarialSettings()),
    }
    for name, ask in asked.items():
        expected, on_device = (ask(probe) for probe in probes)
        difference = float(np.abs(on_device - expected).max()) / max(float(expected.std()), 1e-6)
        found[f"{name}_difference_in_spreads"] = difference
        run.check(f"{name}: CPU and device agree to {AGREEMENT_PROBE} spreads", difference <= AGREEMENT_PROBE)
    twice = [probes[1].disagreement(documents, passes=4, seed=7) for _ in range(2)]
    found["disagreement_twice"] = float(np.abs(twice[1] - twice[0]).max())
    # other masks would differ by about the spread itself
    held = found["disagreement_twice"] <= AGREEMENT_PROBE * max(float(twice[0].std()), 1e-6)
    run.check("the same seed drops the same units twice", held)
    return found


def _picks(tagger: Tagger, pool: Sequence[Example]) -> list[str]:
    """Return the documents of which the model is least sure, as `mnlp` picks them."""
    unsure = {one.document_id: one.uncertainty.mnlp for one in tagger.predict([one.document for one in pool])}
    return sorted(unsure, key=lambda ident: (-unsure[ident], ident))[:PICKS]


def _weights(tagger: Tagger) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tagger._network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()


def training(run: Run) -> dict[str, Any]:
    """Time epochs of each arm in turns, from the same start; word pieces of text a second, and peak memory."""
    part = encode_part(run.examples, run.encoder.tokenizer, [LABEL])
    rows = part.rows(run.encoder.tokenizer.window_length)
    pieces = sum(len(row.ids) for row in rows)
    seconds: dict[str, list[float]] = {arm: [] for arm in ("none", "rat", "at")}
    memory: dict[str, int] = {}
    steps = -(-len(rows) // TrainingSettings().batch_size)
    for repetition in range(run.repetitions + 1):
        for arm, found in seconds.items():
            peak = PeakMemory(run.device)
            took = _epoch(run, rows, steps, arm, seed=repetition)
            memory[arm] = peak.bytes()
            if repetition:  # the first turn warms up
                found.append(took)
    ratios = {
        arm: [mine / plain for mine, plain in zip(seconds[arm], seconds["none"], strict=True)] for arm in ("rat", "at")
    }
    return {
        "windows": len(rows),
        "step_ms": {arm: round(1000 * statistics.median(found) / steps, 2) for arm, found in seconds.items()},
        "word_pieces_per_second": {arm: round(pieces / statistics.median(found)) for arm, found in seconds.items()},
        **{f"{arm}_over_none": round(statistics.median(found), 3) for arm, found in ratios.items()},
        "peak_memory_mib": {arm: round(found / 2**20) for arm, found in memory.items()},
    }


def _epoch(run: Run, rows: list[Row], steps: int, arm: Arm, seed: int) -> float:
    device, tokenizer = run.device, run.encoder.tokenizer
    network = TaggingNetwork(run.encoder.network(device.training_attention), 1).to(device.name)
    network.initialise_head(torch.Generator().manual_seed(0))
    fit = Fit(
        network,
        [LABEL],
        TrainingJob(
            encoder=run.encoder,
            arm=arm,
            training=TrainingSettings(),
            adversarial=AdversarialSettings(),
            seed=seed,
            device=device,
        ),
    )
    order = batch_order([len(row.ids) for row in rows], TrainingSettings().batch_size, seed)
    network.train()
    with EmbeddingTap(network.word_embedding) as tap:

        def step(done: float) -> None:
            fit.step(make_batch([rows[n] for n in next(order)], tokenizer, device), tap, done)

        step(0.5)  # the optimizer takes its memory in the first step
        return run.seconds(lambda: [step((number + 0.5) / steps) for number in range(steps)])


def prediction(run: Run) -> dict[str, Any]:
    """Time in turns: the prediction of the pool, the network alone on as many word pieces, transformers' pipeline."""
    documents = [example.document for example in run.examples]
    texts = [document.text for document in documents]
    pieces = sum(run.encoder.count_tokens(texts))
    ours_folder, theirs_folder = save_both(run.encoder, run.folder / "prediction")
    tagger, pipeline = Tagger.load(ours_folder, run.device), make_pipeline(theirs_folder, run.device)
    bare, _ = make_bare(ours_folder, documents, run.device)
    calls = {
        "ours": lambda: list(tagger.predict(documents)),
        "bare": bare,
        "pipeline": lambda: pipeline(texts, 32),
    }
    peak = PeakMemory(run.device)
    list(tagger.predict(documents[:64]))
    bare()
    pipeline(texts[:32], 32)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(run.repetitions):
        for name, call in calls.items():
            seconds[name].append(run.seconds(call))
    ratio = {
        name: statistics.median(theirs / ours for theirs, ours in zip(seconds[name], seconds["ours"], strict=True))
        for name in ("bare", "pipeline")
    }
    return {
        "documents": len(documents),
        "word_pieces_per_second": {name: round(pieces / statistics.median(took)) for name, took in seconds.items()},
        "of_the_bare_network": round(ratio["bare"], 3),
        "times_the_pipeline": round(ratio["pipeline"], 2),
        "peak_memory_mib": round(peak.bytes() / 2**20),
    }


def saved_model(run: Run) -> dict[str, Any]:
    """Check that a model trained on the device can be read and used on a CPU."""
    folder = next((run.folder / "none-0").iterdir())
    network, *_ = read_model(folder)
    on_device = Tagger.load(folder, run.device)
    on_cpu = Tagger.load(folder, Device("cpu", bf16=False))
    documents = [example.document for example in run.examples[40:60]]
    ours = [[(one.label, one.spans) for one in found.entities] for found in on_device.predict(documents)]
    theirs = [[(one.label, one.spans) for one in found.entities] for found in on_cpu.predict(documents)]
    same = sum(mine == other for mine, other in zip(ours, theirs, strict=True)) / len(documents)
    run.check("at least 9 of 10 documents get the same mentions on the CPU", same >= 0.9)
    return {"parameters": sum(one.numel() for one in network.parameters()), "documents_with_the_same_mentions": same}


PARTS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "environment": environment,
    "agreement": agreement,
    "learning": learning,
    "saved_model": saved_model,
    "relations": relations,
    "choosing": choosing,
    "training": training,
    "prediction": prediction,
}
"""What is done, in this order: whether it works comes before how fast it is."""


def make_run(device: str | None, shape: str, documents: int, repetitions: int, folder: Path) -> Run:
    """Make the encoder and the abstracts."""
    encoder = resolve_encoder(str(write_encoder(folder / "encoder", shape)))
    return Run(pick_device(device), encoder, made_up_examples(documents), folder, repetitions)


def measure(run: Run, names: Sequence[str], limit: float) -> None:
    """Do those of the parts that can be begun within `limit` seconds."""
    began = time.monotonic()
    for name in names:
        part = PARTS[name]
        if time.monotonic() - began > limit:
            run.results[name] = {"left_out": "out of time"}
            continue
        started = time.monotonic()
        try:
            found = part(run)
        except Exception as error:  # the other parts are worth their time
            traceback.print_exc()
            run.failed.append(f"{name}: {type(error).__name__}: {error}")
            found = {"error": f"{type(error).__name__}: {error}"}
        run.results[name] = {**found, "seconds": round(time.monotonic() - started, 1)}
        print(table(name, run.results[name]), flush=True)


def table(name: str, found: dict[str, Any]) -> str:
    """Return the figures of a part as lines."""
    lines = [name]
    for key, value in found.items():
        shown = ", ".join(f"{inner} {figure}" for inner, figure in value.items()) if isinstance(value, dict) else value
        lines.append(f"  {key:<38}{shown}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="as in BIORAT_DEVICE; the best there is unless given")
    parser.add_argument("--shape", choices=SHAPES, default="base")
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=420, help="no part is begun after so long")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--output", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    if "learning" in options.parts and options.documents < 160:
        parser.error("--documents: 160 at least (40 to learn from, 20 to test on, 100 as the pool)")
    if "saved_model" in options.parts and "learning" not in options.parts:
        parser.error("--parts: saved_model looks at a model that learning trains")
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(options.device, options.shape, options.documents, options.repetitions, Path(folder))
        measure(run, options.parts, options.seconds)
    print("all checks held" if not run.failed else "failed:\n  " + "\n  ".join(run.failed))
    if options.output:
        report = {"shape": options.shape, "results": run.results, "failed": run.failed}
        options.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if run.failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
