"""What the Hugging Face hub, or this machine's cache of it, has under an address.

The revision is fixed to a commit first, so that all files are of the same one, and the corpus can be had again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biorat_al.corpus.formats.bigbio.reading import dataset_rows, kb_rows, missing_columns
from biorat_al.corpus.hub.address import HubAddress
from biorat_al.corpus.hub.export import BRANCH, exported
from biorat_al.corpus.hub.failures import (
    KB_ENDING,
    UnreachableError,
    explained,
    not_kb,
    not_to_be_had,
    only_a_script,
    reason_of,
    which_config,
)
from biorat_al.corpus.io.source import Source
from biorat_al.errors import BioratError
from biorat_al.redaction import keep_secret

if TYPE_CHECKING:
    from datasets import DatasetDict

TIMEOUT = 30.0
"""Seconds to wait for the hub's answer about a dataset."""

Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DownloadedDataset:
    """A dataset in BigBio's kb schema, downloaded.

    :param address: with the commit and the configuration.
    :param splits: for each split, a function that returns its rows.
    :param rows: number of rows of all splits.
    :param license: as the data card states it; None if it does not.
    :param notes: sentences on how it was found.
    """

    address: HubAddress
    splits: Mapping[str, Callable[[], Rows]]
    rows: int
    license: str | None
    notes: tuple[str, ...] = ()


def find(address: HubAddress) -> DownloadedDataset:
    """Download a dataset, or take it from the cache if the hub cannot be asked.

    :raises CorpusError: it does not exist, is gated, consists of a loading script, has several configurations of which
        none is named, or can neither be downloaded nor found in the cache.
    :raises FormatError: it is not in BigBio's kb schema.
    """
    from huggingface_hub import get_token

    # a token may be in a file, where nothing else would hide it
    keep_secret(get_token())
    with _quiet():
        try:
            info = _info(address)
        except UnreachableError as error:
            with _offline():
                cached = _cached(address)
            if cached is None:
                raise not_to_be_had(error, address) from error
            return cached
        files, commit = _files(info), str(info.sha)
        license_ = _license(info.card_data)
        notes: tuple[str, ...] = ()
        if f"{address.repository.partition('/')[2]}.py" in files:
            info = _info(replace(address, revision=BRANCH), otherwise=only_a_script(address))
            files, commit = _files(info), str(info.sha)
            notes = ("it consists of a loading script, so the hub's Parquet copy of it is read",)
        fixed = replace(address, revision=commit)
        copies = exported(files)
        if copies:
            config = _chosen(address, list(copies))
            folder = _snapshot(fixed, config)
            # the card is on another branch; read as a file, it is in the cache as well
            license_ = _card_license(address) or license_
            return _of_export(replace(fixed, config=config), folder, copies, license_, notes)
        return _of_dataset(fixed, license_)


def _of_dataset(address: HubAddress, license_: str | None) -> DownloadedDataset:
    """Load a dataset of data files, whose card says which are of which configuration."""
    from datasets import get_dataset_config_names, load_dataset

    try:
        configs = get_dataset_config_names(address.repository, revision=address.revision)
        address = replace(address, config=_chosen(address, configs))
        data = load_dataset(address.repository, address.config, revision=address.revision)
    except BioratError:
        raise
    except Exception as error:  # files of any kind may raise anything
        raise explained(error, address) from error
    return _of_splits(address, data, configs, license_)


def _of_splits(
    address: HubAddress, data: DatasetDict, configs: Sequence[str], license_: str | None
) -> DownloadedDataset:
    columns = next(iter(data.values())).column_names
    if missing_columns(columns):
        raise not_kb(address, columns, configs)

    def rows_of(split: str) -> Callable[[], Rows]:
        return lambda: dataset_rows(data[split], f"{address}, {split}")

    return DownloadedDataset(address, {split: rows_of(split) for split in data}, sum(map(len, data.values())), license_)


def _of_export(
    address: HubAddress,
    folder: Path,
    copies: Mapping[str, Mapping[str, Sequence[str]]],
    license_: str | None,
    notes: tuple[str, ...],
) -> DownloadedDataset:
    """Read the files of the hub's own Parquet copy.

    :param folder: the downloaded files.
    :param copies: the files of each split of each configuration.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    splits = copies[str(address.config)]
    number = 0
    for names in splits.values():
        for name in names:
            try:
                metadata = pq.read_metadata(folder / name)
            except (pa.ArrowException, OSError) as error:
                raise explained(error, address) from error
            columns = metadata.schema.to_arrow_schema().names
            if missing_columns(columns):
                raise not_kb(address, columns, list(copies))
            number += metadata.num_rows

    def rows_of(names: Sequence[str]) -> Callable[[], Rows]:
        return lambda: (row for name in names for row in kb_rows(Source(folder / name)))

    return DownloadedDataset(
        address, {split: rows_of(names) for split, names in splits.items()}, number, license_, notes
    )


def _cached(address: HubAddress) -> DownloadedDataset | None:
    """Take a dataset from this machine's cache; return None if it is not there at the commit that the address names.

    :raises CorpusError: several configurations could be meant, or files of the dataset are missing.
    """
    note = ("the hub cannot be asked, so the copy in this machine's cache is read",)
    try:
        builder = _cached_builder(address)
        if address.revision not in (None, builder.hash):
            builder = type(builder)(
                dataset_name=builder.dataset_name,
                config_name=builder.config.name,
                version=Path(builder.cache_dir).parent.name,
                hash=address.revision,
                repo_id=address.repository,
            )
        builder.download_and_prepare()
        data = builder.as_dataset()
    except BioratError:
        raise
    except Exception:  # there is no such copy; the hub's own Parquet copies are in another cache
        data = None
    if data is not None:
        fixed = replace(address, revision=str(builder.hash), config=builder.config.name)
        return replace(_of_splits(fixed, data, [builder.config.name], _card_license(fixed)), notes=note)
    for commit, folder in _snapshots(address):
        copies = exported(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        if copies and (address.config is None or address.config in copies):
            fixed = replace(address, revision=commit, config=_chosen(address, list(copies)))
            # raises if a file is missing
            _snapshot(fixed, str(fixed.config), offline=True)
            return _of_export(fixed, folder, copies, _card_license(address), note)
    return None


def _cached_builder(address: HubAddress) -> Any:
    """Return what opens the cached copy that was made last, of any commit.

    :raises CorpusError: several configurations are in the cache, and none is named.
    """
    from datasets import load_dataset_builder

    try:
        return load_dataset_builder(address.repository, address.config)
    except ValueError as error:
        several = re.search("configurations in the cache: (.+)", str(error))
        if several is None or address.config is not None:
            raise
        return load_dataset_builder(address.repository, _chosen(address, several[1].split(", ")))


def _info(address: HubAddress, otherwise: Exception | None = None) -> Any:
    """Ask the hub about a dataset.

    :param otherwise: the error to raise if the revision does not exist.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

    try:
        return HfApi().dataset_info(address.repository, revision=address.revision, timeout=TIMEOUT)
    except RevisionNotFoundError as error:
        raise otherwise or explained(error, address) from error
    except HfHubHTTPError as error:
        raise explained(error, address) from error
    except Exception as error:  # no answer: the client has errors of several libraries for it
        raise UnreachableError(reason_of(error), source=str(address)) from error


def _snapshot(address: HubAddress, config: str, offline: bool = False) -> Path:
    """Download the files of one configuration of a Parquet copy; return the folder of the commit.

    :param offline: only check that they are all there.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                address.repository,
                repo_type="dataset",
                revision=address.revision,
                allow_patterns=f"{config}/*",
                local_files_only=offline,
            )
        )
    except Exception as error:  # the client has errors of several libraries
        raise explained(error, address) from error


def _snapshots(address: HubAddress) -> list[tuple[str, Path]]:
    """Return the commits of a dataset of which this machine has files, the newest first, with their folders."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        cache = scan_cache_dir()
    except CacheNotFound:
        return []
    revisions = [
        revision
        for repository in cache.repos
        if (repository.repo_type, repository.repo_id) == ("dataset", address.repository)
        for revision in repository.revisions
        if address.revision is None or address.revision == revision.commit_hash or address.revision in revision.refs
    ]
    revisions.sort(key=lambda revision: (revision.last_modified, revision.commit_hash), reverse=True)
    return [(revision.commit_hash, revision.snapshot_path) for revision in revisions]


def _chosen(address: HubAddress, configs: Sequence[str]) -> str:
    """Return the configuration that is meant: the one that is named, else the only one in BigBio's kb schema.

    :raises CorpusError: there is no such configuration, or several could be meant.
    """
    if address.config in configs:
        return str(address.config)
    fitting = [name for name in configs if name.endswith(KB_ENDING)]
    if address.config is None and len(fitting) == 1:
        return fitting[0]
    if address.config is None and len(configs) == 1:
        return configs[0]
    raise which_config(address, configs)


def _files(info: Any) -> list[str]:
    return [sibling.rfilename for sibling in info.siblings or ()]


def _card_license(address: HubAddress) -> str | None:
    """Return the licence that the dataset's card states, which is on another branch than a Parquet copy."""
    from huggingface_hub import DatasetCard, hf_hub_download

    for revision in dict.fromkeys((address.revision, None)):
        try:
            path = hf_hub_download(address.repository, "README.md", repo_type="dataset", revision=revision)
            return _license(DatasetCard.load(path).data)
        except Exception:  # a corpus without a card can be borrowed all the same
            continue
    return None


def _license(card: Any) -> str | None:
    """Return the licence that the header of a data card states."""
    values = {} if card is None else card.to_dict()
    stated = values.get("license")
    names = [stated] if isinstance(stated, str) else [one for one in stated or () if isinstance(one, str)]
    names = [str(values["license_name"]) if one == "other" and values.get("license_name") else one for one in names]
    return ", ".join(one for one in names if one and one != "unknown") or None


@contextmanager
def _offline() -> Iterator[None]:
    """Keep the clients from asking a hub that does not answer: with each question they try for half a minute."""
    from datasets import config
    from huggingface_hub import constants

    modules: list[Any] = [config, constants]
    before = [(one, one.HF_HUB_OFFLINE) for one in modules]
    for one, _ in before:
        one.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for one, was in before:
            one.HF_HUB_OFFLINE = was


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the progress bars and warnings of the hub's client and of ``datasets``."""
    from datasets import utils as of_datasets
    from huggingface_hub import utils as of_hub

    levels = [(one, one.get_verbosity()) for one in (of_datasets.logging, of_hub.logging)]
    with_bars = [one for one in (of_datasets, of_hub) if not one.are_progress_bars_disabled()]
    for logging, _ in levels:
        logging.set_verbosity_error()
    for one in with_bars:
        one.disable_progress_bars()
    try:
        yield
    finally:
        for logging, level in levels:
            logging.set_verbosity(level)
        for one in with_bars:
            one.enable_progress_bars()
