"""Run a fake Label Studio in a separate process; its state can be read and restored."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_label_studio import STAMP, USER, FakeLabelStudio

CONTROL = "/campaign"
"""The path at which the campaign speaks to its own servers."""


@dataclass
class KeepingServer(FakeLabelStudio):
    """What it has been given: projects, tasks with pre-annotations, and answers."""

    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    last: int = 100

    def number(self) -> int:
        """Return a new id."""
        self.last += 1
        return self.last

    def right(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """What Label Studio would answer."""
        parts = path.strip("/").split("/")
        if path == "/api/projects/" and method == "POST":
            ident = self.number()
            plain = {"description": "", "expert_instruction": "", "color": "#FFFFFF"}
            self.projects[ident] = {**plain, **body, "id": ident}
            return self._project(ident)
        if path == "/api/projects/":
            title = query.get("title", "")
            found = [self._project(ident) for ident, one in self.projects.items() if title in one["title"]]
            return {"results": found, "next": None}
        if path.startswith("/api/projects/"):
            return self._of_project(method, parts[2:], body)
        if path == "/api/tasks/":
            return self._page_of(query)
        if path == "/api/dm/columns/":
            return {"columns": []}
        if path.startswith("/api/tasks/") and path.endswith("/drafts"):
            return []
        if path == "/api/current-user/whoami":
            return USER
        return super().right(method, path, query, body)

    def _of_project(self, method: str, parts: list[str], body: Any) -> Any:
        ident = int(parts[0])
        if ident not in self.projects:
            return 404
        action = "/".join(parts[1:])
        if method == "DELETE":
            del self.projects[ident]
            return {}
        if action == "import":
            made = [self._task(ident, one) for one in body]
            return {"task_ids": made, "prediction_count": sum(len(one.get("predictions", ())) for one in body)}
        if action == "import/predictions":
            for one in body:
                self.tasks[one["task"]]["predictions"].append(self._prediction(one))
            return {"created": len(body)}
        if action == "export":
            return [task for task in self.tasks.values() if task["project"] == ident]
        if method == "PATCH":
            self.projects[ident] |= body
        return self._project(ident)

    def _project(self, ident: int) -> dict[str, Any]:
        number = sum(task["project"] == ident for task in self.tasks.values())
        return {**self.projects[ident], "task_number": number}

    def _task(self, project: int, one: dict[str, Any]) -> int:
        ident = self.number()
        self.tasks[ident] = {
            "id": ident, "project": project, "data": one["data"], "created_at": STAMP, "updated_at": STAMP,
            "annotations": [], "predictions": [self._prediction(given) for given in one.get("predictions", ())],
            "overlap": 1, "draft_exists": False, "is_labeled": False,
        }  # fmt: skip
        return ident

    def _prediction(self, given: dict[str, Any]) -> dict[str, Any]:
        kept = {key: given.get(key) for key in ("model_version", "score", "result")}
        return {"id": self.number(), "created_at": STAMP, **kept}

    def _page_of(self, query: dict[str, str]) -> dict[str, Any]:
        page = self._page(json.loads(query.get("query", "{}")))
        tasks = [task for task in page["tasks"] if str(task["project"]) == query.get("project")]
        return {"tasks": tasks, "total": len(tasks)}

    def answer_all(self) -> None:
        """Let somebody annotate the first word of every task that nobody has answered."""
        for task in self.tasks.values():
            if not task["annotations"]:
                word = task["data"]["text"].split()[0]
                value = {"start": 0, "end": len(word), "text": word, "labels": ["Chemical"]}
                region = {"id": "r1", "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}
                given = {
                    "id": self.number(), "result": [{**region, "value": value}], "was_cancelled": False,
                    "completed_by": 1, "updated_by": 1, "created_username": "Ann ann@example.org, 1",
                    "created_at": STAMP, "updated_at": STAMP, "lead_time": 3.5, "ground_truth": False,
                    "parent_prediction": None, "parent_annotation": None,
                }  # fmt: skip
                task["annotations"].append(given)
                task["updated_at"] = "2026-01-31T13:00:00.000001Z"
                task["is_labeled"] = True

    def control(self, path: str, body: Any) -> Any:
        """Do what the campaign asks for; return the state."""
        if path == f"{CONTROL}/restore":
            self.projects = {int(ident): one for ident, one in body["projects"].items()}
            self.tasks = {int(ident): one for ident, one in body["tasks"].items()}
            self.last = body["last"]
        elif path == f"{CONTROL}/answer":
            self.answer_all()
        return {"projects": self.projects, "tasks": self.tasks, "last": self.last}


Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


@contextmanager
def in_a_process(answering: Callable[[], Answer]) -> Iterator[str]:
    """Run a server in a forked process; yield its address.

    :param answering: called in that process; returns what answers a request with its body.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    process = os.fork()
    if not process:
        answer = answering()

        class Handler(BaseHTTPRequestHandler):
            def one(self) -> None:
                answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            do_GET = do_POST = do_PATCH = do_DELETE = one  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(listening.getsockname()[:2], Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = listening
        server.server_name, server.server_port = listening.getsockname()[:2]
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        try:
            server.serve_forever(0.5)
        finally:
            os._exit(0)
    port = listening.getsockname()[1]
    listening.close()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def give(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/json") -> None:
    """Answer a request."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def keeping_server() -> Answer:
    """Return what answers as Label Studio does."""
    keeping = KeepingServer()

    def answer(handler: BaseHTTPRequestHandler, sent: bytes) -> None:
        parts = urlsplit(handler.path)
        body = json.loads(sent) if sent else None
        if parts.path.startswith(CONTROL):
            said = keeping.control(parts.path, body)
        else:
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            said = keeping.right(handler.command, parts.path, query, body)
        status, said = (said, {"detail": "not found"}) if type(said) is int else (200, said)
        give(handler, status, json.dumps(said).encode())

    return answer
