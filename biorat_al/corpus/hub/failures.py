"""Why a dataset of the hub cannot be read, and what to do, from what the hub's client raised."""

from __future__ import annotations

from collections.abc import Collection

from biorat_al.corpus.hub.address import FORM, HubAddress
from biorat_al.corpus.hub.export import BRANCH
from biorat_al.errors import CorpusError, FormatError
from biorat_al.redaction import redact
from biorat_al.wording import shortened

KB_ENDING = "_bigbio_kb"
"""How BigBio names configurations in its kb schema."""

_LONGEST = 300


class UnreachableError(CorpusError):
    """The hub did not answer, or must not be asked (``HF_HUB_OFFLINE``)."""


def explained(error: Exception, address: HubAddress) -> CorpusError:
    """Return the error to raise for what the hub's client raised."""
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub import errors

    source, page = str(address), f"https://huggingface.co/datasets/{address.repository}"
    reason = reason_of(error)
    if isinstance(error, errors.GatedRepoError) or (isinstance(error, DatasetNotFoundError) and "gated" in reason):
        return CorpusError(
            f"the dataset is gated: accept its conditions on {page}, and put an access token of that account into the "
            "environment variable HF_TOKEN",
            source=source,
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return CorpusError(f"the dataset has no revision {address.revision!r}", source=source)
    if isinstance(error, (errors.RepositoryNotFoundError, DatasetNotFoundError)):
        return CorpusError(
            "the Hugging Face hub has no such dataset, or it is private; check the name, and if it is private, put an "
            "access token into the environment variable HF_TOKEN",
            source=source,
        )
    if isinstance(error, errors.HfHubHTTPError):
        return CorpusError(f"the Hugging Face hub refused: {reason}", source=source)
    return CorpusError(f"it cannot be loaded: {reason}", source=source)


def reason_of(error: BaseException) -> str:
    """Return the text of an error in one line, without secrets."""
    return shortened(redact(" ".join(str(error).split())) or type(error).__name__, _LONGEST)


def not_to_be_had(error: UnreachableError, address: HubAddress) -> CorpusError:
    """Return the error for a dataset that the hub did not give and that this machine does not have."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        why = "HF_HUB_OFFLINE forbids to ask the Hugging Face hub"
        what = "unset it once to download the dataset"
    else:
        why = f"the Hugging Face hub ({redact(constants.ENDPOINT)}) cannot be reached"
        what = f"check the network (HTTPS_PROXY, HF_ENDPOINT; the reason given: {reason_of(error.__cause__ or error)})"
    commit = f" at the revision {address.revision}" if address.revision else ""
    return CorpusError(
        f"{why}, and the dataset is not in this machine's cache{commit}: {what}, or download its files elsewhere and "
        "name their folder",
        source=str(address),
    )


def only_a_script(address: HubAddress) -> CorpusError:
    """Return the error for a dataset that only its loading script can make."""
    return CorpusError(
        "the dataset consists of a loading script, which datasets does not run since version 4, and the hub has no "
        f"Parquet copy of it (branch {BRANCH}): load it elsewhere with datasets 3 and trust_remote_code=True, save it "
        "with save_to_disk, and name that folder",
        source=str(address),
    )


def which_config(address: HubAddress, configs: Collection[str]) -> CorpusError:
    """Return the error if an address does not name one of several configurations."""
    listed = _in_words(configs)
    if address.config is not None:
        return CorpusError(f"the dataset has no configuration {address.config!r}; it has {listed}", source=str(address))
    return CorpusError(
        f"the dataset has several configurations, so name one ({FORM}): {listed}; those in BigBio's kb schema end in "
        f"{KB_ENDING}",
        source=str(address),
    )


def not_kb(address: HubAddress, columns: Collection[str], configs: Collection[str]) -> FormatError:
    """Return the error for a configuration in another schema than BigBio's kb.

    :param columns: its columns.
    :param configs: all configurations of the dataset.
    """
    others = [name for name in configs if name.endswith(KB_ENDING) and name != address.config]
    fitting = f"in that schema it has {_in_words(others)}" if others else f"its configurations are {_in_words(configs)}"
    return FormatError(
        f"the configuration is not in BigBio's kb schema, which alone can be read from the hub (its columns are "
        f"{', '.join(map(repr, columns))}); {fitting}",
        source=str(address),
    )


def _in_words(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
