"""The oracle: a desk like any other, and one that survives being killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from biorat_al.corpus.model.document import Annotation, Concept, Entity, Relation, Span
from biorat_al.desk.base import Desk, DeskProject, PreAnnotation, Task
from biorat_al.desk.oracle import OracleDesk, with_origins
from biorat_al.errors import DeskError
from tests.desk.contract import DOCUMENTS, GOLD, LABELS, RELATIONS, DeskContract, documents, gold, pushed, task


class _Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desk: Desk = OracleDesk(gold, folder)

    def reopen(self) -> Desk:
        return OracleDesk(gold, self.folder)

    def annotate(self, project: DeskProject, ids: Mapping[str, str]) -> None:
        """It has done so already."""


@pytest.fixture
def bench(tmp_path: Path) -> _Bench:
    return _Bench(tmp_path / "project")


class TestContract(DeskContract):
    pass


class TestContractOfSegments(DeskContract):
    role = "segment"


def test_a_document_without_gold_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    desk = OracleDesk(lambda ids: {key: GOLD[key] for key in ids if key != "1002"}, tmp_path)
    project = desk.prepare("pool", "oracle", LABELS)
    with pytest.raises(DeskError, match="document 1002"):
        desk.push(project, [task("1001"), task("1002")])
    assert desk.find(project, ["1001", "1002"]) == {}


def test_a_key_that_is_there_already_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    desk = OracleDesk(gold, tmp_path)
    project = desk.prepare("pool", "oracle", LABELS)
    pushed(desk, project, ["1001"])
    with pytest.raises(DeskError, match="'1001' already exists"):
        desk.push(project, [task("1002"), task("1001")])
    assert set(desk.find(project, ["1001", "1002"])) == {"1001"}


def test_relations_concepts_and_extras_of_gold_are_kept(tmp_path: Path) -> None:
    chemical = Entity("C", "Chemical", (Span(0, 7),), concepts=(Concept("MESH", "D001241"),), extras={"note": "n"})
    disease = Entity("D", "Disease", (Span(17, 25),))
    whole = Annotation((chemical, disease), (Relation("R", "treats", "C", "D"),), extras={"events": [1]})
    desk = OracleDesk(lambda ids: dict.fromkeys(ids, whole), tmp_path)
    project = desk.prepare("pool", "oracle", LABELS)
    desk.push(project, [task("1001")])
    answer = desk.pull(project, documents).tasks[0].annotations[0]
    assert answer.annotation.relations == whole.relations
    assert answer.annotation.extras == whole.extras
    assert answer.annotation.entities[0].concepts == chemical.concepts
    assert answer.annotation.entities[0].extras == chemical.extras


def test_an_answer_says_which_relations_were_proposed(tmp_path: Path) -> None:
    one, two = (Entity(name, "Disease", (span,)) for name, span in (("a", Span(0, 4)), ("b", Span(5, 9))))
    true = (
        Relation("R1", "treats", "a", "b", extras={"note": "n"}),
        Relation("R2", "treats", "b", "a"),
        Relation("R3", "occurs with", "a", "b", directed=False),
    )
    desk = OracleDesk(lambda ids: dict.fromkeys(ids, Annotation((one, two), true)), tmp_path)
    project = desk.prepare("pool", "oracle", LABELS, relations=RELATIONS)
    # the ends are told by label and place, not by what they are called
    shown = (Entity("b", "Disease", (Span(0, 4),)), Entity("a", "Disease", (Span(5, 9),)))
    proposed = (Relation("r1", "treats", "b", "a"), Relation("r2", "occurs with", "a", "b", directed=False))
    desk.push(project, [Task("1001", DOCUMENTS["1001"], PreAnnotation("m-1", 0.5, shown, proposed))])
    (state,) = (
        OracleDesk(lambda ids: dict.fromkeys(ids, Annotation((one, two), true)), tmp_path)
        .pull(project, documents)
        .tasks
    )
    assert [relation.extras for relation in state.annotations[0].annotation.relations] == [
        {"note": "n", "origin": "prediction"}, {"origin": "manual"}, {"origin": "prediction"},
    ]  # fmt: skip


def test_what_an_earlier_version_remembered_can_still_be_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "oracle.db")) as database, database:
        database.executescript(
            """
            CREATE TABLE project (id INTEGER PRIMARY KEY, role TEXT NOT NULL, title TEXT NOT NULL,
                marker TEXT NOT NULL, labels TEXT NOT NULL, shown_version TEXT);
            CREATE TABLE task (id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, key TEXT NOT NULL,
                document TEXT NOT NULL, length INTEGER NOT NULL, answered_from INTEGER, UNIQUE (project, key));
            CREATE TABLE pre_annotation (id INTEGER PRIMARY KEY, task INTEGER NOT NULL, version TEXT NOT NULL,
                entities TEXT NOT NULL, UNIQUE (task, version));
            INSERT INTO project VALUES (1, 'pool', 'oracle', '', '["Chemical", "Disease"]', NULL);
            INSERT INTO pre_annotation VALUES (1, 1, 'm-1', '[["Chemical", [[0, 7]], 0.75]]');
            INSERT INTO task VALUES (1, 1, '1001', '1001', 26, 1);
            """
        )
    desk = OracleDesk(gold, tmp_path)
    before = DeskProject("pool", "1", "oracle:1", LABELS)
    (state,) = desk.pull(before, documents).tasks
    answer = state.annotations[0]
    assert answer.shown_version == "m-1"
    assert [entity.origin for entity in answer.annotation.entities] == ["prediction", "manual"]
    assert answer.annotation.relations == GOLD["1001"].relations
    project = desk.prepare("pool", "oracle", LABELS, "1", relations=RELATIONS)
    newer = PreAnnotation("m-2", 0.5, GOLD["1001"].entities, GOLD["1001"].relations)
    desk.add_pre_annotations(project, {"1": newer})
    (state,) = desk.pull(project, documents).tasks
    assert state.annotations[0].annotation.relations[0].extras == {"origin": "manual"}


def test_an_answer_keeps_the_version_that_it_was_begun_from(tmp_path: Path) -> None:
    desk = OracleDesk(gold, tmp_path)
    project = desk.prepare("pool", "oracle", LABELS)
    ids = pushed(desk, project, ["1001"], "m-1")
    desk.add_pre_annotations(project, {ids["1001"]: PreAnnotation("m-2", 0.5, ())})
    desk.publish(project, "m-2")
    (state,) = desk.pull(project, documents).tasks
    assert state.annotations[0].shown_version == "m-1"


def test_a_file_that_is_no_database_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "oracle.db").write_bytes(b"not a database" * 100)
    with pytest.raises(DeskError, match=r"oracle\.db"):
        OracleDesk(gold, tmp_path).check()


def test_a_file_that_was_removed_is_a_plain_error(tmp_path: Path) -> None:
    desk = OracleDesk(gold, tmp_path)
    project = desk.prepare("pool", "oracle", LABELS)
    (tmp_path / "oracle.db").unlink()
    with pytest.raises(DeskError, match="no project 1"):
        desk.push(project, [task("1001")])


def test_killed_in_the_middle_of_a_push_it_has_all_of_it_or_nothing(tmp_path: Path) -> None:
    # gold is asked for inside the transaction: the process dies between the first task and the second
    program = f"""
import os, signal, sys
from pathlib import Path
from biorat_al.desk.oracle import OracleDesk
from tests.desk.contract import GOLD, LABELS, task
class Gold(dict):
    def __getitem__(self, key):
        if key == "1002":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(key)
    def __contains__(self, key):
        self[key]
        return True
desk = OracleDesk(lambda ids: Gold(GOLD), Path({str(tmp_path)!r}))
project = desk.prepare("pool", "oracle", LABELS)
print(project.reference, flush=True)
desk.push(project, [task("1003")])
desk.push(project, [task("1001"), task("1002")])
"""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    desk = OracleDesk(gold, tmp_path)
    project = desk.prepare("pool", "oracle", LABELS)
    assert project.reference == done.stdout.strip()
    assert set(desk.find(project, list(DOCUMENTS))) == {"1003"}
    pushed(desk, project, ["1001", "1002"])
    assert len(desk.pull(project, documents).existing) == 3


def test_what_is_remembered_holds_no_text_of_the_documents(tmp_path: Path) -> None:
    desk = OracleDesk(gold, tmp_path)
    pushed(desk, desk.prepare("pool", "oracle", LABELS), list(DOCUMENTS))
    with sqlite3.connect(tmp_path / "oracle.db") as database:
        dump = "\n".join(database.iterdump())
    assert "1001" in dump
    assert "relieves" not in dump


def test_raw_counts_what_the_annotator_did(tmp_path: Path) -> None:
    wrong = Entity("e9", "Disease", (Span(8, 16),), score=0.4)
    proposed = (GOLD["1001"].entities[0], wrong)
    desk = OracleDesk(gold, tmp_path)
    project = desk.prepare("pool", "oracle", LABELS)
    desk.push(project, [Task("1001", DOCUMENTS["1001"], PreAnnotation("m-1", 0.5, proposed))])
    (state,) = desk.pull(project, documents).tasks
    assert state.annotations[0].raw == {
        "oracle": {"prediction": 1, "prediction-changed": 0, "manual": 1, "removed": 1},
    }


def _entity(entity_id: str, label: str, *spans: tuple[int, int], score: float | None = None) -> Entity:
    return Entity(entity_id, label, tuple(Span(*span) for span in spans), score=score)


@pytest.mark.parametrize(
    ("proposed", "origin", "score"),
    [
        (_entity("p", "Disease", (3, 9), score=0.6), "prediction", 0.6),
        (_entity("p", "Chemical", (3, 9), score=0.6), "prediction-changed", 0.6),
        (_entity("p", "Disease", (3, 7), score=0.6), "prediction-changed", 0.6),
        (_entity("p", "Disease", (8, 12), score=0.6), "prediction-changed", 0.6),
        (_entity("p", "Chemical", (3, 7), score=0.6), "manual", None),
        (_entity("p", "Disease", (9, 12), score=0.6), "manual", None),
    ],
)
def test_origin_says_what_became_of_the_proposal(proposed: Entity, origin: str, score: float | None) -> None:
    (entity,) = with_origins([_entity("g", "Disease", (3, 9))], [proposed])
    assert (entity.id, entity.origin, entity.score) == ("g", origin, score)


def test_each_proposal_is_used_once_and_exact_ones_go_first() -> None:
    true = [_entity("a", "Disease", (0, 9)), _entity("b", "Disease", (3, 9)), _entity("c", "Disease", (3, 9))]
    shown = [_entity("p", "Disease", (3, 9), score=0.9)]
    assert [entity.origin for entity in with_origins(true, shown)] == ["manual", "prediction", "manual"]


def test_a_discontinuous_mention_is_accepted_in_any_order_of_its_pieces() -> None:
    (entity,) = with_origins([_entity("g", "Disease", (0, 6), (19, 25))], [_entity("p", "Disease", (19, 25), (0, 6))])
    assert entity.origin == "prediction"
