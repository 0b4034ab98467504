"""The secrets of a run, and the function that removes them from a text before anybody reads it.

Error texts quote what was sent: a server quotes the request, a driver its address, a traceback the arguments. So
:func:`redact` finds a secret in every spelling in which it may come back: as given, percent-encoded, as base64,
escaped, inside an address, or cut at a character that should have been encoded.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"
"""The text that replaces a secret."""

ENCODE_HINT = (
    "in a user name and a password, @ must be written as %40, / as %2F, : as %3A, # as %23, ? as %3F and % as %25"
)
"""The advice on an address whose parts cannot be distinguished."""

_VALUES = ("LABEL_STUDIO_API_KEY", "PGPASSWORD", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_ADDRESSES = (
    "BIORAT_DATABASE_URL", "LABEL_STUDIO_URL", "HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy",
    "https_proxy", "all_proxy",
)  # fmt: skip

_SHORTEST = 4
"""Characters; a shorter secret is hidden only where an address shows that it is a password."""

_WORD = 12
"""Letters; a shorter secret of letters only is hidden only as a whole word: it may be ``postgres`` or ``label``."""

_SECRET_KEY = re.compile(r"passw|pwd|secret|token|api_?key", re.IGNORECASE)

_ALWAYS: tuple[tuple[re.Pattern[str], str], ...] = (
    # user and password before a host; greedy, in case an at sign was not encoded
    (re.compile(r"(\w[\w+.-]*://)([^\s:/?#@]*):[^\s/?#]*@"), rf"\1\2:{HIDDEN}@"),
    (
        re.compile(r"(?i)((?:^|[?&;\s\"'(])\w*(?:password|passwd|pwd|secret)=)('[^']*'|[^\s&'\")]+)"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|token|basic)(\s+)[\w.~+/=-]{16,}"), rf"\1\2{HIDDEN}"),
    # a JSON Web Token: Label Studio's personal tokens, and those that they are exchanged for
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), HIDDEN),
)

_kept: set[str] = set()


def keep_secret(value: str | None) -> None:
    """Hide `value` from now on; for secrets that are not in the environment."""
    if value and len(value) >= _SHORTEST:
        _kept.add(value)


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return `text` with each secret in it replaced by :data:`HIDDEN`.

    :param environment: the variables with the secrets; None uses those of this process.
    """
    pattern = _pattern({*_kept, *_of_environment(os.environ if environment is None else environment)})
    if pattern is not None:
        text = pattern.sub(HIDDEN, text)
    for known, shown in _ALWAYS:
        text = known.sub(shown, text)
    return text


def has_password(address: str) -> bool:
    """Return whether an address holds a password, before its host or as a parameter."""
    rest = address.partition("://")[2] or address
    return re.match(r"[^:/]*:[^@]*@", rest) is not None or any(True for _ in _parameters(rest))


def _of_environment(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets in environment variables."""
    for name in _VALUES:
        yield environment.get(name, "").strip()
    for name in _ADDRESSES:
        address = environment.get(name, "").strip()
        if address:
            yield from _of_address(address, user_too=name == "LABEL_STUDIO_URL")


def _of_address(address: str, *, user_too: bool) -> Iterator[str]:
    """Yield the secrets in an address in every possible reading: any at sign may be the one before the host."""
    rest = address.partition("://")[2] or address
    found = False
    for place in (place for place, character in enumerate(rest) if character == "@"):
        user, colon, password = rest[:place].partition(":")
        if user_too:
            yield user
            yield from _base64(f"{unquote(user)}:{unquote(password)}")
        if colon and password:
            found = True
            yield from (password, unquote(password), unquote_plus(password))
            for one in {password, unquote(password)}:
                yield from _base64(f"{unquote(user)}:{one}")
            # pieces of a password that was cut at a character with a meaning in addresses
            for cut in re.finditer(r"[@/:?#]", password):
                yield from (password[: cut.start()], password[cut.end() :])
    for value in _parameters(rest):
        found = True
        yield from (value, unquote(value), unquote_plus(value))
    if found:
        yield address
        yield rest


def _parameters(rest: str) -> Iterator[str]:
    """Yield the values of an address's secret parameters as written."""
    for part in re.split(r"[?&]", rest)[1:]:
        key, _, value = part.partition("=")
        if value and _SECRET_KEY.search(unquote(key)):
            yield value


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that matches every spelling of the secrets; None if there are no secrets."""
    parts: dict[str, str] = {}
    for secret in secrets:
        if len(secret) < _SHORTEST:
            continue
        for spelling in _spellings(secret):
            parts.setdefault(spelling, re.escape(spelling))
        parts[secret] = "".join(map(_encoded_or_not, secret))
        if secret.isalpha() and len(secret) < _WORD:
            parts[secret] = rf"(?<![^\W_]){parts[secret]}(?![^\W_])"
    # the longest first, so that no end remains of a secret that begins with another one
    ordered = sorted(parts, key=lambda spelling: (-len(spelling), spelling))
    return re.compile("|".join(parts[spelling] for spelling in ordered)) if ordered else None


def _encoded_or_not(character: str) -> str:
    """Return a pattern for a character: plain, or percent-encoded once or twice, since programs differ in this."""
    if character.isascii() and character.isalnum():
        return character
    # "surrogatepass": a byte of the environment that is not UTF-8
    codes = [f"{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")]
    once = "".join(f"%(?:25)?{_either_case(code)}" for code in codes)
    return rf"(?:{re.escape(character)}|{once}{'|[+]' if character == ' ' else ''})"


def _either_case(code: str) -> str:
    """Return a pattern for hexadecimal digits in upper or lower case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as Python, JSON, HTML and base64 write it."""
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    yield from _base64(secret)


def _base64(secret: str) -> Iterator[str]:
    """Yield the base64 forms of a secret, alone or within a longer text."""
    data = secret.encode("utf-8", "replace")
    for before in range(3):
        # inside a longer text, for each of its three possible positions in a group of three bytes; the characters at
        # both ends, which it shares with its neighbours, are left out
        code = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        whole = code if before == 0 else code[before + 1 :]
        core = whole if (before + len(data)) % 3 == 0 else whole[:-1]
        for one in (core, whole) if before == 0 else (core,):
            if len(one) >= 6:
                yield one
                yield one.translate(str.maketrans("+/", "-_"))
