"""The text that ``label-studio`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biorat_al.presentation.text import labelled_line

if TYPE_CHECKING:
    from biorat_al.desk.labelstudio.local_server.credentials import Credentials
    from biorat_al.desk.labelstudio.local_server.server import ServerInfo


def server_text(info: ServerInfo, credentials: Credentials | None) -> str:
    """Return the address of the local Label Studio and the login."""
    lines = [f"Label Studio {info.version} is running at {info.url}", labelled_line("data", str(info.data_dir))]
    if credentials is not None:
        lines += [labelled_line("login", credentials.email), labelled_line("password", credentials.password)]
    return "\n".join(lines)
