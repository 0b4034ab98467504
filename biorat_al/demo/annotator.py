"""A simulated annotator, who answers open tasks through Label Studio's own API from known answers.

It sends what the front end sends when a person submits: the final regions, the pre-label that they were made from, and
the time that it took.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from biorat_al.corpus.formats.label_studio.regions import annotation_of, regions_of
from biorat_al.corpus.model.document import Annotation
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration
from biorat_al.desk.labelstudio.connection import Connection, Json
from biorat_al.desk.labelstudio.pushing import DOCUMENT
from biorat_al.desk.oracle import with_origins
from biorat_al.progress import SILENT, Progress


def annotate_open_tasks(
    connection: Connection, project: str, answer: Callable[[str], Annotation], progress: Progress = SILENT
) -> int:
    """Answer every task of a project that nobody has answered or skipped; return how many.

    Correct pre-labels stay as they are, others are changed or removed, and missing regions are added; each region
    says which of these applies.

    :param project: reference of the project on the desk.
    :param answer: returns the correct annotation of a document by its id.
    :raises DeskError: Label Studio does not answer, or refuses an answer.
    """
    settings = connection.get(f"api/projects/{project}/")
    configuration = LabellingConfiguration.parse(settings["label_config"])
    untouched = [
        {"filter": f"filter:tasks:{count}_annotations", "operator": "equal", "type": "Number", "value": 0}
        for count in ("total", "cancelled")
    ]
    tasks = [task["id"] for task in connection.tasks(project, untouched, include="id")]
    with progress.bar("Annotating", total=len(tasks), unit="task") as bar:
        for task_id in tasks:
            began = time.monotonic()
            task: Json = connection.get(f"api/tasks/{task_id}/")
            body = _answer(task, configuration, settings.get("model_version") or "", answer)
            body["lead_time"] = time.monotonic() - began
            connection.request("POST", f"api/tasks/{task_id}/annotations/", params={"project": project}, body=body)
            bar.advance()
    return len(tasks)


def _answer(
    task: Json, configuration: LabellingConfiguration, version: str, answer: Callable[[str], Annotation]
) -> Json:
    """Return the body of the request that submits the answer to a task."""
    text = task["data"]["text"]
    gold = answer(task["data"][DOCUMENT])
    shown = next((made for made in task.get("predictions") or () if made["model_version"] == version), None)
    proposed = annotation_of(shown["result"], text)[0].entities if shown else ()
    entities = with_origins(gold.entities, proposed)
    return {
        "result": regions_of(
            entities, text, configuration.control, configuration.text, gold.relations, joined=configuration.joined
        ),
        "parent_prediction": shown["id"] if shown else None,
        "was_cancelled": False,
    }
