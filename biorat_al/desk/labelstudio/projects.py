"""Projects on the server: made, found again, and brought up to date where nobody has changed them.

What people changed in Label Studio is told, not overwritten. That holds for each part by itself: the labelling
configuration carries a checksum in its mark, the instruction one in its first element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from biorat_al.desk.base import Role
from biorat_al.desk.labelstudio import shapes
from biorat_al.desk.labelstudio.configuration import (
    COLOURS,
    Configuration,
    Mark,
    all_changes,
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
from biorat_al.settings import Guidelines

SETTINGS = f"{PLAIN_SETTINGS},expert_instruction,color"
"""What is asked for of a project that is brought up to date."""

NO_COLOUR = "#FFFFFF"
"""What Label Studio gives to a project that nobody has given a colour."""

_SHOWN = {
    "id": 40, "completed_at": 120, "total_annotations": 50, "cancelled_annotations": 50, "annotators": 100,
    "predictions_score": 120, "predictions_model_versions": 150, "data.document_id": 110, "data.title": 320,
}  # fmt: skip
"""Columns that people look for. The server orders them; with these widths all of them fit 1280 pixels, margins (20
pixels each) included."""

_OF_A_MODEL = ("predictions_score", "predictions_model_versions")
_WHILE_LABELLING = ("data.document_id", "total_annotations")
_ALWAYS_HIDDEN = ("data.text", "data.biorat_key")
"""Columns that a project without tasks does not have yet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A project as it is to be.

    :param marker: tells apart projects of the same title.
    :param guidelines: whether `instruction` holds the project's own guidelines.
    """

    role: Role
    title: str
    marker: str
    configuration: Configuration
    instruction: str
    guidelines: bool = False

    @classmethod
    def make(
        cls,
        role: Role,
        title: str,
        marker: str,
        labels: tuple[str, ...],
        relations: tuple[str, ...],
        guidelines: Guidelines | None,
    ) -> Wanted:
        """Return what a project for `role` is to be.

        :param title: the caller's; the project's says besides that it is the blind one.
        :raises DeskError: a label cannot be one in Label Studio.
        """
        return cls(
            role=role,
            title=project_title(title, role),
            marker=marker,
            configuration=Configuration.parse(labelling_configuration(labels, relations, role)),
            instruction=instruction(role, relations=bool(relations), guidelines=guidelines),
            guidelines=guidelines is not None,
        )

    @property
    def mark(self) -> Mark:
        """The mark by which it is known."""
        checksums = (self.configuration.checksum, self.configuration.labels_checksum)
        return Mark(self.role, word(self.marker), *checksums)


def left_behind(connection: Connection, wanted: Wanted) -> Json | None:
    """Return the settings of the project that an interrupted call made; without a marker, of an empty one only."""
    for settings in _of_title(connection, wanted.title):
        found = Mark.of(settings)
        if found is None or (found.role, found.marker) != (wanted.role, wanted.mark.marker):
            continue
        if wanted.marker or not settings.get("task_number"):
            return settings
    return None


def create(connection: Connection, wanted: Wanted) -> Json:
    """Make a project and return its settings."""
    blind = wanted.role == "test"
    created = connection.request(
        "POST",
        "api/projects/",
        body={
            "title": wanted.title,
            "description": description(wanted.role),
            "color": COLOURS[wanted.role],
            "label_config": wanted.mark.write(wanted.configuration.xml),
            "expert_instruction": wanted.instruction,
            "show_instruction": True,
            "sampling": "Sequential sampling" if blind else "Uncertainty sampling",
            "show_collab_predictions": not blind,
        },
    )
    return shapes.project_of(created, connection.server)


def bring_up_to_date(connection: Connection, settings: Json, wanted: Wanted) -> tuple[str, ...]:
    """Write what nobody has changed anew; return one sentence for each thing that people changed and should know."""
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
        connection.request("PATCH", f"api/projects/{settings['id']}/", body=changed)
    return notices


def add_columns(connection: Connection, project: str, role: Role) -> None:
    """Make a tab for the data manager with the columns that people look for; leave those that exist alone.

    It has no filter, and the order in which the label stream asks for tasks: Label Studio lets a tab decide that when
    labelling begins from it.
    """
    try:
        if connection.get("api/dm/views/", project=project):
            return
        columns = [_name(column) for column in connection.get("api/dm/columns/", project=project)["columns"]]
        shown = {name: width for name, width in _SHOWN.items() if role == "pool" or name not in _OF_A_MODEL}
        hidden = list(dict.fromkeys((*columns, *_ALWAYS_HIDDEN)))
        data = {
            "title": "Documents",
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
        # another version of the server: its own columns do as well
        return


def _configured(settings: Json, wanted: Wanted) -> tuple[Json, tuple[str, ...]]:
    """Return what is to be written of the labelling configuration, and how people changed its labels."""
    there = Configuration.parse(settings["label_config"])
    before = Mark.of(settings)
    untouched = before is not None and before.configuration == there.checksum
    if not (untouched and there.is_part_of(wanted.configuration)):
        if wanted.configuration.is_part_of(there) and there.is_part_of(wanted.configuration):
            return {}, ()
        return {}, all_changes(wanted.configuration.labels, wanted.configuration.relations, there)
    changed: Json = {}
    if there.checksum != wanted.configuration.checksum:
        changed["label_config"] = wanted.mark.write(wanted.configuration.xml)
    said = settings.get("description") or ""
    if Mark.find(said) is not None:
        # an earlier version wrote the mark there
        changed["label_config"] = wanted.mark.write(wanted.configuration.xml)
        own = without_mark(said)
        changed["description"] = description(wanted.role) if own in _EARLIER else own
        if (settings.get("color") or NO_COLOUR).upper() == NO_COLOUR:
            changed["color"] = COLOURS[wanted.role]
    return changed, ()


_EARLIER = (
    "Documents with a model's pre-labels: accept them, correct them, add what is missing.",
    "The held-out test set: annotated without pre-labels, so that no model shapes its own measure.",
)
"""Descriptions that earlier versions wrote."""


def _of_title(connection: Connection, title: str) -> Iterator[Json]:
    page, seen = 1, set[int]()
    while True:
        try:
            answer = connection.get("api/projects/", title=title, page=page, page_size=100)
        except NotFoundError:
            return
        page_of = shapes.mapping(answer, "a list of projects", connection.server)
        results = shapes.mappings(page_of.get("results"), "a list of projects", connection.server)
        found = [shapes.project_of(settings, connection.server) for settings in results]
        yield from sorted((item for item in found if item["title"] == title), key=lambda item: int(item["id"]))
        ids = {item["id"] for item in found}
        # a server that always names a next page would be asked for ever
        if not page_of.get("next") or ids <= seen:
            return
        seen |= ids
        page += 1


def _name(column: Json) -> str:
    parent = column.get("parent")
    return f"{parent}.{column['id']}" if parent else str(column["id"])
