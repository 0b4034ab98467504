"""What changed since the last pull is found without comparing clocks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from biorat_al.desk.base import DeskProject, Pull
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from tests.desk.contract import LABELS, documents
from tests.support.fake_label_studio import FakeLabelStudio, answer, fake_label_studio

EARLIER = "2026-01-31T11:50:00.000001Z"
FUTURE = "2199-01-01T00:00:00.000001Z"


@pytest.fixture
def fake() -> Iterator[FakeLabelStudio]:
    with fake_label_studio() as fake:
        yield fake


def pull(fake: FakeLabelStudio, before: Pull | None = None) -> Pull:
    desk = LabelStudioDesk(fake.url, "token")
    project = DeskProject("pool", "1", fake.url, LABELS)
    return desk.pull(project, documents, before.cursor if before else None)


def given(pull: Pull) -> dict[str, list[str]]:
    return {str(state.key): [one.id for one in state.annotations] for state in pull.tasks}


def give(fake: FakeLabelStudio, task: int, ident: int, key: str, at: str) -> None:
    fake.tasks[task]["annotations"].append(answer(ident, key, created_at=at, updated_at=at))
    fake.tasks[task]["updated_at"] = at


def test_an_answer_that_a_clock_dates_back_is_fetched(fake: FakeLabelStudio) -> None:
    """The server's clock was set back by ten minutes: what was answered since was never fetched."""
    first, second = fake.add("1001"), fake.add("1002")
    give(fake, first, 1, "1001", "2026-01-31T12:00:05.000001Z")
    before = pull(fake)
    give(fake, second, 2, "1002", EARLIER)
    found = pull(fake, before)
    assert given(found) == {"1002": ["2"]}
    assert "its clock was set back" in found.notices[0]
    # and an edit of the answer that was given by the old clock
    fake.tasks[first]["annotations"][0].update(result=[], updated_at=EARLIER)
    fake.tasks[first]["updated_at"] = EARLIER
    assert given(pull(fake, found)) == {"1001": ["1"]}


def test_an_answer_is_fetched_where_the_counts_alone_tell_of_it(fake: FakeLabelStudio) -> None:
    task = fake.add("1001")
    before = pull(fake)
    fake.tasks[task]["annotations"].append(answer(1, "1001"))
    found = pull(fake, before)
    assert given(found) == {"1001": ["1"]}
    assert given(pull(fake, found)) == {}


def test_a_time_in_the_far_future_hides_no_later_answer(fake: FakeLabelStudio) -> None:
    first, second = fake.add("1001"), fake.add("1002")
    give(fake, first, 1, "1001", FUTURE)
    before = pull(fake)
    give(fake, second, 2, "1002", "2026-01-31T12:30:00.000001Z")
    give(fake, first, 3, "1001", "2026-01-31T12:31:00.000001Z")
    assert given(pull(fake, before)) == {"1001": ["1", "3"], "1002": ["2"]}
