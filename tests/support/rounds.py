"""Projects for the tests of rounds, and a round in a process that is killed at a chosen moment."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from biorat_al.corpus.formats.jsonl import write_jsonl
from biorat_al.corpus.model.document import Annotation, Concept, Document, Entity, Record, Relation, Span
from biorat_al.corpus.sources import Sources
from biorat_al.demo.corpus import read_demo_corpus
from biorat_al.desk.base import DeskProject, Documents, Pull
from biorat_al.desk.oracle import OracleDesk
from biorat_al.project import Project
from biorat_al.rounds import runner, segments
from biorat_al.rounds.steps import evaluate, push
from biorat_al.rounds.steps import predict as predict_step
from biorat_al.rounds.steps import select as select_step
from biorat_al.settings import Settings, make_settings
from biorat_al.store.evaluations import relation_counts_of, reliability_of, robustness_of
from biorat_al.store.picks import picks_of
from biorat_al.store.tables import (
    AnnotationRow,
    DocumentRow,
    EntityRow,
    EvaluationRow,
    ModelRow,
    PredictionRow,
    TaskRow,
)
from tests.support.processes import forked

_DESK = {"pull": ("pull",), "push": ("prepare", "push", "publish")}


USUAL_STEPS = [step for step in runner.STEPS if step != "compare"]
"""Names of the steps of a round without files of predictions or dictionaries, in their order."""


def moments() -> list[str]:
    """Return the moments at which a round can be killed, in order: around each step's work, commit and desk calls.

    ``before:train`` is before the step begins, ``worked:train`` when its work is done, ``writing:train`` when its
    result is written and ``after:train`` when that is committed; ``before:desk.push`` and ``after:desk.push`` are
    before and after a call.
    """
    found = []
    for step in USUAL_STEPS:
        calls = [f"{when}:desk.{method}" for method in _DESK.get(step, ()) for when in ("before", "after")]
        found += [f"before:{step}", *calls, f"worked:{step}", f"writing:{step}", f"after:{step}"]
    return found


def settings_for(encoder: Path | str, **changes: Any) -> Settings:
    """Return settings with which a round takes a second or two.

    There is no committee, and a tenth of the documents is kept for development, unless the changes say otherwise.
    """
    values: dict[str, Any] = {
        "name": "trial",
        "entities": [{"name": "Disease"}, {"name": "Chemical"}],
        "encoder": {"name": str(encoder)},
        "training": {"epochs": 1, "min_steps": 3, "batch_size": 4},
        "selection": {"size": 6},
        "desk": {"kind": "oracle"},
    }
    values |= changes
    values["training"] = {"committee": False, "dev_share": 0.1, **values["training"]}
    return make_settings(values)


RELATED: dict[str, Any] = {
    "relations": [{"name": "treats", "head": "Chemical", "tail": "Disease"}],
    # enough for the very small encoder to learn what documents are made of
    "training": {"min_steps": 60, "batch_size": 8, "learning_rate": 5e-3},
    "relation_extraction": {"learning_rate": 5e-3},
    "selection": {"size": 12},
}
"""Changes to :func:`settings_for` for a project on :func:`related_records`."""


def related_records(number: int) -> list[Record]:
    """Return documents of three sentences, made by rule: in one of two kinds of sentence a chemical treats a disease.

    Every fifth document also has a relation across sentences, which no candidate within a sentence can express.
    Mentions are words of the demo corpus, linked to concepts.
    """
    words = {
        label: sorted({one for record in read_demo_corpus() for one in _single_words(record, label)})[:6]
        for label in ("Chemical", "Disease")
    }
    generator = random.Random(5)
    return [_related_record(place, words, generator) for place in range(number)]


def _related_record(place: int, words: dict[str, list[str]], generator: random.Random) -> Record:
    text = ""
    entities: list[Entity] = []
    relations: list[Relation] = []
    for _ in range(3):
        treats = generator.random() < 0.5
        kinds = ("Chemical", "Disease") if treats else ("Disease", "Chemical")
        ids = []
        text += "Here "
        for label, between in zip(
            kinds, (" was given for " if treats else " was seen in spite of ", ". "), strict=True
        ):
            word = generator.choice(words[label])
            ids.append(f"T{len(entities) + 1}")
            span = Span(len(text), len(text) + len(word))
            entities.append(Entity(ids[-1], label, (span,), (Concept("demo", word),)))
            text += word + between
        if treats:
            relations.append(Relation(f"R{len(relations) + 1}", "treats", *ids))
    if place % 5 == 0:
        head = next(one.id for one in entities if one.label == "Chemical")
        tail = next(one.id for one in reversed(entities) if one.label == "Disease")
        if (head, tail) not in {(one.head, one.tail) for one in relations}:
            relations.append(Relation(f"R{len(relations) + 1}", "treats", head, tail))
    return Record(Document(f"r{place}", text.rstrip()), Annotation(tuple(entities), tuple(relations)), f"made:{place}")


def _single_words(record: Record, label: str) -> list[str]:
    assert record.annotation is not None
    surfaces = (one.surface(record.document.text) for one in record.annotation.entities if one.label == label)
    return [surface for surface in surfaces if surface.isalpha() and surface.islower()]


def demo_files(
    folder: Path, *, pool: int = 40, test: int = 6, gold: bool = True, records: Sequence[Record] | None = None
) -> tuple[Path, Path]:
    """Write documents for the pool and for the test set; return the two files.

    :param records: None takes those of the demo corpus.
    """
    if records is None:
        records = list(read_demo_corpus())
    folder.mkdir(parents=True, exist_ok=True)
    files = (folder / "pool.jsonl", folder / "test.jsonl")
    chosen = [record if gold else Record(record.document, None, record.source) for record in records[:pool]]
    write_jsonl(files[0], chosen)
    write_jsonl(files[1], records[pool : pool + test])
    return files


def make_project(folder: Path, settings: Settings, *, gold: bool = True, **documents: Any) -> Project:
    """Make a project on a part of the demo corpus.

    :param documents: further options of :func:`demo_files`.
    """
    pool, test = demo_files(folder.parent / f"{folder.name}-documents", gold=gold, **documents)
    return Project.init(folder, settings, Sources([pool], [test], gold=gold))[0]


class PatientDesk(OracleDesk):
    """An oracle that answers when the test says so; until then its tasks are open."""

    def __init__(self, project: Project, *, empty: bool = False) -> None:
        super().__init__(_nothing if empty else project._gold, project.folder)
        self.finished: set[str] | None = set()

    def finish(self, *keys: str) -> None:
        """Let these documents be answered, or all present and future ones if none are given."""
        if not keys:
            self.finished = None
        elif self.finished is not None:
            self.finished.update(keys)

    def pull(self, project: DeskProject, documents: Documents, cursor: str | None = None) -> Pull:
        everything = super().pull(project, documents, None)
        if self.finished is None:
            return everything
        waiting = {task.task_id for task in everything.tasks if task.key not in self.finished}
        return replace(
            everything,
            tasks=tuple(task for task in everything.tasks if task.task_id not in waiting),
            open_tasks=everything.open_tasks | waiting,
        )


def _nothing(keys: Sequence[str]) -> dict[str, Annotation]:
    return dict.fromkeys(keys, Annotation())


def patient(project: Project, *, empty: bool = False) -> PatientDesk:
    """Give the project an oracle that waits, and return it; an `empty` oracle marks nothing in any document."""
    desk = PatientDesk(project, empty=empty)
    project._desk = desk
    return desk


def run_killed(folder: Path, moment: str | None = None, *, after_seconds: float | None = None, **request: Any) -> int:
    """Run a round in a separate process, and kill that process at a moment; return its exit code.

    :param moment: ``before:train``, ``after:desk.push``, ``before:train_relations``, ``before:make_segments``; with
        ``#2``, as in ``before:desk.push#2``, the second of these calls. None lets the round end.
    :param after_seconds: kill it this long after its beginning instead.
    """
    process = _started(folder, moment, request)
    if after_seconds is not None:
        process.join(after_seconds)
        if process.is_alive():
            process.kill()
    process.join(300)
    assert process.exitcode is not None, "the round did not end"
    return process.exitcode


def seconds_of_round(folder: Path) -> float:
    """Run a round in a separate process to its end, and return how long it took once the process had started."""
    process = _started(folder)
    begun = time.monotonic()
    process.join(300)
    assert process.exitcode == 0
    return time.monotonic() - begun


def _started(folder: Path, moment: str | None = None, request: dict[str, Any] | None = None) -> Any:
    process = forked.Process(target=_run, args=(folder, moment, request or {}, dict(os.environ)))
    process.start()
    return process


def _run(folder: Path, moment: str | None, request: dict[str, Any], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    with Project.open(folder) as project:
        if moment is not None:
            _arm(project, moment)
        project.round(**request)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


SEGMENTS_AT_ONCE = 5
"""Documents that are cut at once in a process that dies meanwhile, so that a small pool takes several chunks."""


def _arm(project: Project, moment: str) -> None:
    """Kill this process at `moment`."""
    when, _, what = moment.partition(":")
    what, _, number = what.partition("#")
    calls = int(number or 1)
    if what.startswith("desk."):
        _arm_call(project.desk, when, what.removeprefix("desk."), calls)
    elif what == "train_relations":
        from biorat_al.learner.relations import training

        _arm_call(training, when, what, calls)
    elif what == "make_segments":
        segments.CHUNK = SEGMENTS_AT_ONCE
        _arm_call(segments, when, what, calls)
    elif what == "train_later_arms":
        _arm_call(evaluate, when, what, calls)
    elif what == "likeliest":
        _arm_call(predict_step, when, what, calls)
    elif what in ("predict_begun", "pre_label_begun", "assign_seats"):
        _arm_call(select_step if what == "predict_begun" else push, when, what, calls)
    elif when == "after":
        run_step = runner._run_step

        def and_die(context: Any, name: str) -> None:
            run_step(context, name)
            if name == what:
                _die()

        runner._run_step = and_die
    else:
        runner.STEPS[what] = _deadly(runner.STEPS[what], when)


def _arm_call(place: Any, when: str, name: str, calls: int) -> None:
    work = getattr(place, name)
    left = calls

    def deadly(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if when == "before" and not left:
            _die()
        result = work(*arguments, **options)
        if not left:
            _die()
        return result

    setattr(place, name, deadly)


def _deadly(step: Callable[..., Any], when: str) -> Callable[..., Any]:
    def run(context: Any) -> Any:
        if when == "before":
            _die()
        finish = step(context)
        if when == "worked":
            _die()

        def and_die(session: Any) -> Any:
            result = finish(session)
            session.flush()
            _die()
            return result

        return and_die

    return run


def picture_of(project: Project) -> dict[str, Any]:
    """Return everything that a round decides, without times and row ids."""
    status = project.status(ask_desk=False)
    with project.store.read() as session:
        keys = {row.id: row.key for row in session.scalars(select(DocumentRow))}
        tasks = {
            keys[row.document_id]: (row.role, row.state, row.round_number) for row in session.scalars(select(TaskRow))
        }
        shown = {keys[row.document_id]: row.shown_version for row in session.scalars(select(TaskRow))}
        answers = sorted(
            (keys[row.document_id], row.source, row.current, row.skipped, row.annotator or "")
            for row in session.scalars(select(AnnotationRow))
        )
        entities = sorted(
            (keys[document], label, str(spans), origin or "")
            for document, label, spans, origin in session.execute(
                select(AnnotationRow.document_id, EntityRow.label, EntityRow.spans, EntityRow.origin).join(
                    EntityRow, EntityRow.annotation_id == AnnotationRow.id
                )
            )
        )
        predictions = sorted(
            (
                row.model_version,
                keys[row.document_id],
                *(row.confidence, row.mnlp, row.entity_entropy, tuple(row.earlier_mnlp)),
                *(str(row.entities), str(row.relations)),
            )
            for row in session.scalars(select(PredictionRow))
        )
        evaluations = sorted(
            (
                row.model_version,
                keys[row.document_id],
                row.label,
                row.true_positives,
                row.false_positives,
                row.false_negatives,
            )
            for row in session.scalars(select(EvaluationRow))
        )
        measured = {
            row.version: (
                [(part.bin, part.count, part.confidence, part.right) for part in reliability_of(session, row.version)],
                robustness_of(session, row.version),
                relation_counts_of(session, row.version),
                row.summary.get("relations", {}).get("sha256"),
            )
            for row in session.scalars(select(ModelRow))
        }

        picks = {
            row.number: [
                (pick.rank, keys[pick.document_id], pick.score, pick.reason) for pick in picks_of(session, row.number)
            ]
            for row in status.rounds
        }
    return {
        "tasks": tasks,
        "shown": shown,
        "answers": answers,
        "entities": entities,
        "predictions": predictions,
        "evaluations": evaluations,
        "measured": measured,
        "picks": picks,
        "models": [(row.number, row.state, row.models, row.f1) for row in status.rounds],
    }
