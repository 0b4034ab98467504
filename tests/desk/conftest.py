"""What the tests of the desks share."""

from __future__ import annotations

import secrets

import pytest


@pytest.fixture
def marker() -> str:
    """Tells this test's projects apart from those of others on the same server."""
    return secrets.token_hex(6)
