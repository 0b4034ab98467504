"""The local Label Studio: started and stopped, found again, and closed to everybody else."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from biorat_al.desk.labelstudio.local_server import processes
from biorat_al.desk.labelstudio.local_server.credentials import Credentials, make_credentials, read_credentials
from biorat_al.desk.labelstudio.local_server.server import LocalServer, default_home
from biorat_al.errors import DeskError
from tests.support.labelstudio import RunningLabelStudio


def test_it_is_started_found_and_stopped(restarted_label_studio: RunningLabelStudio) -> None:
    server, info = restarted_label_studio.server, restarted_label_studio.info
    assert server.status() == info
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", info.url)
    assert re.fullmatch(r"1\.\d+\.\d+", info.version)
    assert info.data_dir == server.data_dir
    # a second start, even from another object, finds the one that runs
    again = LocalServer(server.home)
    assert again.start() == info
    assert again.stop()
    assert server.status() is None
    assert not server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{info.url}/health", trust_env=False)


def test_it_outlives_the_program_that_started_it(stopped_label_studio: LocalServer) -> None:
    server = stopped_label_studio
    program = (
        "import sys; from pathlib import Path; from biorat_al.desk.labelstudio.local_server.server import LocalServer;"
        "print(LocalServer(Path(sys.argv[1])).start().pid)"
    )
    environment = {**os.environ, "BIORAT_LABEL_STUDIO_VENV": str(server.installation.folder)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(server.home)], capture_output=True, text=True, check=True, env=environment
    )
    info = server.status()
    assert info is not None
    assert str(info.pid) == done.stdout.strip()
    assert httpx.get(f"{info.url}/health", trust_env=False).json() == {"status": "UP"}


def test_what_the_environment_says_does_not_reach_it(
    stopped_label_studio: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = stopped_label_studio
    for name, value in {
        "HOST": "http://elsewhere.example",
        "PORT": "1",
        "DEBUG": "true",
        "USERNAME": "somebody",
        "PASSWORD": "secret-of-somebody",
        "LABEL_STUDIO_BASE_DATA_DIR": "/nonexistent",
        "LABEL_STUDIO_API_KEY": "another-secret",
        "DJANGO_DB": "postgresql",
        "SENTRY_DSN": "https://key@sentry.example/1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    info = server.start()
    assert info.url.startswith("http://127.0.0.1:")
    environment = Path(f"/proc/{info.pid}/environ")
    if environment.exists():
        values = dict(item.split("=", 1) for item in environment.read_text().split("\0") if "=" in item)
        assert not {"HOST", "PORT", "DEBUG", "USERNAME", "PASSWORD", "DJANGO_DB", "HTTP_PROXY"} & set(values)
        assert "LABEL_STUDIO_API_KEY" not in values
        assert values["LABEL_STUDIO_COLLECT_ANALYTICS"] == "false"
        assert values["LABEL_STUDIO_LATEST_VERSION_CHECK"] == "false"
        assert values["LABEL_STUDIO_SENTRY_DSN"] == values["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""


def test_it_listens_on_the_loopback_interface_only(label_studio: RunningLabelStudio) -> None:
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("there is no /proc/net/tcp on this system")
    port = int(label_studio.url.rpartition(":")[2])
    addresses = [line.split()[1] for line in listening.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [address for address in addresses if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_its_secrets_are_in_one_private_file_and_nowhere_else(label_studio: RunningLabelStudio) -> None:
    server, credentials = label_studio.server, label_studio.credentials
    assert stat.S_IMODE(server.credentials_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data_dir.parent.stat().st_mode) == 0o700
    assert re.fullmatch(r"[0-9a-f]{40}", credentials.token)
    assert len(credentials.password) >= 16
    for secret in (credentials.token, credentials.password):
        assert secret not in repr(credentials)
        assert secret not in repr(server.status())
        assert secret not in server.log.read_text(errors="replace")
        assert secret not in (server.data_dir.parent / "server.json").read_text()
    command = Path(f"/proc/{label_studio.info.pid}/cmdline")
    if command.exists():
        assert credentials.token not in command.read_text()
        assert credentials.password not in command.read_text()


def test_a_prediction_that_is_malformed_is_refused(label_studio: RunningLabelStudio, marker: str) -> None:
    project = label_studio.desk().prepare("pool", "strict", ["A"], marker=marker)
    wrong = {"result": [{"from_name": "nobody", "to_name": "text", "type": "labels", "value": {}}], "score": 7}
    answer = httpx.post(
        f"{label_studio.url}/api/projects/{project.reference}/import",
        json=[{"data": {"text": "t", "document_id": "d"}, "predictions": [wrong]}],
        headers={"Authorization": f"Token {label_studio.token}"},
        trust_env=False,
    )
    assert answer.status_code == 400


def test_the_wanted_port_is_taken(stopped_label_studio: LocalServer) -> None:
    server = stopped_label_studio
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DeskError, match=f"port {port} is taken"):
            server.start(port)
    assert server.status() is None


STAND_IN = """#!{python}
import http.server, json, os, pathlib, sys, time
data = pathlib.Path(os.environ["LABEL_STUDIO_BASE_DATA_DIR"])
for number in range({writes}):
    time.sleep(0.3)
    (data / "label_studio.sqlite3").write_text(str(number))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = json.dumps({{"email": os.environ["LABEL_STUDIO_USERNAME"]}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
time.sleep({pause})
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


def stand_in(home: Path, monkeypatch: pytest.MonkeyPatch, *, writes: int = 0, pause: float = 0) -> LocalServer:
    """Return a local server with a small program in the place of Label Studio.

    :param writes: how often it writes to its database before it answers.
    :param pause: seconds that it pauses after that.
    """
    monkeypatch.delenv("BIORAT_LABEL_STUDIO_VENV", raising=False)
    server = LocalServer(home)
    server.installation.program.parent.mkdir(parents=True)
    server.installation.program.write_text(STAND_IN.format(python=sys.executable, writes=writes, pause=pause))
    server.installation.program.chmod(0o755)
    (server.installation.folder / "lib/python3/site-packages/label_studio-1.23.2.dist-info").mkdir(parents=True)
    return server


def test_the_wanted_port_is_used_and_the_last_one_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stand_in(tmp_path, monkeypatch)
    port = processes.free_port()
    try:
        assert server.start(port).url.endswith(f":{port}")
        server.stop()
        assert server.start().url.endswith(f":{port}")
    finally:
        assert server.stop()


def test_a_stale_record_never_ends_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = stand_in(tmp_path, monkeypatch)
    server.data_dir.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        record = {"pid": other.pid, "begun": "4711", "port": 1, "version": "1.0.0"}
        (server.data_dir.parent / "server.json").write_text(json.dumps(record))
        assert server.status() is None
        assert not server.stop()
        assert other.poll() is None
        assert server.start().pid != other.pid
        assert server.stop()
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    server = LocalServer(tmp_path)
    (tmp_path / "label-studio").mkdir()
    (tmp_path / "label-studio" / "server.json").write_text(text)
    assert server.status() is None
    assert not server.stop()


def test_a_server_that_does_not_come_up_says_what_it_last_said(stopped_label_studio: LocalServer) -> None:
    server = stopped_label_studio
    (server.data_dir / "label_studio.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(DeskError, match=r"ended while it started; the log, .*log\.txt, ends: .*not a database"):
        server.start()
    assert server.status() is None


def test_a_machine_that_builds_the_database_slowly_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biorat_al.desk.labelstudio.local_server.server.START_TIMEOUT", 5.0)
    server = stand_in(tmp_path, monkeypatch, writes=25)
    begun = time.monotonic()
    info = server.start()
    try:
        assert time.monotonic() - begun > 5.0
        assert server.status() == info
    finally:
        assert server.stop()


def test_a_server_that_never_answers_is_stopped_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biorat_al.desk.labelstudio.local_server.server.START_TIMEOUT", 1.0)
    server = stand_in(tmp_path, monkeypatch, pause=600)
    with pytest.raises(DeskError, match=r"did not answer at .* and was stopped; if this machine is busy .* try again"):
        server.start()
    assert server.status() is None


def test_data_that_belong_to_other_credentials_are_told(stopped_label_studio: LocalServer) -> None:
    server = stopped_label_studio
    values = json.loads(server.credentials_file.read_text())
    values["token"] = "0" * 40
    server.credentials_file.write_text(json.dumps(values))
    with pytest.raises(DeskError, match=r"does not know the token in .*credentials\.json"):
        server.start()
    assert server.status() is None


def test_one_that_was_killed_is_started_again(restarted_label_studio: RunningLabelStudio) -> None:
    pid = restarted_label_studio.info.pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while restarted_label_studio.server.status() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert restarted_label_studio.server.status() is None
    assert restarted_label_studio.server.start().pid != pid
    restarted_label_studio.desk().check()


def test_without_label_studio_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIORAT_LABEL_STUDIO_VENV", raising=False)
    with pytest.raises(DeskError, match=r"not installed in .*biorat-al label-studio start"):
        LocalServer(tmp_path).start()


def test_where_the_home_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIORAT_HOME", str(tmp_path / "mine"))
    assert default_home() == tmp_path / "mine"
    assert LocalServer().home == tmp_path / "mine"
    monkeypatch.delenv("BIORAT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_home() == tmp_path / "data" / "biorat-al"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_home() == tmp_path / ".local" / "share" / "biorat-al"


def test_looking_at_a_home_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    server = LocalServer(tmp_path / "home")
    assert server.status() is None
    assert server.credentials() is None
    assert not (tmp_path / "home").exists()


def test_credentials_are_made_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "credentials.json"
    assert read_credentials(path) is None
    made = make_credentials(path)
    assert make_credentials(path) == read_credentials(path) == made
    shutil.rmtree(path.parent)
    assert make_credentials(path).token != made.token


@pytest.mark.parametrize("text", ["", "{", "[]", '{"email": "e"}'])
def test_credentials_that_cannot_be_read_are_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(text)
    with pytest.raises(DeskError, match=r"credentials\.json cannot be read"):
        make_credentials(path)
    assert path.read_text() == text


def test_credentials_do_not_show_themselves() -> None:
    assert repr(Credentials("e@example.org", "hidden-word", "hidden-token")) == "Credentials(email='e@example.org')"
