"""A proxy on the loopback interface that loses answers like a bad network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

Rule = Callable[[str, str], str]
"""Maps method and path to what is done: ``pass``, ``lose`` (forward, then drop the answer), ``cut`` (drop the request),
``late`` (drop at once, forward afterwards), ``fail`` (forward, then answer 500), ``503`` (answer so without
forwarding)."""


class Proxy:
    """A running proxy and the requests it saw.

    :param url: the address of the proxy.
    :param requests: method and path of each request, in order.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, str]] = []
        self.afterwards: list[threading.Timer] = []


@contextmanager
def proxy(target: str, rule: Rule, delay: float = 1.0) -> Iterator[Proxy]:
    """Run a proxy in front of `target`.

    :param delay: seconds after which a ``late`` request is forwarded.
    """

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            headers = {k: v for k, v in self.headers.items() if k.lower() in ("authorization", "content-type")}
            seen.requests.append((self.command, self.path))
            what = rule(self.command, self.path)

            def forward() -> httpx.Response:
                with httpx.Client(timeout=120, trust_env=False) as client:
                    return client.request(self.command, target + self.path, content=body, headers=headers)

            if what == "late":
                timer = threading.Timer(delay, forward)
                seen.afterwards.append(timer)
                timer.start()
            if what in ("cut", "late"):
                self.close_connection = True
                return
            if what.isdigit():
                self.send_error(int(what))
                return
            answer = forward()
            if what == "fail":
                self.send_error(500)
                return
            if what == "lose":
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("content-type", ""))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen = Proxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        for timer in seen.afterwards:
            timer.join()
        server.shutdown()
        server.server_close()
