"""The users of a server, and the link that invites new ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from biorat_al.desk.labelstudio import people
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.errors import DeskError
from tests.support.fake_label_studio import FakeLabelStudio, fake_label_studio
from tests.support.labelstudio import RunningLabelStudio


def test_whoever_signs_up_is_known_and_whoever_is_removed_is_not(label_studio: RunningLabelStudio) -> None:
    desk, someone = label_studio.desk(), label_studio.invited()
    known = desk.people()
    assert set(known) >= {someone.email, label_studio.credentials.email}
    assert known[someone.email].present
    assert known[someone.email].seen is not None
    ident = someone.request("GET", "/api/current-user/whoami")["id"]
    label_studio.annotator().request("DELETE", f"/api/organizations/1/memberships/{ident}/")
    assert someone.email not in desk.people()
    assert not [name for name in desk.people() if "@" not in name]


def test_the_invitation_is_the_one_of_the_server(label_studio: RunningLabelStudio) -> None:
    link = label_studio.desk().invitation()
    assert link is not None
    assert re.fullmatch(re.escape(f"{label_studio.url}/user/signup/?token=") + r"[\w-]+", link)


@pytest.fixture
def fake() -> Iterator[FakeLabelStudio]:
    with fake_label_studio() as server:
        yield server


def answering(fake: FakeLabelStudio, answers: dict[str, Any]) -> Connection:
    fake.change = lambda method, path, right: answers.get(path, right)
    return Connection(fake.url, "token")


def test_a_user_who_works_in_another_organisation_is_not_present(fake: FakeLabelStudio) -> None:
    users = [
        {"id": 1, "email": "ann@example.org", "active_organization": 1},
        {"id": 2, "email": "bob@example.org", "active_organization": 2, "last_activity": "soon"},
        {"id": 3, "email": "Deleted", "active_organization": None},
    ]
    me = {"email": "ann@example.org", "active_organization": 1}
    found = people.people(answering(fake, {"/api/users/": users, "/api/current-user/whoami": me}))
    assert {name: (one.present, one.seen) for name, one in found.items()} == {
        "ann@example.org": (True, None),
        "bob@example.org": (False, None),
    }


@pytest.mark.parametrize("users", [{"results": []}, [{"id": 1}], [{"id": 1, "email": None}], ["ann@example.org"]])
def test_users_in_another_form_are_an_error(fake: FakeLabelStudio, users: Any) -> None:
    with pytest.raises(DeskError, match=r"a list of users|a user"):
        people.people(answering(fake, {"/api/users/": users}))


@pytest.mark.parametrize("answer", [404, {}, {"invite_url": ""}])
def test_a_server_without_invitations_is_an_error(fake: FakeLabelStudio, answer: Any) -> None:
    with pytest.raises(DeskError, match="gives no invitation link"):
        people.invitation(answering(fake, {"/api/invite": answer}))
