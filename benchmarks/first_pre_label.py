"""From nothing to the first pre-label: the time from a clone of this repository to a task with pre-labels.

Clones the repository into a temporary folder, runs `make demo` there (environment, Label Studio, project, first batch),
answers the batch through Label Studio's interface (this is left out: it is the annotator's time), and runs the first
`biorat-al round` that trains. Prints the seconds of each part. Label Studio lives in the temporary folder too and is
stopped at the end.

    python benchmarks/first_pre_label.py
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

ANSWER = """
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.desk.labelstudio.local_server.server import LocalServer
from biorat_al.project import Project
from biorat_al.store.tasks import desk_project

server = LocalServer()
credentials = server.credentials()
gold = {record.document.id: record.annotation for record in read_demo_corpus()}
with Project.open("demo-project") as project, project.store.read() as session:
    row = desk_project(session, "pool")
    annotate_open_tasks(Connection(server.status().url, credentials.token), row.reference, gold.__getitem__)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "biorat-al"
        environment = os.environ | {"BIORAT_HOME": str(Path(folder) / "home")}
        environment.pop("BIORAT_LABEL_STUDIO_VENV", None)

        def timed(*command: str, cwd: Path = clone) -> float:
            began = time.monotonic()
            subprocess.run(command, cwd=cwd, env=environment, check=True)
            return time.monotonic() - began

        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        program = str(clone / ".venv" / "bin" / "biorat-al")
        try:
            demo = timed("make", "demo")
            timed(str(clone / ".venv" / "bin" / "python"), "-c", ANSWER)
            first = timed(program, "round", cwd=clone / "demo-project")
        finally:
            if Path(program).exists():
                subprocess.run([program, "label-studio", "stop"], env=environment, check=False)
    print(f"make demo {demo:.0f} s, first round that trains {first:.0f} s: {demo + first:.0f} s to the first pre-label")


if __name__ == "__main__":
    main()
