"""The folder of a trained model: safetensors and JSON, complete in itself, never a pickle.

``model.safetensors`` holds the weights. Its header holds everything else that affects predictions (labels, temperature,
a digest of configuration and tokenizer), so its sha256 identifies the model's behaviour. ``config.json`` is the
encoder's configuration in transformers' format, ``tokenizer.json`` the tokenizer, ``training.json`` the record of the
training. transformers' Auto classes load the folder as an encoder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from biorat_al.claims import is_alive
from biorat_al.disk import cause, size
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.encoder import quiet, without_pooler
from biorat_al.learner.encoder.head import EncoderNetwork
from biorat_al.learner.encoder.tokenizing import Tokenizer
from biorat_al.settings import without_later

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from transformers import PreTrainedModel

WEIGHTS, CONFIG, TOKENIZER, TRAINING = "model.safetensors", "config.json", "tokenizer.json", "training.json"
_FORMAT = 1
_PARTIAL = ".partial-"
_METADATA = "biorat_al"


class Contents(NamedTuple):
    """The contents of a model's folder.

    :param base: the encoder, in 32-bit floats on the CPU.
    :param head: the tensors of the head, by name.
    :param behaviour: as given to :func:`write_model` (JSON values).
    """

    base: PreTrainedModel
    head: dict[str, torch.Tensor]
    tokenizer: Tokenizer
    behaviour: dict[str, Any]


def write_model(
    models_dir: Path,
    prefix: str,
    network: EncoderNetwork,
    tokenizer: Tokenizer,
    behaviour: DataclassInstance,
    training: Mapping[str, Any],
) -> tuple[Path, str]:
    """Save a model as ``<prefix>-<first ten digits of the weights' sha256>``.

    It is written under a temporary name, flushed to the disk and renamed. If the very same model already exists, byte
    for byte, it is kept.

    :param behaviour: what affects predictions besides the weights: JSON values, ``pad`` and ``max_length`` included.
    :param training: the record of the training (JSON values).
    :returns: the folder, and the sha256 of its weights file.
    :raises LearnerError: the disk is full or cannot be written to; no half model is left behind.
    """
    config, pieces = network.base.config.to_json_string(use_diff=False), tokenizer.to_json()
    base = hashlib.sha256(f"{config}\n{pieces}".encode()).hexdigest()
    header, weights = _weights_file(network, {"format": _FORMAT, "base": base, **without_later(asdict(behaviour))})
    digest = hashlib.sha256(header)
    digest.update(weights)
    sha256 = digest.hexdigest()
    folder = models_dir / f"{prefix}-{sha256[:10]}"
    if is_intact(folder, sha256):
        return folder, sha256
    # a folder that exists is damaged; an intact one was returned above
    with placing(folder, f"the model of {size(len(weights))}") as partial:
        write_flushed(partial / WEIGHTS, header, weights)
        write_flushed(partial / CONFIG, config.encode())
        write_flushed(partial / TOKENIZER, pieces.encode())
        record = json.dumps({**training, "sha256": sha256}, indent=2, sort_keys=True)
        write_flushed(partial / TRAINING, record.encode())
    return folder, sha256


@contextmanager
def placing(folder: Path, what: str) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` to fill with flushed files; on success put it in the place of `folder`.

    :param what: what is in it, for the error.
    :raises LearnerError: the disk is full or cannot be written to; no half folder is left behind.
    """
    models_dir = folder.parent
    partial = models_dir / f"{_PARTIAL}{folder.name}-{os.getpid()}"
    try:
        partial.mkdir(parents=True)
        yield partial
        _sync_folder(partial)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
        _sync_folder(models_dir)
    except OSError as error:
        raise LearnerError(f"{what} cannot be written to {models_dir}: {cause(error, models_dir)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_leftovers(models_dir: Path) -> None:
    """Remove half-written models of killed runs; those of living processes stay."""
    if not models_dir.is_dir():
        return
    for path in models_dir.glob(f"{_PARTIAL}*"):
        process = path.name.rpartition("-")[2]
        if not process.isdecimal() or int(process) == os.getpid() or not is_alive(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def read_contents(folder: Path, network: type[EncoderNetwork]) -> Contents:
    """Read a model's folder.

    :param network: the class whose head the folder must hold.
    :raises LearnerError: the folder does not exist, or is not a complete model of a known format.
    """
    from tokenizers import Tokenizer as Backend
    from transformers import AutoModel

    for name in (WEIGHTS, CONFIG, TOKENIZER):
        if not (folder / name).is_file():
            raise LearnerError(f"{folder} is not a complete model: {name} is missing; train it again")
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            values = json.loads((file.metadata() or {})[_METADATA])
            head = {name: file.get_tensor(f"{network.kind}.{name}") for name in ("weight", "bias")}
        if values.pop("format") != _FORMAT:
            raise LearnerError(f"the model {folder} was made by another version of the program: train it again")
        config, pieces = (folder / CONFIG).read_text(encoding="utf-8"), (folder / TOKENIZER).read_text(encoding="utf-8")
        if hashlib.sha256(f"{config}\n{pieces}".encode()).hexdigest() != values.pop("base"):
            raise LearnerError(f"the model {folder} is damaged ({CONFIG} or {TOKENIZER} was changed): train it again")
        tokenizer = Tokenizer(Backend.from_str(pieces), pad=values["pad"], max_length=values["max_length"])
        with quiet(), torch.random.fork_rng(devices=[]):
            base, report = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
        missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
        if missing:
            raise LearnerError(f"the model {folder} is damaged ({missing[0]} is missing): train it again")
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise damaged(folder, error) from error
    return Contents(without_pooler(base), head, tokenizer, values)


def is_intact(folder: Path, sha256: str) -> bool:
    """Return whether a folder holds a complete, unchanged model with these weights.

    :param sha256: of its weights file.
    """
    if not (folder / TRAINING).is_file() or sha256_of(folder / WEIGHTS) != sha256:
        return False
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            base = json.loads((file.metadata() or {})[_METADATA])["base"]
        parts = [(folder / name).read_text(encoding="utf-8") for name in (CONFIG, TOKENIZER)]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return False
    return bool(base == hashlib.sha256("\n".join(parts).encode()).hexdigest())


def damaged(folder: Path, error: Exception) -> LearnerError:
    """Return the error to raise if the values in a folder do not make a model."""
    return LearnerError(f"the model {folder} is damaged ({error}): train it again")


def sha256_of(path: Path) -> str | None:
    """Return the sha256 of a file; None if it does not exist."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _weights_file(network: EncoderNetwork, metadata: Mapping[str, Any]) -> tuple[bytes, memoryview]:
    """Return the weights file in two pieces, header and numbers; the same values give the same bytes.

    The library writes its metadata in arbitrary order, so the header is rewritten in a fixed order.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.base.state_dict().items()}
    tensors |= {f"{network.kind}.{name}": tensor.detach().cpu() for name, tensor in network.head.state_dict().items()}
    content = memoryview(save(tensors))
    end = 8 + int.from_bytes(content[:8], "little")
    # "format" is what transformers looks for
    entries = {"__metadata__": {"format": "pt", _METADATA: json.dumps(metadata, sort_keys=True)}}
    header = json.dumps(entries | json.loads(bytes(content[8:end])), separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header, content[end:]


def write_flushed(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file and flush it to the disk."""
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
