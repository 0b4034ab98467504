"""Texts for failed requests: which limit or switch of the server is the cause, and what to do.

This module only makes texts. None of them repeats a secret, whatever the server quotes.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from biorat_al.redaction import redact
from biorat_al.wording import shortened

URL_VARIABLE = "LABEL_STUDIO_URL"
KEY_VARIABLE = "LABEL_STUDIO_API_KEY"

_LONGEST = 300
"""Most characters of a detail: servers quote whole requests."""


def detail_of(body: Any) -> str:
    """Return the part of an error's body that says what is wrong, on one line; of an HTML page, its title."""
    if isinstance(body, (bytes, str)):
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        try:
            body = json.loads(text)
        except ValueError:
            return _short(_page(text))
    if isinstance(body, Mapping):
        wrong = body.get("validation_errors") or body.get("detail")
        # Label Studio's own errors also contain a traceback and numbers
        body = wrong or {key: value for key, value in body.items() if key not in _NOT_SAID}
    return _short("; ".join(_flat(body)))


_NOT_SAID = frozenset({"exc_info", "id", "status_code", "version", "display_context", "validation_errors", "detail"})


def is_too_large(status: int, detail: str) -> bool:
    """Return whether a request was refused for its size."""
    return status == 413 or "DATA_UPLOAD_MAX_MEMORY_SIZE" in detail


def too_large(status: int, server: str) -> str:
    """Say which limit a request exceeded."""
    if status == 413:
        return (
            f"{server} refused a request as too large (HTTP 413): what is in front of Label Studio allows less; raise "
            "its limit (client_max_body_size in nginx)"
        )
    return f"{server} refused a request as too large: raise DATA_UPLOAD_MAX_MEMORY_SIZE where Label Studio is started"


def access_refused(status: int, detail: str, server: str, *, basic: bool, personal: bool) -> str:
    """Say why a token was refused (HTTP 401), or what its user may not do (HTTP 403).

    :param basic: the server asked for a user name and a password (basic authentication).
    :param personal: the token is a personal access token, not a legacy one.
    """
    low = detail.lower()
    if status == 403:
        if "reserved network" in low or "not allowed. urls" in low or "ssrf" in low or "banned subnet" in low:
            return (
                f"{server} does not call addresses of its own network: {detail}; allow it where Label Studio is "
                "started (SSRF_PROTECTION_ENABLED=false), or give an address that it may call"
            )
        if not detail or detail.startswith("a page"):
            return (
                f"{server} does not let us in (HTTP 403{f', {detail}' if detail else ''}): something in front of Label "
                "Studio refuses; let its requests to /api through"
            )
        return (
            f"{server} does not let this user do that: {detail}; see whether the user of the token in {KEY_VARIABLE} "
            "is still a member of the organization"
        )
    if basic:
        return (
            f"{server} asks for a user name and a password (basic authentication), which take the place of the token "
            "in a request: let what is in front of Label Studio pass requests to /api without them"
        )
    if "legacy token" in low:
        return (
            f"{server} does not accept legacy tokens: make a personal access token there "
            f"(Account & Settings) and put it into {KEY_VARIABLE}, or have legacy tokens enabled (Organization, API "
            "Tokens Settings)"
        )
    again = "copy it again from Account & Settings"
    if "invalid or expired" in low or "blacklisted" in low:
        return f"{server} refused the token in {KEY_VARIABLE}: it was revoked, or has expired; {again}"
    if "expired" in low:
        return f"{server} refused the token in {KEY_VARIABLE}: it has expired; {again}"
    if personal and "not provided" in low:
        return (
            f"{server} refused the token in {KEY_VARIABLE}: personal access tokens may be switched off there "
            f"(Organization, API Tokens Settings), or it is another server's; {again}"
        )
    return f"{server} refused the token in {KEY_VARIABLE}: it is not known there; {again}"


def not_now(status: int, server: str) -> str:
    """Say what a gateway's answer means (HTTP 502, 503, 504), or that the server gets too many requests (HTTP 429)."""
    why = {
        429: "gets too many requests; wait a minute and run the same command again, or raise the limit of what is in "
        "front of it",
        502: "is not available at the moment (HTTP 502): what is in front of it gets no answer; see whether Label "
        "Studio runs",
        503: "is not available at the moment (HTTP 503): it is starting, or overloaded; try again in a minute",
        504: "is not available at the moment (HTTP 504): what is in front of it did not wait any longer; raise its "
        "limit (proxy_read_timeout in nginx), or ask for fewer documents (--size)",
    }
    return f"{server} {why[status]}"


def refused(detail: str, server: str) -> str:
    """Say why the server rejected a request (HTTP 400, 409, 422)."""
    low = detail.lower()
    if "plain http request" in low:
        return f"{server} wants an encrypted connection: begin {URL_VARIABLE} with https://"
    if "http_host" in low or "disallowedhost" in low or "bad request (400)" in low:
        return (
            f"{server} does not know itself under this address; add it to the server's ALLOWED_HOSTS, or put the one "
            f"it knows into {URL_VARIABLE}"
        )
    return f"{server} refused the request: {detail or 'without saying why'}"


def failed(status: int, detail: str, server: str) -> str:
    """Say what an error inside the server means (HTTP 500)."""
    low = detail.lower()
    if "operate well" in low or "database is locked" in low:
        return (
            f"{server} failed: its own database is SQLite and was locked; run the same command again, and give it a "
            "Postgres where several people annotate"
        )
    if "no space left" in low or "disk is full" in low:
        return f"{server} failed: its disk is full; make room there"
    if "too many clients" in low or "connection slots" in low:
        return f"{server} failed: its database has no connection left; run the same command again in a minute"
    said = detail.strip(" ;:.,")
    return f"{server} failed (HTTP {status}){f': {said}' if said else ''}; its log says more"


def sent_on(response: httpx.Response, address: str) -> str:
    """Say where an answer redirects us (HTTP 301, 302, 307, 308)."""
    location = response.headers.get("location", "").strip()
    try:
        # refuses what httpx would repair
        urlsplit(location)
        target = response.request.url.join(location)
    except (httpx.InvalidURL, ValueError):
        location = ""
    if not location or not target.host or target.scheme not in ("http", "https"):
        return sent_nowhere(address, f" (HTTP {response.status_code})")
    if re.search(r"log-?in|sign-?in|sso|oauth|auth", target.path, re.IGNORECASE):
        return (
            f"{address} asks for a login at {_origin(target)}: it is not Label Studio's API, or a single sign-on is "
            f"in front of it; let requests to /api through, or put the address that is right into {URL_VARIABLE}"
        )
    # a path on the same server says what moved; other paths are not shown
    path = redact(target.path) if _origin(target) == _origin(response.request.url) else ""
    return f"{address} sends us on to {_origin(target)}{path}: put the address that is right into {URL_VARIABLE}"


def sent_nowhere(address: str, status: str = "") -> str:
    """Say that an answer redirects us to something that is not an address."""
    return f"{address} sends us on{status} and does not say where to: see {URL_VARIABLE}"


def no_connection(error: httpx.HTTPError, server: str) -> str:
    """Say why no connection could be made."""
    text = _with_causes(error)
    low = text.lower()
    if isinstance(error, httpx.ProxyError) or "proxy" in low:
        return (
            f"no answer from {server}: the proxy that HTTP_PROXY or HTTPS_PROXY names does not let us through; add the "
            "server to NO_PROXY, or correct them"
        )
    if "certificate" in low:
        reason = _short(re.sub(r"\s*\(_ssl.*", "", re.sub(r".*certificate verify failed:?\s*", "", text, flags=re.S)))
        return (
            f"no answer from {server}: its certificate is not trusted here ({reason}); let SSL_CERT_FILE name your "
            "organization's certificates, or put the name that is in the certificate into "
            f"{URL_VARIABLE}"
        )
    if "ssl" in low:
        return (
            f"no answer from {server}: it does not encrypt on this port; begin {URL_VARIABLE} with http://, or correct "
            "the port"
        )
    if re.search(r"name or service not known|name resolution|nodename nor servname|getaddrinfo|idna", low):
        return (
            f"no answer from {server}: the name of the host is not known on this machine; see {URL_VARIABLE} and "
            "whether the network is there"
        )
    if isinstance(error, httpx.ConnectTimeout) or re.search(r"unreachable|no route|timed out", low):
        return (
            f"no answer from {server}: nothing came back; see whether the address is right, and whether a firewall "
            "lets you through"
        )
    return f"no answer from {server}: is it running? Start it, and run the same command again"


def broke_off(error: httpx.HTTPError, server: str, seconds: float) -> str:
    """Say that a request was sent but not answered."""
    if isinstance(error, httpx.TimeoutException):
        return f"no answer from {server} within {seconds:.0f} seconds: it is busy, or the connection broke off"
    return f"the connection to {server} broke off ({type(error).__name__})"


def stranger(address: str, response: httpx.Response | None = None) -> str:
    """Say that what answers is not Label Studio."""
    page = "" if response is None or not response.content else _page(response.text)
    what = f" ({_short(page)})" if page.startswith("a page") else ""
    return (
        f"what answers at {address} is not Label Studio{what}: see {URL_VARIABLE}"
        f"{', and whether a login is in front of it' if what else ''}"
    )


def _origin(url: httpx.URL) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.host}{port}"


def _with_causes(error: BaseException) -> str:
    texts: list[str] = []
    one: BaseException | None = error
    while one is not None and len(texts) < 10:
        texts.append(str(one))
        one = one.__cause__ or one.__context__
    return "\n".join(texts)


def _page(text: str) -> str:
    if not re.search(r"<(?:!doctype|html|head|body|title)", text[:1000], re.IGNORECASE):
        return text
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    name = " ".join(html.unescape(title[1]).split()) if title else ""
    return f"a page titled {name!r}" if name else "a page"


def _flat(value: Any, place: str = "") -> Iterator[str]:
    """Yield the texts of nested errors, each with the name of its field."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(part, place if key == "non_field_errors" else f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _flat(part, place)
    elif value is not None and str(value).strip():
        yield f"{place}: {value}" if place else str(value)


def _short(text: str) -> str:
    return shortened(redact(" ".join(text.split())), _LONGEST)
