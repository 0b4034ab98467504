"""What every desk must do, whoever stands behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import pytest

from biorat_al.corpus.model.document import Annotation, Document, Entity, Passage, Relation, Span
from biorat_al.corpus.model.role import DESK_ROLES, SETTLING_ROLES, DeskRole, SettlingRole
from biorat_al.corpus.segments import PartOfDocument
from biorat_al.desk.base import Desk, DeskProject, Personal, PreAnnotation, Sheet, SheetRow, Task
from biorat_al.errors import DeskError, DeskProjectGoneError
from biorat_al.settings import RelationType

LABELS = ("Chemical", "Disease")

RELATIONS = (
    RelationType(name="treats", head="Chemical", tail="Disease"),
    RelationType(name="occurs with", head="Disease", tail="Disease", symmetric=True),
)

TEXTS = {
    "1001": "Aspirin relieves headache.",
    "1002": "No mention here.",
    "1003": "Title\r\n  Naloxone 😀 and 👩‍🔬 naïve coma\u0301.\r\n",
    "1004": "<b>Lithium</b> &amp; tremor, then lithium.",
    "1005": "Breast and ovarian cancer.",
}
DOCUMENTS = {
    key: Document(key, text, (Passage("title", 0, 5),), {"journal": "J"} if key == "1003" else {})
    for key, text in TEXTS.items()
}


def mention(key: str, surface: str, label: str, entity_id: str, **rest: object) -> Entity:
    """Return the first mention of `surface` in a document."""
    start = TEXTS[key].index(surface)
    return Entity(entity_id, label, (Span(start, start + len(surface)),), **rest)  # type: ignore[arg-type]


GOLD: Mapping[str, Annotation] = {
    "1001": Annotation(
        (mention("1001", "Aspirin", "Chemical", "T1"), mention("1001", "headache", "Disease", "T2")),
        (Relation("r1", "treats", "T1", "T2"),),
    ),
    "1002": Annotation(),
    "1003": Annotation((mention("1003", "Naloxone", "Chemical", "T1"), mention("1003", "coma\u0301", "Disease", "T2"))),
    "1004": Annotation((mention("1004", "Lithium", "Chemical", "T1"), mention("1004", "tremor", "Disease", "T2"))),
    "1005": Annotation(
        (
            Entity("T1", "Disease", (Span(0, 6), Span(19, 25))),
            mention("1005", "ovarian cancer", "Disease", "T2"),
        ),
        (Relation("r1", "occurs with", "T1", "T2", directed=False),),
    ),
}


def documents(ids: Sequence[str]) -> Mapping[str, Document]:
    """Return the documents that are known to the project."""
    return {key: DOCUMENTS[key] for key in ids if key in DOCUMENTS}


def gold(ids: Sequence[str]) -> Mapping[str, Annotation]:
    """Return what a perfect annotator says."""
    return {key: GOLD[key] for key in ids if key in GOLD}


def task(
    key: str, version: str | None = None, entities: tuple[Entity, ...] | None = None, *, role: DeskRole = "pool"
) -> Task:
    """Return a task; with a version it has a pre-annotation, by default the first gold entity.

    :param role: with ``segment``, the document is a part of one that says more before and after it.
    """
    proposed = tuple(replace(entity, score=0.75) for entity in GOLD[key].entities[:1]) if entities is None else entities
    return Task(key, DOCUMENTS[key], PreAnnotation(version, 0.5, proposed) if version else None, part_of(key, role))


TITLE, BEFORE, AFTER = "On headache", "\nAspirin comes before it. ", "\n And naloxone after it."


def part_of(key: str, role: DeskRole) -> PartOfDocument | None:
    """Return what a document is a part of in a project with this role; None if it is asked for as a whole."""
    if role != "segment":
        return None
    start = len(TITLE + BEFORE)
    whole = Document(f"of {key}", TITLE + BEFORE + TEXTS[key] + AFTER, (Passage("title", 0, len(TITLE)),))
    return PartOfDocument(whole, Span(start, start + len(TEXTS[key])))


def content(annotation: Annotation) -> set[tuple[str, tuple[Span, ...]]]:
    """Return what an annotation says, whatever its entities are called."""
    return {(entity.label, tuple(sorted(entity.spans))) for entity in annotation.entities}


def related(annotation: Annotation) -> set[tuple[str, bool, tuple[tuple[str, tuple[Span, ...]], ...]]]:
    """Return what an annotation's relations say, whatever its entities are called."""
    mentions = {entity.id: (entity.label, tuple(sorted(entity.spans))) for entity in annotation.entities}
    found = set()
    for relation in annotation.relations:
        ends = (mentions[relation.head], mentions[relation.tail])
        found.add((relation.label, relation.directed, ends if relation.directed else tuple(sorted(ends))))
    return found


def _parts(key: str) -> tuple[tuple[Entity, ...], tuple[Relation, ...]]:
    """Return gold as a model proposes it."""
    relations = tuple(replace(relation, extras={"score": 0.5}) for relation in GOLD[key].relations)
    return tuple(replace(entity, score=0.75) for entity in GOLD[key].entities), relations


class Bench(Protocol):
    """A desk with annotators."""

    desk: Desk

    def reopen(self) -> Desk:
        """Return the same desk as another process sees it."""

    def annotate(self, project: DeskProject, ids: Mapping[str, str]) -> None:
        """Let somebody answer these tasks (ids by key) as gold says, with relations if the project has any."""


class DeskContract:
    """Inherit, and offer the fixture ``bench``.

    :cvar role: the role of the project; a subclass with another one runs all tests on that.
    """

    role: DeskRole = "pool"

    def project(self, bench: Bench, marker: str, role: DeskRole | None = None) -> DeskProject:
        return bench.desk.prepare(role or self.role, "contract", LABELS, marker=marker)

    def asked(self, key: str, version: str | None = None) -> Task:
        return task(key, version, role=self.role)

    def test_it_says_where_it_is_and_that_it_answers(self, bench: Bench) -> None:
        bench.desk.check()
        assert bench.desk.address()

    def test_preparing_twice_gives_the_same_project(self, bench: Bench, marker: str) -> None:
        made = self.project(bench, marker)
        assert made.labels == LABELS
        assert made.notices == ()
        assert self.project(bench, marker) == made
        assert bench.desk.prepare(self.role, "contract", LABELS, made.reference, marker=marker) == made
        bench.desk.push(made, [self.asked("1001")])
        assert self.project(bench, marker) == made

    def test_roles_and_markers_have_projects_of_their_own(self, bench: Bench, marker: str) -> None:
        made = [*(self.project(bench, marker, role) for role in DESK_ROLES), self.project(bench, f"{marker}x")]
        assert len({project.reference for project in made}) == len(DESK_ROLES) + 1

    def test_each_person_has_a_project(self, bench: Bench, marker: str) -> None:
        people = [Personal(marker, name, number) for number, name in enumerate(("ann@example.org", "bob@example.org"))]
        made = [bench.desk.prepare(self.role, "contract", LABELS, marker=person) for person in people]
        again = [bench.reopen().prepare(self.role, "contract", LABELS, marker=person) for person in people]
        assert again == made
        assert len({project.reference for project in (*made, self.project(bench, marker))}) == 3
        named = bench.desk.prepare(self.role, "contract", LABELS, made[0].reference, marker=people[0])
        assert (named, named.notices) == (made[0], ())

    def test_two_people_can_be_asked_for_one_document(self, bench: Bench, marker: str) -> None:
        desk = bench.desk
        projects = [
            desk.prepare(self.role, "contract", LABELS, marker=Personal(marker, name, number))
            for number, name in enumerate(("ann@example.org", "bob@example.org"))
        ]
        ids = [desk.push(project, [self.asked("1001")])["1001"] for project in projects]
        assert len(set(ids)) == 2
        assert [desk.find(project, ["1001", "1002"]) for project in projects] == [{"1001": ident} for ident in ids]
        for project, ident in zip(projects, ids, strict=True):
            pull = desk.pull(project, documents)
            assert pull.existing == {ident}
            assert pull.keys == {ident: "1001"}

    def test_a_project_that_is_gone_is_an_error(self, bench: Bench) -> None:
        with pytest.raises(DeskProjectGoneError, match="999999"):
            bench.desk.prepare(self.role, "contract", LABELS, "999999")
        with pytest.raises(DeskProjectGoneError, match="999999"):
            bench.desk.pull(DeskProject(self.role, "999999", "gone", LABELS), documents)

    def test_pushed_tasks_are_found_by_their_keys(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1001", "m-1"), self.asked("1002", "m-1"), self.asked("1003")])
        assert set(ids) == {"1001", "1002", "1003"}
        assert len(set(ids.values())) == 3
        assert bench.desk.find(project, ["1003", "1001", "never"]) == {"1001": ids["1001"], "1003": ids["1003"]}
        assert bench.desk.find(project, []) == {}
        assert bench.desk.push(project, []) == {}

    def test_pushing_only_what_is_missing_makes_no_doubles(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        bench.desk.push(project, [self.asked("1001"), self.asked("1002")])
        there = bench.desk.find(project, list(TEXTS))
        bench.desk.push(project, [self.asked(key) for key in TEXTS if key not in there])
        assert len(bench.desk.pull(project, documents).existing) == len(TEXTS)

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            (task("1002", "m-1", (Entity("e", "Chemical", (Span(3, 99),)),)), "3-99"),
            (task("1002", "m-1", (Entity("e", "Chemical", (Span(3, 3),)),)), "3-3"),
            (task("1002", "m-1", (Entity("e", "Chemical", (Span(-1, 3),)),)), "-1-3"),
            (task("1002", "m-1", (Entity("e", "Chemical", ()),)), "has no spans"),
            (task("1002", "m-1", (Entity("e", "Gene", (Span(0, 2),)),)), "Gene"),
            (task("1002", "m-1", (Entity("", "Chemical", (Span(0, 2),)),)), "entity id"),
            (task("1002", "m-1", (Entity("e", "Chemical", (Span(0, 2),)),) * 2), "twice"),
            (task("1002", "m-1", (Entity("e", "Chemical", (Span(0, 2),), score=1.2),)), "1.2"),
            (Task("1002", DOCUMENTS["1002"], PreAnnotation("m-1", 1.5, ())), "1.5"),
            (Task("1002", DOCUMENTS["1002"], PreAnnotation("m-1", math.nan, ())), "nan"),
            (Task("1002", DOCUMENTS["1002"], PreAnnotation("", 0.5, ())), "version"),
            (Task("1001", DOCUMENTS["1002"]), "1001"),
            (Task("", DOCUMENTS["1002"]), "empty"),
            (Task("1002", Document("1002", "half \ud83d pair")), "surrogate"),
            (Task("1002", Document("1002", "null \0 character")), "null"),
        ],
    )
    def test_an_invalid_task_is_refused_and_none_of_its_chunk_is_made(
        self, bench: Bench, marker: str, wrong: Task, why: str
    ) -> None:
        project = self.project(bench, marker)
        with pytest.raises(DeskError, match="document 1002") as caught:
            bench.desk.push(project, [self.asked("1001", "m-1"), wrong, self.asked("1003", "m-1")])
        assert why in str(caught.value)
        assert "\n" not in str(caught.value)
        assert bench.desk.pull(project, documents).existing == frozenset()

    def test_answers_come_back_as_they_were_given(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        ids = bench.desk.push(project, [self.asked(key, "m-1") for key in TEXTS])
        bench.annotate(project, ids)
        pull = bench.desk.pull(project, documents)
        assert pull.existing == set(ids.values())
        assert (pull.open_tasks, pull.open_seats) == (frozenset(), 0)
        assert {state.key: state.task_id for state in pull.tasks} == ids
        for state in pull.tasks:
            (answer,) = state.annotations
            assert answer.annotator
            assert not answer.skipped
            assert answer.usable
            assert answer.is_an_answer
            assert (answer.made_from, answer.editor, answer.copied_from, answer.slips) == (None, None, None, (0, 0))
            assert answer.problems == ()
            assert answer.shown_version == "m-1"
            assert content(answer.annotation) == content(GOLD[str(state.key)])
            assert answer.updated_at >= answer.created_at
            first = GOLD[str(state.key)].entities[:1]
            for entity in answer.annotation.entities:
                accepted = bool(first) and sorted(entity.spans) == sorted(first[0].spans)
                assert entity.origin == ("prediction" if accepted else "manual")
                assert entity.score == (0.75 if accepted else None)

    def related_project(self, bench: Bench, marker: str) -> DeskProject:
        return bench.desk.prepare(self.role, "contract", LABELS, marker=marker, relations=RELATIONS)

    def related_task(self, key: str, proposed: bool = True) -> Task:
        pre_annotation = PreAnnotation("m-1", 0.5, *_parts(key)[: 2 if proposed else 1])
        return Task(key, DOCUMENTS[key], pre_annotation, part_of(key, self.role))

    def test_a_project_with_relations_stays_the_same(self, bench: Bench, marker: str) -> None:
        made = self.related_project(bench, marker)
        assert made.relations == RELATIONS
        assert made.notices == ()
        assert self.related_project(bench, marker) == made

    def test_relations_come_to_a_project_that_had_none(self, bench: Bench, marker: str) -> None:
        before = self.project(bench, marker)
        made = self.related_project(bench, marker)
        assert (made.reference, made.notices) == (before.reference, ())
        assert bench.desk.push(made, [self.related_task("1001")])

    @pytest.mark.parametrize("proposed", [True, False])
    def test_relations_come_back_as_they_were_given(self, bench: Bench, marker: str, proposed: bool) -> None:
        project = self.related_project(bench, marker)
        tasks = [self.related_task(key, proposed) for key in TEXTS]
        bench.annotate(project, bench.desk.push(project, tasks))
        pull = bench.desk.pull(project, documents)
        assert {state.key for state in pull.tasks} == set(TEXTS)
        for state in pull.tasks:
            (answer,) = state.annotations
            assert answer.problems == ()
            assert content(answer.annotation) == content(GOLD[str(state.key)])
            assert related(answer.annotation) == related(GOLD[str(state.key)])

    @pytest.mark.parametrize(
        ("relation", "why"),
        [
            (Relation("r1", "cures", "T1", "T2"), "relation label 'cures'"),
            (Relation("r1", "same mention", "T1", "T2"), "relation label 'same mention'"),
            (Relation("r1", "treats", "T1", "T9"), "'T9'"),
            (Relation("r1", "treats", "T0", "T2"), "'T0'"),
            (Relation("r1", "treats", "T1", "T2", extras={"score": 1.5}), "1.5"),
        ],
    )
    def test_an_invalid_relation_is_refused(self, bench: Bench, marker: str, relation: Relation, why: str) -> None:
        project = self.related_project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1002")])
        wrong = PreAnnotation("m-1", 0.5, GOLD["1001"].entities, (relation,))
        with pytest.raises(DeskError, match="document 1001") as caught:
            bench.desk.push(project, [self.asked("1003"), Task("1001", DOCUMENTS["1001"], wrong)])
        assert why in str(caught.value)
        assert set(bench.desk.find(project, list(TEXTS))) == {"1002"}
        other = PreAnnotation("m-1", 0.5, (), (relation,))
        with pytest.raises(DeskError, match="document 1002"):
            bench.desk.add_pre_annotations(project, {ids["1002"]: other})

    def test_a_newer_version_may_have_relations(self, bench: Bench, marker: str) -> None:
        project = self.related_project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1001", "m-1")])
        bench.desk.add_pre_annotations(project, {ids["1001"]: PreAnnotation("m-2", 0.5, *_parts("1001"))})
        bench.desk.publish(project, "m-2")

    def test_without_pre_annotation_everything_is_drawn_by_hand(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker, "test")
        ids = bench.desk.push(project, [task("1001"), task("1002")])
        bench.annotate(project, ids)
        for state in bench.desk.pull(project, documents).tasks:
            (answer,) = state.annotations
            assert answer.shown_version is None
            assert {entity.origin for entity in answer.annotation.entities} <= {"manual"}

    @pytest.mark.parametrize("role", SETTLING_ROLES)
    def test_documents_are_settled_under_a_table_whole_or_in_part(
        self, bench: Bench, marker: str, role: SettlingRole
    ) -> None:
        project = bench.desk.prepare(role, "contract", LABELS, marker=marker, relations=RELATIONS)
        sides = ("A", "B") if role == "disputes" else ()
        row = SheetRow("<b>Label</b>", ("$text ", "Aspirin", " & more"), ("Chemical", "–"))
        sheet = Sheet("A and B differ.", ("A", "B"), (row,), sides)
        asked = [
            Task(f"{key} 0a1b", DOCUMENTS[key], PreAnnotation("all", 0.5, *_parts(key)), part, sheet)
            for key, part in (("1001", None), ("1002", None), ("1004", part_of("1004", "segment")))
        ]
        ids = bench.desk.push(project, asked)
        bench.desk.publish(project, "all")
        bench.annotate(project, {key.partition(" ")[0]: ident for key, ident in ids.items()})
        pull = bench.desk.pull(project, documents)
        assert {state.key: state.task_id for state in pull.tasks} == ids
        for state in pull.tasks:
            (answer,) = state.annotations
            assert (answer.problems, answer.usable, answer.side) == ((), True, None)
            assert content(answer.annotation) == content(GOLD[str(state.key).partition(" ")[0]])
        # what is answered stays
        assert bench.desk.take_back(project, [*ids.values(), "999999"]) == {"999999"}
        assert bench.desk.pull(project, documents).existing == set(ids.values())

    def test_pulling_again_gives_only_what_is_new(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        first = bench.desk.push(project, [self.asked("1001", "m-1"), self.asked("1002", "m-1")])
        bench.annotate(project, first)
        one = bench.desk.pull(project, documents)
        assert {state.key for state in one.tasks} == {"1001", "1002"}
        again = bench.desk.pull(project, documents, one.cursor)
        assert again.tasks == ()
        assert again.existing == one.existing
        more = bench.desk.push(project, [self.asked("1003", "m-1")])
        bench.annotate(project, more)
        two = bench.desk.pull(project, documents, again.cursor)
        assert [state.key for state in two.tasks] == ["1003"]
        assert bench.desk.pull(project, documents, two.cursor).tasks == ()

    def test_pulling_from_the_beginning_gives_everything_every_time(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1001", "m-1"), self.asked("1005", "m-1")])
        bench.annotate(project, ids)
        one = bench.desk.pull(project, documents)
        assert bench.desk.pull(project, documents) == one
        assert bench.desk.pull(project, documents, "not a cursor").tasks == one.tasks

    def test_a_second_process_sees_the_same(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1001", "m-1")])
        bench.annotate(project, ids)
        other = bench.reopen()
        assert other.prepare(self.role, "contract", LABELS, marker=marker) == project
        assert other.find(project, ["1001"]) == ids
        assert other.pull(project, documents) == bench.desk.pull(project, documents)

    def test_a_newer_version_is_added_once_and_shown(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1001", "m-1"), self.asked("1002", "m-1")])
        newer = {ids[key]: PreAnnotation("m-2", 0.25, GOLD[key].entities) for key in ids} | {
            "999999": PreAnnotation("m-2", 0.5, ())
        }
        for _ in range(2):
            bench.desk.add_pre_annotations(project, newer)
            bench.desk.publish(project, "m-2")
        bench.desk.add_pre_annotations(project, {})

    def test_an_invalid_newer_version_is_refused(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1001", "m-1")])
        wrong = PreAnnotation("m-2", 0.5, (Entity("e", "Chemical", (Span(0, 99),)),))
        with pytest.raises(DeskError, match="document 1001"):
            bench.desk.add_pre_annotations(project, {ids["1001"]: wrong})

    def test_whoever_answers_is_one_of_its_people(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        bench.annotate(project, bench.desk.push(project, [self.asked("1001")]))
        (state,) = bench.desk.pull(project, documents).tasks
        people = bench.desk.people()
        person = people[state.annotations[0].annotator]
        assert person.present
        assert all(name == one.name for name, one in people.items())

    def test_an_invitation_leads_to_the_desk(self, bench: Bench) -> None:
        link = bench.desk.invitation()
        assert link is None or link.startswith(f"{bench.desk.address()}/")

    def test_answered_tasks_are_not_taken_back(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        ids = bench.desk.push(project, [self.asked("1001", "m-1"), self.asked("1002")])
        bench.annotate(project, ids)
        before = bench.desk.pull(project, documents)
        assert bench.desk.take_back(project, [*ids.values(), "999999"]) == {"999999"}
        assert bench.desk.take_back(project, []) == frozenset()
        assert bench.desk.pull(project, documents) == before

    def test_a_version_without_pre_annotations_cannot_be_shown(self, bench: Bench, marker: str) -> None:
        project = self.project(bench, marker)
        bench.desk.push(project, [self.asked("1001", "m-1")])
        with pytest.raises(DeskError, match="m-9"):
            bench.desk.publish(project, "m-9")


def pushed(desk: Desk, project: DeskProject, keys: Iterable[str], version: str | None = "m-1") -> dict[str, str]:
    """Push tasks with these keys and return their ids."""
    return dict(desk.push(project, [task(key, version, role=project.role) for key in keys]))
