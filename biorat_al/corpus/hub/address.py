"""Addresses of corpora on the Hugging Face hub."""

from __future__ import annotations

import re
from dataclasses import dataclass

from biorat_al.errors import UsageError

PREFIX = "hf:"

FORM = f"{PREFIX}OWNER/NAME[@REVISION][:CONFIG]"

_ADDRESS = re.compile(r"hf:(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^\s:]+))?(?::(?P<config>[^\s:]+))?")


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A dataset on the hub.

    :param repository: ``owner/name``.
    :param revision: a commit, a branch or a tag; None: the newest commit of the main branch.
    :param config: name of the configuration; None: the one in BigBio's kb schema.

    >>> str(HubAddress.parse("hf:bigbio/bc5cdr:bc5cdr_bigbio_kb"))
    'hf:bigbio/bc5cdr:bc5cdr_bigbio_kb'
    """

    repository: str
    revision: str | None = None
    config: str | None = None

    @classmethod
    def parse(cls, text: str) -> HubAddress:
        """Parse an address.

        :raises UsageError: it is not of the form ``hf:OWNER/NAME[@REVISION][:CONFIG]``.
        """
        found = _ADDRESS.fullmatch(text.strip())
        if found is None:
            raise UsageError(f"{text!r} does not name a dataset of the Hugging Face hub: write {FORM}")
        return cls(**found.groupdict())

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{PREFIX}{self.repository}{revision}{f':{self.config}' if self.config else ''}"


def is_hub_address(text: str) -> bool:
    """Return whether `text` names something on the hub and not a file."""
    return text.startswith(PREFIX)
