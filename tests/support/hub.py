"""A small Hugging Face hub on the loopback, for the real clients: ``huggingface_hub`` and ``datasets``.

It answers what these ask for small repositories of datasets: facts about a dataset, lists of files, and the files. Set
``HF_ENDPOINT`` to its address before a process imports the clients.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

Files = Mapping[str, bytes]

EXPORT = "refs/convert/parquet"


@dataclass(frozen=True)
class Repository:
    """A dataset on the hub.

    :param branches: the files of each branch, by path.
    :param gated: files are for accounts that have been let in, which nobody here is.
    :param token: only who sends this token sees it; None: everybody does.
    """

    branches: Mapping[str, Files]
    gated: bool = False
    token: str | None = None

    def commit(self, revision: str) -> str | None:
        """Return the commit of a branch, or of a commit itself, or None."""
        commits = {name: commit_of(files) for name, files in self.branches.items()}
        return commits.get(revision) or (revision if revision in commits.values() else None)

    def files(self, commit: str) -> Files:
        """Return the files of a commit."""
        return next(files for files in self.branches.values() if commit_of(files) == commit)


def commit_of(files: Files) -> str:
    """Return the name of the commit that has these files."""
    digest = hashlib.sha1(usedforsecurity=False)
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder as those of a branch."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@dataclass
class Hub:
    """The hub.

    :ivar asked: the method and path of each request.
    """

    repositories: dict[str, Repository]
    address: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(repositories: Mapping[str, Repository]) -> Iterator[Hub]:
    """Serve these repositories until the end of the block."""
    hub = Hub(dict(repositories))
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes = b"") -> None:
        url = urlsplit(self.path)
        self.hub.asked.append(f"{self.command} {unquote(url.path)}")
        api = re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.*))?)?", url.path)
        file = re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", url.path)
        if api is not None:
            name, what, revision, path = (unquote(part or "") for part in api.groups())
        elif file is not None:
            (name, revision, path), what = (unquote(part) for part in file.groups()), "resolve"
        else:
            return self._refuse(404, "NotFound")
        if name == "trial/leaky":
            return self._refuse(500, "Internal", f"cannot serve {self.headers.get('Authorization')}")
        repository = self.hub.repositories.get(name)
        authorised = f"Bearer {repository.token}" if repository is not None and repository.token else None
        if repository is None or (authorised and self.headers.get("Authorization") != authorised):
            return self._refuse(401, "RepoNotFound")
        commit = repository.commit(revision or "main")
        if commit is None:
            return self._refuse(404, "RevisionNotFound")
        files = repository.files(commit)
        if what == "resolve":
            if repository.gated:
                return self._refuse(403, "GatedRepo")
            return self._file(commit, files, path)
        if what == "tree":
            recursive = parse_qs(url.query).get("recursive", ["false"])[0].lower() == "true"
            entries = _entries(files, path, recursive)
            return self._json(entries) if entries or not path else self._refuse(404, "EntryNotFound")
        if what == "paths-info":
            asked = parse_qs(body.decode()).get("paths", [])
            known = {entry["path"]: entry for entry in _entries(files, "", True)}
            return self._json([known[one.strip("/")] for one in asked if one.strip("/") in known])
        return self._json(_facts(name, repository, commit, files))

    def _file(self, commit: str, files: Files, path: str) -> None:
        if path not in files:
            return self._refuse(404, "EntryNotFound", commit=commit)
        content = files[path]
        etag = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        return self._send(200, content, {"X-Repo-Commit": commit, "ETag": f'"{etag}"'})

    def _json(self, values: Any) -> None:
        self._send(200, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, message: str = "", commit: str | None = None) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message or code}
        self._send(status, b"", headers | ({"X-Repo-Commit": commit} if commit else {}))

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _facts(name: str, repository: Repository, commit: str, files: Files) -> dict[str, Any]:
    header = re.match(rb"---\n(.*?)\n---\n", files.get("README.md", b""), flags=re.DOTALL)
    return {
        "_id": "1",
        "id": name,
        "author": name.partition("/")[0],
        "sha": commit,
        "private": repository.token is not None,
        "gated": "manual" if repository.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "cardData": yaml.safe_load(header[1]) if header else None,
        "siblings": [{"rfilename": path} for path in sorted(files)],
    }


def _entries(files: Files, folder: str, recursive: bool) -> list[dict[str, Any]]:
    """Return the files and folders below a folder, as the hub lists them."""
    prefix = f"{folder}/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    for path, content in sorted(files.items()):
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, len(parts) if recursive else min(len(parts), 2)):
            place = prefix + "/".join(parts[:depth])
            oid = hashlib.sha1(place.encode(), usedforsecurity=False).hexdigest()
            found[place] = {"type": "directory", "path": place, "oid": oid, "size": 0}
        if recursive or len(parts) == 1:
            oid = hashlib.sha1(content, usedforsecurity=False).hexdigest()
            found[path] = {"type": "file", "path": path, "oid": oid, "size": len(content)}
    return list(found.values())
