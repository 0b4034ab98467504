"""What a committee costs at prediction: time and memory against one model, in pairs.

Two models with heads drawn at random, saved as a project saves them, and their committee. In turns, each in a process
of its own: load, predict the same documents (text to mentions with confidences and uncertainties), and note the seconds
of loading and of predicting and the peak memory of the process. Reported are the medians over the pairs of the ratios
committee / one model.

    python benchmarks/committee_cost.py [--encoder minilm] [--limit 200] [--pairs 5] [--members 2] [--threads 2]

The target was at most as many times the time of one model as there are members, and at most 1.3 times its memory with
two members of the small encoder.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from prediction_speed import CORPUS, read_documents

from biorat_al.learner.committee.saved import Member, write_committee
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.encoder.saved_model import write_model
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour
from biorat_al.learner.predictor import Predictor


def save(encoder_name: str, members: int, folder: Path) -> tuple[Path, Path]:
    """Save models with other heads and their committee; return the folders of the first model and of the committee."""
    encoder = resolve_encoder(encoder_name)
    tokenizer = encoder.tokenizer
    behaviour = Behaviour(("Entity",), 1.0, tokenizer.pad, tokenizer.max_length)
    saved = []
    for number in range(members):
        network = TaggingNetwork(encoder.network(), 1)
        network.initialise_head(torch.Generator().manual_seed(number))
        with torch.no_grad():
            network.head.bias[0] = 1.5  # so that mentions are about as rare as in real predictions
        place, sha256 = write_model(folder, f"model{number}", network, tokenizer, behaviour, {})
        saved.append(Member("none", place.name, sha256))
    return folder / saved[0].version, write_committee(folder, "committee", saved, 1.0).folder


def child(folder: Path, limit: int, threads: int) -> None:
    """Load the model of a folder and predict; print seconds and peak memory as JSON."""
    torch.set_num_threads(threads)
    documents = read_documents([CORPUS] if CORPUS.is_file() else [], limit)
    began = time.perf_counter()
    predictor = Predictor.load(folder)
    loaded = time.perf_counter()
    mentions = sum(len(one.entities) for one in predictor.predict(documents))
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"load": loaded - began, "predict": ended - loaded, "memory": peak, "mentions": mentions}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm", help="as in a project's settings")
    parser.add_argument("--limit", type=int, default=200, help="documents to predict")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.limit, options.threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        folders = save(options.encoder, options.members, Path(folder))
        ratios: dict[str, list[float]] = {"load": [], "predict": [], "memory": []}
        for number in range(options.pairs):
            measured = {}
            # the order changes from pair to pair
            for place in folders if number % 2 else folders[::-1]:
                command = [sys.executable, __file__, "--child", str(place), "--limit", str(options.limit)]
                command += ["--threads", str(options.threads)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                measured[place] = json.loads(done.stdout.splitlines()[-1])
            one, committee = (measured[place] for place in folders)
            for name, values in ratios.items():
                values.append(committee[name] / one[name])
            print(json.dumps({"one": one, "committee": committee}), flush=True)
    for name, values in ratios.items():
        print(f"{name}: {statistics.median(values):.2f} times one model ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
