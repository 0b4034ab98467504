"""The demonstration: a local Label Studio, a project on the invented corpus, and the first round."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.sources import Sources
from biorat_al.demo.annotator import annotate_open_tasks
from biorat_al.demo.corpus import GUIDELINES_FILE, NOTICE, read_demo_corpus
from biorat_al.demo.curve import curve_text, draw_curve
from biorat_al.desk.labelstudio.client import LabelStudioDesk
from biorat_al.desk.labelstudio.connection import Connection
from biorat_al.desk.labelstudio.local_server.server import LocalServer
from biorat_al.presentation.init import init_text
from biorat_al.presentation.round import RoundLines
from biorat_al.presentation.text import duration
from biorat_al.progress import SILENT, Progress
from biorat_al.project import Project, new_settings
from biorat_al.store.tasks import desk_project
from biorat_al.wording import plural

TEST_DOCUMENTS = 40
ROUNDS = 3
SIZE = 20
STEPS = 150
"""Least steps of each training: a third of a project's, since the demo is to show the loop in minutes."""

Say = Callable[[str], object]


def run_demo(
    folder: Path,
    *,
    auto: bool,
    say: Say,
    progress: Progress = SILENT,
    server: LocalServer | None = None,
    encoder: str = "minilm",
) -> Project:
    """Set everything up and push the first batch; with `auto`, also annotate and train for three rounds.

    :param folder: the project's folder; it must be new or empty.
    :param say: called with each text to show.
    :param server: the Label Studio to use; None uses this user's own, and installs and starts it if necessary.
    :raises BioratError: a step failed; the message says which one and what to do.
    """
    began = time.monotonic()
    say(NOTICE)
    local = server or LocalServer()
    local.install(progress)
    info = local.start(progress=progress)
    credentials = local.credentials()
    assert credentials is not None
    desk = LabelStudioDesk(info.url, credentials.token)
    project = make_project(folder, encoder, desk, say, progress)
    _round(project, say, progress)
    say(f"From nothing to the first tasks: {duration(time.monotonic() - began)}.")
    if auto:
        _play_annotator(project, Connection(info.url, credentials.token), say, progress)
    say(
        "\n".join(
            [
                "",
                f"Label Studio   {info.url}",
                f"  login        {credentials.email}",
                f"  password     {credentials.password}",
                "What to do now:",
                "  1. Log in, open the project, click 'Label All Tasks', and mark diseases (1) and chemicals (2).",
                f"  2. Then: {activation()}cd {shlex.quote(str(project.folder))} && biorat-al round",
                "  3. Label Studio goes on in the background; to end it: biorat-al label-studio stop",
            ]
        )
    )
    return project


def activation() -> str:
    """Return what to type before ``biorat-al`` so that the shell finds it; nothing if it does already.

    Who ran ``make demo`` has activated no environment.
    """
    script = Path(sys.executable).with_name("activate")
    if shutil.which("biorat-al") or not script.exists():
        return ""
    return f"source {shlex.quote(str(script))} && "


def make_project(folder: Path, encoder: str, desk: LabelStudioDesk, say: Say, progress: Progress) -> Project:
    """Make the demo's project: the pool without annotations, the test documents with gold annotations."""
    records = list(read_demo_corpus())
    held_out = records[:: len(records) // TEST_DOCUMENTS][:TEST_DOCUMENTS]
    ids = {record.document.id for record in held_out}
    with tempfile.TemporaryDirectory() as scratch:
        test, pool = Path(scratch) / "test.jsonl", Path(scratch) / "pool.jsonl"
        write_jsonl(test, held_out)
        write_jsonl(pool, (Record(document, None, source) for document, _, source in records if document.id not in ids))
        settings = new_settings(
            "demo",
            ["Disease", "Chemical"],
            encoder=encoder,
            database="sqlite",
            desk="label-studio",
            seed=13,
            size=SIZE,
            strategy="mnlp",
        )
        training = settings.training.model_copy(update={"min_steps": STEPS})
        settings = settings.model_copy(update={"training": training})
        made, report, read = Project.init(
            folder, settings, Sources([pool], [test]), guidelines=GUIDELINES_FILE, progress=progress
        )
    say(init_text(made, report, read).rsplit("\n", 1)[0])
    made.close()
    return Project.open(made.folder, desk=desk)


def _round(project: Project, say: Say, progress: Progress) -> None:
    """Run a round, and say what each step did as soon as it has ended."""
    lines = RoundLines(project.settings.name, say)
    lines.end(project.round(progress=progress, follow=lines.follow), project.status(ask_desk=False))


def _play_annotator(project: Project, connection: Connection, say: Say, progress: Progress) -> None:
    """Answer all tasks and run a round, three times; then draw the curve and export the corpus."""
    gold: Mapping[str, Annotation] = {
        record.document.id: record.annotation or Annotation() for record in read_demo_corpus()
    }
    with project.store.read() as session:
        pool = desk_project(session, "pool")
    assert pool is not None
    for _ in range(ROUNDS):
        count = annotate_open_tasks(connection, pool.reference, gold.__getitem__, progress)
        say(f"\nAnnotated {plural(count, 'task')} through Label Studio, from the corpus's own answers.")
        _round(project, say, progress)
    rounds = project.status(ask_desk=False).rounds
    say("\n" + curve_text(rounds))
    picture = draw_curve(rounds, "Demo corpus (invented abstracts), one seed", project.folder / "learning_curve.png")
    counts = project.export(project.folder / "corpus").documents
    exported = plural(sum(counts.values()), "document")
    say(f"Drawn in {picture}; corpus of {exported} exported to {project.folder / 'corpus'}")
