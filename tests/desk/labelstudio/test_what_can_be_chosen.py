"""What a project that was brought up to date says of its labels: which are missing, and since when it is so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.connection import _time_of
from tests.desk.contract import LABELS
from tests.support.fake_label_studio import fake_label_studio

TOKEN = "0123456789abcdef0123456789abcdef01234567"


def test_labels_that_a_changed_configuration_does_not_have_are_named() -> None:
    with fake_label_studio() as fake:
        # it has no mark, so that somebody else must have written it
        project = LabelStudioDesk(fake.url, TOKEN).prepare("pool", "fake", (*LABELS, "Gene"), "1")
        assert any("'Gene'" in notice for notice in project.notices)
        assert project.lacking == {"Gene"}
        assert "PATCH" not in {method for method, _ in fake.asked}


def test_the_time_is_the_servers_and_not_before_the_change() -> None:
    with fake_label_studio() as fake:
        before = datetime.now(UTC)
        project = LabelStudioDesk(fake.url, TOKEN).prepare("pool", "fake", LABELS, "1")
        after = datetime.now(UTC)
    assert not project.lacking
    assert project.at is not None
    assert before <= project.at <= after + timedelta(seconds=1)


@pytest.mark.parametrize("said", [None, "", "yesterday", "Thu, 99 Foo 2026 12:00:00 GMT"])
def test_a_server_that_does_not_tell_its_time_is_borne(said: str | None) -> None:
    headers = {} if said is None else {"Date": said}
    assert _time_of(httpx.Response(200, headers=headers)) is None


def test_a_fraction_of_a_second_that_the_header_leaves_out_is_added() -> None:
    at = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
    assert _time_of(httpx.Response(200, headers={"Date": format_datetime(at, usegmt=True)})) == at + timedelta(
        seconds=1
    )
