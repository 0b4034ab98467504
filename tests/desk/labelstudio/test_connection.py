"""What failures mean, said in one sentence, and never with the token in it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.connection import (
    AnswerLostError,
    Connection,
    NotFoundError,
    RefusedError,
    ServerFailedError,
    TooLargeError,
    _as_many_as_fit,
)
from biorat_al.errors import BioratError, DeskAccessError, DeskError, DeskUnreachableError
from tests.support.labelstudio import RunningLabelStudio

TOKEN = "0123456789abcdef0123456789abcdef01234567"


class _Answers:
    """A server that says the same to everybody, and remembers what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []


@contextmanager
def _server(
    status: int,
    body: bytes = b"{}",
    *,
    seen: list[str] | None = None,
    quoting: bool = False,
    access: str = "",
    **headers: str,
) -> Iterator[_Answers]:
    """Yield a server that answers everything in the same way.

    :param seen: filled with the headers by which it was asked to let in.
    :param quoting: its body is all that it was sent, also as base64.
    :param access: what it gives for a personal access token.
    """

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answers.asked.append(f"{self.command} {self.path}")
            if seen is not None:
                seen.append(self.headers.get("Authorization", ""))
            refreshing = bool(access) and self.path.endswith("/token/refresh/")
            said = body
            if quoting:
                quoted = f"{self.headers}{sent.decode()}"
                said = json.dumps({"detail": f"{base64.b64encode(quoted.encode()).decode()} {quoted}"}).encode()
                said = b"<" + said if status == 200 else said
            if refreshing:
                said = json.dumps({"access": access}).encode()
            self.send_response(200 if refreshing else status)
            for name, value in {"Content-Length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    answers = _Answers()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()


def _told(error: BioratError) -> str:
    """Return the error's whole text, looked through for the token: also in what it came from."""
    parts: list[str] = []
    one: BaseException | None = error
    while one is not None:
        parts += [str(one), repr(one)]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    text = "\n".join(parts)
    assert TOKEN not in text
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (401, {"detail": "Invalid token."}, DeskAccessError, "is not known there"),
        (401, {"detail": "legacy token authentication has been disabled"}, DeskAccessError, "personal access token"),
        (403, {"detail": "You do not have permission"}, DeskAccessError, "You do not have permission"),
        (404, {"detail": "No Project matches"}, NotFoundError, "No Project matches"),
        (400, {"validation_errors": {"title": ["too long"]}}, RefusedError, "too long"),
        (400, {"detail": f"what is {TOKEN}?"}, RefusedError, "what is ***?"),
        (
            400,
            {"validation_errors": {"non_field_errors": ["no"], "a": {"b": ["c", "d"]}}},
            RefusedError,
            "no; a.b: c; a.b: d",
        ),
        (400, {"task": ["This field is required."]}, RefusedError, "task: This field is required."),
        (400, ["one", "two"], RefusedError, "one; two"),
        (400, "The plain HTTP request was sent to HTTPS port", RefusedError, "begin LABEL_STUDIO_URL with https://"),
        (400, "<html><title>Bad Request (400)</title>", RefusedError, "ALLOWED_HOSTS"),
        (400, "", RefusedError, "without saying why"),
        (401, {"detail": "Token is invalid or expired"}, DeskAccessError, "it was revoked, or has expired"),
        (403, "<html><title>Just a moment</title>", DeskAccessError, "a page titled 'Just a moment'"),
        (
            403,
            {"detail": "URL resolves to a reserved network address (block: 127.0.0.0/8)"},
            DeskAccessError,
            "SSRF_PROTECTION_ENABLED=false",
        ),
        (413, "<html><head><title>413 Request Entity Too Large</title>", TooLargeError, "client_max_body_size"),
        (
            500,
            {"detail": "Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE."},
            TooLargeError,
            "raise DATA_UPLOAD_MAX_MEMORY_SIZE",
        ),
        (422, {"detail": "Project with the same title already exists"}, RefusedError, "same title"),
        (429, "", DeskUnreachableError, "too many requests; wait a minute"),
        (500, {"detail": "Sqlite <a href='x'>doesn't operate well</a> on"}, ServerFailedError, "give it a Postgres"),
        (500, {"detail": "could not write: No space left on device"}, ServerFailedError, "its disk is full"),
        (500, "", ServerFailedError, "failed (HTTP 500); its log says more"),
        (500, " ; ", ServerFailedError, "failed (HTTP 500); its log says more"),
        (500, {"detail": "b" * 5000}, ServerFailedError, "bbb…; its log"),
        (503, "", AnswerLostError, "starting, or overloaded"),
        (500, {"detail": "boom", "exc_info": "Traceback: a lot"}, ServerFailedError, "boom"),
        (502, "<html>", AnswerLostError, "not available"),
        (504, "", AnswerLostError, "not available"),
        (200, "<html>a page</html>", DeskError, "is not Label Studio"),
        (
            200,
            "<html><title>Sign in</title>",
            DeskError,
            "a page titled 'Sign in'",
        ),
    ],
)
def test_every_answer_has_its_meaning(status: int, body: Any, kind: type[BioratError], told: str) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    with _server(status, text.encode()) as server, pytest.raises(kind) as caught:
        Connection(server.url, TOKEN).request("POST", "api/anything", body={})
    assert type(caught.value) is kind
    assert told in _told(caught.value)
    assert server.url in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_only_a_get_is_repeated() -> None:
    with _server(503) as server:
        connection = Connection(server.url, TOKEN)
        with pytest.raises(DeskUnreachableError):
            connection.request("POST", "api/x", body=[])
        assert server.asked == ["POST /api/x"]
        with pytest.raises(DeskUnreachableError):
            connection.get("api/y")
        assert server.asked == ["POST /api/x", *["GET /api/y"] * 3]


def test_being_sent_on_is_told_with_the_address_that_is_right() -> None:
    with (
        _server(301, b"", Location="https://user:pass@elsewhere.example/api?token=t") as server,
        pytest.raises(DeskError, match=r"sends us on to https://elsewhere\.example:") as caught,
    ):
        Connection(server.url, TOKEN).get("api/x")
    assert "pass" not in _told(caught.value)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("", "sends us on (HTTP 302) and does not say where to"),
        ("/elsewhere/", "sends us on to http://127.0.0.1:"),
        ("/user/login/?next=/api/x", "asks for a login at http://127.0.0.1:"),
        ("https://sso.example/realms/x/protocol/openid-connect/auth", "asks for a login at https://sso.example:"),
        ("http://[half", "does not say where to"),
        ("mailto:someone@elsewhere.example", "does not say where to"),
        ("about:blank", "does not say where to"),
    ],
)
def test_being_sent_on_says_where_to_or_that_it_is_a_login(location: str, told: str) -> None:
    headers = {"Location": location} if location else {}
    with _server(302, b"", **headers) as server, pytest.raises(DeskError) as caught:
        Connection(server.url, TOKEN).get("api/x")
    assert told in _told(caught.value)


def test_user_and_password_in_the_address_do_not_take_the_place_of_the_token() -> None:
    seen: list[str] = []
    with _server(200, b'{"email": "e"}', seen=seen) as server:
        LabelStudioDesk(server.url.replace("://", "://me:hidden@"), TOKEN).check()
    assert seen == [f"Token {TOKEN}"]


def test_a_gateway_that_asks_for_a_password_is_told() -> None:
    headers = {"WWW-Authenticate": 'Basic realm="lab"'}
    with _server(401, b"<html>", **headers) as server, pytest.raises(DeskAccessError) as caught:
        Connection(server.url.replace("://", "://me:hidden@"), TOKEN).get("api/x")
    assert "basic authentication" in _told(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 413, 422, 429, 500, 502])
@pytest.mark.parametrize("personal", [False, True])
def test_a_server_that_quotes_all_that_it_was_sent_shows_no_secret(status: int, personal: bool) -> None:
    import jwt

    refresh = jwt.encode({"exp": 2**31, "token_type": "refresh"}, "key" * 20)
    access = jwt.encode({"exp": 2**31, "token_type": "access"}, "yek" * 20)
    with _server(status, quoting=True, access=access, Location=f"https://me:hidden@x.example/{TOKEN}") as server:
        connection = Connection(server.url.replace("://", "://me:hidden@"), refresh if personal else TOKEN)
        with pytest.raises(DeskError) as caught:
            connection.request("POST", "api/x", body={"tokens": [TOKEN, refresh, access]})
    said = _told(caught.value)
    for secret in (TOKEN, refresh, access, "hidden", *access.split("."), *refresh.split(".")):
        assert secret not in said
        assert base64.b64encode(secret.encode()).decode().rstrip("=") not in said


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ConnectError("[Errno -2] Name or service not known"), "name of the host is not known"),
        (httpx.ConnectError("[Errno 111] Connection refused"), "is it running"),
        (httpx.ConnectError("[Errno 113] No route to host"), "firewall"),
        (httpx.ConnectTimeout("timed out"), "firewall"),
        (
            httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed (_ssl.c:1006)"),
            "not trusted here (self-signed)",
        ),
        (httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), "begin LABEL_STUDIO_URL with http://"),
        (httpx.ProxyError("407 Proxy Authentication Required"), "NO_PROXY"),
        (httpx.ReadTimeout("timed out"), "within 60 seconds"),
        (httpx.RemoteProtocolError("Server disconnected"), "broke off"),
    ],
)
def test_why_there_is_no_answer(monkeypatch: pytest.MonkeyPatch, error: httpx.HTTPError, told: str) -> None:
    connection = Connection("http://127.0.0.1:9", TOKEN)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(connection._http, "request", fail)
    with pytest.raises(DeskUnreachableError) as caught:
        connection.request("POST", "api/x", body={})
    assert told in _told(caught.value)
    assert "Label Studio at http://127.0.0.1:9" in str(caught.value)


def test_nobody_answers() -> None:
    with _server(200) as server:
        url = server.url
    with pytest.raises(DeskUnreachableError, match="is it running") as caught:
        Connection(url, TOKEN).request("POST", "api/x", body={})
    assert not isinstance(caught.value, AnswerLostError)
    _told(caught.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://host", "http://", "http://host:port", "http://[half", "file:///etc/passwd"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(DeskError, match="LABEL_STUDIO_URL is not an address"):
        Connection(url, TOKEN)


def test_a_password_in_the_address_is_not_shown() -> None:
    connection = Connection("http://me:hidden@127.0.0.1:9/prefix/", TOKEN)
    assert connection.address == "http://127.0.0.1:9/prefix"
    assert "hidden" not in repr(connection)
    with pytest.raises(DeskError) as caught:
        connection.get("api/x")
    assert "hidden" not in _told(caught.value)
    with pytest.raises(DeskError) as caught:
        Connection("hxxp://me:hidden@127.0.0.1", TOKEN)
    assert "hidden" not in _told(caught.value)


@pytest.mark.parametrize(
    "url", ["http://me:hidden", "me:hidden@host", "http://host/?token=hidden", "http://me:h/idden@x"]
)
def test_an_address_that_may_hold_a_secret_is_not_repeated(url: str) -> None:
    with pytest.raises(DeskError, match="LABEL_STUDIO_URL is not an address") as caught:
        Connection(url, TOKEN)
    assert "idden" not in _told(caught.value)


@pytest.mark.parametrize("token", ["two words", "line\nend", "ümlaut", "a\0b"])
def test_a_token_that_cannot_be_one(token: str) -> None:
    with pytest.raises(DeskAccessError, match="characters that no token has") as caught:
        Connection("http://127.0.0.1:9", token)
    assert token not in str(caught.value)


def test_an_empty_token() -> None:
    with pytest.raises(DeskError, match="LABEL_STUDIO_API_KEY is empty"):
        Connection("http://127.0.0.1:9", "  ")


def test_nothing_shows_the_token() -> None:
    desk = LabelStudioDesk("http://127.0.0.1:9", TOKEN)
    assert TOKEN not in repr(desk)
    assert repr(desk) == "LabelStudioDesk('http://127.0.0.1:9')"


def test_a_prefix_in_the_address_is_kept() -> None:
    with _server(200, b'{"email": "e"}') as server:
        LabelStudioDesk(f"{server.url}/some/prefix/", TOKEN).check()
    assert server.asked == ["GET /some/prefix/api/current-user/whoami"]


def test_something_else_that_speaks_json_is_not_label_studio() -> None:
    with _server(200, b'{"hello": "world"}') as server, pytest.raises(DeskError, match="is not Label Studio"):
        LabelStudioDesk(server.url, TOKEN).check()


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with _server(200, b'{"email": "e"}') as server:
        LabelStudioDesk(server.url, TOKEN).check()


def test_values_are_asked_for_in_portions() -> None:
    values = [f"key-{number}" for number in range(100)]
    some = _as_many_as_fit(values, 200)
    assert values[: len(some)] == some
    assert 1 < len(some) < 20
    assert _as_many_as_fit(["x" * 1000, "y"], 200) == ["x" * 1000]
    assert _as_many_as_fit(values, 10**6) == values


def test_a_legacy_token_and_a_personal_one_both_open(label_studio: RunningLabelStudio) -> None:
    label_studio.desk().check()
    token = label_studio.personal_access_token()
    desk = LabelStudioDesk(label_studio.url, token)
    desk.check()
    desk.check()
    LabelStudioDesk(label_studio.url + "/", f"  {token}\n").check()


def test_a_wrong_token_is_explained(label_studio: RunningLabelStudio) -> None:
    with pytest.raises(DeskAccessError, match=r"refused the token in LABEL_STUDIO_API_KEY: it is not known there") as c:
        LabelStudioDesk(label_studio.url, TOKEN).check()
    _told(c.value)


def test_a_personal_token_that_was_revoked_is_explained(label_studio: RunningLabelStudio) -> None:
    someone = label_studio.new_annotator()
    token = someone.request("POST", "/api/token/")["token"]
    someone.request("POST", "/api/token/blacklist/", json={"refresh": token})
    with pytest.raises(DeskAccessError, match="refused the token") as caught:
        LabelStudioDesk(label_studio.url, token).check()
    assert token not in str(caught.value)


def test_a_personal_token_that_has_expired_is_explained() -> None:
    import jwt

    token = jwt.encode({"exp": 1, "token_type": "refresh"}, "key" * 20)
    with _server(200) as server, pytest.raises(DeskAccessError, match="expired") as caught:
        LabelStudioDesk(server.url, token).check()
    assert token not in str(caught.value)
    assert server.asked == []


def test_disabled_legacy_tokens_are_explained(label_studio: RunningLabelStudio) -> None:
    token = label_studio.personal_access_token()
    label_studio.allow_legacy_tokens(False)
    try:
        with pytest.raises(
            DeskAccessError, match="does not accept legacy tokens: make a personal access token"
        ) as told:
            label_studio.desk().check()
        LabelStudioDesk(label_studio.url, token).check()
    finally:
        label_studio.allow_legacy_tokens(True)
    assert label_studio.token not in str(told.value)
    label_studio.desk().check()
