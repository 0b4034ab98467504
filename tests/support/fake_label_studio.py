"""A fake Label Studio that answers what a test wants, including answers that a real one never gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from biorat_al.desk.labelstudio.configuration import labelling_configuration
from tests.desk.contract import LABELS, TEXTS

Change = Callable[[str, str, Any], Any]
"""Maps method, path and the correct answer to the answer that is given; an ``int`` is a status without a body."""


def _unchanged(method: str, path: str, right: Any) -> Any:
    return right


STAMP = "2026-01-31T12:00:00.000001Z"
USER = {"id": 1, "email": "ann@example.org"}


def region(key: str, label: str = "Chemical") -> dict[str, Any]:
    """Return a region that somebody drew at the beginning of a text."""
    value = {"start": 0, "end": 4, "text": TEXTS[key][:4], "labels": [label]}
    made = {"id": "r1", "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}
    return {**made, "value": value}


def answer(ident: int, key: str, **more: Any) -> dict[str, Any]:
    """Return an answer to a task."""
    return {
        "id": ident,
        "result": [region(key)],
        "was_cancelled": False,
        "completed_by": 1,
        "updated_by": 1,
        "created_username": "Ann ann@example.org, 1",
        "created_at": STAMP,
        "updated_at": STAMP,
        "lead_time": 3.5,
        "ground_truth": False,
        "parent_prediction": None,
        "parent_annotation": None,
        **more,
    }


@dataclass
class FakeLabelStudio:
    """A fake server: what it contains, and which requests it received.

    :param change: changes an answer before it is sent.
    """

    url: str = ""
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    change: Change = _unchanged
    asked: list[tuple[str, str]] = field(default_factory=list)

    def add(self, key: str, *answers: dict[str, Any], stamp: str = STAMP, drafts: bool = False) -> int:
        """Make a task with answers."""
        ident = max(self.tasks, default=10) + 1
        prediction = {"id": 100 + ident, "model_version": "m-1", "score": 0.5, "result": [], "created_at": STAMP}
        self.tasks[ident] = {
            "id": ident,
            "project": 1,
            "data": {"text": TEXTS[key], "document_id": key, "biorat_key": key},
            "created_at": STAMP,
            "updated_at": stamp,
            "annotations": list(answers),
            "predictions": [prediction],
            "overlap": 1,
            "draft_exists": drafts,
        }
        return ident

    def right(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """Return what Label Studio would answer."""
        parts = path.strip("/").split("/")
        if path == "/api/projects/" and method == "POST":
            return {**self._settings(), "label_config": body["label_config"]}
        if path == "/api/projects/":
            return {"results": [self._settings()], "next": None}
        if path.endswith("/import"):
            return {"task_ids": [self.add(one["data"]["biorat_key"]) for one in body], "prediction_count": 0}
        if path.endswith("/import/predictions"):
            return {"created": len(body)}
        if path.endswith("/export"):
            return list(self.tasks.values())
        if path.startswith("/api/projects/"):
            return {**self._settings(), **(body or {})}
        if path == "/api/tasks/":
            return self._page(json.loads(query.get("query", "{}")))
        if path.endswith("/drafts"):
            return [{"id": 1}]
        if path.startswith("/api/tasks/"):
            return self.tasks.get(int(parts[2]), 404)
        if path == "/api/users/":
            return [USER]
        if path.startswith("/api/dm/views"):
            return [{"id": 1}]
        return {}

    def _settings(self) -> dict[str, Any]:
        return {
            "id": 1,
            "title": "fake",
            "description": "",
            "label_config": labelling_configuration(LABELS, (), "pool"),
            "expert_instruction": "",
            "color": "#FFFFFF",
            "task_number": len(self.tasks),
        }

    def _page(self, query: dict[str, Any]) -> dict[str, Any]:
        found = [
            task
            | {
                "total_annotations": sum(not one["was_cancelled"] for one in task["annotations"]),
                "cancelled_annotations": sum(one["was_cancelled"] for one in task["annotations"]),
            }
            for task in self.tasks.values()
        ]
        for item in query.get("filters", {}).get("items", ()):
            name, value = item["filter"].rpartition(":")[2], item["value"]
            if name == "id" and item["operator"] == "greater":
                found = [task for task in found if task["id"] > value]
            elif name == "id":
                found = [task for task in found if task["id"] in value]
            elif name == "data.biorat_key":
                found = [task for task in found if task["data"]["biorat_key"] in value]
            elif name == "draft_exists":
                found = [task for task in found if task["draft_exists"]]
            elif name == "avg_lead_time":
                found = [task for task in found if not any(one["lead_time"] for one in task["annotations"])]
            elif name == "total_annotations" and item["operator"] == "greater":
                found = [task for task in found if task["total_annotations"] > value]
        return {"tasks": found, "total": len(found)}


@contextmanager
def fake_label_studio() -> Iterator[FakeLabelStudio]:
    """Run a fake server on the loopback interface."""
    fake = FakeLabelStudio()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fake.asked.append((self.command, parts.path))
            right = fake.right(self.command, parts.path, query, json.loads(sent) if sent else None)
            # what is given is changed, and never what the fake has
            given = fake.change(self.command, parts.path, json.loads(json.dumps(right)))
            status, said = (given, b"") if type(given) is int else (200, json.dumps(given).encode())
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
