from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from biorat_al.corpus.sentences import NEWEST_RULES
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder import saved_model as module
from biorat_al.learner.encoder.encoder import Encoder
from biorat_al.learner.encoder.saved_model import remove_leftovers, sha256_of, write_model
from biorat_al.learner.entities.network import TaggingNetwork
from biorat_al.learner.entities.saved_tagger import Behaviour, read_model


@pytest.fixture
def network(encoder: Encoder) -> TaggingNetwork:
    network = TaggingNetwork(encoder.network(), 2)
    network.initialise_head(torch.Generator().manual_seed(0))
    return network.eval()


def write(
    models: Path, network: TaggingNetwork, encoder: Encoder, temperature: float = 1.5, prefix: str = "p-r1-rat"
) -> Path:
    behaviour = Behaviour(("Chemical", "Disease"), temperature, encoder.tokenizer.pad, encoder.tokenizer.max_length)
    return write_model(models, prefix, network, encoder.tokenizer, behaviour, {"summary": {"steps": 3}})[0]


def test_it_is_safetensors_and_json_and_its_name_is_the_weights_hash(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder
) -> None:
    folder = write(tmp_path, network, encoder)
    sha256 = sha256_of(folder / "model.safetensors")
    assert folder.name == f"p-r1-rat-{sha256[:10]}"
    names = {"config.json", "model.safetensors", "tokenizer.json", "training.json"}
    assert {path.name for path in folder.iterdir()} == names
    record = json.loads((folder / "training.json").read_text())
    assert record == {"sha256": sha256, "summary": {"steps": 3}}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_it_loads_alone_to_the_same_network(tmp_path: Path, network: TaggingNetwork, encoder: Encoder) -> None:
    again, tokenizer, behaviour = read_model(write(tmp_path, network, encoder))
    assert behaviour == Behaviour(("Chemical", "Disease"), 1.5, 0, 64)
    assert tokenizer.to_json() == encoder.tokenizer.to_json()
    ids = torch.tensor([[2, 5, 6, 7, 3]])
    with torch.inference_mode():
        assert torch.equal(again.eval()(ids, None), network(ids, None))


def test_transformers_loads_it_as_an_encoder(tmp_path: Path, network: TaggingNetwork, encoder: Encoder) -> None:
    from transformers import AutoModel

    loaded = AutoModel.from_pretrained(write(tmp_path, network, encoder))
    assert torch.equal(loaded.get_input_embeddings().weight, network.word_embedding.weight)


@pytest.mark.slow
def test_the_same_model_is_the_same_file_in_every_process(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder, encoder_folder: Path
) -> None:
    code = f"""
import torch
from pathlib import Path
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.encoder.saved_model import write_model
from biorat_al.learner.entities.saved_tagger import Behaviour
from biorat_al.learner.entities.network import TaggingNetwork
encoder = resolve_encoder({str(encoder_folder)!r})
network = TaggingNetwork(encoder.network(), 2)
network.initialise_head(torch.Generator().manual_seed(0))
behaviour = Behaviour(("Chemical", "Disease"), 1.5, encoder.tokenizer.pad, encoder.tokenizer.max_length)
print(write_model(Path({str(tmp_path)!r}), "p-r1-rat", network, encoder.tokenizer, behaviour, {{}})[0].name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == write(tmp_path, network, encoder).name


def test_what_decides_the_predictions_decides_the_name(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder
) -> None:
    names = {write(tmp_path, network, encoder).name, write(tmp_path, network, encoder, temperature=1.6).name}
    with torch.no_grad():
        network.head.bias[0] += 1e-4
    names.add(write(tmp_path, network, encoder).name)
    assert len(names) == 3


def test_a_context_that_this_version_does_not_know_is_refused(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder
) -> None:
    behaviour = Behaviour(("Chemical", "Disease"), 1.0, 0, 64, context="paragraph")  # type: ignore[arg-type]
    folder, _ = write_model(tmp_path, "p", network, encoder.tokenizer, behaviour, {})
    with pytest.raises(LearnerError, match="its windows are 'paragraph'"):
        read_model(folder)


def test_sentence_rules_that_this_version_does_not_know_are_refused(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder
) -> None:
    behaviour = Behaviour(("Chemical", "Disease"), 1.0, 0, 64, sentence_rules=NEWEST_RULES + 1)
    folder, _ = write_model(tmp_path, "p", network, encoder.tokenizer, behaviour, {})
    with pytest.raises(LearnerError, match="its sentences are cut by rules 3, unknown to this version"):
        read_model(folder)


def test_a_model_that_is_there_is_kept_and_a_damaged_one_replaced(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder
) -> None:
    folder = write(tmp_path, network, encoder)
    (folder / "mark").touch()
    assert write(tmp_path, network, encoder) == folder
    assert (folder / "mark").exists()
    (folder / "model.safetensors").write_bytes(b"cut off")
    assert write(tmp_path, network, encoder) == folder
    assert not (folder / "mark").exists()
    read_model(folder)


@pytest.mark.slow
def test_a_write_beyond_the_limit_leaves_nothing(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder, encoder_folder: Path
) -> None:
    # the kernel's own limit on file size, in a process of its own: a real failed write
    pytest.importorskip("resource", reason="this system has no limit on file size")
    code = f"""
import resource, torch
from pathlib import Path
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.learner.encoder.saved_model import write_model
from biorat_al.learner.entities.saved_tagger import Behaviour
from biorat_al.learner.entities.network import TaggingNetwork
encoder = resolve_encoder({str(encoder_folder)!r})
network = TaggingNetwork(encoder.network(), 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_model(Path({str(tmp_path)!r}), "p", network, encoder.tokenizer, Behaviour(("D",), 1.0, 0, 64), {{}})
except LearnerError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert re.match(r"the model of \d+ kB cannot be written to .*: a file may not become that large", done.stdout)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, r"the disk is full: .* are free at /.*; make room there"),
        (errno.EDQUOT, r"your quota on the disk at /.* is used up"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_a_failed_write_is_told_in_words_and_leaves_nothing(
    tmp_path: Path,
    network: TaggingNetwork,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    message: str,
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
    with pytest.raises(LearnerError, match=message):
        write(tmp_path, network, encoder)
    assert list(tmp_path.iterdir()) == []


def test_a_stop_in_the_middle_leaves_nothing(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, network, encoder)
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_dead_processes_are_removed_and_nothing_else(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait(timeout=60)
    for name in (f".partial-p-r1-rat-{dead.pid}", f".partial-p-r1-rat-{os.getppid()}", "p-r1-rat-0123456789"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").touch()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f".partial-p-r1-rat-{os.getppid()}", "p-r1-rat-0123456789"}
    remove_leftovers(tmp_path / "not there")


def test_a_model_that_is_not_whole_is_refused(tmp_path: Path, network: TaggingNetwork, encoder: Encoder) -> None:
    folder = write(tmp_path, network, encoder)
    weights, config = (folder / name for name in ("model.safetensors", "config.json"))
    content, text = weights.read_bytes(), config.read_text()

    config.write_text(text.replace('"hidden_act": "gelu"', '"hidden_act": "relu"'))
    with pytest.raises(LearnerError, match=r"config\.json or tokenizer\.json was changed"):
        read_model(folder)
    config.write_text(text)
    for broken in (content[:1000], b"", content.replace(b"tagging_head.bias", b"tagging_head.size")):
        weights.write_bytes(broken)
        with pytest.raises(LearnerError, match="damaged"):
            read_model(folder)
    missing = content.replace(b"encoder.layer.1.output.dense.bias", b"encoder.layer.1.output.dense.size")
    assert missing != content
    weights.write_bytes(missing)
    with pytest.raises(LearnerError, match=r"encoder\.layer\.1\.output\.dense\.bias is missing"):
        read_model(folder)
    weights.unlink()
    with pytest.raises(LearnerError, match=r"model\.safetensors is missing"):
        read_model(folder)
    with pytest.raises(LearnerError, match="is not a complete model"):
        read_model(tmp_path / "nowhere")


def test_a_model_of_another_format_is_refused(
    tmp_path: Path, network: TaggingNetwork, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FORMAT", 2)
    folder = write(tmp_path, network, encoder)
    monkeypatch.undo()
    with pytest.raises(LearnerError, match="another version of the program"):
        read_model(folder)
