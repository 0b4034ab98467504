"""A real Label Studio for tests, and annotators who work in it through its interface as the front end does.

Fixtures: ``label_studio``, one server for the whole run, for tests that make projects of their own;
``restarted_label_studio``, the same one, for tests that stop or kill it; and ``stopped_label_studio``, a separate
server that is not yet started. A start takes ten times as long as most of these tests. Tests that use them get the
marker ``labelstudio``.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.local_server.credentials import Credentials
from biorat_al.desk.labelstudio.local_server.server import LocalServer, ServerInfo

_CACHE = Path(__file__).parent.parent.parent / ".cache"
_FIXTURES = ("label_studio", "stopped_label_studio")
_SETTINGS = {"LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "false"}

Region = dict[str, Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that talks to a real server."""
    for item in items:
        if any(name in getattr(item, "fixturenames", ()) for name in _FIXTURES):
            item.add_marker("labelstudio")


class Annotator:
    """An annotator: sends what the front end sends when a person works in it.

    :param url: the server's address.
    :param token: that person's legacy token.
    """

    def __init__(self, url: str, token: str, email: str) -> None:
        self.email = email
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Token {token}"},
            timeout=60,
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    @classmethod
    def logged_in(cls, http: httpx.Client, email: str) -> Annotator:
        """Return an annotator who works in a session, as in the front end.

        :param http: a client on which that person has logged in.
        """
        annotator = cls(str(http.base_url), "", email)
        del annotator._http.headers["Authorization"]
        annotator._http.cookies = http.cookies
        token = http.cookies["csrftoken"]
        annotator._http.headers.update({"X-CSRFToken": token, "Referer": str(http.base_url)})
        return annotator

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Make a request and return the JSON of the answer."""
        answer = self._http.request(method, path, **options)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def open(self, task_id: str) -> dict[str, Any]:
        """Open a task."""
        return dict(self.request("GET", f"/api/tasks/{task_id}/"))

    def prefilled(self, task_id: str, version: str | None = None) -> tuple[list[Region], int | None]:
        """Return what the editor shows: the regions of the newest pre-annotation (or of `version`), and its id."""
        shown = [p for p in self.open(task_id)["predictions"] if version in (None, p["model_version"])]
        if not shown:
            return [], None
        newest = max(shown, key=lambda prediction: int(prediction["id"]))
        return [{**region, "origin": "prediction"} for region in newest["result"]], newest["id"]

    def submit(
        self,
        task_id: str,
        result: Sequence[Region] | None = None,
        *,
        parent: int | None = None,
        lead_time: float = 3.5,
        skip: bool = False,
    ) -> str:
        """Submit (or skip) a task and return the answer's id.

        :param result: None accepts what the editor shows.
        :param parent: id of the pre-annotation it was begun from; None takes the newest there is.
        """
        shown, newest = self.prefilled(task_id)
        body = {
            "result": list(result) if result is not None else shown,
            "parent_prediction": parent if parent is not None else newest,
            "parent_annotation": None,
            "lead_time": lead_time,
            "draft_id": 0,
            "was_cancelled": skip,
        }
        return str(self.request("POST", f"/api/tasks/{task_id}/annotations/", json=body)["id"])

    def skip(self, task_id: str) -> str:
        """Skip a task; the front end sends the whole pre-filled result along."""
        return self.submit(task_id, skip=True)

    def edit(self, answer_id: str, result: Sequence[Region], **more: Any) -> None:
        """Change a submitted answer."""
        body = {"result": list(result), "lead_time": 7.0, **more}
        self.request("PATCH", f"/api/annotations/{answer_id}/", json=body)

    def draft(self, task_id: str, result: Sequence[Region]) -> None:
        """Begin an answer without submitting it."""
        body = {"result": list(result), "lead_time": 1.0}
        self.request("POST", f"/api/tasks/{task_id}/drafts", json=body)

    def delete_answer(self, answer_id: str) -> None:
        """Delete an answer."""
        self.request("DELETE", f"/api/annotations/{answer_id}/")

    def act(self, action: str, project: str, task_ids: Sequence[str] = (), **more: Any) -> Any:
        """Run an action of the data manager on tasks, or on all tasks if none are given."""
        chosen = {"all": False, "included": list(map(int, task_ids))} if task_ids else {"all": True, "excluded": []}
        path = f"/api/dm/actions/?id={action}&project={project}"
        return self.request("POST", path, json={"selectedItems": chosen, **more})

    def delete_task(self, task_id: str) -> None:
        """Delete a task."""
        self.request("DELETE", f"/api/tasks/{task_id}/")

    def make_task(self, project: str, data: dict[str, Any]) -> str:
        """Make a task by hand."""
        return str(self.request("POST", "/api/tasks/", json={"project": project, "data": data})["id"])

    def configure(self, project: str, **settings: Any) -> None:
        """Change a project's settings."""
        self.request("PATCH", f"/api/projects/{project}/", json=settings)

    def project(self, project: str) -> dict[str, Any]:
        """Return a project's settings."""
        return dict(self.request("GET", f"/api/projects/{project}/"))


def drawn(text: str, start: int, end: int, label: str) -> Region:
    """Return the region that the front end makes when an annotator marks ``text[start:end]``."""
    return {
        "id": secrets.token_urlsafe(10)[:10],
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "origin": "manual",
        # so does the front end write a line end in here
        "value": {"start": start, "end": end, "text": text[start:end].replace("\n", "\\n"), "labels": [label]},
    }


class RunningLabelStudio:
    """A server that belongs to the tests."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server

    @property
    def info(self) -> ServerInfo:
        info = self.server.status()
        assert info is not None, "the server does not run"
        return info

    @property
    def url(self) -> str:
        """The server's address."""
        return self.info.url

    @property
    def credentials(self) -> Credentials:
        """The first user's e-mail, password and legacy token."""
        found = self.server.credentials()
        assert found is not None
        return found

    @property
    def token(self) -> str:
        """The first user's legacy token."""
        return self.credentials.token

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that lead a program to this server."""
        return {"LABEL_STUDIO_URL": self.url, "LABEL_STUDIO_API_KEY": self.token}

    def desk(self, **options: Any) -> LabelStudioDesk:
        """Return a desk on this server."""
        return LabelStudioDesk(self.url, self.token, **options)

    def annotator(self) -> Annotator:
        """Return the server's first user."""
        return Annotator(self.url, self.token, self.credentials.email)

    def new_annotator(self) -> Annotator:
        """Return an annotator who signs up."""
        email, password = f"{secrets.token_hex(4)}@example.org", secrets.token_urlsafe(12)
        with httpx.Client(base_url=self.url, timeout=60, follow_redirects=True, trust_env=False) as http:
            http.get("/user/signup/")
            form = {"email": email, "password": password, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
            answer = http.post("/user/signup/", data=form, headers={"Referer": f"{self.url}/user/signup/"})
            assert answer.is_success, answer.status_code
            token = http.get("/api/current-user/token").json()["token"]
        return Annotator(self.url, token, email)

    def invited(self) -> Annotator:
        """Return an annotator who follows an invitation link and works in the session that begins there."""
        email, password = f"{secrets.token_hex(4)}@example.org", secrets.token_urlsafe(12)
        link = self.url + str(self.annotator().request("GET", "/api/invite")["invite_url"])
        with httpx.Client(base_url=self.url, timeout=60, follow_redirects=True, trust_env=False) as http:
            http.get(link)
            form = {"email": email, "password": password, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
            answer = http.post(link, data=form, headers={"Referer": link})
            assert answer.is_success, answer.status_code
            return Annotator.logged_in(http, email)

    def personal_access_token(self) -> str:
        """Make a personal access token; an earlier one becomes invalid."""
        someone = self.new_annotator()
        return str(someone.request("POST", "/api/token/")["token"])

    def allow_legacy_tokens(self, allowed: bool) -> None:
        """Switch legacy tokens on or off for everybody."""
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as http:
            http.get("/user/login/")
            form = {
                "email": self.credentials.email,
                "password": self.credentials.password,
                "persist_session": "on",
                "csrfmiddlewaretoken": http.cookies["csrftoken"],
            }
            answer = http.post("/user/login/", data=form, headers={"Referer": f"{self.url}/user/login/"})
            assert answer.status_code == 302, answer.status_code
            settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": allowed}
            answer = http.post(
                "/api/jwt/settings",
                json=settings,
                headers={"X-CSRFToken": http.cookies["csrftoken"], "Referer": self.url},
            )
            assert answer.is_success, (answer.status_code, answer.text)


def make_server(home: Path) -> LocalServer:
    """Return a server with its own folder, users and tables, not yet started.

    Skips the test where Label Studio is not installed.
    """
    installation = LocalServer().installation
    version = installation.version()
    if version is None:
        pytest.skip(
            f"Label Studio is not installed in {installation.folder}: run `make label-studio`, or let "
            "BIORAT_LABEL_STUDIO_VENV name an environment that has it"
        )
    shutil.copytree(_template(version) / "label-studio", home / "label-studio")
    (home / "label-studio" / "server.json").unlink()
    return _server(home)


def _template(version: str) -> Path:
    """Return a server's folder after its first start, which takes half a minute; copying it takes three seconds."""
    place = _CACHE / f"label-studio-{version}"
    _CACHE.mkdir(exist_ok=True)
    with FileLock(_CACHE / "label-studio.lock"):
        if not place.exists():
            draft = _CACHE / f"label-studio-{secrets.token_hex(4)}"
            server = _server(draft)
            try:
                server.start()
            finally:
                server.stop()
            draft.rename(place)
    return place


def _server(home: Path) -> LocalServer:
    server = LocalServer(home, settings=_SETTINGS)
    server.installation = LocalServer().installation
    return server


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLabelStudio]:
    """Start one server for the whole run; each test makes its own projects on it."""
    server = make_server(tmp_path_factory.mktemp("label-studio"))
    try:
        server.start()
        yield RunningLabelStudio(server)
    finally:
        server.stop()


@pytest.fixture
def stopped_label_studio(tmp_path: Path) -> Iterator[LocalServer]:
    """Return a separate server, not yet started."""
    server = make_server(tmp_path / "label-studio-home")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def restarted_label_studio(label_studio: RunningLabelStudio) -> Iterator[RunningLabelStudio]:
    """Return the server of the whole run, which the test may stop, kill and start; it runs again afterwards."""
    try:
        yield label_studio
    finally:
        label_studio.server.start()


def renamed_label(xml: str, old: str, new: str) -> str:
    """Return the labelling configuration with a label renamed, as a person would do it."""
    renamed = re.sub(rf'value="{re.escape(old)}"', f'value="{new}"', xml)
    assert renamed != xml
    return renamed
