"""Users of a project: the process that holds its lock, and the processes that have the database file open."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

LOCK_FILE = "biorat.lock"
HOLDER_FILE = f"{LOCK_FILE}.holder"


def holder(folder: Path, *, other: bool = False) -> str | None:
    """Return which process runs a round of the project in `folder`, or None if no such process is recorded.

    :param other: ignore this process.
    """
    try:
        values = json.loads((folder / HOLDER_FILE).read_text(encoding="utf-8"))
        pid, host, since = int(values["pid"]), values["host"], values["since"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if host == socket.gethostname() and ((other and pid == os.getpid()) or not _is_alive(pid)):
        return None
    return f"process {pid} on {host}, since {since}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def who_uses(database: Path) -> str:
    """Say which programs have a SQLite file open, or how to find them."""
    uses = []
    running = holder(database.parent, other=True)
    if running is not None:
        uses.append(f"a round is running ({running})")
    others = _processes(database)
    if others:
        listed = ", ".join(others[:5])
        uses.append(f"it is open in {listed}")
    if uses:
        return f"{' and '.join(uses)}; wait for it to end, or end it, and run the same command again"
    return (
        f"see which one (fuser {database.name}, or lsof, shows it; on a network drive it may run on another machine), "
        "close it, and run the same command again"
    )


def _processes(database: Path) -> list[str]:
    """Return the other processes of this user that have the file open, where the system shows them (Linux)."""
    wanted = {str(database.resolve()) + ending for ending in ("", "-wal", "-shm", "-journal")}
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name == str(os.getpid()):
            continue
        try:
            # a process may end meanwhile, and other users' processes cannot be read
            if any(os.readlink(link) in wanted for link in (folder / "fd").iterdir()):
                name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
                processes.append(f"process {folder.name} ({name})")
        except OSError:
            continue
    return sorted(processes)
