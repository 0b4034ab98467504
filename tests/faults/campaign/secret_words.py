"""The secrets of every trial, and whether a text shows one of them in any spelling."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

TOKEN = "c4mp-aign+t0ken/with=signs&0123456789"
"""An access token as no server makes them, with all that is written otherwise in an address or a page."""

PASSWORD = "Pa55@w/rd:of#the%lab?"
"""A password with every character that has a meaning in an address."""

USER = "campaigner"


def address(host: str, port: int, name: str) -> str:
    """An address of a Postgres with the password in it, encoded as it must be."""
    return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@{host}:{port}/{name}"


def spellings(secret: str) -> Iterator[str]:
    """Yield how programs write a secret."""
    encoded = quote(secret, safe="")
    yield from (secret, encoded, quote(secret), quote_plus(secret), quote(encoded, safe=""))
    yield from (html.escape(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1])
    for text in (secret, f"{USER}:{secret}", f"Token {secret}"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(text.encode()).decode().rstrip("=")


def shown_in(text: str, *more: str) -> str:
    """Return the beginning of a secret that a text shows, or nothing.

    :param more: secrets beside those of every trial.
    """
    for secret in (TOKEN, PASSWORD, *more):
        # what is left of one that was cut at a character with a meaning
        pieces = [secret[len(secret) // 2 :]] if len(secret) > 16 else []
        for spelling in {*spellings(secret), *pieces}:
            if spelling in text:
                return f"{spelling[:6]}…"
    return ""
