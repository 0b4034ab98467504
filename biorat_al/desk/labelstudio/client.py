"""The Label Studio desk, and how to find its server."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from biorat_al.corpus.model.role import DeskRole
from biorat_al.desk.base import Desk, DeskProject, Documents, Person, Personal, PreAnnotation, Pull, Task
from biorat_al.desk.labelstudio import people, projects, publishing, pulling, pushing, shapes
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration
from biorat_al.desk.labelstudio.connection import SETTINGS, Connection, Json, NotFoundError
from biorat_al.desk.labelstudio.failures import KEY_VARIABLE, URL_VARIABLE
from biorat_al.desk.labelstudio.local_server.server import LocalServer
from biorat_al.errors import DeskAccessError, DeskError, DeskProjectGoneError
from biorat_al.settings import Guidelines, RelationType
from biorat_al.wording import verb


class LabelStudioDesk(Desk):
    """A desk on a Label Studio server.

    The pool has a project with pre-labels, lowest confidence first ("Uncertainty sampling"); the held-out test set has
    another project, without pre-labels. The desk never overwrites what people changed in the labelling configuration or
    the instruction; it reports the change.

    :param url: the server's address.
    :param api_key: a legacy token or a personal access token.
    :param timeout: seconds to wait for an answer to an ordinary request.
    :param retention: how long an old pre-annotation stays on an untouched task beside a newer one.
    :raises DeskError: `url` is not an address.
    """

    kind = "label-studio"
    # an import of 500 tasks takes the server several seconds, and three times as long on a busy machine
    settle_seconds = 20.0

    def __init__(
        self, url: str, api_key: str, *, timeout: float = 60.0, retention: timedelta = publishing.RETENTION
    ) -> None:
        self._connection = Connection(url, api_key, timeout)
        self._retention = retention

    def __repr__(self) -> str:
        return f"LabelStudioDesk({self.address()!r})"

    @classmethod
    def from_environment(cls) -> LabelStudioDesk:
        """Return a desk on the server that ``LABEL_STUDIO_URL`` and ``LABEL_STUDIO_API_KEY`` name.

        :raises DeskError: one of them is not set.
        """
        missing = [name for name in (URL_VARIABLE, KEY_VARIABLE) if not os.environ.get(name, "").strip()]
        if missing:
            raise DeskError(
                f"{' and '.join(missing)} {verb(len(missing), 'are')} not set: {URL_VARIABLE} is Label "
                f"Studio's address, {KEY_VARIABLE} an access token from its page Account & Settings"
            )
        return cls(os.environ[URL_VARIABLE], os.environ[KEY_VARIABLE])

    def address(self) -> str:
        return self._connection.address

    def check(self) -> None:
        user = self._connection.get("api/current-user/whoami")
        if not isinstance(user, Mapping) or "email" not in user:
            raise DeskError(f"what answers at {self.address()} is not Label Studio: see {URL_VARIABLE}")

    def prepare(
        self,
        role: DeskRole,
        title: str,
        labels: Sequence[str],
        reference: str | None = None,
        *,
        marker: str | Personal = "",
        relations: Sequence[RelationType] = (),
        guidelines: Guidelines | None = None,
    ) -> DeskProject:
        shown = tuple(dict.fromkeys(relation.name for relation in relations))
        wanted = projects.Wanted.make(role, title, marker, tuple(labels), shown, guidelines)
        if reference is None:
            settings = projects.left_behind(self._connection, wanted) or projects.create(self._connection, wanted)
        else:
            settings = self._settings(reference, projects.SETTINGS)
        notices = projects.bring_up_to_date(self._connection, settings, wanted)
        notices += projects.doubles(self._connection, wanted, str(settings["id"]))
        at = self._connection.clock
        projects.add_columns(self._connection, str(settings["id"]), role)
        reference = str(settings["id"])
        url = f"{self.address()}/projects/{reference}/"
        project = DeskProject(role, reference, url, tuple(labels), notices, tuple(relations), at=at)
        if not notices:
            return project
        there = self._configuration(project)
        return replace(project, lacking=frozenset((*labels, *shown)) - {*there.labels, *there.relations})

    def push(self, project: DeskProject, tasks: Sequence[Task]) -> Mapping[str, str]:
        if not tasks:
            return {}
        return pushing.push(self._connection, project.reference, self._configuration(project), tasks)

    def find(self, project: DeskProject, keys: Sequence[str]) -> Mapping[str, str]:
        try:
            return pushing.find(self._connection, project.reference, keys)
        except NotFoundError:
            raise self._gone(project.reference) from None

    def add_pre_annotations(self, project: DeskProject, pre_annotations: Mapping[str, PreAnnotation]) -> None:
        if pre_annotations:
            configuration = self._configuration(project)
            publishing.add_pre_annotations(self._connection, project.reference, configuration, pre_annotations)

    def publish(self, project: DeskProject, model_version: str) -> None:
        try:
            publishing.publish(self._connection, project.reference, model_version, self._retention)
        except NotFoundError:
            raise self._gone(project.reference) from None

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        try:
            return pulling.pull(self._connection, project, documents, cursor)
        except NotFoundError:
            raise self._gone(project.reference) from None

    def people(self) -> Mapping[str, Person]:
        return people.people(self._connection)

    def invitation(self) -> str | None:
        return people.invitation(self._connection)

    def take_back(self, project: DeskProject, task_ids: Collection[str]) -> frozenset[str]:
        try:
            return pushing.take_back(self._connection, project.reference, task_ids)
        except NotFoundError:
            raise self._gone(project.reference) from None

    def _configuration(self, project: DeskProject) -> LabellingConfiguration:
        return LabellingConfiguration.parse(self._settings(project.reference)["label_config"])

    def _settings(self, reference: str, fields: str = SETTINGS) -> Json:
        try:
            settings = self._connection.get(f"api/projects/{reference}/", include=fields)
        except NotFoundError:
            raise self._gone(reference) from None
        return shapes.project_settings_of(settings, self._connection.server)

    def _gone(self, reference: str) -> DeskProjectGoneError:
        return DeskProjectGoneError(
            f"the project {reference} is no longer on the Label Studio at {self.address()}: it was deleted there, "
            f"or {URL_VARIABLE} names another server. What was fetched is kept: correct the address, or begin a new "
            "project with the answers that biorat-al export writes"
        )


def connect(server: LocalServer | None = None) -> LabelStudioDesk:
    """Return a desk on the server that the environment names, else on the local server if it runs.

    :raises DeskError: there is no server; the message says what to do.
    """
    if os.environ.get(URL_VARIABLE, "").strip() or os.environ.get(KEY_VARIABLE, "").strip():
        return LabelStudioDesk.from_environment()
    local = server or LocalServer()
    running, credentials = local.status(), local.credentials()
    if running is None:
        raise DeskError(
            "no Label Studio is known: start the local one with `biorat-al label-studio start`, or set "
            f"{URL_VARIABLE} and {KEY_VARIABLE}"
        )
    if credentials is None:
        raise DeskAccessError(f"{local.credentials_file} is missing, so the local Label Studio cannot be used")
    return LabelStudioDesk(running.url, credentials.token)
