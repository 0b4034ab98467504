"""Making projects on the server, finding them again, and bringing them up to date where nobody has changed them.

What people changed in Label Studio is reported, not overwritten. This holds for each part separately: the labelling
configuration carries a checksum in its mark, and the instruction carries one in its first element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from biorat_al.corpus.model.role import DeskRole
from biorat_al.desk.base import Personal
from biorat_al.desk.labelstudio import shapes
from biorat_al.desk.labelstudio.configuration import (
    LabellingConfiguration,
    ProjectMark,
    all_changes,
    colour_of,
    description,
    labelling_configuration,
    project_title,
    without_mark,
    word,
)
from biorat_al.desk.labelstudio.connection import (
    SETTINGS as PLAIN_SETTINGS,
)
from biorat_al.desk.labelstudio.connection import (
    Connection,
    Json,
    NotFoundError,
    RefusedError,
    ServerFailedError,
)
from biorat_al.desk.labelstudio.instruction import instruction, is_same, is_untouched
from biorat_al.errors import DeskAccessError, DeskError
from biorat_al.settings import Guidelines
from biorat_al.wording import plural

SETTINGS = f"{PLAIN_SETTINGS},expert_instruction,color"
"""Fields to request of a project that is brought up to date."""

NO_COLOUR = "#FFFFFF"
"""The colour that Label Studio gives to a project to which nobody gave one."""

_SHOWN = {
    "id": 40, "completed_at": 120, "total_annotations": 50, "cancelled_annotations": 50, "annotators": 100,
    "predictions_score": 120, "predictions_model_versions": 150, "data.document_id": 110, "data.document_title": 320,
}  # fmt: skip
"""Columns that people look for, with their widths in pixels. The server orders them; with these widths all of them fit
into 1280 pixels, including margins of 20 pixels each."""

_OF_A_MODEL = ("predictions_score", "predictions_model_versions")
_WHILE_LABELLING = ("data.document_id", "total_annotations")
_ALWAYS_HIDDEN = (
    *("data.text", "data.biorat_key", "data.title", "data.document_title"),
    *("data.of_document", "data.before", "data.after", "data.sheet", "data.sides"),
)
"""Columns that a project without tasks does not have yet; hidden unless they are shown."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A project as it should be.

    :param marker: distinguishes projects with the same title.
    :param guidelines: whether `instruction` contains the project's guidelines.
    :param colour: its colour in Label Studio's list.
    """

    role: DeskRole
    title: str
    marker: str
    configuration: LabellingConfiguration
    instruction: str
    guidelines: bool
    colour: str

    @classmethod
    def make(
        cls,
        role: DeskRole,
        title: str,
        marker: str | Personal,
        labels: tuple[str, ...],
        relations: tuple[str, ...],
        guidelines: Guidelines | None,
    ) -> Wanted:
        """Return the project that `role` should have.

        :param title: the caller's title; the title of the blind project adds that it is blind, and that of a person's
            project adds the name.
        :raises DeskError: Label Studio cannot have one of the labels.
        """
        person = marker if isinstance(marker, Personal) else None
        return cls(
            role=role,
            title=project_title(title, role, person.name if person else ""),
            marker=person.word if person else str(marker),
            configuration=LabellingConfiguration.parse(
                labelling_configuration(labels, relations, role, guidelines.meanings(labels) if guidelines else None)
            ),
            instruction=instruction(role, relations=bool(relations), guidelines=guidelines),
            guidelines=guidelines is not None,
            colour=colour_of(role, person.number if person else None),
        )

    @property
    def mark(self) -> ProjectMark:
        """The mark that identifies the project."""
        checksums = (self.configuration.checksum, self.configuration.labels_checksum)
        return ProjectMark(self.role, word(self.marker), *checksums)


def left_behind(connection: Connection, wanted: Wanted) -> Json | None:
    """Return the settings of a project that an interrupted call made; without a marker, only of an empty project."""
    for settings in _marked(connection, wanted):
        if wanted.marker or not settings.get("task_number"):
            return settings
    return None


def doubles(connection: Connection, wanted: Wanted, reference: str) -> tuple[str, ...]:
    """Return a sentence on each project that is there once more: a request to make it was sent again, and arrived late.

    :param reference: the project that is used.
    """
    if not wanted.marker:
        return ()
    told = []
    for settings in _marked(connection, wanted):
        if str(settings["id"]) != reference:
            tasks = settings.get("task_number") or 0
            holds = f"holds {plural(tasks, 'task')}, whose answers are not fetched" if tasks else "is empty"
            told.append(
                f"Label Studio has this project twice: {connection.address}/projects/{settings['id']}/ {holds}; "
                "delete it there"
            )
    return tuple(told)


def create(connection: Connection, wanted: Wanted) -> Json:
    """Make a project and return its settings."""
    blind = wanted.role == "test"
    body = {
        "title": wanted.title,
        "description": description(wanted.role),
        "color": wanted.colour,
        "label_config": wanted.mark.write(wanted.configuration.xml),
        "expert_instruction": wanted.instruction,
        "show_instruction": True,
        "sampling": "Uncertainty sampling" if wanted.role == "pool" else "Sequential sampling",
        "show_collab_predictions": not blind,
    }
    try:
        created = connection.request("POST", "api/projects/", body=body)
    except DeskAccessError as error:
        raise DeskAccessError(f"the project {wanted.title!r} could not be made: {error}") from None
    return shapes.project_settings_of(created, connection.server)


def bring_up_to_date(connection: Connection, settings: Json, wanted: Wanted) -> tuple[str, ...]:
    """Update the parts that nobody has changed; return a sentence on each change by people that they should know of."""
    changed, notices = _configured(settings, wanted)
    text = settings.get("expert_instruction") or ""
    if not is_same(text, wanted.instruction):
        if is_untouched(text):
            changed["expert_instruction"] = wanted.instruction
        elif not text.strip() and (wanted.guidelines or "description" in changed):
            changed |= {"expert_instruction": wanted.instruction, "show_instruction": True}
        elif wanted.guidelines:
            notices += (
                f"the instruction of {settings['title']!r} was changed in Label Studio, so annotators are not shown "
                "the guidelines as they are now: put them there, or empty the instruction and run a round",
            )
    if changed:
        answer = connection.request("PATCH", f"api/projects/{settings['id']}/", body=changed)
        if shapes.project_settings_of(answer, connection.server, "id")["id"] != settings["id"]:
            raise DeskError(
                f"{connection.server} did not confirm the changes of the project {settings['title']!r}; see whether "
                "something in front of it answers in its place, and run the same command again"
            )
    return notices


def add_columns(connection: Connection, project: str, role: DeskRole) -> None:
    """Make a tab in the data manager with the columns that people look for, unless the project has tabs.

    The tab has no filter, and it orders tasks as the label stream does, because Label Studio uses the order of a tab
    when labelling begins from it.
    """
    try:
        if connection.get("api/dm/views/", project=project):
            return
        columns = [_name(column) for column in connection.get("api/dm/columns/", project=project)["columns"]]
        shown = {
            name: width
            for name, width in _SHOWN.items()
            if role == "pool" or role == "segment" or name not in _OF_A_MODEL
        }
        if role == "segment":
            # the sentence itself says more than the title, which several of them share
            width = shown.pop("data.document_title")
            shown |= {"data.text": width - 40, "data.document_id": shown["data.document_id"] + 40}
        hidden = list(dict.fromkeys((*columns, *_ALWAYS_HIDDEN)))
        data = {
            "title": "Sentences" if role == "segment" else "Documents",
            "type": "list",
            "target": "tasks",
            "filters": {"conjunction": "and", "items": []},
            "ordering": ["tasks:predictions_score"] if role == "pool" else ["tasks:id"],
            "columnsWidth": {f"tasks:{name}": width for name, width in shown.items()},
            "hiddenColumns": {
                "explore": [f"tasks:{name}" for name in hidden if name not in shown],
                "labeling": [f"tasks:{name}" for name in hidden if name not in _WHILE_LABELLING],
            },
        }
        connection.request("POST", "api/dm/views/", body={"project": int(project), "data": data})
    except (NotFoundError, RefusedError, ServerFailedError, KeyError, TypeError, AttributeError):
        # another version of the server: its default columns are good enough
        return


def _configured(settings: Json, wanted: Wanted) -> tuple[Json, tuple[str, ...]]:
    """Return the settings to write for the labelling configuration, and how people changed its labels."""
    there = LabellingConfiguration.parse(settings["label_config"])
    before = ProjectMark.of(settings)
    untouched = before is not None and before.configuration == there.checksum
    if not (untouched and there.is_part_of(wanted.configuration)):
        if wanted.configuration.is_part_of(there) and there.is_part_of(wanted.configuration):
            return {}, ()
        return {}, all_changes(wanted.configuration.labels, wanted.configuration.relations, there)
    changed: Json = {}
    if there.checksum != wanted.configuration.checksum:
        changed["label_config"] = wanted.mark.write(wanted.configuration.xml)
    said = settings.get("description") or ""
    if ProjectMark.find(said) is not None:
        # an earlier version of the program wrote the mark there
        changed["label_config"] = wanted.mark.write(wanted.configuration.xml)
        own = without_mark(said)
        changed["description"] = description(wanted.role) if own in _EARLIER else own
        if (settings.get("color") or NO_COLOUR).upper() == NO_COLOUR:
            changed["color"] = wanted.colour
    return changed, ()


_EARLIER = (
    "Documents with a model's pre-labels: accept them, correct them, add what is missing.",
    "The held-out test set: annotated without pre-labels, so that no model shapes its own measure.",
)
"""Descriptions that earlier versions of the program wrote."""


def _marked(connection: Connection, wanted: Wanted) -> Iterator[Json]:
    """Yield the settings of the projects with the title and the mark of the wanted one."""
    for settings in _of_title(connection, wanted.title):
        mark = ProjectMark.of(settings)
        if mark is not None and (mark.role, mark.marker) == (wanted.role, wanted.mark.marker):
            yield settings


def _of_title(connection: Connection, title: str) -> Iterator[Json]:
    page, seen = 1, set[int]()
    while True:
        try:
            answer = connection.get("api/projects/", title=title, page=page, page_size=100)
        except NotFoundError:
            return
        page_of = shapes.mapping(answer, "a list of projects", connection.server)
        results = shapes.mappings(page_of.get("results"), "a list of projects", connection.server)
        projects = [shapes.project_settings_of(settings, connection.server) for settings in results]
        yield from sorted((item for item in projects if item["title"] == title), key=lambda item: int(item["id"]))
        ids = {item["id"] for item in projects}
        # otherwise a server that always names a next page would be asked for ever
        if not page_of.get("next") or ids <= seen:
            return
        seen |= ids
        page += 1


def _name(column: Json) -> str:
    parent = column.get("parent")
    return f"{parent}.{column['id']}" if parent else str(column["id"])
