"""What ``label-studio`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biorat_al.desk.labelstudio.local_server.credentials import Credentials
    from biorat_al.desk.labelstudio.local_server.server import ServerInfo


def server_text(info: ServerInfo, credentials: Credentials | None) -> str:
    """Where the local Label Studio is and how to get in."""
    lines = [f"Label Studio {info.version} is running at {info.url}", f"  data      {info.data_dir}"]
    if credentials is not None:
        lines += [f"  login     {credentials.email}", f"  password  {credentials.password}"]
    return "\n".join(lines)
