"""How long pushing takes through the desk, against the bare import request of the same tasks.

Starts a Label Studio of its own in a temporary folder. Each repetition pushes the same 1,000 pre-labelled tasks twice
on that server, into two new projects, in turns: through the desk as a round does it (look for the keys, then chunks of
500, everything checked, task ids returned), and as bare HTTP requests of the same chunks. Reported is the median of
the ratios of the pairs, with the range.

With --lenient the server does not refuse malformed predictions, as Label Studio comes by default; it then checks each
once instead of twice and is faster, so that what the desk adds weighs more.

    python benchmarks/push_speed.py [--repetitions 5] [--tasks 1000] [--lenient] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from biorat_al.corpus.model.document import Document, Entity, Span
from biorat_al.desk.base import DeskProject, PreAnnotation, Task
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.configuration import LabellingConfiguration, labelling_configuration
from biorat_al.desk.labelstudio.local_server.server import LocalServer
from biorat_al.desk.labelstudio.pushing import task_body

CHUNK = 500
LABELS = ("Chemical", "Disease")
TARGET = 1.3


def make_tasks(count: int, seed: int = 13) -> list[Task]:
    """Return tasks of the size of an abstract: 200 words, ten mentions."""
    generator = random.Random(seed)
    tasks = []
    for number in range(count):
        words = [
            "".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=generator.randint(3, 11))) for _ in range(200)
        ]
        text = " ".join(words)
        starts = sorted(generator.sample(range(0, len(text) - 12, 12), 10))
        entities = tuple(
            Entity(f"e{place}", generator.choice(LABELS), (Span(start, start + 9),), score=generator.random())
            for place, start in enumerate(starts)
        )
        document = Document(f"{10_000_000 + number}", text)
        tasks.append(Task(document.id, document, PreAnnotation("bench-r1-rat-0123abcd", generator.random(), entities)))
    return tasks


def chunks(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the tasks in the portions in which a round pushes them."""
    return [list(tasks[begin : begin + CHUNK]) for begin in range(0, len(tasks), CHUNK)]


def through_the_desk(desk: LabelStudioDesk, project: DeskProject, tasks: Sequence[Task]) -> float:
    """Return the seconds to push through the desk, the look for keys that are there included."""
    begin = time.perf_counter()
    there = desk.find(project, [task.key for task in tasks])
    for some in chunks([task for task in tasks if task.key not in there]):
        desk.push(project, some)
    return time.perf_counter() - begin


def bare(url: str, token: str, project: DeskProject, bodies: Sequence[bytes]) -> float:
    """Return the seconds for the bare requests."""
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(headers=headers, timeout=300, trust_env=False, limits=limits) as http:
        begin = time.perf_counter()
        for body in bodies:
            http.post(f"{url}/api/projects/{project.reference}/import", content=body).raise_for_status()
        return time.perf_counter() - begin


def measure(server: LocalServer, count: int, repetitions: int) -> dict[str, object]:
    """Push in turns and return what was measured."""
    info, credentials = server.start(), server.credentials()
    assert credentials is not None
    desk = LabelStudioDesk(info.url, credentials.token)
    tasks = make_tasks(count)
    configuration = LabellingConfiguration.parse(labelling_configuration(LABELS))
    bodies = [json.dumps([task_body(task, configuration) for task in some]).encode() for some in chunks(tasks)]

    def new_project() -> DeskProject:
        return desk.prepare("pool", "push speed", LABELS, marker=secrets.token_hex(8))

    # imports and caches, on both sides, before anything is measured
    through_the_desk(desk, new_project(), tasks[:50])
    pairs = []
    for number in range(repetitions):
        ways = [
            lambda: through_the_desk(desk, new_project(), tasks),
            lambda: bare(info.url, credentials.token, new_project(), bodies),
        ]
        # whoever goes first changes sides
        order = (0, 1) if number % 2 == 0 else (1, 0)
        seconds = {way: ways[way]() for way in order}
        pairs.append((seconds[0], seconds[1]))
    ratios = [one / other for one, other in pairs]
    return {
        "tasks": count,
        "repetitions": repetitions,
        "label_studio": info.version,
        "desk_seconds": [round(one, 3) for one, _ in pairs],
        "bare_seconds": [round(other, 3) for _, other in pairs],
        "median_ratio": round(statistics.median(ratios), 3),
        "range": [round(min(ratios), 3), round(max(ratios), 3)],
        "target": TARGET,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--lenient", action="store_true", help="a server that does not refuse malformed predictions")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="biorat-push-speed-") as folder:
        strict = "false" if options.lenient else "true"
        server = LocalServer(Path(folder), {"fflag_feat_utc_210_prediction_validation_15082025": strict})
        server.installation = LocalServer().installation
        try:
            found = measure(server, options.tasks, options.repetitions)
        finally:
            server.stop()
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['tasks']} pre-labelled tasks, Label Studio {found['label_studio']}, {found['repetitions']} pairs")
    print(f"through the desk, seconds: {found['desk_seconds']}")
    print(f"bare requests, seconds:    {found['bare_seconds']}")
    print(f"median ratio {found['median_ratio']} (range {found['range']}), target at most {found['target']}")


if __name__ == "__main__":
    main()
