"""A Label Studio server on this machine, for users who have no server.

It runs in the background, listens on the loopback interface only, sends nothing to anybody, and keeps its data in one
folder. The user's environment variables are hidden from it, because Label Studio reads bare names such as ``HOST``,
``PORT`` or ``DEBUG`` as its own settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from biorat_al.desk.labelstudio.local_server import processes
from biorat_al.desk.labelstudio.local_server.credentials import (
    Credentials,
    make_credentials,
    read_credentials,
    write_private,
)
from biorat_al.desk.labelstudio.local_server.installation import Installation
from biorat_al.disk import writing
from biorat_al.errors import DeskError
from biorat_al.progress import SILENT, Progress

HOME_VARIABLE = "BIORAT_HOME"

START_TIMEOUT = 300.0
"""Seconds that a start may take in which nothing is written to the database.

The first start builds it: that takes half a minute, or many minutes on a machine that is busy with something else.
"""

LONGEST_START = 3600.0
"""Seconds that a start may take in any case."""

_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

_SETTINGS = {
    "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
    "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
    "LABEL_STUDIO_SENTRY_DSN": "",
    "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
    # has an effect only at the very first start
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    # invitations only: people who reach the port from this machine cannot make themselves an account
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    # refuse predictions that are malformed instead of storing them
    "fflag_feat_utc_210_prediction_validation_15082025": "true",
    # otherwise it logs two lines per request
    "LOG_LEVEL": "WARNING",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A running local server. It contains no secret.

    :param url: its address on the loopback interface.
    :param version: Label Studio's version.
    :param data_dir: the folder of its database.
    """

    url: str
    pid: int
    version: str
    data_dir: Path


@dataclass(frozen=True, slots=True)
class _Record:
    """Record of the process that was started."""

    pid: int
    begun: str
    port: int
    version: str


def default_home() -> Path:
    """Return the folder of this program's files for the user: ``BIORAT_HOME``, else below the user's data folder."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "biorat-al"


class LocalServer:
    """The Label Studio server on this machine, which can be installed, started and stopped.

    :param home: folder in which the server uses ``label-studio-venv`` (the program) and ``label-studio`` (database,
        log, credentials); None means :func:`default_home`.
    :param settings: further environment variables for the server.
    """

    def __init__(self, home: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.home = (home or default_home()).absolute()
        self.installation = Installation(self.home / "label-studio-venv")
        self._folder = self.home / "label-studio"
        self.data_dir = self._folder / "data"
        self.log = self._folder / "log.txt"
        self._settings = dict(settings or {})

    @property
    def credentials_file(self) -> Path:
        """Path of the file with e-mail, password and token, which only its owner can read."""
        return self._folder / "credentials.json"

    def credentials(self) -> Credentials | None:
        """Return this server's credentials, or None before its first start.

        :raises DeskError: the file cannot be read.
        """
        return read_credentials(self.credentials_file)

    def install(self, progress: Progress = SILENT) -> str:
        """Install Label Studio unless it is installed, and return its version.

        :raises DeskError: it could not be installed.
        """
        with self._locked():
            return self.installation.install(progress)

    def status(self) -> ServerInfo | None:
        """Return the server if it runs, else None."""
        record = self._record()
        if record is None or not processes.is_running(record.pid, record.begun):
            return None
        return self._info(record)

    def start(self, port: int | None = None, progress: Progress = SILENT) -> ServerInfo:
        """Start the server and wait until it answers; if it already runs, return it as it is.

        :param port: port to listen on; None means the port of last time if it is free, else any free port.
        :raises DeskError: Label Studio is not installed, the port is taken, or the server did not come up.
        """
        with self._locked():
            record = self._record()
            if record is not None and processes.is_running(record.pid, record.begun):
                self._wait(record)
                return self._info(record)
            version = self.installation.require()
            chosen = self._port(port, record)
            credentials = make_credentials(self.credentials_file)
            with writing(self.data_dir, DeskError):
                self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            with progress.bar("Starting Label Studio"):
                started = self._launch(chosen, version, credentials)
                try:
                    self._wait(started)
                except BaseException:
                    processes.end(started.pid, started.begun)
                    raise
            return self._info(started)

    def stop(self) -> bool:
        """Stop the server; return whether one was running."""
        with self._locked():
            record = self._record()
            if record is None or not processes.is_running(record.pid, record.begun):
                return False
            processes.end(record.pid, record.begun)
            return True

    def _launch(self, port: int, version: str, credentials: Credentials) -> _Record:
        if self.log.exists():
            self.log.replace(self.log.with_name("log.old.txt"))
        command = [
            str(self.installation.program), "start", "--no-browser", "--internal-host", "127.0.0.1",
            "--port", str(port), "--data-dir", str(self.data_dir),
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.log.chmod(0o600)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
                env=self._environment(credentials), start_new_session=True,
            )  # fmt: skip
        record = _Record(process.pid, processes.begun(process.pid) or "ended", port, version)
        # written before the server answers: if this program is killed meanwhile, it can still be found and stopped
        write_private(self._folder / "server.json", json.dumps(asdict(record)) + "\n")
        return record

    def _environment(self, credentials: Credentials) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
        own = {
            # Label Studio makes its data folder when it is imported, before it reads the command line
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.data_dir),
            "LABEL_STUDIO_USERNAME": credentials.email,
            "LABEL_STUDIO_PASSWORD": credentials.password,
            "LABEL_STUDIO_USER_TOKEN": credentials.token,
        }
        return {**kept, **_SETTINGS, **self._settings, **own}

    def _port(self, wanted: int | None, last: _Record | None) -> int:
        if wanted is not None:
            port = processes.free_port(wanted)
            if port is None:
                raise DeskError(f"port {wanted} is taken by another program: choose another, or leave the choice to us")
            return port
        port = (processes.free_port(last.port) if last else None) or processes.free_port()
        if port is None:
            raise DeskError("there is no free port on the loopback interface")
        return port

    def _wait(self, record: _Record) -> None:
        """Wait until the server answers and is ours: Label Studio moves to another port if the given one is taken."""
        url = f"http://127.0.0.1:{record.port}"
        begun = progressed = time.monotonic()
        written = self._last_written()
        with httpx.Client(timeout=5, trust_env=False) as client:
            while time.monotonic() < min(progressed + START_TIMEOUT, begun + LONGEST_START):
                if not processes.is_running(record.pid, record.begun):
                    raise DeskError(f"Label Studio ended while it started; {self._last_words()}")
                if "Trying to start at" in self._log_text():
                    raise DeskError(f"port {record.port} was taken by another program just now: try again")
                try:
                    answer = client.get(f"{url}/health")
                    if answer.status_code == 200 and self._is_ours(client, url):
                        return
                except httpx.HTTPError:
                    pass
                if (latest := self._last_written()) != written:
                    written, progressed = latest, time.monotonic()
                time.sleep(0.2)
        raise DeskError(
            f"Label Studio did not answer at {url} within {time.monotonic() - begun:.0f} seconds, and was stopped; if "
            f"this machine is busy with something else, try again when it is not; {self._last_words()}"
        )

    def _last_written(self) -> int | None:
        """Return when the database was last written, or None if there is no file yet."""
        try:
            return (self.data_dir / "label_studio.sqlite3").stat().st_mtime_ns
        except OSError:
            return None

    def _is_ours(self, client: httpx.Client, url: str) -> bool:
        credentials = self.credentials()
        if credentials is None:
            return False
        answer = client.get(f"{url}/api/current-user/whoami", headers={"Authorization": f"Token {credentials.token}"})
        if answer.status_code in (401, 403):
            raise DeskError(
                f"the Label Studio at {url} does not know the token in {self.credentials_file}: either another server "
                f"took the port, or {self.data_dir} belongs to other credentials"
            )
        return answer.status_code == 200 and answer.json().get("email") == credentials.email

    def _last_words(self) -> str:
        lines = self._log_text().splitlines()
        last = " / ".join(line.strip() for line in lines[-5:] if line.strip())
        return f"the log, {self.log}, ends: {last[-600:]}" if last else f"its log is {self.log}"

    def _log_text(self) -> str:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _record(self) -> _Record | None:
        try:
            return _Record(**json.loads((self._folder / "server.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _info(self, record: _Record) -> ServerInfo:
        return ServerInfo(f"http://127.0.0.1:{record.port}", record.pid, record.version, self.data_dir)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let only one program at a time install, start or stop the server."""
        if os.name != "posix":
            raise DeskError(
                "the local Label Studio runs on Linux and macOS only: "
                "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY to use another"
            )
        lock = FileLock(self.home / "label-studio.lock")
        try:
            with writing(self._folder, DeskError):
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.acquire(timeout=START_TIMEOUT)
        except Timeout:
            raise DeskError(f"another program is installing or starting the Label Studio in {self.home}") from None
        try:
            yield
        finally:
            lock.release()
