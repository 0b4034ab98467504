"""Requests to a Label Studio server, and the errors that their failures become.

The generated methods of ``label_studio_sdk`` are for another edition of the server and lose fields of the answers
(they parse nested objects by guessing). So the SDK's client serves only for what it does well: both kinds of tokens,
refreshing them, and retries. The answers are read as plain JSON.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from biorat_al.desk.labelstudio import failures, shapes
from biorat_al.desk.labelstudio.failures import KEY_VARIABLE, URL_VARIABLE
from biorat_al.errors import DeskAccessError, DeskError, DeskUnreachableError
from biorat_al.redaction import ENCODE_HINT, keep_secret

TIMEOUT = 60.0
PAGE = 500
"""Tasks per request; above this the server's time per task rises steeply."""

SETTINGS = "id,title,description,label_config"
"""Fields of a project to ask for; its counters would take the server longer than all the others."""

_LONG_QUERY, _SHORT_QUERY = 40_000, 5_000
"""Characters of a query in the address. The server itself takes 64 kB; a proxy in front of it may take only 8 kB."""

Json = dict[str, Any]


class AnswerLostError(DeskUnreachableError):
    """A request was sent but not answered: it may or may not have taken effect.

    :ivar what: what happened, without what to do.
    """

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what}; {advice}" if advice else what)
        self.what = what


class ServerFailedError(DeskError):
    """The server failed (HTTP 500): it may have failed after it did what it was asked for."""


class NotFoundError(DeskError):
    """What the request names does not exist on the server (HTTP 404)."""


class RefusedError(DeskError):
    """The server found something wrong with the request (HTTP 400)."""


class TooLargeError(RefusedError):
    """The request was refused for its size; the server kept nothing of it."""


class Connection:
    """A connection to one server as one user.

    :param url: the server's address.
    :param api_key: a legacy token or a personal access token.
    :param timeout: seconds to wait for an answer to an ordinary request.
    :ivar replaced: how many characters of the server's answers were replaced because no database can keep them.
    :ivar clock: the server's time at its last answer, rounded up to a second; None if it does not tell the time.
    :raises DeskError: `url` is not an address, or `api_key` is empty.
    :raises DeskAccessError: `api_key` has characters that no token has.
    """

    def __init__(self, url: str, api_key: str, timeout: float = TIMEOUT) -> None:
        self._url = _clean(url)
        self._api_key = api_key.strip()
        self.timeout = timeout
        self.replaced = 0
        self.clock: datetime | None = None
        self._query_limit = _LONG_QUERY
        keep_secret(self._api_key)
        if not self._api_key:
            raise DeskError(f"{KEY_VARIABLE} is empty: put an access token for Label Studio into it")
        if not (self._api_key.isascii() and self._api_key.isprintable()) or " " in self._api_key:
            raise DeskAccessError(f"the token in {KEY_VARIABLE} holds characters that no token has: copy it again")

    def __repr__(self) -> str:
        return f"Connection({self.address!r})"

    @property
    def address(self) -> str:
        """The server's address, without user and password."""
        return self._url

    @property
    def _http(self) -> Any:
        """The SDK's HTTP client."""
        return self._sdk._client_wrapper.httpx_client

    @cached_property
    def _sdk(self) -> Any:
        # here, because this import takes about a second
        from label_studio_sdk.client import LabelStudio

        host = urlsplit(self._url).hostname or ""
        client = httpx.Client(
            timeout=httpx.Timeout(self.timeout, connect=10.0),
            # a redirected POST would turn into a GET
            follow_redirects=False,
            # a kept connection costs 45 ms per request with Label Studio's own server
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=not (host == "localhost" or host.startswith("127.") or host == "::1"),
        )
        # without the slash at the end the SDK loses the last part of a path when it refreshes a token
        return LabelStudio(base_url=f"{self._url}/", api_key=self._api_key, httpx_client=client)

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at `path`; try three times."""
        return self.request("GET", path, params=params)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """Make a request and return the JSON of the answer, or None if the answer is empty.

        Only a GET is repeated if no answer comes, because the server cannot recognise a repeated import.

        :raises AnswerLostError: the request was sent but not answered.
        :raises DeskUnreachableError: the server cannot be reached.
        :raises DeskAccessError: the token was refused.
        :raises RefusedError: the server found something wrong with the request.
        :raises NotFoundError: what `path` names does not exist.
        :raises ServerFailedError: anything else.
        """
        from label_studio_sdk.core.api_error import ApiError

        options: Json = {"max_retries": 2 if method == "GET" else 0}
        if timeout is not None:
            options["timeout_in_seconds"] = timeout
        content = None if body is None else json.dumps(body).encode()

        def send() -> httpx.Response:
            response: httpx.Response = self._http.request(
                path,
                method=method,
                params=dict(params or {}),
                # not json=: the SDK would walk through all of it before it is written
                content=content,
                headers={"Content-Type": "application/json"} if content is not None else None,
                request_options=options,
            )
            return response

        try:
            try:
                response = send()
            except (httpx.ReadError, httpx.WriteError):
                # the SDK does not repeat a request that was cut off, as a server does that is shutting down
                if method != "GET":
                    raise
                time.sleep(0.5)
                response = send()
            return self._read(response)
        except ApiError as error:
            # raised by the SDK while it looks at the token or refreshes it
            raise self._failure(error.status_code or 0, error.body) from None
        except httpx.HTTPError as error:
            raise self._no_answer(error, timeout or self.timeout) from None
        except httpx.InvalidURL:
            raise DeskError(self._no_address()) from None
        except ValueError:
            # for example a refreshed token that is not JSON: what answers is not Label Studio
            raise DeskError(failures.stranger(self.address)) from None

    def tasks(self, project: str, filters: Sequence[Json] = (), **params: Any) -> Iterator[Json]:
        """Yield the tasks of a project that pass all `filters`, by ascending id.

        Pages go by id, not by page number: otherwise tasks deleted meanwhile would shift others out of sight. Data are
        requested unresolved: otherwise the server would rewrite whatever looks like a storage address.
        """
        last = 0
        while True:
            after = {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": last}
            items = [after, *filters] if last else list(filters)
            query: Json = {"ordering": ["tasks:id"]}
            if items:
                query["filters"] = {"conjunction": "and", "items": items}
            answer = self.get(
                "api/tasks/", project=project, page_size=PAGE, query=json.dumps(query), resolve_uri="false", **params
            )
            given, total = shapes.tasks_of(answer, params.get("include", ""), self.server)
            page = [task for task in given if task["id"] > last]
            yield from page
            # the server may be configured to give shorter pages than it is asked for
            if not page or len(given) >= total:
                return
            last = max(task["id"] for task in page)

    def tasks_where(self, project: str, field: str, values: Sequence[Any], **params: Any) -> Iterator[Json]:
        """Yield the tasks of a project whose `field` has one of `values`."""
        remaining = list(values)
        while remaining:
            batch = _as_many_as_fit(remaining, self._query_limit)
            listed = {"filter": f"filter:tasks:{field}", "operator": "in_list", "type": "List", "value": batch}
            try:
                tasks = list(self.tasks(project, [listed], **params))
            except DeskError as error:
                hopeless = isinstance(error, (DeskAccessError, NotFoundError)) or (
                    isinstance(error, DeskUnreachableError) and not isinstance(error, AnswerLostError)
                )
                if hopeless or self._query_limit == _SHORT_QUERY or len(batch) == 1:
                    raise
                # a proxy in front of the server may refuse a long address with any status
                self._query_limit = _SHORT_QUERY
                continue
            yield from tasks
            remaining = remaining[len(batch) :]

    def _read(self, response: httpx.Response) -> Any:
        self.clock = _time_of(response)
        if response.is_redirect or 300 <= response.status_code < 400:
            raise DeskError(failures.sent_on(response, self.address))
        if not response.is_success:
            raise self._failure(response.status_code, response.content, response.headers)
        if not response.content:
            return None
        answer = _json(response)
        if answer is None:
            raise DeskError(failures.stranger(self.address, response))
        answer, replaced = shapes.mended(response.content, answer)
        self.replaced += replaced
        return answer

    def _failure(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> DeskError:
        self._keep_secrets()
        detail, server = failures.detail_of(body), self.server
        if status in (401, 403):
            basic = status == 401 and (headers or {}).get("www-authenticate", "").lower().startswith("basic")
            personal = self._api_key.count(".") == 2
            return DeskAccessError(failures.access_refused(status, detail, server, basic=basic, personal=personal))
        if status == 404:
            return NotFoundError(f"{server} does not have it: {detail or 'see ' + URL_VARIABLE}")
        if failures.is_too_large(status, detail):
            return TooLargeError(failures.too_large(status, server))
        if status == 429:
            return DeskUnreachableError(failures.not_now(status, server))
        if status in (502, 503, 504):
            return AnswerLostError(failures.not_now(status, server))
        if status in (400, 409, 422):
            return RefusedError(failures.refused(detail, server))
        return ServerFailedError(failures.failed(status, detail, server))

    def _no_answer(self, error: httpx.HTTPError, seconds: float) -> DeskError:
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
            return DeskUnreachableError(failures.no_connection(error, self.server))
        if isinstance(error, httpx.UnsupportedProtocol):
            return DeskError(self._no_address())
        if isinstance(error, httpx.LocalProtocolError):
            # its text quotes the header with the token
            return DeskAccessError(f"the token in {KEY_VARIABLE} holds characters that no token has")
        return AnswerLostError(
            failures.broke_off(error, self.server, seconds), "once it answers again, run the same command again"
        )

    def _no_address(self) -> str:
        """Say which address is invalid: ours, or the one to which an answer redirects us."""
        try:
            httpx.URL(self._url)
        except httpx.InvalidURL:
            return f"{URL_VARIABLE} is not an address: {self.address}"
        return failures.sent_nowhere(self.address)

    @property
    def server(self) -> str:
        """The server's name for use in a sentence."""
        return f"Label Studio at {self.address}"

    def _keep_secrets(self) -> None:
        """Keep the token, and the one that it was exchanged for, out of everything that is shown."""
        keep_secret(self._api_key)
        if "_sdk" in self.__dict__:
            keep_secret(getattr(self._sdk._client_wrapper._tokens_client, "_access_token", None))


def _clean(url: str) -> str:
    """Return the address without user and password, which would replace the token in a request."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.path or parts.query or parts.fragment:
        # quoted only if it cannot be a token or contain a password, which may be in any part if it was not encoded
        harmless = len(url) <= 30 and not set(url.partition("://")[2] or url) & set("@:?#")
        hint = f"; {ENCODE_HINT}" if "@" in url else f": {url!r}" if harmless else ""
        raise DeskError(f"{URL_VARIABLE} is not an address of the form http://host:port{hint}")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _as_many_as_fit(values: list[Any], limit: int) -> list[Any]:
    length = 0
    for number, value in enumerate(values):
        # percent-encoded, with quotes and comma
        length += sum(1 if c.isascii() and c.isalnum() else 3 * len(c.encode("utf-8", "replace")) for c in str(value))
        length += 12
        if length > limit and number:
            return values[:number]
    return values


def _time_of(response: httpx.Response) -> datetime | None:
    """Return the server's time as the header ``Date`` has it, which leaves fractions of a second out; one later."""
    try:
        return parsedate_to_datetime(response.headers["date"]).astimezone(UTC) + timedelta(seconds=1)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _json(response: httpx.Response) -> Any:
    try:
        # databases keep neither infinite numbers nor NaN
        return response.json(parse_constant=lambda name: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
