"""How fast the pool is predicted, against transformers' pipeline and against the bare network.

In turns, on the same documents and with the same weights:

- ours: Tagger.predict, from text to mentions with confidences and uncertainties;
- pipeline: transformers.pipeline("token-classification"), as it comes (32-bit floats), grouping word pieces to
  entities, at the batch size that is best here; texts beyond 512 word pieces go in overlapping pieces (stride 128);
- bare: the network alone over as many word pieces as ours reads, in batches of the same size without any padding.

Reported are the medians over the repetitions of the ratios within each repetition.

    python benchmarks/prediction_speed.py [--encoder minilm] [--documents FILE ...] [--limit 200] [--repetitions 5]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from biorat_al.corpus.model.document import Document
from biorat_al.corpus.reading import read_corpus
from biorat_al.learner.encoder.device import Device, pick_device
from biorat_al.learner.encoder.encoder import Encoder, quiet, resolve_encoder
from biorat_al.learner.encoder.saved_model import write_model
from biorat_al.learner.encoder.windows import batches
from biorat_al.learner.entities.encoding import windows
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour, read_model
from biorat_al.learner.entities.tagger import Tagger

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "ncbi_disease" / "NCBItrainset_corpus.txt"
BATCH_SIZES = (1, 4, 16, 32)
TARGETS = {"pipeline": 4.0, "bare": 0.95}


def read_documents(paths: Sequence[Path], limit: int) -> list[Document]:
    """Return the first documents of the files, or as many made-up ones where there is no file."""
    found: dict[str, Document] = {}
    for record in read_corpus(paths) if paths else ():
        found.setdefault(record.document.id, record.document)
        if len(found) == limit:
            break
    return list(found.values()) or made_up(limit)


def made_up(count: int) -> list[Document]:
    """Return texts with the lengths of abstracts: sentences of 8 to 40 words."""
    generator = random.Random(13)
    words = ["".join(generator.choices("aeioulmnrst", k=generator.randint(2, 10))) for _ in range(3000)]
    documents = []
    for number in range(count):
        sentences = [
            " ".join(generator.choices(words, k=generator.randint(8, 40))).capitalize() + "."
            for _ in range(generator.randint(4, 14))
        ]
        documents.append(Document(str(number), " ".join(sentences)))
    return documents


def save_both(encoder: Encoder, folder: Path) -> tuple[Path, Path]:
    """Return the same network, with a head drawn at random, as our model and as one of transformers' own."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    network = TaggingNetwork(encoder.network(), 1)
    network.initialise_head(torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.head.bias[0] = 1.5  # so that mentions are about as rare as in real predictions
    tokenizer = encoder.tokenizer
    behaviour = Behaviour(("Entity",), 1.0, tokenizer.pad, tokenizer.max_length)
    ours, _ = write_model(folder, "benchmark", network, tokenizer, behaviour, {})
    with quiet():
        theirs = AutoModelForTokenClassification.from_pretrained(encoder.source, num_labels=3)
        theirs.config.id2label = {0: "O", 1: "B-Entity", 2: "I-Entity"}
        theirs.config.label2id = {label: number for number, label in theirs.config.id2label.items()}
        theirs.classifier.load_state_dict(network.head.state_dict())
        theirs.save_pretrained(folder / "theirs")
        AutoTokenizer.from_pretrained(encoder.source).save_pretrained(folder / "theirs")
    return ours, folder / "theirs"


def make_pipeline(folder: Path, device: Device) -> Callable[[list[str], int], Any]:
    from transformers import AutoTokenizer, pipeline

    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=512)
        tagger = pipeline(
            "token-classification",
            str(folder),
            tokenizer=tokenizer,
            device=device.name,
            aggregation_strategy="simple",
            stride=128,
        )
    return lambda texts, batch_size: tagger(texts, batch_size=batch_size)


def make_bare(folder: Path, documents: Sequence[Document], device: Device) -> tuple[Callable[[], None], int]:
    """The network alone: batches as ours makes them, each as wide as the mean of its windows; and their size."""
    network, tokenizer, _ = read_model(folder)
    network.to(device.name, device.dtype).eval()
    cut = windows(tokenizer([document.text for document in documents]), tokenizer.window_length)
    generator = torch.Generator().manual_seed(0)
    vocabulary = network.word_embedding.num_embeddings
    special = len(tokenizer.before) + len(tokenizer.after)
    inputs = []
    for members in batches(cut, device.batch_tokens):
        width = round(sum(len(cut[n]) + special for n in members) / len(members))
        ids = torch.randint(vocabulary, (len(members), width), generator=generator)
        inputs.append(ids.to(device.name))

    def run() -> None:
        with torch.inference_mode():
            for ids in inputs:
                network(ids, None).cpu()

    return run, sum(ids.numel() for ids in inputs)


def seconds(call: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    call()
    return clock() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--documents", type=Path, nargs="*", default=[CORPUS] if CORPUS.is_file() else [])
    parser.add_argument("--limit", type=int, default=200, help="documents to predict")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of torch on a CPU; all cores unless given")
    parser.add_argument("--processor-time", action="store_true", help="not of the clock; on a busy machine, one thread")
    parser.add_argument("--no-pipeline", action="store_true", help="against the bare network alone")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    clock = time.process_time if options.processor_time else time.perf_counter
    device = pick_device()
    documents = read_documents(options.documents, options.limit)
    texts = [document.text for document in documents]
    encoder = resolve_encoder(options.encoder)
    pieces = sum(encoder.count_tokens(texts))
    with tempfile.TemporaryDirectory() as folder:
        ours_folder, theirs_folder = save_both(encoder, Path(folder))
        tagger = Tagger.load(ours_folder, device)
        pipeline = None if options.no_pipeline else make_pipeline(theirs_folder, device)
        bare, bare_pieces = make_bare(ours_folder, documents, device)
    sample = texts[:: max(1, len(texts) // 32)]
    best = None
    if pipeline:
        pipeline(sample[:4], 1)
        best = min(BATCH_SIZES, key=lambda size: min(seconds(lambda: pipeline(sample, size)) for _ in range(2)))
    list(tagger.predict(documents[:20]))
    bare()
    runs = []
    for _ in range(options.repetitions):
        run = {"ours": seconds(lambda: list(tagger.predict(documents)), clock), "bare": seconds(bare, clock)}
        if pipeline and best:
            run["pipeline"] = seconds(lambda: pipeline(texts, best), clock)
        runs.append(run)
        if not options.json:
            print("  ".join(f"{name} {pieces / value:,.0f} word pieces/s" for name, value in run.items()), flush=True)
    ratios = {name: [run[name] / run["ours"] for run in runs] for name in runs[0] if name != "ours"}
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    if options.json:
        report = {
            "encoder": encoder.name,
            "device": device.name,
            "dtype": str(device.dtype),
            "threads": torch.get_num_threads(),
            "documents": len(documents),
            "word_pieces": pieces,
            "word_pieces_with_special_tokens": bare_pieces,
            "pipeline_batch_size": best,
            "seconds": runs,
            "ratios": medians,
            "targets": TARGETS,
        }
        print(json.dumps(report, indent=2))
        return
    print(f"{len(documents)} documents, {pieces} word pieces, {encoder.name} on {device.name}, {device.dtype}")
    means = {
        "pipeline": f"times as fast as the pipeline at batch size {best}",
        "bare": "of the bare network without padding",
    }
    for name, values in ratios.items():
        print(f"{medians[name]:.2f} {means[name]} ({min(values):.2f} to {max(values):.2f}; wanted: {TARGETS[name]})")


if __name__ == "__main__":
    main()
