"""Secrets are taken out of whatever is shown, however they are written there."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biorat_al.redaction import has_password, keep_secret, redact

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cc"]), max_size=12)
SECRET = st.text("abcXYZ019@/:#?%&=+ -_.~'\"\\éß", min_size=6, max_size=20).filter(
    lambda text: text == text.strip() and any(not c.isalpha() for c in text)
)
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in lower case": lambda secret: quote(secret, safe="").replace("%2F", "%2f").replace("%3A", "%3a"),
    "percent-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "as of a form": quote_plus,
    "as Python writes it": repr,
    "as JSON": json.dumps,
    "as HTML": html.escape,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(deadline=None, max_examples=40)
@given(secret=SECRET, before=TEXT, after=TEXT)
def test_no_spelling_of_a_token_is_shown(spelling: str, secret: str, before: str, after: str) -> None:
    written = SPELLINGS[spelling](secret)
    # the quotes of a literal are not the secret
    core = written[1:-1] if spelling in ("as Python writes it", "as JSON") else written.rstrip("=")
    assert core not in redact(f"{before}|{written}|{after}", {"LABEL_STUDIO_API_KEY": secret})


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(password=SECRET, name=st.sampled_from(["LABEL_STUDIO_URL", "BIORAT_DATABASE_URL", "HTTPS_PROXY"]))
def test_no_spelling_of_a_password_in_an_address_is_shown(password: str, name: str) -> None:
    for written in (password, quote(password, safe="")):
        environment = {name: f"scheme://somebody:{written}@host.example:5432/lab"}
        for spell in SPELLINGS.values():
            said = redact(f"sent <{spell(password)}> to {environment[name]}", environment)
            assert spell(password).strip("'\"").rstrip("=") not in said
            assert written not in said
        # what a request with basic authentication sends, which a server may quote
        header = base64.b64encode(f"somebody:{password}".encode()).decode()
        assert header.rstrip("=") not in redact(f"got Authorization: Basic {header}", environment)
        # and inside something longer, at any place
        for padding in ("", "x", "xy"):
            code = base64.b64encode(f"{padding}somebody:{password} and more".encode()).decode()
            shown = redact(code, environment)
            assert base64.b64encode(f"{padding}somebody:{password}".encode()).decode()[8:-4] not in shown


def test_what_follows_an_at_sign_that_was_not_encoded_is_not_shown() -> None:
    environment = {"BIORAT_DATABASE_URL": "postgresql://me:open@sesame%word@127.0.0.1:5432/lab"}
    assert redact("failed to resolve host 'sesame%word@127.0.0.1'", environment) == (
        "failed to resolve host '***@127.0.0.1'"
    )


def test_an_address_from_elsewhere_is_shown_without_its_password() -> None:
    assert redact("cannot open postgresql://me:a@b:c@host/x now", {}) == "cannot open postgresql://me:***@host/x now"
    assert redact("https://host/x?user=me&sslpassword=abc&a=1", {}) == "https://host/x?user=me&sslpassword=***&a=1"
    assert redact("connection string: host=h password='a b' user=u", {}) == (
        "connection string: host=h password=*** user=u"
    )


def test_a_token_of_a_header_is_not_shown() -> None:
    assert redact("Authorization: Token 0123456789abcdef0123", {}) == "Authorization: Token ***"
    token = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl"
    assert redact(f'{{"refresh": "{token}"}}', {}) == '{"refresh": "***"}'


@pytest.mark.parametrize(
    "text",
    [
        "the database postgresql+psycopg://me@127.0.0.1:1/lab cannot be used",
        "no answer from Label Studio at http://127.0.0.1:8080: is it running?",
        "Token authentication is switched off; the token is not known there",
        "write to someone@example.org, see http://127.0.0.1:8080/projects/1/",
        "a.txt:3, document 7: the text at 3-8 is 'mouse', but the annotation says 'house'",
    ],
)
def test_what_is_not_secret_stays(text: str) -> None:
    assert redact(text, {}) == text
    assert redact(text, {"BIORAT_DATABASE_URL": "postgresql://me@127.0.0.1:1/lab", "LABEL_STUDIO_API_KEY": ""}) == text


def test_a_password_that_is_an_ordinary_word_does_not_cut_other_words() -> None:
    environment = {"BIORAT_DATABASE_URL": "postgresql://postgres:postgres@host/lab"}
    assert redact("postgresql says: password 'postgres' is wrong", environment) == (
        "postgresql says: password '***' is wrong"
    )


def test_a_secret_that_is_not_in_the_environment_can_be_named() -> None:
    keep_secret("0123-access")
    keep_secret(None)
    keep_secret("")
    assert redact("the answer quotes 0123-access.", {}) == "the answer quotes ***."


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://me@host/x", False),
        ("postgresql://host:5432/x", False),
        ("postgresql://me@host:5432/x?sslmode=require", False),
        ("sqlite", False),
        ("postgresql://me:pw@host/x", True),
        ("postgresql://me:p/w@host/x", True),
        ("postgresql://me:p?w@host/x", True),
        ("postgresql://me:p#w@host/x", True),
        ("postgresql://me:@host/x", True),
        ("postgresql://host/x?password=pw", True),
        ("postgresql://host/x?user=me&sslpassword=pw", True),
    ],
)
def test_an_address_with_a_password_is_known(address: str, expected: bool) -> None:
    assert has_password(address) is expected
