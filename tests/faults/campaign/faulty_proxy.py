"""Run a proxy in a separate process that spoils some of the requests."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.faults.campaign.server import CONTROL, Answer, give

STALL = 2.5
"""Seconds; longer than a command of the campaign waits for an answer."""

Forward = Callable[[], tuple[int, bytes]]
Fault = Callable[[BaseHTTPRequestHandler, bytes, Forward], None]


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def _reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.shutdown(socket.SHUT_RD)
    handler.close_connection = True


def _says(status: int, body: bytes, kind: str = "application/json", *, forwarded: bool = False) -> Fault:
    def fault(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
        if forwarded:
            forward()
        give(handler, status, body, kind)

    return fault


def _cut_before(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    _cut(handler)


def _cut_after(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    forward()
    _cut(handler)


def _reset_before(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    _reset(handler)


def _reset_after(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    forward()
    _reset(handler)


def _late(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    threading.Timer(0.4, forward).start()
    _cut(handler)


def _stalled(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    forward()
    time.sleep(STALL)
    _cut(handler)


def _slow(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    time.sleep(0.3)
    give(handler, *forward())


def _body_cut(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    status, body = forward()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    _cut(handler)


def _half_of_it(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    status, body = forward()
    give(handler, status, body[: len(body) // 2])


def _twice(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
    forward()
    give(handler, *forward())


def _quoting(status: int) -> Fault:
    """A server that quotes all it was sent, the token with it."""

    def fault(handler: BaseHTTPRequestHandler, sent: bytes, forward: Forward) -> None:
        headers = dict(handler.headers.items())
        quoted = f"{handler.command} {handler.path} {headers}"
        said = {"detail": quoted, "headers": headers, "sent": sent.decode()[:200]}
        give(handler, status, json.dumps(said).encode())

    return fault


_HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please log in.</body></html>"

FAULTS: dict[str, Fault] = {
    "cut off before": _cut_before,
    "cut off after": _cut_after,
    "reset before": _reset_before,
    "reset after": _reset_after,
    "forwarded late": _late,
    "stalled": _stalled,
    "slow": _slow,
    "body cut": _body_cut,
    "half of the JSON": _half_of_it,
    "sent twice": _twice,
    "502": _says(502, b"Bad Gateway", "text/plain"),
    "503 after": _says(503, b"", forwarded=True),
    "504 after": _says(504, _HTML, "text/html", forwarded=True),
    "500": _says(500, b'{"detail": "Internal"}'),
    "500 after": _says(500, b"", forwarded=True),
    "429": _says(429, b'{"detail": "Request was throttled."}'),
    "413": _says(413, b"<h1>Request Entity Too Large</h1>", "text/html"),
    "401": _says(401, b'{"detail": "Invalid token."}'),
    "403 with HTML": _says(403, _HTML, "text/html"),
    "404": _says(404, b'{"detail": "No such thing"}'),
    "302": _says(302, b""),
    "HTML": _says(200, _HTML, "text/html"),
    "HTML after": _says(200, _HTML, "text/html", forwarded=True),
    "null": _says(200, b"null"),
    "a list": _says(200, b"[]"),
    "a list of numbers": _says(200, b"[1, 2]"),
    "a text": _says(200, b'"ok"'),
    "an object": _says(200, b"{}"),
    "no tasks": _says(200, b'{"tasks": [], "total": 0, "results": [], "next": null, "task_ids": [], "created": 0}'),
    "numbers for texts": _says(200, b'{"id": "x", "title": 7, "tasks": [{"id": null}], "total": 1, "results": [7]}'),
    "NUL and half a pair": _says(200, b'{"id": 1, "title": "\\u0000", "label_config": "\\ud800", "detail": "\\ud800"}'),
    "quoted with 400": _quoting(400),
    "quoted with 500": _quoting(500),
    "quoted with 401": _quoting(401),
}
"""What can happen to a request."""


def faulty_proxy(target: str) -> Callable[[], Answer]:
    """Return what makes a proxy before `target`; ``POST /campaign/fault`` says which requests it spoils, and how."""

    def make() -> Answer:
        state: dict[str, Any] = {"at": -1, "width": 1, "fault": "", "count": 0, "spoiled": []}
        lock = threading.Lock()

        def answer(handler: BaseHTTPRequestHandler, sent: bytes) -> None:
            if handler.path.startswith(f"{CONTROL}/fault"):
                seen = dict(state)
                if handler.command == "POST":
                    state.update(count=0, spoiled=[], **json.loads(sent))
                give(handler, 200, json.dumps(seen).encode())
                return
            with lock:
                number = state["count"]
                state["count"] += 1
                spoiled = state["at"] <= number < state["at"] + state["width"]
                if spoiled:
                    state["spoiled"].append(f"{handler.command} {urlsplit(handler.path).path}")

            def forward() -> tuple[int, bytes]:
                return _forwarded(target, handler.command, handler.path, dict(handler.headers.items()), sent)

            if spoiled:
                FAULTS[state["fault"]](handler, sent, forward)
            else:
                give(handler, *forward())

        return answer

    return make


def _forwarded(target: str, method: str, path: str, headers: dict[str, str], sent: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(target).netloc, timeout=120)
    kept = {name: value for name, value in headers.items() if name.lower() in ("authorization", "content-type")}
    connection.request(method, path, sent or None, kept)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()
